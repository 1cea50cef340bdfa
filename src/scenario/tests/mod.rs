//! A protocol of our own proves the way from a table to its settings; every kind of mistake is read as people read it.

mod forms;
mod misconduct;
mod mistakes;
mod shipped;
mod variants;

use super::{Catalogue, Loaded, Scenario};
use crate::base::{Committee, Duration, FaultModel, Hash, Keyring, NodeId, Wire};
use crate::protocol::{Context, InvalidSetting, Message, NoRecord, Protocol};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A protocol that does nothing, with settings of every kind.
#[derive(Clone, Debug)]
struct Idle;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// How long it does nothing.
    nap: Duration,
    /// How many dreams it has.
    dreams: u32,
    /// Which node sleeps first; none by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<u32>,
    mood: Mood,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Mood {
    #[default]
    Quiet,
    Restless {
        turns: u32,
    },
}

impl Default for Config {
    fn default() -> Config {
        Config { nap: Duration::from_secs(2), dreams: 1, first: None, mood: Mood::Quiet }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Snore;

impl Wire for Snore {
    fn bytes(&self) -> usize {
        1
    }
    fn kind(&self) -> &'static str {
        "snore"
    }
}

impl Message for Snore {
    fn verify(&self, _: NodeId, _: &Keyring) -> bool {
        true
    }
    fn identity(&self) -> Option<Hash> {
        None
    }
}

impl Protocol for Idle {
    const NAME: &'static str = "idle";
    const SUMMARY: &'static str = "does nothing, for tests";
    const FAULTS: FaultModel = FaultModel::Byzantine;
    const ATTACKS: &'static [(&'static str, &'static str)] = &[("shout", "wakes the others")];
    type Config = Config;
    type Message = Snore;
    type Timer = u8;
    type Record = NoRecord;

    fn check(config: &Config, nodes: usize) -> Result<(), InvalidSetting> {
        if config.dreams as usize <= nodes {
            return Ok(());
        }
        Err(InvalidSetting { key: "dreams", reason: format!("{} dreams for {nodes} nodes", config.dreams) })
    }
    fn proposes(_: &Config, _: &Committee, _: NodeId) -> bool {
        false
    }
    fn boot(_: &Arc<Config>, _: &[NoRecord], _: &mut Context<'_, Idle>) -> Idle {
        Idle
    }
    fn on_message(&mut self, _: NodeId, _: Snore, _: &mut Context<'_, Idle>) {}
    fn on_timer(&mut self, _: u8, _: &mut Context<'_, Idle>) {}
}

/// The catalogue of a crate that brings one protocol and nothing of ours.
fn idle() -> Catalogue {
    let mut catalogue = Catalogue::without_protocols();
    catalogue.add_protocol::<Idle>().expect("the only one");
    catalogue
}

/// Four idle nodes in three regions, one fault of each kind, one adversary.
const VALID: &str = r#"name = "test"
seed = 1
duration = "60s"
warm_up = "5s"

[[chain]]
protocol.idle = { nap = "1s" }

[chain.nodes]
regions = { eu-west-1 = 2, us-east-1 = 1, sa-east-1 = 1 }
disk = { median = "1 ms", sigma = 0.4 }

[chain.network]
topology.outbound = { degree = 2 }
gossip = "flood"

[workload.payments]
rate = 50
fee.lognormal = { median = 10, sigma = 1 }

[[fault]]
at = "20s"
until = "30s"
crash = { nodes = [3] }

[[fault]]
at = "30s"
partition = { groups = [{ region = "eu-west-1" }, "rest"] }

[[fault]]
at = "40s"
degrade = { to = { fraction = 0.5 }, loss = 0.1, extra_delay = "10ms" }

[[adversary]]
nodes = 0
attack.delay = { delay = "1s" }
"#;

fn load(text: &str) -> Result<Loaded, String> {
    load_set(text, &[])
}

fn load_set(text: &str, overrides: &[&str]) -> Result<Loaded, String> {
    let overrides: Vec<String> = overrides.iter().map(ToString::to_string).collect();
    Scenario::load(&idle(), "test.toml", text, &overrides).map_err(|mistakes| {
        let shown: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        shown.join("\n")
    })
}
