//! Checks of what lies between nodes.

use super::checker::Checker;
use crate::network::gossip::GossipModel;
use crate::scenario::dataset_keys::Data;
use crate::scenario::model::choice::word;
use crate::scenario::{Chain, Latency, Topology};

impl Checker<'_> {
    pub(super) fn latency(&mut self, path: &str, chain: &Chain) {
        let key = format!("{path}.network.latency");
        match chain.network.latency() {
            Latency::Distribution(law) => {
                let key = format!("{key}.{}", word(law));
                self.in_range(&key, law.check());
            }
            Latency::Regions { data, .. } => self.latency_data(&format!("{key}.regions"), Data::Latency, data, chain),
            Latency::Simblock { data } => self.latency_data(&format!("{key}.simblock"), Data::Simblock, data, chain),
            Latency::Model(_) => {}
        }
    }

    fn latency_data(&mut self, key: &str, data: Data, name: &str, chain: &Chain) {
        if self.among(&format!("{key}.data"), "latency data", name, &data.names()) && chain.nodes.regions.is_nowhere() {
            let label = "these delays are between regions, and `nodes.regions` is not given";
            self.wrong(key, "latency between regions needs regions", label);
        }
    }

    pub(super) fn topology(&mut self, path: &str, chain: &Chain) {
        let key = format!("{path}.network.topology");
        match &chain.network.topology {
            Topology::Graph(model) => {
                let key = format!("{key}.{}", word(model));
                self.in_range(&key, model.check(chain.nodes.count()));
            }
            Topology::Degrees { data, max_inbound } => {
                self.among(&format!("{key}.degrees.data"), "degree data", data, &Data::Degrees.names());
                self.at_least(&format!("{key}.degrees.max_inbound"), f64::from(*max_inbound), 1.0);
            }
            Topology::File { path } => {
                if path.is_empty() {
                    self.wrong(&format!("{key}.file.path"), "a topology needs a file", "found an empty path");
                }
            }
            Topology::Model(_) => {}
        }
        let gossip = &chain.network.gossip;
        self.in_range(&format!("{path}.network.gossip.{}", word(gossip)), gossip.check());
        if *gossip == (GossipModel::Direct {}) && chain.network.topology != Topology::default() {
            let label = "but here only neighbours are connected, and gossip is `direct`";
            let title = "direct broadcasts need all nodes connected to each other";
            self.wrong(&format!("{path}.network.topology"), title, label).help =
                Some("choose `gossip = \"flood\"`, `\"inventory\"`, `\"compact\"` or `\"sqrt_push\"`".to_owned());
        }
    }
}
