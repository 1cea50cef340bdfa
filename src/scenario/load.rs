//! Who asks for what, in the words of a scenario.

use crate::base::{ByteSize, Duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What clients ask for.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Workload {
    /// Payments between accounts.
    Payments(Payments),
}

/// Payments between accounts.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Payments {
    /// The chain they go to. Left out: the first.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub chain: String,
    /// Transactions per second, over all clients. With `arrival.closed` clients set the pace and this must be left out.
    #[serde(default)]
    pub rate: f64,
    /// When they come.
    #[serde(default)]
    pub arrival: Arrival,
    /// How many accounts there are.
    #[serde(default = "thousand")]
    pub accounts: u32,
    /// How unequally accounts take part: the exponent of a Zipf law; 0 treats all alike.
    #[serde(default)]
    pub skew: f64,
    /// What each payment moves, in the smallest unit.
    #[serde(default = "one")]
    pub amount: u64,
    /// What each payment offers the proposer: every whole number from `min` to `max` equally likely.
    #[serde(default)]
    pub fee: Fee,
    /// Size of a transaction on the wire. One that needs more takes more.
    #[serde(default = "two_hundred_fifty")]
    pub bytes: ByteSize,
    /// How many clients there are; client `i` is attached to node `i` modulo the number of nodes.
    #[serde(default = "sixteen")]
    pub clients: u32,
    /// After how long without an answer a client asks the next node. Left out: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Duration>,
    /// When clients begin.
    #[serde(default)]
    pub start: Duration,
    /// When clients stop. Left out: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Duration>,
}

fn one() -> u64 {
    1
}
fn sixteen() -> u32 {
    16
}
fn thousand() -> u32 {
    1000
}
fn two_hundred_fifty() -> ByteSize {
    ByteSize(250)
}

/// What a payment offers the proposer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Fee {
    /// The least.
    pub min: u64,
    /// The most.
    pub max: u64,
}

impl Default for Fee {
    fn default() -> Fee {
        Fee { min: 1, max: 1 }
    }
}

/// When requests come.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Arrival {
    /// Independent of each other: exponential gaps.
    Poisson {},
    /// Equal gaps.
    Constant {},
    /// Poisson at the full rate for a while, then silence.
    Bursts {
        /// How long a burst lasts.
        on: Duration,
        /// How long the silence lasts.
        off: Duration,
    },
    /// Each client waits for its answer, thinks, and asks again.
    Closed {
        /// Mean time to think; exponential.
        think: Duration,
    },
}

impl Default for Arrival {
    fn default() -> Arrival {
        Arrival::Poisson {}
    }
}
