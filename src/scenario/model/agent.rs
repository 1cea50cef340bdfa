//! Who lives between chains, in the words of a scenario.

use crate::base::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Lives between chains: sees what a client of each could see, and hands in transactions.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Agent {
    /// Writes the hashes of one chain's blocks into another, and finds a rewritten history by them.
    Anchor(Anchor),
}

/// Writes the hashes of one chain's blocks into another, and finds a rewritten history by them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    /// The chain whose blocks are anchored.
    pub from: String,
    /// The chain that carries the anchors, on the account ledger; the agent has an account there.
    pub into: String,
    /// Blocks of `from` per anchor. Default 10 (the design of 2016 that `threshold` is after: 10 to 144).
    #[serde(default = "ten")]
    pub every: u64,
    /// The node of `from` whose final blocks are anchored. Default 0: the first.
    #[serde(default)]
    pub read: u32,
    /// The nodes of `from` whose final blocks are compared with the anchors. Left out: the one that is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch: Option<Vec<u32>>,
    /// The node of `into` that anchors are handed to and read back from. Default 0: the first.
    #[serde(default)]
    pub submit: u32,
    /// Time from one look at both chains to the next. Default 1 s (ours: well below the time of a block).
    #[serde(default = "second")]
    pub poll: Duration,
    /// After how long an anchor that is not final is handed in again. Default 10 s (ours).
    #[serde(default = "ten_seconds")]
    pub retry: Duration,
    /// What an anchor pays the proposer. Default 250: what a payment pays by default.
    #[serde(default = "fee")]
    pub fee: u64,
}

fn ten() -> u64 {
    10
}

fn second() -> Duration {
    Duration::from_secs(1)
}

fn ten_seconds() -> Duration {
    Duration::from_secs(10)
}

/// What a payment pays by default.
fn fee() -> u64 {
    250
}
