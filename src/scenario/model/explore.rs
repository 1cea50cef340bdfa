//! The limits of a search for faults.

use crate::base::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The limits inside which worlds are drawn.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Explore {
    /// How many worlds. Default 1000.
    pub cases: u64,
    /// Fewest and most nodes. Left out: as many as the chain has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<(u32, u32)>,
    /// Most faults of one world. Default 5.
    pub max_faults: u32,
    /// The kinds of faults that are drawn. Default all.
    pub fault_kinds: Vec<DrawnFault>,
    /// Most nodes that lie, forget or stay down. Left out: as many as the protocol tolerates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_faulty: Option<u32>,
    /// Whether faulty nodes may lie; otherwise they only stay down. Left out: if the protocol claims to survive it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub byzantine: Option<bool>,
    /// The attacks that Byzantine nodes play, by name. Left out: all that `ledgerlab list attacks` shows for the protocol.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attacks: Vec<String>,
    /// How far clocks may jump. Default 500 ms.
    pub max_clock_jump: Duration,
    /// When the safety phase ends. Left out: after a third of the duration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub safety_phase: Option<Duration>,
}

impl Default for Explore {
    fn default() -> Explore {
        Explore {
            cases: 1_000,
            nodes: None,
            max_faults: 5,
            fault_kinds: DrawnFault::ALL.to_vec(),
            max_faulty: None,
            byzantine: None,
            attacks: Vec::new(),
            max_clock_jump: Duration::from_millis(500),
            safety_phase: None,
        }
    }
}

/// The kinds of faults that are drawn.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DrawnFault {
    /// Nodes, or the leader, crash and come back.
    Crash,
    /// The same, and the last write is torn.
    TornWrite,
    /// Nodes stand still and go on.
    Pause,
    /// Slow processors, slow or full disks.
    Slow,
    /// Clocks jump and drift.
    Clock,
    /// Nodes are cut off from each other: all links, one way, or all but a bridge.
    Partition,
    /// One node is surrounded.
    Eclipse,
    /// Links lose, delay, duplicate and reorder messages.
    Degrade,
    /// Messages are garbled.
    Corrupt,
    /// A link or a node comes and goes.
    Flap,
    /// Clients ask more often, or less.
    Load,
    /// Outsiders send forged messages, or payments without funds.
    Flood,
}

impl DrawnFault {
    /// All of them.
    pub const ALL: [DrawnFault; 12] = [
        DrawnFault::Crash,
        DrawnFault::TornWrite,
        DrawnFault::Pause,
        DrawnFault::Slow,
        DrawnFault::Clock,
        DrawnFault::Partition,
        DrawnFault::Eclipse,
        DrawnFault::Degrade,
        DrawnFault::Corrupt,
        DrawnFault::Flap,
        DrawnFault::Load,
        DrawnFault::Flood,
    ];
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            DrawnFault::Crash => "crash",
            DrawnFault::TornWrite => "torn_write",
            DrawnFault::Pause => "pause",
            DrawnFault::Slow => "slow",
            DrawnFault::Clock => "clock",
            DrawnFault::Partition => "partition",
            DrawnFault::Eclipse => "eclipse",
            DrawnFault::Degrade => "degrade",
            DrawnFault::Corrupt => "corrupt",
            DrawnFault::Flap => "flap",
            DrawnFault::Load => "load",
            DrawnFault::Flood => "flood",
        }
    }
}
