//! Who asks for what, in the words of a scenario.

use super::ModelChoice;
use crate::base::{ByteSize, Duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What clients ask for.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self", rename_all = "snake_case", deny_unknown_fields)]
pub enum Workload {
    /// Payments between accounts.
    Payments(Payments),
    /// A workload of the catalogue.
    #[serde(skip)]
    Model(ModelChoice),
}

/// Payments between accounts.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Payments {
    /// The chain they go to. Left out: the first.
    pub chain: String,
    /// Transactions per second of all clients together. Must be left out where `arrival` sets the pace itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// When clients pay.
    pub arrival: Arrival,
    /// How many clients there are; client `i` asks node `i` modulo the number of nodes. Left out: one per node.
    pub clients: u32,
    /// How many accounts there are.
    pub accounts: u32,
    /// Exponent of Zipf's law of the popularity of accounts; 0 for none.
    pub zipf_exponent: f64,
    /// What each payment moves, in the smallest unit.
    pub amount: u64,
    /// Mean size of a transaction on the wire. One that needs more takes more.
    pub bytes: ByteSize,
    /// Spread of sizes: standard deviation of their logarithm; 0 if all are equal.
    pub bytes_sigma: f64,
    /// What a payment pays the proposer.
    pub fee: Fee,
    /// How long a client waits for an answer before it hands its payment in again, to the next node in turn that accepts
    /// connections (under PBFT to all nodes, as its paper has it): a time, doubled each time up to eightfold, or
    /// `"never"`. Left out: 5 s, after which `etcdctl` (`--command-timeout`) and Fabric's gateway (`submit`) give up on
    /// the node they asked.
    pub retry: Retry,
    /// No payment is made after this. Left out: until the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Duration>,
}

impl Default for Payments {
    fn default() -> Payments {
        Payments {
            chain: String::new(),
            rate: None,
            arrival: Arrival::default(),
            clients: 0,
            accounts: 1000,
            zipf_exponent: 0.0,
            amount: 1,
            bytes: ByteSize(250),
            bytes_sigma: 0.0,
            fee: Fee::default(),
            retry: Retry::default(),
            until: None,
        }
    }
}

/// When a client without an answer hands its payment in again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Retry {
    /// Never. It still learns when the node that it asked refuses the payment, and uses its nonce or coins again.
    Never,
    /// After this time, which is doubled each time.
    After(Duration),
}

impl Default for Retry {
    fn default() -> Retry {
        Retry::After(Duration::from_secs(5))
    }
}

impl Retry {
    /// The first wait, if there is one.
    #[must_use]
    pub fn first(self) -> Option<Duration> {
        match self {
            Retry::Never => None,
            Retry::After(wait) => Some(wait),
        }
    }
}

/// The law of fees.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fee {
    /// All the same.
    Constant(u64),
    /// Exponential with this mean, rounded to whole units.
    Exponential(u64),
    /// Lognormal, rounded to whole units.
    Lognormal {
        /// Half of the fees are below.
        median: u64,
        /// Standard deviation of the logarithm.
        sigma: f64,
    },
}

impl Default for Fee {
    fn default() -> Fee {
        Fee::Constant(250)
    }
}

/// When clients pay.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Arrival {
    /// Independently of each other: exponential gaps. Needs `rate`.
    Poisson {},
    /// At equal gaps, the clients in turn; the first after half a gap. Needs `rate`.
    Constant {},
    /// Many at one instant, again and again, the clients in turn.
    Bursts {
        /// Payments in a burst.
        size: u64,
        /// Between the starts of two bursts.
        interval: Duration,
        /// When the first burst comes. Left out: at 0.
        #[serde(default)]
        first: Duration,
    },
    /// Each client alternates between exponentially long spells of Poisson payments and of silence, and is at 0 somewhere in
    /// one of them, as if it had done so for ever. `rate` is the mean over both.
    OnOff {
        /// Mean length of a spell of payments.
        on: Duration,
        /// Mean length of a spell of silence.
        off: Duration,
    },
    /// Poisson payments whose rate changes at fixed instants: load spikes, ramps in steps. The first step begins at 0.
    Piecewise {
        /// The rates, one after the other.
        steps: Vec<RateStep>,
        /// Transactions per second after the last step.
        final_rate: f64,
    },
    /// Each client waits for the answer to its last payment, thinks, and pays again. It thinks before its first, too.
    Closed {
        /// Mean of the exponential thinking time; zero for none.
        think_time: Duration,
    },
}

/// Payments at a constant mean rate.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateStep {
    /// How long it lasts.
    pub duration: Duration,
    /// Transactions per second.
    pub rate: f64,
}

impl Default for Arrival {
    fn default() -> Arrival {
        Arrival::Poisson {}
    }
}

impl Arrival {
    /// Whether `rate` sets the pace.
    #[must_use]
    pub fn wants_rate(&self) -> bool {
        matches!(self, Arrival::Poisson {} | Arrival::Constant {} | Arrival::OnOff { .. })
    }
}
