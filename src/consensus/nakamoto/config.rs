//! What a scenario may set.

use super::difficulty::LIMIT_BITS;
use super::finality::Finality;
use crate::base::Duration;
use crate::chain::Limit;
use crate::protocol::InvalidSetting;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of Nakamoto consensus. The defaults are Bitcoin's.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Mean time between blocks that difficulty aims at; 600 s (Bitcoin's `nPowTargetSpacing`). At least 200 ms, since
    /// times are whole seconds and rise by one in six blocks at least.
    pub spacing: Duration,
    /// Most that a block may hold; 1 MB of transactions (Bitcoin before 2017), whatever their number.
    pub block_limit: Limit,
    /// Blocks between adjustments of the difficulty; 2016 (Bitcoin). 0 keeps it fixed.
    pub retarget: u64,
    /// By how much one adjustment scales the difficulty at most, either way; 4 (Bitcoin).
    pub clamp: u64,
    /// How far a block's time may be ahead of a node's clock; 2 h (Bitcoin's `MAX_FUTURE_BLOCK_TIME`).
    pub future_limit: Duration,
    /// How blocks are found.
    pub mining: Mining,
    /// Hashes per second of one unit of weight. The initial difficulty follows from it, so simulated mining does not
    /// depend on it but for the room that difficulty has to fall; grinding really computes them.
    pub hash_rate: u64,
    /// Energy that miners draw per hash, in joules per terahash; left out, nothing is said about energy. Bitcoin's
    /// miners of 2014 needed 250 to 1,000, those of 2024 15 to 35.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub joules_per_terahash: Option<f64>,
    /// Which chain is the best.
    pub fork_choice: ForkChoice,
    /// When a block counts as final.
    pub finality: Finality,
    /// How long a peer may take to answer a request for headers; 2 min (Bitcoin's `HEADERS_RESPONSE_TIME`).
    pub headers_timeout: Duration,
}

/// How blocks are found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mining {
    /// A miner's time to the next block is drawn from the exponential law; the nonce is ground against the easiest
    /// target only.
    #[default]
    Simulated,
    /// Every nonce is tried, and each try takes virtual time. Costs spacing x hash rate x total weight real hashes per
    /// block, so use it with little of each.
    Ground,
}

/// Which chain is the best.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ForkChoice {
    /// The chain with the most work, the first seen among equals (Nakamoto 2008, section 5).
    #[default]
    MostWork,
    /// The chain that enters the heaviest subtree at every fork (Sompolinsky and Zohar 2015). Nodes then also pass on
    /// blocks off the best chain.
    Ghost,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            spacing: Duration::from_secs(600),
            block_limit: Limit { bytes: 1_000_000, transactions: 1_000_000 },
            retarget: 2016,
            clamp: 4,
            future_limit: Duration::from_secs(7_200),
            mining: Mining::Simulated,
            hash_rate: 100,
            joules_per_terahash: None,
            fork_choice: ForkChoice::MostWork,
            finality: Finality::default(),
            headers_timeout: Duration::from_secs(120),
        }
    }
}

/// Hashes in a target spacing that a unit of weight may really compute: some seconds of a core. A slice of them is one step
/// of the simulation, which cannot be interrupted.
const GROUND_HASHES_MAX: f64 = 10_000_000.0;

impl Config {
    /// Watts that miners of so much weight draw: their hash rate times the energy per hash.
    pub(super) fn mining_watts(&self, weight: u64) -> Option<f64> {
        let hashes = self.hash_rate as f64 * weight as f64;
        self.joules_per_terahash.map(|joules| hashes / 1e12 * joules)
    }
    /// Refuses settings that make no sense.
    ///
    /// # Errors
    /// The first invalid.
    pub fn check(&self) -> Result<(), InvalidSetting> {
        let refuse = |key, reason: String| Err(InvalidSetting { key, reason });
        if self.spacing < Duration::from_millis(200) {
            return refuse("spacing", format!("{} is below 200ms, the least that whole seconds allow", self.spacing));
        }
        if self.retarget == 1 {
            return refuse("retarget", "an epoch of one block has no span; 0 keeps the difficulty fixed".to_owned());
        }
        if self.retarget > 1_000_000 || self.spacing > Duration::from_secs(86_400) {
            return refuse("retarget", "an epoch is at most a million blocks of a day each".to_owned());
        }
        if !(1..=1_000).contains(&self.clamp) {
            return refuse("clamp", format!("{} is not between 1 and 1000", self.clamp));
        }
        if self.hash_rate == 0 {
            return refuse("hash_rate", format!("0 never meets even the easiest target {LIMIT_BITS:#x}"));
        }
        let hashes = self.hash_rate as f64 * self.spacing.as_secs_f64();
        if self.mining == Mining::Ground && hashes > GROUND_HASHES_MAX {
            let reason =
                format!("grinding computes each of {hashes:.0} hashes per target spacing; at most ten million");
            return refuse("hash_rate", reason);
        }
        if self.joules_per_terahash.is_some_and(|joules| !joules.is_finite() || joules < 0.0) {
            return refuse("joules_per_terahash", "energy is a finite number that is not negative".to_owned());
        }
        if self.headers_timeout.is_zero() {
            return refuse("headers_timeout", "a peer needs some time to answer".to_owned());
        }
        match self.finality.invalid() {
            Some((key, reason)) => refuse(key, reason),
            None => Ok(()),
        }
    }
}
