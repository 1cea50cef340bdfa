//! What goes wrong and when, in the words of a scenario.

use super::nodes::Select;
use crate::base::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One thing that goes wrong. Exactly one of `crash`, `partition` and `degrade` is given.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// When it begins.
    pub at: Duration,
    /// When it ends: crashed nodes start again, partitions heal. Left out: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Duration>,
    /// The chain it happens to. Left out: the first.
    #[serde(default)]
    pub chain: String,
    /// Nodes stop, losing what is not durable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crash: Option<Crash>,
    /// Groups of nodes cannot reach each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<Partition>,
    /// Links get worse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub degrade: Option<Degrade>,
}

/// Nodes stop.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Crash {
    /// Which nodes.
    pub nodes: Select,
}

/// Groups of nodes cannot reach each other. Nodes in no group keep all their links; `"rest"` makes a group of them.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    /// The groups, two or more: `[[0, 1], "rest"]` or `[{ region = "eu-west-1" }, "rest"]`.
    pub groups: Vec<Select>,
    /// Cuts only the way from the first group to the second.
    #[serde(default)]
    pub one_way: bool,
}

/// Links get worse.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Degrade {
    /// Senders.
    #[serde(default = "everybody")]
    pub from: Select,
    /// Receivers.
    #[serde(default = "everybody")]
    pub to: Select,
    /// Delay added to every message.
    #[serde(default)]
    pub extra: Duration,
    /// Further delay, uniform between zero and this, drawn per message.
    #[serde(default)]
    pub jitter: Duration,
    /// Probability that a message is lost.
    #[serde(default)]
    pub loss: f64,
    /// Probability that a message arrives twice.
    #[serde(default)]
    pub duplicate: f64,
    /// Whether messages may overtake each other on one link.
    #[serde(default)]
    pub reorder: bool,
}

fn everybody() -> Select {
    Select::All
}

/// The kinds of faults.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum FaultKind<'a> {
    /// Nodes stop.
    Crash(&'a Crash),
    /// Groups of nodes cannot reach each other.
    Partition(&'a Partition),
    /// Links get worse.
    Degrade(&'a Degrade),
}

impl Fault {
    /// What goes wrong; `None` unless exactly one thing is given, which a checked scenario guarantees.
    #[must_use]
    pub fn kind(&self) -> Option<FaultKind<'_>> {
        match (&self.crash, &self.partition, &self.degrade) {
            (Some(crash), None, None) => Some(FaultKind::Crash(crash)),
            (None, Some(partition), None) => Some(FaultKind::Partition(partition)),
            (None, None, Some(degrade)) => Some(FaultKind::Degrade(degrade)),
            _ => None,
        }
    }
}

/// Nodes that do not follow the protocol.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Adversary {
    /// The chain. Left out: the first.
    #[serde(default)]
    pub chain: String,
    /// Which nodes.
    pub nodes: Select,
    /// What they do.
    pub attack: Attack,
}

/// What nodes do that do not follow the protocol.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Attack {
    /// Follow it, but send nothing: `"silent"`.
    Silent,
    /// Follow it, but send everything late: `{ delay = { by = "1s" } }`.
    Delay {
        /// How late.
        by: Duration,
    },
    /// Follow it, but send to some only: `{ selective = { to = [1, 2] } }`.
    Selective {
        /// To whom.
        to: Vec<u32>,
    },
    /// An attack of the protocol's own, by name.
    Protocol(String),
}
