//! One round: open, establish, accept.

use super::message::{Item, Ledger, Message, Proposal, Set, Validation};
use super::rules::{self, Closing, Consensus, Dispute, Progress, rounded, step};
use super::{Evidence, Mode, Ripple, Timer};
use crate::base::{Digest, Duration, Hash, NodeId, Time};
use crate::chain::{Batch, Block, Header, Seal, Transaction};
use crate::protocol::{Context, note};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Rounds whose sets are kept after them (`rippled`'s `setKeepRounds`): a node that is late must still be able to see
/// what the others agreed on.
const ROUNDS_KEPT: usize = 3;

/// Steps from a quorum to all, in how many nodes a node that is ahead waits for (`maxPausePhase`).
const PAUSE_STEPS: u64 = 4;

/// Opening.
impl Ripple {
    pub(super) fn on_tick(&mut self, ctx: &mut Context<'_, Self>) {
        let (now, span) = (ctx.now().as_nanos(), self.config.granularity.as_nanos());
        ctx.set_timer(Timer::Tick, Duration::from_nanos(span - now % span));
        self.instant = Time::from_nanos(now - now % span);
        self.check_ledger(ctx);
        match self.position {
            None => self.try_close(ctx),
            Some(_) => self.establish(ctx),
        }
    }
    /// Begins a round on the working ledger.
    pub(super) fn open(&mut self, mode: Mode, ctx: &mut Context<'_, Self>) {
        (self.mode, self.since, self.position, self.seq) = (mode, self.instant, None, 0);
        (self.close_state, self.close_agreed, self.peers_unchanged) = (0, false, 0);
        self.current.clear();
        self.left.clear();
        self.disputes.clear();
        self.past_sets.push_front(std::mem::take(&mut self.sets));
        self.past_sets.truncate(ROUNDS_KEPT);
        let (name, recent) = (self.tip.name, std::mem::take(&mut self.recent));
        for (node, (proposal, came)) in recent {
            if proposal.prior == name {
                self.take(proposal, came, ctx);
            } else {
                self.recent.insert(node, (proposal, came));
            }
        }
        self.drop_arrivals();
    }
    /// How many trusted nodes have validated a ledger after the working one.
    fn finished(&self, ctx: &Context<'_, Self>) -> usize {
        let (tree, tip) = (ctx.tree(), &self.tip);
        let is_after = |validation: &&Validation| {
            validation.seq > tip.height()
                && self.names.get(&validation.ledger).is_none_or(|index| tree.is_ancestor(tip.index, *index))
        };
        self.latest.iter().filter(|(node, v)| **node != ctx.me() && is_after(v)).count()
    }
    fn try_close(&mut self, ctx: &mut Context<'_, Self>) {
        let last = self.last_close(ctx);
        let closing = Closing {
            any_transactions: ctx.pending() > 0,
            previous_proposers: self.previous_proposers,
            proposers_closed: self.current.len(),
            proposers_validated: self.finished(ctx),
            previous_round: self.previous_round,
            since_close: self.instant.since(last),
            open: self.instant.since(self.since),
            idle: self.config.idle_interval.max(self.resolution(self.tip.ledger.bin) * 2),
        };
        if self.mode != Mode::WrongLedger && closing.is_due(&self.config) {
            self.close_ledger(ctx);
        }
    }
    /// When the working ledger closed: the time that was agreed on, or else when this node closed the ledger before.
    fn last_close(&self, ctx: &Context<'_, Self>) -> Time {
        let Ledger { block, agreed, .. } = &*self.tip.ledger;
        let tree = ctx.tree();
        let before = tree.find(&block.parent()).map(|parent| tree.block(parent).header.time);
        let is_plain = before.is_some_and(|before| block.header.time == before + Duration::from_secs(1));
        if *agreed && !is_plain { block.header.time } else { self.closed }
    }
    /// Takes what waits and the time as the first position.
    fn close_ledger(&mut self, ctx: &mut Context<'_, Self>) {
        let parent = self.tip.ledger.block.clone();
        let batch = ctx.propose(&parent, &[], self.config.block_limit);
        let transactions = batch.transactions().iter().cloned().map(Item::Transaction);
        let set = Set::new(transactions.chain(self.negative_votes()));
        ctx.note(note::ROUND, self.tip.height().next().0);
        (self.since, self.closed, self.close) = (self.instant, ctx.now(), Some(rounded(ctx.now(), self.bin())));
        self.adopt(set, ctx);
    }
    /// Makes `set` this node's position.
    fn adopt(&mut self, set: Arc<Set>, ctx: &mut Context<'_, Self>) {
        self.sets.insert(set.name, set.clone());
        self.position = Some(set);
        self.propose(ctx);
    }
    fn propose(&mut self, ctx: &mut Context<'_, Self>) {
        self.proposed_at = self.instant;
        let Some(set) = self.position.as_ref().filter(|_| self.mode == Mode::Proposing) else { return };
        let (prior, seq, position, close, node) = (self.tip.name, self.seq, set.name, self.close, ctx.me());
        let mut proposal = Proposal { prior, seq, position, close, node, signature: crate::base::Signature::NONE };
        proposal.signature = ctx.sign(&proposal.statement());
        ctx.broadcast(Message::Propose(proposal));
    }
    /// Stops proposing in this round.
    pub(super) fn bow_out(&mut self, mode: Mode, ctx: &mut Context<'_, Self>) {
        if self.mode == Mode::Proposing && self.position.is_some() {
            self.seq = Proposal::LEFT;
            self.propose(ctx);
        }
        self.mode = mode;
    }
    fn next_bin(&self) -> u8 {
        let Ledger { bin, agreed, .. } = *self.tip.ledger;
        rules::next_bin(bin, agreed, self.tip.height().next().0, self.config.bins.len())
    }
    fn bin(&self) -> Duration {
        self.resolution(self.next_bin())
    }
    fn resolution(&self, bin: u8) -> Duration {
        self.config.bins[usize::from(bin).min(self.config.bins.len() - 1)]
    }
}

/// Positions and sets.
impl Ripple {
    pub(super) fn on_propose(&mut self, proposal: Proposal, ctx: &mut Context<'_, Self>) {
        if !self.members.contains(&proposal.node) || proposal.node == ctx.me() {
            return;
        }
        let now = ctx.now();
        if proposal.prior == self.tip.name {
            self.take(proposal, now, ctx);
        } else {
            self.recent.insert(proposal.node, (proposal, now));
        }
    }
    fn take(&mut self, proposal: Proposal, came: Time, ctx: &mut Context<'_, Self>) {
        let node = proposal.node;
        if self.left.contains(&node) {
            return;
        }
        if let Some((known, _)) = self.current.get(&node).copied() {
            let same = known.position == proposal.position && known.close == proposal.close;
            if known.seq == proposal.seq && !same {
                self.accuse(node, Evidence::Proposals(known, proposal), ctx);
            }
            if proposal.seq < known.seq {
                return;
            }
            if !same {
                self.peers_unchanged = 0;
            }
        }
        if proposal.seq == Proposal::LEFT {
            self.current.remove(&node);
            self.left.insert(node);
            return;
        }
        self.current.insert(node, (proposal, came));
        self.want(node, proposal.position, ctx);
    }
    pub(super) fn accuse(&mut self, node: NodeId, evidence: Evidence, ctx: &mut Context<'_, Self>) {
        if self.evidence.insert(node, evidence).is_none() {
            ctx.note(note::EVIDENCE, u64::from(node.0));
        }
    }
}

/// Establishing.
impl Ripple {
    fn establish(&mut self, ctx: &mut Context<'_, Self>) {
        let round = self.instant.since(self.since);
        self.peers_unchanged += 1;
        if self.instant.since(self.proposed_at) >= self.config.proposal_interval {
            self.seq = self.seq.saturating_add(1).min(Proposal::LEFT - 1);
            self.propose(ctx);
        }
        let positions: Vec<(NodeId, Hash)> = self.current.iter().map(|(n, (p, _))| (*n, p.position)).collect();
        for (node, name) in positions {
            self.want(node, name, ctx);
        }
        if round < self.config.min_consensus {
            return;
        }
        self.update(round, ctx);
        let consensus = self.consensus(round, ctx);
        if self.pauses(round, ctx) || consensus == Consensus::No || !self.close_agreed {
            return;
        }
        if consensus == Consensus::Expired {
            self.bow_out(Mode::Observing, ctx);
        }
        self.accept(consensus, round, ctx);
    }
    /// Whether to wait for those who are behind (`shouldPause`). A node that runs ahead of what is validated has no other to validate
    /// with; and ledgers with higher numbers than others have spoken of are never outweighed, so that two sides that went
    /// apart would stay apart. How many must have come as far as this node grows from a quorum, at the first ledger ahead,
    /// to all at the fifth, and then begins anew: no number is the best in every case.
    fn pauses(&self, round: Duration, ctx: &Context<'_, Self>) -> bool {
        let height = self.tip.height();
        let ahead = height.0.saturating_sub(self.validated.height().0);
        if ahead == 0 || round > self.config.max_consensus {
            return false;
        }
        let now = ctx.now();
        let fresh = self.latest.values().filter(|said| now.since(said.time) < self.config.proposal_fresh);
        let (as_far, behind): (Vec<&Validation>, Vec<&Validation>) = fresh.partition(|said| said.seq >= height);
        let (quorum, all) = (self.effective(&self.tip.ledger).quorum(), self.members.len() as u64);
        let more = all.saturating_sub(quorum) * ((ahead - 1) % (PAUSE_STEPS + 1));
        !behind.is_empty() && as_far.len() as u64 * PAUSE_STEPS < quorum * PAUSE_STEPS + more
    }
    /// The sets that peers hold, and how many hold each. Those whose set is not here have no vote.
    fn held(&self) -> Vec<(Arc<Set>, u64)> {
        let mut holders: BTreeMap<Hash, u64> = BTreeMap::new();
        self.current.values().for_each(|(proposal, _)| *holders.entry(proposal.position).or_default() += 1);
        holders.iter().filter_map(|(name, count)| Some((self.sets.get(name)?.clone(), *count))).collect()
    }
    /// Changes the position where the others outvote it.
    fn update(&mut self, round: Duration, ctx: &mut Context<'_, Self>) {
        let config = self.config.clone();
        let (now, fresh, proposing) = (ctx.now(), config.proposal_fresh, self.mode == Mode::Proposing);
        self.current.retain(|_, (_, came)| now.since(*came) < fresh);
        let previous = self.previous_round.max(config.min_previous_round);
        let percent = round.as_nanos() / (previous.as_nanos() / 100).max(1);
        let Some(mine) = self.position.clone() else { return };
        let held = self.held();
        for (set, _) in held.iter().filter(|(set, _)| set.name != mine.name) {
            for (name, item) in mine.items.iter().filter(|(name, _)| !set.items.contains_key(*name)) {
                self.disputes.entry(*name).or_insert_with(|| Dispute::new(item.clone(), true));
            }
            for (name, item) in set.items.iter().filter(|(name, _)| !mine.items.contains_key(*name)) {
                self.disputes.entry(*name).or_insert_with(|| Dispute::new(item.clone(), false));
            }
        }
        let mut disputes = std::mem::take(&mut self.disputes);
        for (name, dispute) in &mut disputes {
            let (yes, no) = votes(&held, name);
            dispute.update(yes, no, percent, proposing, &config);
        }
        // Nothing without its predecessor.
        let mut refused: BTreeMap<u32, u64> = BTreeMap::new();
        for (transaction, _) in disputed(&disputes).filter(|(_, mine)| !mine) {
            let first = refused.entry(transaction.sender.0).or_insert(transaction.nonce);
            *first = transaction.nonce.min(*first);
        }
        let follows = |item: &Item| match item {
            Item::Transaction(t) => refused.get(&t.sender.0).is_some_and(|nonce| t.nonce > *nonce),
            _ => false,
        };
        for dispute in disputes.values_mut().filter(|dispute| follows(&dispute.item)) {
            dispute.mine = false;
        }
        let kept = mine.items.iter().filter(|(name, _)| disputes.get(*name).is_none_or(|dispute| dispute.mine));
        let added = disputes.values().filter(|dispute| dispute.mine).map(|dispute| dispute.item.clone());
        let set = Set::new(kept.map(|(_, item)| item.clone()).chain(added));
        self.disputes = disputes;
        let close = self.vote_on_close(percent);
        if set.name != mine.name || close != self.close {
            self.close = close;
            self.seq = self.seq.saturating_add(1).min(Proposal::LEFT - 1);
            self.adopt(set, ctx);
        }
    }
    /// The close time that enough want, by the same avalanche; none if there is none.
    fn vote_on_close(&mut self, percent: u64) -> Option<Time> {
        self.close_state = step(&self.config, self.close_state, percent).unwrap_or(self.close_state);
        let bin = self.bin();
        let own = (self.mode == Mode::Proposing).then_some(self.close);
        let mut votes: BTreeMap<Option<Time>, u64> = BTreeMap::new();
        for close in self.current.values().map(|(proposal, _)| proposal.close).chain(own) {
            *votes.entry(close.map(|time| rounded(time, bin))).or_default() += 1;
        }
        let all: u64 = votes.values().sum();
        if all == 0 {
            self.close_agreed = true;
            return self.close;
        }
        let needed = |percent: u64| rules::participants_needed(all, percent);
        let (mut most, mut close) = (needed(self.config.avalanche[self.close_state].1), None);
        self.close_agreed = false;
        for (time, count) in votes {
            if count >= most {
                (most, close) = (count, time);
                self.close_agreed |= count >= needed(self.config.close_time_agreement);
            }
        }
        close
    }
    fn consensus(&self, round: Duration, ctx: &Context<'_, Self>) -> Consensus {
        let Some(mine) = &self.position else { return Consensus::No };
        let same = |(proposal, _): &&(Proposal, Time)| proposal.position == mine.name;
        let (held, proposing) = (self.held(), self.mode == Mode::Proposing);
        let is_stalled = |(name, dispute): (&Hash, &Dispute)| {
            let (yes, no) = votes(&held, name);
            dispute.is_stalled(yes, no, self.peers_unchanged, proposing, &self.config)
        };
        let progress = Progress {
            previous_proposers: self.previous_proposers,
            proposers: self.current.len(),
            agree: self.current.values().filter(same).count(),
            finished: self.finished(ctx),
            previous_round: self.previous_round,
            round,
            stalled: self.close_agreed && !self.disputes.is_empty() && self.disputes.iter().all(is_stalled),
            proposing,
        };
        progress.consensus(&self.config)
    }
}

/// The votes of the peers on an item: for and against.
fn votes(held: &[(Arc<Set>, u64)], name: &Hash) -> (u64, u64) {
    let all: u64 = held.iter().map(|(_, peers)| peers).sum();
    let yes = held.iter().filter(|(set, _)| set.items.contains_key(name)).map(|(_, peers)| peers).sum();
    (yes, all - yes)
}

fn disputed(disputes: &BTreeMap<Hash, Dispute>) -> impl Iterator<Item = (&Arc<Transaction>, bool)> {
    disputes.values().filter_map(|dispute| match &dispute.item {
        Item::Transaction(transaction) => Some((transaction, dispute.mine)),
        _ => None,
    })
}

/// Accepting.
impl Ripple {
    /// The ledger that the agreed set and close time make, the same at all who agreed.
    pub(super) fn build(&self, set: &Set) -> Ledger {
        let parent = &self.tip.ledger;
        let salted = |t: &Transaction| Digest::new("ripple order").hash(&set.name).u64(u64::from(t.sender.0)).finish();
        let mut sorted: Vec<_> = set.transactions().map(|t| ((salted(t), t.nonce, t.id()), t.clone())).collect();
        sorted.sort_by_key(|(key, _)| *key);
        let batch = Batch::new(sorted.into_iter().map(|(_, transaction)| transaction).collect());
        let change = |found: fn(&Item) -> Option<NodeId>| set.items.values().find_map(found);
        let mut ledger = Ledger {
            block: parent.block.clone(),
            bin: self.next_bin(),
            agreed: self.close.is_some(),
            negative: parent.next_negative(),
            disable: change(|item| if let Item::Disable(node) = item { Some(*node) } else { None }),
            enable: change(|item| if let Item::Enable(node) = item { Some(*node) } else { None }),
        };
        let header = Header {
            parent: parent.block.id(),
            height: parent.block.height().next(),
            merkle: batch.digest(),
            time: rules::close_time(self.close, parent.block.header.time),
            proposer: NodeId(0),
            seal: Seal::None,
        };
        ledger.block = Block::new(Header { seal: ledger.seal(), ..header }, batch);
        ledger
    }
    fn accept(&mut self, consensus: Consensus, round: Duration, ctx: &mut Context<'_, Self>) {
        let Some(set) = self.position.clone() else { return };
        let ledger = Arc::new(self.build(&set));
        let Some(known) = self.admit(&ledger, ctx) else { return };
        if consensus != Consensus::Yes {
            ctx.note(note::WASTED, known.height().0);
        }
        (self.previous_round, self.previous_proposers) = (round, self.current.len());
        self.tip = known.clone();
        let validates = consensus != Consensus::MovedOn && known.height() > self.largest;
        if validates {
            self.largest = known.height();
        }
        self.persist(ctx);
        ctx.extend(ledger.block.clone());
        if validates {
            let (seq, time, full) = (known.height(), ctx.now(), self.mode == Mode::Proposing);
            let signature = crate::base::Signature::NONE;
            let mut own = Validation { ledger: known.name, seq, time, full, node: ctx.me(), signature };
            own.signature = ctx.sign(&own.statement());
            ctx.broadcast(Message::Validate(own));
            self.own = Some(own);
            ctx.set_timer(Timer::Own, Duration::ZERO);
        }
        let mode = if self.mode == Mode::WrongLedger { self.mode } else { Mode::Proposing };
        self.open(mode, ctx);
        self.settle(&known, ctx);
        // More than half of the others are ahead of this node: no tick is waited for (`startRoundInternal`).
        if self.position.is_none() && 2 * self.current.len() > self.previous_proposers {
            self.try_close(ctx);
        }
    }
}
