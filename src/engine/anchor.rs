//! An agent that writes the hashes of one chain's blocks into another, and compares the first chain with them.
//!
//! Source: the idea of time-stamping by publication (Haber and Stornetta 1991): a party that cannot change the
//! place where a hash was published cannot change the hashed data unnoticed. The signers of a chain can sign another
//! history. The hashes of that history differ from those that the other chain carries.
//!
//! The agent polls. At each poll it
//!
//! 1. reads the anchors that are final in `into`: transactions of its own account, by the node that it submits to;
//! 2. reads the newest final block of `from` and signs an anchor for every `every`-th height up to it;
//! 3. hands in each anchor that is not final yet, once, and again the same bytes after every `retry`;
//! 4. compares the final blocks of the nodes that it watches with all anchors. Another hash at an anchored height breaks
//!    the property "anchors".
//!
//! An anchor proves nothing before it is final, so it does not detect a rewrite that is faster. The agent reports this
//! lag. An anchor does not show which of two histories is the true one, only which was published first.
//!
//! Simplified: the agent reads from its nodes and submits to them without delay. A node that is down does not answer.

use super::world::{Agent, Chain, Findings};
use crate::base::{AccountId, ClientId, Duration, Hash, Height, Keyring, NodeId, Time};
use crate::chain::{Amount, Body, Transaction};
use crate::observe::{Violation, ViolationKind};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What an agent anchors, where, and how often.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The number of the chain whose blocks are anchored.
    pub from: usize,
    /// The number of the chain that carries the anchors.
    pub into: usize,
    /// Blocks of `from` per anchor, at least one.
    pub every: u64,
    /// The names of the two.
    pub names: [String; 2],
    /// The node of `from` whose final blocks are anchored.
    pub read: NodeId,
    /// The nodes of `from` whose final blocks are compared with the anchors.
    pub watch: Vec<NodeId>,
    /// The node of `into` that anchors are handed to and read back from.
    pub submit: NodeId,
    /// Time from one poll to the next, longer than zero.
    pub poll: Duration,
    /// After how long an anchor that is not final is handed in again.
    pub retry: Duration,
    /// What an anchor pays.
    pub fee: Amount,
    /// The agent's account on `into`, which no client uses.
    pub account: AccountId,
    /// The agent as a client of `into`.
    pub client: ClientId,
}

/// An anchor that the agent signed. Its place in the list is its nonce.
struct Signed {
    transaction: Arc<Transaction>,
    /// The time of the block that it anchors.
    made: Time,
    /// When it is handed in next, unless it is final.
    due: Time,
    is_final: bool,
    /// From its block until it was first seen final.
    lag: Option<Duration>,
}

/// An anchor that is final.
struct Anchor {
    hash: Hash,
    /// The height at which `into` carries it.
    at: Height,
}

/// What was compared already.
#[derive(Clone, PartialEq, Eq)]
struct Compared {
    /// The last final block of the node, whose hash stands for all before it.
    tip: Hash,
    /// The last final block of `into`, which stands for all anchors.
    anchors: Hash,
}

/// See the head of this file.
pub struct Anchoring {
    settings: Settings,
    keys: Arc<Keyring>,
    next: Time,
    /// The height to be anchored next.
    height: Height,
    signed: Vec<Signed>,
    /// By height on `from`.
    anchors: BTreeMap<Height, Anchor>,
    /// Where reading `into` goes on: the last block read.
    read: (Height, Hash),
    /// Per watched node.
    compared: Vec<Option<Compared>>,
    /// Contradictions already reported: node, height, and the block that it showed.
    reported: BTreeSet<(NodeId, Height, Hash)>,
    violations: Vec<Violation>,
}

impl Anchoring {
    /// An agent that signs with the keys of the accounts of `into`.
    #[must_use]
    pub fn new(settings: Settings, keys: Arc<Keyring>) -> Anchoring {
        Anchoring {
            keys,
            next: Time::ZERO + settings.poll,
            height: Height(settings.every),
            signed: Vec::new(),
            anchors: BTreeMap::new(),
            read: (Height::GENESIS, Hash::ZERO),
            compared: vec![None; settings.watch.len()],
            reported: BTreeSet::new(),
            violations: Vec::new(),
            settings,
        }
    }
    /// Reads the anchors that became final since last time; all of them again if `into` took back what was final.
    fn read_back(&mut self, now: Time, into: &mut dyn Chain) {
        let node = self.settings.submit;
        if !into.is_up(node) {
            return;
        }
        let tip = into.finalized(node);
        let known = into.block_at(node, self.read.0).filter(|_| self.read.0 <= tip.height());
        if self.read.0 > Height::GENESIS && known.is_none_or(|block| block.id() != self.read.1) {
            self.read = (Height::GENESIS, Hash::ZERO);
            self.anchors.clear();
            self.signed.iter_mut().for_each(|signed| signed.is_final = false);
        }
        let mut at = self.read.0;
        while at < tip.height() {
            at = at.next();
            for transaction in into.executed_at(node, at) {
                self.take(now, at, &transaction);
            }
        }
        self.read = (at, tip.id());
    }
    fn take(&mut self, now: Time, at: Height, transaction: &Transaction) {
        let Body::Anchor { height, hash } = transaction.body else { return };
        if transaction.sender != self.settings.account {
            return;
        }
        self.anchors.entry(height).or_insert(Anchor { hash, at });
        if let Some(signed) = self.signed.get_mut(transaction.nonce as usize) {
            signed.is_final = true;
            signed.lag.get_or_insert(now.since(signed.made));
        }
    }
    /// Signs an anchor for each height that became final and is to be anchored.
    fn sign(&mut self, now: Time, from: &dyn Chain) {
        let node = self.settings.read;
        if !from.is_up(node) {
            return;
        }
        let tip = from.finalized(node).height();
        while self.height <= tip {
            let block = from.block_at(node, self.height).expect("what is final is on the node's chain");
            let body = Body::Anchor { height: self.height, hash: block.id() };
            let Settings { account, fee, .. } = self.settings;
            let transaction = Transaction::signed(&self.keys, account, self.signed.len() as u64, fee, body, 0);
            self.signed.push(Signed { transaction, made: block.header.time, due: now, is_final: false, lag: None });
            self.height = Height(self.height.0 + self.settings.every);
        }
    }
    fn hand_in(&mut self, now: Time, into: &mut dyn Chain) {
        let Settings { submit, client, retry, .. } = self.settings;
        for signed in self.signed.iter_mut().filter(|signed| !signed.is_final && signed.due <= now) {
            signed.due = now + retry;
            into.submit(now, client, submit, signed.transaction.clone());
        }
    }
    /// Compares what the watched nodes call final with all anchors.
    fn compare(&mut self, now: Time, from: &dyn Chain) {
        for (at, node) in self.settings.watch.clone().into_iter().enumerate() {
            if !from.is_up(node) {
                continue;
            }
            let tip = from.finalized(node);
            let now_compared = Some(Compared { tip: tip.id(), anchors: self.read.1 });
            if self.compared[at] == now_compared {
                continue;
            }
            self.compared[at] = now_compared;
            for (height, anchor) in self.anchors.range(..=tip.height()) {
                let shown = from.block_at(node, *height).expect("what is final is on the node's chain").id();
                if shown == anchor.hash || !self.reported.insert((node, *height, shown)) {
                    continue;
                }
                let what = format!(
                    "{node} of {} shows block {shown} at height {height}, where {} carries the anchor of block {}, \
                     final at its height {}",
                    self.settings.names[0], self.settings.names[1], anchor.hash, anchor.at
                );
                self.violations.push(Violation { property: "anchors", kind: ViolationKind::Safety, at: now, what });
            }
        }
    }
}

impl Agent for Anchoring {
    fn next(&self) -> Option<Time> {
        Some(self.next)
    }
    fn act(&mut self, now: Time, chains: &mut [Box<dyn Chain>]) {
        self.next = now + self.settings.poll;
        let Settings { from, into, .. } = self.settings;
        self.read_back(now, chains[into].as_mut());
        self.sign(now, chains[from].as_ref());
        self.hand_in(now, chains[into].as_mut());
        self.compare(now, chains[from].as_ref());
    }
    fn findings(&self) -> Findings {
        let lags: Vec<u64> = self.signed.iter().filter_map(|signed| signed.lag).map(Duration::as_nanos).collect();
        let lag = match lags.iter().sum::<u64>().checked_div(lags.len() as u64) {
            Some(mean) => format!("{:.1} s from block to final anchor on average", mean as f64 / 1e9),
            None => "no lag to tell".to_owned(),
        };
        let [from, into] = &self.settings.names;
        let finals = self.signed.iter().filter(|signed| signed.is_final).count();
        let remark = format!("anchors of {from} in {into}: {} submitted, {finals} final, {lag}", self.signed.len());
        let violations = self.violations.iter().map(|violation| (self.settings.from, violation.clone())).collect();
        Findings { violations, remarks: vec![remark] }
    }
}
