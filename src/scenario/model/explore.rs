//! The limits of a search for faults.

use crate::base::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The limits inside which cases are generated.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Explore {
    /// How many cases. Default 1000.
    pub cases: u64,
    /// Fewest and most nodes. Left out: as many as the chain has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<(u32, u32)>,
    /// Most faults of one case. Default 5.
    pub max_faults: u32,
    /// The kinds of faults that are drawn. Default all.
    pub fault_kinds: Vec<DrawnFault>,
    /// Most nodes that are Byzantine, lose data or stay down. Left out: as many as the protocol tolerates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_faulty: Option<u32>,
    /// Whether faulty nodes may be Byzantine; otherwise they only stay down. Left out: if the protocol claims to survive it.
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

/// The registry of what a search draws: makes of its lines the type, its words, and the list of all.
macro_rules! drawn_faults {
    ($($(#[$doc:meta])+ $kind:ident $word:literal,)+) => {
        /// The kinds of faults that are drawn.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
        pub enum DrawnFault {
            $($(#[$doc])+ #[serde(rename = $word)] $kind,)+
        }

        impl DrawnFault {
            /// All of them.
            pub const ALL: &'static [DrawnFault] = &[$(DrawnFault::$kind),+];
            /// Its word.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self {
                    $(DrawnFault::$kind => $word,)+
                }
            }
        }
    };
}

drawn_faults! {
    /// Nodes, or the leader, crash and come back.
    Crash "crash",
    /// The same, and the last write is torn.
    TornWrite "torn_write",
    /// Nodes stand still and go on.
    Pause "pause",
    /// Slow processors, slow or full disks.
    Slow "slow",
    /// Clocks jump and drift.
    Clock "clock",
    /// Nodes are cut off from each other: all links, one way, or all but a bridge.
    Partition "partition",
    /// One node is surrounded.
    Eclipse "eclipse",
    /// Links lose, delay, duplicate and reorder messages.
    Degrade "degrade",
    /// Messages are garbled.
    Corrupt "corrupt",
    /// A link or a node comes and goes.
    Flap "flap",
    /// Clients ask more often, or less.
    Load "load",
    /// Outsiders send forged messages, or payments without funds.
    Flood "flood",
}
