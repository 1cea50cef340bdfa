//! What a scenario asks for that cannot happen: said before the run, which goes on.

use super::Checker;
use crate::base::{Duration, NodeId, Stream};
use crate::scenario::{Chain, FaultKind, NodeSelector, Nodes, Partition, Scenario};
use std::collections::BTreeSet;

impl Checker<'_> {
    /// Properties that cannot be judged, and faults that change nothing or leave nobody.
    pub(super) fn vacuous(&mut self, scenario: &Scenario) {
        self.unjudged(scenario);
        for (at, fault) in scenario.fault.iter().enumerate() {
            let Some(chain) = scenario.chain.iter().find(|chain| chain.name == fault.chain) else { continue };
            let path = format!("fault[{at}]");
            match fault.kind() {
                Some(FaultKind::Partition(partition)) => self.empty_groups(&path, partition, chain),
                Some(FaultKind::Crash(crash)) => {
                    self.nobody(&format!("{path}.crash.nodes"), &crash.nodes, chain);
                    let everybody = members(&crash.nodes, &chain.nodes).is_some_and(|some| some.len() == all(chain));
                    if everybody && crash.log.forgets() {
                        self.odd(
                            &format!("{path}.crash.nodes"),
                            "no node is left that keeps its log",
                            "who loses a log counts as faulty: nothing can be said of honest nodes",
                        );
                    }
                }
                Some(FaultKind::Pause(pause)) => self.nobody(&format!("{path}.pause.nodes"), &pause.nodes, chain),
                _ => {}
            }
        }
    }
    fn unjudged(&mut self, scenario: &Scenario) {
        // Worlds that are drawn last as long as their bounds ask for.
        let is_short = |bound: Duration| bound >= scenario.duration() && scenario.explore.is_none();
        let lasts = format!("the run lasts {}", scenario.duration());
        if let Some(progress) = scenario.check.progress {
            if scenario.workload.is_none() {
                let title = "progress cannot be judged: nothing is submitted";
                self.odd("check.progress", title, "add `[workload.payments]` with `rate = 10`");
            } else if is_short(progress) {
                self.odd("check.progress", "progress cannot be broken within this run", lasts.clone());
            }
        }
        if scenario.check.catch_up.is_some_and(is_short) {
            self.odd("check.catch_up", "catching up cannot be judged within this run", lasts);
        }
    }
    /// Nodes that are chosen by a number alone or by too small a share.
    fn nobody(&mut self, key: &str, select: &NodeSelector, chain: &Chain) {
        if members(select, &chain.nodes).is_some_and(|some| some.is_empty()) {
            let label = format!("of {} nodes this is nobody: the fault changes nothing", chain.nodes.count());
            self.odd(key, "this selects no node", label);
        }
        if let NodeSelector::Numbers(numbers) = select
            && self.tree.at(key).is_some_and(super::SpannedToml::is_number)
        {
            let title = format!("this is node {}, and not so many nodes", numbers[0]);
            self.odd(
                key,
                title,
                format!("`[{}]` says so without doubt; a share is `{{ fraction = 0.5 }}`", numbers[0]),
            );
        }
    }
    fn empty_groups(&mut self, path: &str, partition: &Partition, chain: &Chain) {
        let groups: Vec<Option<Vec<NodeId>>> =
            partition.groups.iter().map(|group| members(group, &chain.nodes)).collect();
        let named: BTreeSet<NodeId> = groups.iter().flatten().flatten().copied().collect();
        for (at, (group, members)) in partition.groups.iter().zip(&groups).enumerate() {
            let is_left_over = *group == NodeSelector::Rest && !partition.groups.contains(&NodeSelector::Leader);
            let is_empty = match members {
                Some(members) => members.is_empty(),
                None => is_left_over && named.len() == all(chain),
            };
            if is_empty {
                let label = "the other groups name every node, or it names nobody: nothing is cut off from them";
                self.odd(&format!("{path}.partition.groups[{at}]"), "this group is empty", label);
            }
        }
    }
}

fn all(chain: &Chain) -> usize {
    chain.nodes.count() as usize
}

/// The nodes meant, as far as they are known before a run: how many a share is, not which.
fn members(select: &NodeSelector, nodes: &Nodes) -> Option<Vec<NodeId>> {
    let places = match nodes.regions.places(nodes.count()) {
        Some(places) => places.into_iter().map(Some).collect(),
        None => vec![None; nodes.count() as usize],
    };
    match select {
        NodeSelector::Rest | NodeSelector::Leader => None,
        // Where nodes stand by drawn shares is not known yet.
        NodeSelector::Region(_) if places.iter().all(Option::is_none) => None,
        _ => Some(select.nodes(&places, &mut Stream::new(0, "check", 0, 0))),
    }
}

#[cfg(test)]
mod tests {
    use crate::scenario::{Catalogue, Scenario};

    /// The titles of the warnings about a scenario of four nodes that ends so.
    fn warnings(end: &str) -> Vec<String> {
        let head = "name = \"m\"\nduration = \"20s\"\n[[chain]]\nprotocol = \"raft\"\nnodes = { count = 4 }\n";
        let loaded = Scenario::load(&Catalogue::standard(), "m.toml", &format!("{head}{end}"), &[])
            .unwrap_or_else(|wrong| panic!("{}", wrong[0]));
        loaded.warnings.into_iter().map(|warning| warning.title).collect()
    }

    #[test]
    fn what_cannot_be_judged_or_changes_nothing_is_said_before_the_run() {
        let load = "[workload.payments]\nrate = 5\n";
        let fault = |what: &str| warnings(&format!("{load}[[fault]]\nat = \"5s\"\nuntil = \"8s\"\n{what}\n"));
        for (found, expected) in [
            (warnings("[check]\nprogress = \"5s\"\n"), "progress cannot be judged: nothing is submitted"),
            (warnings(&format!("{load}[check]\nprogress = \"20s\"\n")), "progress cannot be broken within this run"),
            (warnings(&format!("{load}[check]\ncatch_up = \"30s\"\n")), "catching up cannot be judged within this run"),
            (fault("partition = { groups = [[0, 1, 2, 3], \"rest\"] }"), "this group is empty"),
            (fault("crash = { nodes = { fraction = 0.1 } }"), "this selects no node"),
            (fault("crash = { nodes = 2 }"), "this is node 2, and not so many nodes"),
            (fault("crash = { nodes = \"all\", log = \"wiped\" }"), "no node is left that keeps its log"),
        ] {
            assert!(found.iter().any(|title| title == expected), "{expected}: {found:?}");
        }
        assert_eq!(fault("crash = { nodes = [2] }"), Vec::<String>::new());
        assert_eq!(fault("partition = { groups = [[0, 1], \"rest\"] }"), Vec::<String>::new());
        assert_eq!(warnings(&format!("{load}[check]\nprogress = \"5s\"\ncatch_up = \"5s\"\n")), Vec::<String>::new());
    }
}
