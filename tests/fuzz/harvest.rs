//! Genuine messages of every type, gathered from small networks to which much happens.

use super::variants;
use ledgerlab::base::{Duration, Stream};
use ledgerlab::protocol::Protocol;
use ledgerlab::protocol::testing::TestCluster;
use serde_json::Value;
use std::collections::BTreeMap;

/// Nodes on stage.
pub const NODES: usize = 4;
/// The one who lies.
pub const FAULTY: usize = 3;
/// Messages kept of each type.
const KEPT: usize = 24;
/// Longest text of a message that is kept where there are shorter ones.
const LENGTH: usize = 20_000;
/// Messages take this part of an act.
const STEPS: u64 = 20;

/// Written messages, by type.
pub struct Harvest {
    samples: BTreeMap<String, Vec<Value>>,
    seen: BTreeMap<String, u64>,
    random: Stream,
}

impl Harvest {
    /// Messages of `P`, until each type was seen: honest nodes under each of the settings first, then with each attack of
    /// the protocol, then all of it again where everything takes longer.
    pub fn of<P: Protocol>(settings: &[P::Config]) -> Harvest {
        let random = Stream::new(1, "harvest", 0, 0);
        let mut harvest = Harvest { samples: BTreeMap::new(), seen: BTreeMap::new(), random };
        for unit in [1, 10, 100, 1_000].map(Duration::from_secs) {
            for attack in std::iter::once(None).chain(P::ATTACKS.iter().map(|(name, _)| Some(*name))) {
                settings.iter().for_each(|config| harvest.watch::<P>(config, unit, attack));
                if harvest.missing::<P>().is_empty() {
                    return harvest;
                }
            }
        }
        harvest
    }
    /// Types of messages not seen yet.
    pub fn missing<P: Protocol>(&self) -> Vec<&'static str> {
        let kinds = variants::of::<P::Message>().into_iter();
        kinds.filter(|kind| !self.samples.contains_key(*kind)).collect()
    }
    /// The types of messages seen, in order.
    pub fn kinds(&self) -> Vec<&str> {
        self.samples.keys().map(String::as_str).collect()
    }
    /// What was kept of one type.
    pub fn samples(&self, kind: &str) -> &[Value] {
        &self.samples[kind]
    }
    /// All that was kept.
    pub fn all(&self) -> impl Iterator<Item = &Value> {
        self.samples.values().flatten()
    }

    /// Payments all the while; a crash, cuts of several shapes, losses, a start of all but one. An act takes `unit`.
    fn watch<P: Protocol>(&mut self, config: &P::Config, unit: Duration, attack: Option<&str>) {
        let delay = unit / STEPS;
        let mut stage = TestCluster::<P>::empty(NODES, config.clone());
        stage.set_delay(delay);
        if let Some(attack) = attack {
            stage.set_attack(FAULTY, attack);
        }
        (0..NODES).for_each(|node| stage.boot(node));
        for act in 0..60u64 {
            match act {
                6 => stage.crash(0),
                12 => stage.boot(0),
                14 => stage.partition(&[0, 1], &[2, 3]),
                18 => stage.heal(),
                20 => stage.partition(&[2], &[0, 1, 3]),
                30 => stage.heal(),
                34 => (0..NODES).for_each(|to| stage.cut(1, to)),
                38 => stage.heal(),
                44 => stage.partition(&[2], &[0, 1, 3]),
                // One is far behind, and the others remember only what is durable.
                50 => [0, 1, 3].into_iter().for_each(|node| {
                    stage.crash(node);
                    stage.boot(node);
                }),
                51 => stage.heal(),
                _ => {}
            }
            let payment = stage.transaction(1 + (act % 3) as u32, act / 3);
            stage.submit_to_all(&payment);
            for _ in 0..STEPS {
                stage.run(delay);
                let written = stage.flights().map(|flight| serde_json::to_value(&flight.message));
                written.for_each(|message| self.keep(message.expect("every message can be written")));
                if (38..42).contains(&act) {
                    stage.lose(|_| self.random.chance(0.3));
                }
            }
        }
    }
    /// Keeps a message, or not: each of its type with equal chance.
    fn keep(&mut self, message: Value) {
        let kind = variants::named(&message).to_owned();
        let seen = self.seen.entry(kind.clone()).or_default();
        *seen += 1;
        let place = self.random.below(*seen) as usize;
        let kept = self.samples.entry(kind).or_default();
        if kept.is_empty() {
            kept.push(message);
        } else if (place < KEPT || kept.len() < KEPT) && message.to_string().len() <= LENGTH {
            match kept.get_mut(place).filter(|_| *seen > KEPT as u64) {
                Some(old) => *old = message,
                None => kept.push(message),
            }
        }
        kept.truncate(KEPT);
    }
}
