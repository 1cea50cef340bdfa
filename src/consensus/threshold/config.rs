//! What a scenario may set, and what makes no sense.

use crate::base::{Committee, Duration, Height, NodeId};
use crate::chain::Limit;
use crate::protocol::InvalidSetting;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What a signer may sign after it signed something.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Rule {
    /// One hash per height, ever.
    Strict,
    /// Another block with the same parent (Liquid).
    Resign,
    /// What `k` pre-commits of the lock's slot or a later one justify.
    #[default]
    Locked,
}

/// Who gets the votes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Collection {
    /// Every signer: any of them completes a block.
    #[default]
    Broadcast,
    /// The creator: few messages.
    Star,
}

/// How `k` signers sign.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Signing {
    /// Each its own Ed25519 signature.
    #[default]
    Multi,
    /// One signature of the group, by FROST(Ed25519, SHA-512).
    Frost,
}

/// What the attack "rewrite" does.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rewrite {
    /// The first height that is replaced.
    pub from: u64,
    /// The last height that is replaced; when a colluder's chain is that high, the attack begins.
    pub upto: u64,
    /// The colluders, who pool their keys: the nodes of the adversary.
    pub coalition: Vec<u32>,
    /// Who is shown the replaced history, once per slot. Default: only who asks.
    pub victim: Option<u32>,
}

/// What a scenario may set.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Signatures that make a block valid, of as many as there are nodes. Default 0: the least above two thirds,
    /// which for 15 signers is Liquid's 11.
    pub k: u64,
    /// Length of a slot. Default 5 s, for local networks; Liquid: 60 s.
    pub slot: Duration,
    /// How long after the beginning of its slot a proposal is signed, by the signer's clock. Default 2.5 s: half
    /// a slot (ours), so that the signed block has the other half to spread. An answer to a request for blocks is awaited
    /// as long, then twice as long, and so on up to two slots (ours).
    pub window: Duration,
    /// How far ahead of the clock a slot or a block may be. Default 1 s (ours); at most a quarter of a slot, half of
    /// the usual window.
    pub skew: Duration,
    /// Signer's memory: "strict", "resign" (Liquid) or "locked". Default "locked": safe and live.
    pub rule: Rule,
    /// "broadcast" or "star". Default "broadcast": a creator that withholds the block cannot waste its slot.
    pub collection: Collection,
    /// Whether signers announce before they sign (Liquid). Default true; the locked rule and FROST need it.
    pub pre_commit: bool,
    /// "multi" (k Ed25519 signatures) or "frost" (one of the group). Default "multi".
    pub signatures: Signing,
    /// Signed blocks, itself included, after which a block is final. Default 0: 1, or 2 under "resign".
    pub depth: u64,
    /// Whether creators propose when nothing waits. Default false.
    pub empty_blocks: bool,
    /// The largest block; also of what is signed. Creators propose less after a slot whose block was not signed in time,
    /// and more again after each that was. Default 4,000 transactions or 1 MB (ours: as many payments as fit).
    pub block_limit: Limit,
    /// What the attack "rewrite" does. Default: nothing.
    pub rewrite: Option<Rewrite>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            k: 0,
            slot: Duration::from_secs(5),
            window: Duration::from_millis(2_500),
            skew: Duration::from_secs(1),
            rule: Rule::Locked,
            collection: Collection::Broadcast,
            pre_commit: true,
            signatures: Signing::Multi,
            depth: 0,
            empty_blocks: false,
            block_limit: Limit { bytes: 1_000_000, transactions: 4_000 },
            rewrite: None,
        }
    }
}

impl Config {
    pub(super) fn check(&self, nodes: u64) -> Result<(), InvalidSetting> {
        let frost = self.signatures == Signing::Frost;
        let fails = [
            (self.k > nodes, "k", "more signatures than nodes"),
            (self.slot.is_zero(), "slot", "must be above zero"),
            (self.window.is_zero() || self.window > self.slot * 2, "window", "must be above zero, at most two slots"),
            (self.skew * 4 > self.slot, "skew", "must be at most a quarter of a slot"),
            (self.block_limit.bytes == 0 || self.block_limit.transactions == 0, "block_limit", "must be at least 1"),
            (self.rule == Rule::Locked && !self.pre_commit, "pre_commit", "the locked rule locks on pre-commits"),
            (frost && !self.pre_commit, "pre_commit", "FROST's first round travels with the pre-commits"),
            (frost && self.collection != Collection::Star, "collection", "FROST needs a coordinator: \"star\""),
            (frost && (self.k == 1 || nodes < 2), "k", "FROST splits a key among two signers at least"),
            (frost && nodes >= u64::from(u16::MAX), "signatures", "FROST numbers its signers by 16 bits"),
        ];
        let invalid =
            |(_, key, reason): &(bool, &'static str, &str)| InvalidSetting { key, reason: (*reason).to_owned() };
        fails.iter().find(|(fails, ..)| *fails).map(invalid).map_or(Ok(()), Err)
    }
    pub(super) fn remarks(&self, committee: &Committee, faulty: &BTreeSet<NodeId>) -> Vec<String> {
        let (l, k, shared, faulty_count) =
            (committee.n(), committee.quorum(), committee.overlap(), faulty.len() as u64);
        let all = [
            (shared == 0, format!("{k} of {l} signers need not meet: a partition forks without any faulty node")),
            (
                shared > 0 && faulty_count >= shared,
                format!("{k} of {l}: {shared} double signers can fork, here are {faulty_count}"),
            ),
            (faulty_count + k > l as u64, format!("{k} of {l}: {faulty_count} silent signers stop the chain")),
        ];
        let honest =
            self.rewrite.iter().flat_map(|rewrite| &rewrite.coalition).filter(|n| !faulty.contains(&NodeId(**n)));
        let honest = honest.map(|n| format!("node {n} of the rewriting coalition is not faulty"));
        all.into_iter().filter(|(applies, _)| *applies).map(|(_, said)| said).chain(honest).collect()
    }
    /// The height up to which a chain of `height` is final.
    pub(super) fn final_height(&self, height: Height) -> Height {
        let usual = if self.rule == Rule::Resign { 2 } else { 1 };
        let depth = if self.depth == 0 { usual } else { self.depth };
        Height(height.next().0.saturating_sub(depth))
    }
}
