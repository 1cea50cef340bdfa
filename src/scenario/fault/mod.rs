//! What goes wrong and when, as scenarios write it. Each kind of fault is a file, and a line of the registry below.

mod clock;
mod crash;
mod degrade;
mod eclipse;
mod flood;
mod load;
mod partition;
mod pause;
mod slow;
pub mod spec;

pub use clock::ClockFault;
pub use crash::{Crash, Data, Log};
pub use degrade::Degrade;
pub use eclipse::Eclipse;
pub use flood::Flood;
pub use load::Load;
pub use partition::Partition;
pub use pause::Pause;
pub use slow::Slow;

use crate::base::Duration;
use crate::scenario::NodeSelector;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use spec::FaultSpec;

/// The registry: makes of its lines the keys of a `[[fault]]` and everything that goes through all kinds.
macro_rules! fault_kinds {
    ($($(#[$doc:meta])+ $key:ident: $kind:ident($spec:ident),)+) => {
        /// One thing that goes wrong, once or again and again. Exactly one of the kinds from `crash` to `flood` is given.
        #[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct Fault {
            /// When it begins.
            pub at: Duration,
            /// When it ends: crashed nodes start again, partitions heal. Left out: never.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub until: Option<Duration>,
            /// It comes and goes between `at` and `until`: flapping links, nodes that join and leave. Nodes that are a fraction
            /// are drawn anew each time.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub repeat: Option<Repeat>,
            /// The chain it happens to. Left out: the first.
            #[serde(default)]
            pub chain: String,
            /// Whether the protocol must go on while it lasts: `check.progress` makes no allowance for it.
            #[serde(default, skip_serializing_if = "std::ops::Not::not")]
            pub tolerated: bool,
            $(
                $(#[$doc])+
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $key: Option<$spec>,
            )+
        }

        /// A kind of fault, and its settings.
        #[derive(Clone, Copy, PartialEq, Debug)]
        pub enum FaultKind<'a> {
            $($(#[$doc])+ $kind(&'a $spec),)+
        }

        impl FaultKind<'_> {
            /// Their keys.
            pub const KEYS: &'static [&'static str] = &[$(stringify!($key)),+];

            /// Its key.
            #[must_use]
            pub fn key(self) -> &'static str {
                match self {
                    $(FaultKind::$kind(_) => stringify!($key),)+
                }
            }
            /// What it says about itself.
            #[must_use]
            pub fn spec(&self) -> &dyn FaultSpec {
                match self {
                    $(FaultKind::$kind(spec) => *spec,)+
                }
            }
        }

        impl Fault {
            /// Nothing yet, that begins at `at` and ends at `until`.
            #[must_use]
            pub fn spanning(at: Duration, until: Option<Duration>) -> Fault {
                Fault { at, until, repeat: None, chain: String::new(), tolerated: false, $($key: None,)+ }
            }
            /// Everything that is given, which in a checked scenario is one thing.
            #[must_use]
            pub fn kinds(&self) -> Vec<FaultKind<'_>> {
                let kinds = [$(self.$key.as_ref().map(FaultKind::$kind)),+];
                kinds.into_iter().flatten().collect()
            }
            /// All selections of nodes in it.
            pub fn selections(&mut self) -> Vec<&mut NodeSelector> {
                let mut selections = Vec::new();
                $(selections.extend(self.$key.as_mut().into_iter().flat_map(FaultSpec::selections));)+
                selections
            }
        }
    };
}

fault_kinds! {
    /// Nodes stop, losing what is not durable.
    crash: Crash(Crash),
    /// Nodes stand still and go on where they were: a debugger, a garbage collector, a migrating virtual machine.
    pause: Pause(Pause),
    /// Nodes compute and write slowly.
    slow: Slow(Slow),
    /// Clocks jump and drift.
    clock: Clock(ClockFault),
    /// Groups of nodes cannot reach each other.
    partition: Partition(Partition),
    /// A node reaches only those that surround it.
    eclipse: Eclipse(Eclipse),
    /// Links get worse.
    degrade: Degrade(Degrade),
    /// Clients ask more often, or less.
    load: Load(Load),
    /// Outsiders send messages with broken signatures, or payments without funds, which cost time to discard.
    flood: Flood(Flood),
}

impl Fault {
    /// What goes wrong; `None` unless exactly one thing is given, which a checked scenario guarantees.
    #[must_use]
    pub fn kind(&self) -> Option<FaultKind<'_>> {
        match self.kinds()[..] {
            [kind] => Some(kind),
            _ => None,
        }
    }
    /// The nodes that lose what they promised to keep, if it is a crash that makes them.
    #[must_use]
    pub fn amnesiacs(&self) -> Option<&NodeSelector> {
        self.crash.as_ref().filter(|crash| crash.forgets()).map(|crash| &crash.nodes)
    }
}

/// How a fault comes and goes. It begins at `at`, and last ends at `until` or with the run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Repeat {
    /// From one beginning to the next.
    pub every: Duration,
    /// How long it lasts each time, less than `every`.
    pub duration: Duration,
    /// Whether lengths and gaps are drawn: exponential, with the means that `duration` and `every` give.
    #[serde(default)]
    pub random: bool,
}
