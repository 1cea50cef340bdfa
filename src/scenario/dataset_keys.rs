//! The words of scenarios that stand for published data.

use super::{Latency, Nodes, Rate, Regions, Scenario, Topology, Weights};
use crate::network::dataset::{self, Dataset, Kind};

/// The datasets whose names mean something in one place of a scenario.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Data {
    /// `network.latency.regions.data`.
    Latency,
    /// `network.latency.simblock.data`: those that `SimBlock` uses.
    Simblock,
    /// `nodes.regions`.
    Places,
    /// `nodes.weights`.
    Weights,
    /// `nodes.upload` and `nodes.download`.
    Rates,
    /// `network.topology.degrees.data`.
    Degrees,
}

impl Data {
    /// The names, in the order in which they are listed.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        dataset::all().iter().filter(|dataset| self.takes(dataset)).map(|dataset| dataset.name).collect()
    }
    /// Whether the dataset can stand in this place.
    fn takes(self, dataset: &Dataset) -> bool {
        match self {
            Data::Latency => dataset.kind == Kind::Latency,
            Data::Simblock => dataset.kind == Kind::Latency && dataset.name.starts_with("simblock"),
            Data::Places => dataset.kind == Kind::Regions,
            Data::Weights => matches!(dataset.kind, Kind::Power | Kind::Stake),
            Data::Rates => dataset.kind == Kind::Bandwidth,
            Data::Degrees => dataset.kind == Kind::Degrees,
        }
    }
    /// Whether `name` means this dataset in this place.
    fn means(self, dataset: &Dataset, name: &str) -> bool {
        self.takes(dataset) && dataset.name == name
    }
    /// The regions that the dataset called `name` speaks of: none if there is no such dataset or it is not about regions.
    #[must_use]
    pub fn regions(self, name: &str) -> Vec<String> {
        match self {
            Data::Latency | Data::Simblock => {
                dataset::latency(name).map(|table| table.names().to_vec()).unwrap_or_default()
            }
            Data::Rates => dataset::bandwidth(name).map(|table| table.names).unwrap_or_default(),
            Data::Places => dataset::shares(Kind::Regions, name).map(|shares| shares.names).unwrap_or_default(),
            Data::Weights | Data::Degrees => Vec::new(),
        }
    }
}

impl Scenario {
    /// The published tables that it rests on, in the order in which they are listed.
    #[must_use]
    pub fn datasets(&self) -> Vec<&'static Dataset> {
        let mut named: Vec<(Data, &str)> = Vec::new();
        for chain in &self.chain {
            match chain.network.latency() {
                Latency::Regions { data, .. } => named.push((Data::Latency, data)),
                Latency::Simblock { data } => named.push((Data::Simblock, data)),
                _ => {}
            }
            if let Topology::Degrees { data, .. } = &chain.network.topology {
                named.push((Data::Degrees, data));
            }
            let nodes = &chain.nodes;
            if let Regions::Shares(name) = &nodes.regions {
                named.push((Data::Places, name));
            }
            if let Weights::Shares(name) = &nodes.weights {
                named.push((Data::Weights, name));
            }
            let of_groups = nodes.group.iter().flat_map(|group| [group.upload.as_ref(), group.download.as_ref()]);
            for rate in [Some(&nodes.upload), Some(&nodes.download)].into_iter().chain(of_groups).flatten() {
                if let Rate::ByRegion(name) = rate {
                    named.push((Data::Rates, name));
                }
            }
        }
        let meant = |dataset: &&Dataset| named.iter().any(|(data, name)| data.means(dataset, name));
        dataset::all().iter().filter(meant).collect()
    }
}

impl Regions {
    /// The regions where nodes stand, each once.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        match self {
            Regions::Nowhere => Vec::new(),
            Regions::InTurn(names) => names.clone(),
            Regions::Counts(counts) => {
                counts.iter().filter(|(_, many)| **many > 0).map(|(name, _)| name.clone()).collect()
            }
            Regions::Shares(name) => Data::Places.regions(name),
        }
    }
}

impl Nodes {
    /// The sum of the weights of all nodes; `None` if it exceeds 64 bits or no such shares are published.
    #[must_use]
    pub fn total_weight(&self) -> Option<u64> {
        let sum = |weights: &[u64]| weights.iter().try_fold(0u64, |sum, &weight| sum.checked_add(weight));
        match &self.weights {
            Weights::Equal => Some(u64::from(self.count())),
            Weights::List(weights) => sum(weights),
            Weights::Shares(name) => {
                power(name).and_then(|power| sum(&power[..power.len().min(self.count() as usize)]))
            }
        }
    }
}

/// The shares of power called `name`, as whole numbers, the largest first or in the order published.
#[must_use]
pub fn power(name: &str) -> Option<Vec<u64>> {
    let shares = dataset::shares(Kind::Power, name).or_else(|_| dataset::shares(Kind::Stake, name)).ok()?;
    Some(shares.parts())
}

/// Every region that some latency table knows.
#[must_use]
pub fn all_regions() -> Vec<String> {
    let mut regions: Vec<String> = Data::Latency.names().iter().flat_map(|name| Data::Latency.regions(name)).collect();
    regions.sort_unstable();
    regions.dedup();
    regions
}
