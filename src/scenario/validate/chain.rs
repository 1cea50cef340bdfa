//! Checks of chains.

use super::checker::Checker;
use crate::scenario::Scenario;
use crate::scenario::parse::name::Named;

impl Checker<'_> {
    /// All chains: names, then each in turn. Whether it is known how many nodes there are, and where.
    pub(super) fn chains(&mut self, scenario: &mut Scenario) -> bool {
        let mut is_known = !scenario.chain.is_empty();
        if scenario.chain.is_empty() {
            self.wrong("chain", "a scenario needs a chain", "there is none: add a `[[chain]]`");
        }
        for at in 0..scenario.chain.len() {
            let path = format!("chain[{at}]");
            let (before, rest) = scenario.chain.split_at_mut(at);
            let chain = &mut rest[0];
            let is_word = self.name(&format!("{path}.name"), &chain.name, Named::Part);
            if is_word && before.iter().any(|other| other.name.to_lowercase() == chain.name.to_lowercase()) {
                let title = format!("chains need names of their own, found \"{}\"", chain.name);
                self.wrong(&format!("{path}.name"), title, "this name is taken");
            }
            let before = self.count();
            if !self.node_count(&path, &chain.nodes) {
                is_known = false;
                continue;
            }
            self.places(&path, chain);
            is_known &= self.count() == before;
            self.hardware(&format!("{path}.nodes"), &chain.nodes);
            let known = self.protocol(&path, chain);
            self.ledger(&path, chain);
            self.network_models(&path, chain);
            self.weights(&path, &chain.nodes, known.as_ref());
            self.latency(&path, chain);
            self.topology(&path, chain);
            self.within(&format!("{path}.network.loss"), chain.network.loss, 0.0, 1.0);
            self.within(&format!("{path}.network.segment_loss"), chain.network.segment_loss, 0.0, 0.5);
        }
        is_known
    }
}
