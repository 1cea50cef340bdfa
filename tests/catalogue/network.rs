//! Delays by distance of numbers, a graph of hubs, and a network that loses one of so many envelopes.

use ledgerlab::base::{Duration, NodeId, Time};
use ledgerlab::network::{Arrival, Carried, Change, Delay, Envelope, Network};
use ledgerlab::protocol::InvalidSetting;
use ledgerlab::scenario::{LatencyModel, Model, NetworkModel, Site, TopologyModel};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Steps {
    /// The delay between neighbours by number.
    step: Duration,
}

impl Default for Steps {
    fn default() -> Steps {
        Steps { step: Duration::from_millis(10) }
    }
}

impl Model for Steps {
    const NAME: &'static str = "steps";
    const SUMMARY: &'static str = "nodes on a line, in order of number";
    fn check(&self, _: usize) -> Result<(), InvalidSetting> {
        let reason = "found 0, expected more".to_owned();
        if self.step.is_zero() { Err(InvalidSetting { key: "step", reason }) } else { Ok(()) }
    }
}

impl LatencyModel for Steps {
    fn delay(&self, site: &Site<'_>) -> Result<Box<dyn Delay>, String> {
        Ok(Box::new(Line { step: self.step, nodes: site.nodes() }))
    }
}

struct Line {
    step: Duration,
    nodes: usize,
}

impl Delay for Line {
    fn delay(&self, from: NodeId, to: NodeId, _: u64) -> Duration {
        assert!(from.index().max(to.index()) < self.nodes && from != to, "only nodes are asked about");
        self.step * u64::from(from.0.abs_diff(to.0))
    }
    fn typical(&self, from: NodeId, to: NodeId) -> Duration {
        self.delay(from, to, 0)
    }
    fn least(&self) -> Duration {
        self.step
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hubs {
    /// The first nodes, to which all are linked.
    count: u32,
}

impl Model for Hubs {
    const NAME: &'static str = "hubs";
    const SUMMARY: &'static str = "every node with each of the first nodes";
    fn check(&self, nodes: usize) -> Result<(), InvalidSetting> {
        let fits = (1..=nodes).contains(&(self.count as usize));
        let reason = format!("found {}, expected 1 to {nodes}", self.count);
        if fits { Ok(()) } else { Err(InvalidSetting { key: "count", reason }) }
    }
}

impl TopologyModel for Hubs {
    fn links(&self, site: &Site<'_>) -> Result<Vec<(NodeId, NodeId)>, String> {
        let of_hub = |hub: u32| (hub as usize + 1..site.nodes()).map(move |node| (NodeId(hub), NodeId::from(node)));
        Ok((0..self.count).flat_map(of_hub).collect())
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lossy {
    /// One of so many envelopes of each node is lost.
    every: u64,
}

impl Model for Lossy {
    const NAME: &'static str = "lossy";
    const SUMMARY: &'static str = "the usual network, which loses envelopes by their number";
}

impl NetworkModel for Lossy {
    fn network(
        &self,
        site: &Site<'_>,
        endpoints: &[NodeId],
        usual: Box<dyn Network>,
    ) -> Result<Box<dyn Network>, String> {
        assert_eq!(site.nodes(), endpoints.len(), "no node stands twice here");
        Ok(Box::new(Losing { usual, every: self.every }))
    }
}

struct Losing {
    usual: Box<dyn Network>,
    every: u64,
}

impl Network for Losing {
    fn send(&mut self, now: Time, envelope: &Envelope, to: &[NodeId], out: &mut Carried) {
        if envelope.number.is_multiple_of(self.every) {
            out.lost.extend(to.iter().map(|receiver| (*receiver, envelope.ticket)));
        } else {
            self.usual.send(now, envelope, to, out);
        }
    }
    fn wake(&mut self, now: Time, node: NodeId, out: &mut Carried) {
        self.usual.wake(now, node, out);
    }
    fn has_downlinks(&self) -> bool {
        self.usual.has_downlinks()
    }
    fn land(&mut self, now: Time, arrival: &Arrival) -> Time {
        self.usual.land(now, arrival)
    }
    fn reset(&mut self, now: Time, node: NodeId, out: &mut Carried) {
        self.usual.reset(now, node, out);
    }
    fn change(&mut self, now: Time, change: &Change, out: &mut Carried) {
        self.usual.change(now, change, out);
    }
    fn reaches(&self, from: NodeId, to: NodeId) -> bool {
        self.usual.reaches(from, to)
    }
    fn delay_min(&self) -> Duration {
        self.usual.delay_min()
    }
    fn bytes_sent(&self, node: NodeId) -> u64 {
        self.usual.bytes_sent(node)
    }
    fn bytes_received(&self, node: NodeId) -> u64 {
        self.usual.bytes_received(node)
    }
}
