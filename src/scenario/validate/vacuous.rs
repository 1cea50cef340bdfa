//! What a scenario asks for that cannot happen: said before the run, which goes on.

use super::checker::Checker;
use crate::base::Duration;
use crate::scenario::{Chain, NodeSelector, Scenario};

impl Checker<'_> {
    /// Properties that cannot be judged, and faults that change nothing or leave no honest node.
    pub(super) fn vacuous(&mut self, scenario: &Scenario) {
        self.unjudged(scenario);
        for (at, fault) in scenario.fault.iter().enumerate() {
            let Some(chain) = scenario.chain.iter().find(|chain| chain.name == fault.chain) else { continue };
            if let Some(kind) = fault.kind() {
                kind.spec().warn(self, &format!("fault[{at}].{}", kind.key()), chain);
            }
        }
    }
    fn unjudged(&mut self, scenario: &Scenario) {
        // Generated cases last as long as their bounds ask for.
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
    /// Warns of nodes that are selected by a number alone or by too small a share.
    pub fn warn_of_selection(&mut self, key: &str, select: &NodeSelector, chain: &Chain) {
        if select.members(&chain.nodes).is_some_and(|some| some.is_empty()) {
            let label = format!("of {} nodes this is none: the fault changes nothing", chain.nodes.count());
            self.odd(key, "this selects no node", label);
        }
        if let NodeSelector::Numbers(numbers) = select
            && self.tree().at(key).is_some_and(crate::scenario::parse::spanned_toml::SpannedToml::is_number)
        {
            let title = format!("this is node {}, and not so many nodes", numbers[0]);
            self.odd(
                key,
                title,
                format!("`[{}]` says so without doubt; a share is `{{ fraction = 0.5 }}`", numbers[0]),
            );
        }
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
