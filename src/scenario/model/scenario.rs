//! An experiment, as scenarios write it.

use super::chain::Chain;
use super::explore::Explore;
use super::{Agent, Variant, Workload};
use crate::base::{ByteSize, Crypto, Duration};
use crate::engine::StopRule;
use crate::scenario::attack::Adversary;
use crate::scenario::fault::Fault;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One experiment, checked, with every default filled in.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its short name; results are filed under it.
    pub name: String,
    /// What it asks, in one sentence, for reports.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub question: String,
    /// One run per seed: `seed = 1`, `seeds = [1, 2, 3]` or `seeds = "1..10"`, both ends included.
    #[serde(default, alias = "seed")]
    pub seeds: Seeds,
    /// When a run ends, in virtual time. With `stop` it may be left out and is then 24 hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Duration>,
    /// What else ends a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<StopRule>,
    /// The first part of a run, which is not measured.
    #[serde(default)]
    pub warm_up: Duration,
    /// Real signatures, or symbolic tokens of the same size and price.
    #[serde(default)]
    pub crypto: Crypto,
    /// A run whose estimated memory exceeds this is refused.
    #[serde(default = "eight_gigabytes")]
    pub memory_limit: ByteSize,
    /// The chains, all in one virtual time.
    pub chain: Vec<Chain>,
    /// What clients request. Left out: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<Workload>,
    /// What goes wrong and when.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fault: Vec<Fault>,
    /// Nodes that do not follow the protocol.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adversary: Vec<Adversary>,
    /// Who lives between chains.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agent: Vec<Agent>,
    /// What must hold. Safety is always checked.
    #[serde(default)]
    pub check: Checks,
    /// What is written.
    #[serde(default)]
    pub output: Output,
    /// The limits inside which `ledgerlab explore` generates cases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explore: Option<Explore>,
    /// Scenarios that differ from this one in some keys. If there are any, they are run, and compared with each other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variant: Vec<Variant>,
}

fn eight_gigabytes() -> ByteSize {
    ByteSize(8_000_000_000)
}

/// The seeds of an experiment, at least one; a run is a pure function of scenario and seed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seeds(pub Vec<u64>);

impl Seeds {
    /// Most seeds of one experiment.
    pub const MAX: usize = 10_000;
}

impl Default for Seeds {
    fn default() -> Seeds {
        Seeds(vec![1])
    }
}

impl Scenario {
    /// When a run ends; zero where that is left out, which a checked scenario has filled in.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.duration.unwrap_or_default()
    }
    /// The limits inside which cases are generated.
    #[must_use]
    pub fn limits(&self) -> Explore {
        self.explore.clone().unwrap_or_default()
    }
    /// A scenario of one chain, to be completed by [`Scenario::checked`]: nothing is asked of it, and nothing goes wrong.
    #[must_use]
    pub fn new(name: &str, duration: Duration, chain: Chain) -> Scenario {
        Scenario {
            name: name.to_owned(),
            question: String::new(),
            seeds: Seeds::default(),
            duration: Some(duration),
            stop: None,
            warm_up: Duration::ZERO,
            crypto: Crypto::default(),
            memory_limit: eight_gigabytes(),
            chain: vec![chain],
            workload: None,
            fault: Vec::new(),
            adversary: Vec::new(),
            agent: Vec::new(),
            check: Checks::default(),
            output: Output::default(),
            explore: None,
            variant: Vec::new(),
        }
    }
}

/// What must hold. Safety is always checked.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Checks {
    /// Liveness: outside faults, transactions never wait longer than this without anything becoming final.
    /// Left out: not checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<Duration>,
    /// Liveness: at the end, if no fault has lasted for this long, every node that was up has finalized what was final
    /// anywhere this long ago. Left out: not checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catch_up: Option<Duration>,
    /// Computes everything at every node anew instead of once: slow, and the fingerprint must not change.
    pub recompute: bool,
}

/// What is written.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Output {
    /// Width of the steps of all time series.
    pub interval: Duration,
    /// Whether charts are drawn.
    pub charts: bool,
    /// Whether a line per transaction is written.
    pub transactions: bool,
    /// The last events of each chain that are listed one by one, and drawn as a space-time diagram: those before the
    /// first violation if there is one. 0 for none, at most 100,000.
    pub event_log: u32,
}

impl Default for Output {
    fn default() -> Output {
        Output { interval: Duration::from_secs(1), charts: true, transactions: true, event_log: 0 }
    }
}
