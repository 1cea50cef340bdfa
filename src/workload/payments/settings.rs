//! How payments are made, as scenarios write it.

use crate::base::{ByteSize, Duration, NodeId, OutOfRange, RangeCheck, Stream};
use crate::chain::Amount;
use crate::workload::arrival::Arrival;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::borrow::Cow;
use std::fmt;

/// No transaction is larger, whatever size is drawn.
const DRAWN_BYTES_MAX: u64 = 100_000_000;
/// Larger transactions are certainly a slip of the pen.
const BYTES_MAX: ByteSize = ByteSize(4_000_000);

/// Payments between accounts.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Payments")]
pub struct Settings {
    /// The name of the chain they go to. Left out: the first.
    pub chain: String,
    /// Transactions per second of all clients together. Must be left out where `arrival` sets the pace itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// When clients pay.
    pub arrival: Arrival,
    /// How many clients there are; client `i` asks node `i` modulo the number of nodes. Left out: one per node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clients: Option<u32>,
    /// How many accounts there are.
    pub accounts: u32,
    /// Exponent of Zipf's law of the popularity of accounts; 0 for none.
    pub zipf_exponent: f64,
    /// What each payment moves, in the smallest unit.
    pub amount: Amount,
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

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            chain: String::new(),
            rate: None,
            arrival: Arrival::default(),
            clients: None,
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

impl Settings {
    /// How many clients there are on a chain of `nodes` nodes.
    #[must_use]
    pub fn client_count(&self, nodes: u32) -> u32 {
        self.clients.unwrap_or(nodes)
    }
    /// The node of each client: clients go to nodes in turn.
    ///
    /// # Panics
    /// If there are no nodes.
    #[must_use]
    pub fn entry_nodes(&self, nodes: u32) -> Vec<NodeId> {
        (0..self.client_count(nodes)).map(|client| NodeId(client % nodes)).collect()
    }
    /// Transactions per second of all clients together, where `arrival` does not set the pace itself; else 0.
    #[must_use]
    pub fn pace(&self) -> f64 {
        self.rate.unwrap_or(0.0)
    }
    /// The settings out of their range, and a rate that is missing or means nothing.
    #[must_use]
    pub fn check(&self) -> Vec<OutOfRange> {
        let mut check = RangeCheck::default();
        let needs_rate = self.arrival.needs_rate();
        match self.rate {
            Some(rate) if needs_rate => check.above_zero("rate", rate),
            Some(_) => check.require(false, "rate", "must be left out", "one, and `arrival` sets the pace itself"),
            None => check.require(!needs_rate, "rate", "must be given, in transactions per second", "none"),
        };
        self.arrival.check(&mut check);
        check.at_least("accounts", f64::from(self.accounts), 2.0);
        check.at_least("clients", f64::from(self.clients.unwrap_or(1)), 1.0);
        check.within("zipf_exponent", self.zipf_exponent, 0.0, 10.0).within("bytes_sigma", self.bytes_sigma, 0.0, 5.0);
        check.require(self.bytes <= BYTES_MAX, "bytes", &format!("must be at most {BYTES_MAX}"), self.bytes);
        if let Fee::Lognormal { sigma, .. } = self.fee {
            check.within("fee.lognormal.sigma", sigma, 0.0, 5.0);
        }
        if let Some(wait) = self.retry.first() {
            check.longer_than_zero("retry", wait);
        }
        check.finish()
    }
    /// The size of the next transaction.
    pub(super) fn draw_bytes(&self, random: &mut Stream) -> usize {
        if self.bytes_sigma == 0.0 {
            return self.bytes.0 as usize;
        }
        // The mean of exp(s Z) is exp(s^2 / 2).
        let exponent = self.bytes_sigma * random.normal() - self.bytes_sigma * self.bytes_sigma / 2.0;
        let bytes = libm::round(self.bytes.0 as f64 * libm::exp(exponent)) as u64;
        bytes.min(DRAWN_BYTES_MAX) as usize
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

impl Serialize for Retry {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self {
            Retry::Never => out.serialize_str("never"),
            Retry::After(wait) => wait.serialize(out),
        }
    }
}

impl<'de> Deserialize<'de> for Retry {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Retry, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Retry;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time in quotes such as \"5s\", or \"never\"")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Retry, E> {
                if text == "never" { Ok(Retry::Never) } else { text.parse().map(Retry::After).map_err(E::custom) }
            }
        }
        from.deserialize_any(Visitor)
    }
}

impl JsonSchema for Retry {
    fn schema_name() -> Cow<'static, str> {
        "Retry".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [{"type": "string", "const": "never"}, generator.subschema_for::<Duration>()]})
    }
}

/// The law of fees.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fee {
    /// All the same.
    Constant(Amount),
    /// Exponential with this mean, rounded to whole units.
    Exponential(Amount),
    /// Lognormal, rounded to whole units.
    Lognormal {
        /// Half of the fees are below.
        median: Amount,
        /// Standard deviation of the logarithm.
        sigma: f64,
    },
}

impl Default for Fee {
    fn default() -> Fee {
        Fee::Constant(250)
    }
}

impl Fee {
    /// The fee of the next transaction.
    pub(super) fn draw(self, random: &mut Stream) -> Amount {
        match self {
            Fee::Constant(fee) => fee,
            Fee::Exponential(mean) => libm::round(random.exponential() * mean as f64) as Amount,
            Fee::Lognormal { median, sigma } => {
                libm::round(median as f64 * libm::exp(sigma * random.normal())) as Amount
            }
        }
    }
}
