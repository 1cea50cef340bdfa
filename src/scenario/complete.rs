//! Completing a scenario: what is left out, and depends on something else that is written.
//!
//! All other defaults stand at their types, as `Default` or at the field. A pure function: completing twice changes nothing, and what is
//! wrong with a scenario is left for [`validate`](super::validate) to report.

use super::attack::{Attack, EQUIVOCATE, GenericAttack};
use super::catalogue::Catalogue;
use super::dataset_keys::Data;
use super::{Agent, Chain, Latency, Regions, Scenario, Workload};
use crate::base::{Committee, Duration};
use crate::network::latency::Jitter;

/// How long a run lasts at most that ends by another rule.
const DAY: Duration = Duration::from_secs(86_400);
/// One-way delay between nodes that stand nowhere.
const DELAY: Duration = Duration::from_millis(50);
/// Published delays between regions: the first that knows all regions of a chain is used.
const DELAYS: [&str; 2] = ["aws-2025", "six-regions-2018"];

/// Fills in everything that is left out and depends on something else.
pub fn complete(scenario: &mut Scenario, catalogue: &Catalogue) {
    if scenario.stop.is_some() {
        scenario.duration.get_or_insert(DAY);
    }
    for chain in &mut scenario.chain {
        if let Some(counted) = chain.nodes.regions.counted().and_then(|counted| u32::try_from(counted).ok()) {
            chain.nodes.count.get_or_insert(counted);
        }
        if let Some(bound) = fault_bound(chain, catalogue) {
            chain.nodes.max_faulty.get_or_insert(bound);
        }
        let regions = &chain.nodes.regions;
        chain.network.latency.get_or_insert_with(|| latency(regions));
    }
    let Some(first) = scenario.chain.first().map(|chain| chain.name.clone()) else { return };
    for name in scenario.fault.iter_mut().map(|fault| &mut fault.chain) {
        name_first(name, &first);
    }
    for adversary in &mut scenario.adversary {
        name_first(&mut adversary.chain, &first);
        let chain = scenario.chain.iter().find(|chain| chain.name == adversary.chain);
        let protocol = chain.and_then(|chain| catalogue.protocol(&chain.protocol.name));
        let is_short = matches!(&adversary.attack, Attack::Protocol(name) if name == EQUIVOCATE);
        if is_short && protocol.is_some_and(|protocol| protocol.attacks.iter().all(|(own, _)| *own != EQUIVOCATE)) {
            adversary.attack = Attack::Generic(GenericAttack::TWINS);
        }
    }
    if let Some(Workload::Payments(payments)) = &mut scenario.workload {
        name_first(&mut payments.chain, &first);
        if let Some(chain) = scenario.chain.iter().find(|chain| chain.name == payments.chain) {
            payments.clients = payments.clients.or(chain.nodes.count);
        }
    }
    for Agent::Anchor(anchor) in &mut scenario.agent {
        anchor.watch.get_or_insert_with(|| vec![anchor.read]);
    }
}

fn name_first(name: &mut String, first: &str) {
    if name.is_empty() {
        first.clone_into(name);
    }
}

/// The most faulty weight that the fault model of the protocol allows.
fn fault_bound(chain: &Chain, catalogue: &Catalogue) -> Option<u64> {
    let protocol = catalogue.protocol(&chain.protocol.name)?;
    let total = chain.nodes.total_weight().filter(|total| *total > 0)?;
    Some(Committee::bound(total, protocol.faults))
}

/// The published delays between the regions where nodes stand, or one delay where they stand nowhere.
fn latency(regions: &Regions) -> Latency {
    if regions.is_nowhere() {
        return Latency::constant(DELAY);
    }
    let names = regions.names();
    let knows_all = |data: &&&str| {
        let known = Data::Latency.regions(data);
        names.iter().all(|name| known.contains(name))
    };
    let data = DELAYS.iter().find(knows_all).unwrap_or(&DELAYS[0]);
    Latency::Regions { data: (*data).to_owned(), jitter: Jitter::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Checks, ProtocolChoice, Weights};
    use crate::workload::payments::Settings;
    use std::collections::BTreeMap;

    fn choice(name: &str) -> ProtocolChoice {
        ProtocolChoice { name: name.to_owned(), settings: toml::Table::new() }
    }

    fn completed(mut scenario: Scenario) -> Scenario {
        let catalogue = Catalogue::standard();
        complete(&mut scenario, &catalogue);
        let once = scenario.clone();
        complete(&mut scenario, &catalogue);
        assert_eq!(scenario, once, "completing twice changes nothing");
        scenario
    }

    fn two_regions() -> Scenario {
        let mut chain = Chain::new(choice("pbft"), 0);
        let regions = BTreeMap::from([("eu-west-1".to_owned(), 4), ("us-east-1".to_owned(), 3)]);
        (chain.nodes.count, chain.nodes.regions) = (None, Regions::Counts(regions));
        let mut scenario = Scenario::new("test", Duration::from_secs(1), chain);
        scenario.workload = Some(Workload::Payments(Settings { rate: Some(1.0), ..Settings::default() }));
        scenario
    }

    #[test]
    fn what_is_left_out_follows_from_what_is_written() {
        let scenario = completed(two_regions());
        let chain = &scenario.chain[0];
        assert_eq!((chain.nodes.count, chain.nodes.max_faulty), (Some(7), Some(2)));
        assert_eq!(
            chain.network.latency,
            Some(Latency::Regions { data: "aws-2025".to_owned(), jitter: Jitter::default() })
        );
        let Some(Workload::Payments(payments)) = &scenario.workload else { panic!("payments") };
        assert_eq!((payments.chain.as_str(), payments.clients), ("main", Some(7)));
    }

    #[test]
    fn what_is_written_is_kept() {
        let mut scenario = two_regions();
        let chain = &mut scenario.chain[0];
        (chain.nodes.max_faulty, chain.network.latency) = (Some(1), Some(Latency::constant(Duration::ZERO)));
        chain.nodes.count = Some(9);
        let (before, after) = (scenario.chain[0].clone(), completed(scenario).chain[0].clone());
        assert_eq!(before, after);
    }

    #[test]
    fn a_run_that_ends_by_a_rule_lasts_a_day_at_most_and_one_without_end_is_left_alone() {
        let mut scenario = two_regions();
        scenario.duration = None;
        assert_eq!(completed(scenario.clone()).duration, None);
        scenario.stop = Some(crate::engine::StopRule::FinalHeight(5));
        assert_eq!(completed(scenario).duration, Some(DAY));
    }

    #[test]
    fn the_bound_of_faults_is_that_of_the_fault_model_and_of_weights() {
        let bound = |protocol: &str, weights: Weights| {
            let mut chain = Chain::new(choice(protocol), 4);
            chain.nodes.weights = weights;
            completed(Scenario::new("test", Duration::from_secs(1), chain)).chain[0].nodes.max_faulty
        };
        assert_eq!(bound("pbft", Weights::Equal), Some(1));
        assert_eq!(bound("raft", Weights::Equal), Some(1));
        assert_eq!(bound("pbft", Weights::List(vec![10, 10, 10, 10])), Some(13));
        assert_eq!(bound("pbft", Weights::List(vec![u64::MAX, 1, 1, 1])), None, "they do not sum up");
        assert_eq!(bound("none", Weights::Equal), None, "there is no such protocol");
    }

    #[test]
    fn a_scenario_without_chains_is_left_alone() {
        let mut scenario = two_regions();
        scenario.chain.clear();
        assert_eq!(completed(scenario.clone()), scenario);
        assert_eq!(scenario.check, Checks::default());
    }
}
