//! Checks of who lives between chains.

use super::checker::Checker;
use crate::scenario::parse::error::allow;
use crate::scenario::{Agent, Anchor, Chain, NodeSelector, Scenario};

impl Checker<'_> {
    /// Who lives between chains.
    pub(super) fn agents(&mut self, scenario: &Scenario) {
        for (at, Agent::Anchor(anchor)) in scenario.agent.iter().enumerate() {
            self.anchor(&format!("agent[{at}].anchor"), anchor, &scenario.chain);
        }
    }

    fn anchor(&mut self, path: &str, anchor: &Anchor, chains: &[Chain]) {
        let key = |word: &str| format!("{path}.{word}");
        self.at_least(&key("every"), anchor.every as f64, 1.0);
        self.lasting(&key("poll"), anchor.poll);
        self.lasting(&key("retry"), anchor.retry);
        let watch = anchor.watch.clone().unwrap_or_default();
        let named = |name: &str| chains.iter().find(|chain| chain.name == name);
        let names: Vec<&str> = chains.iter().map(|chain| chain.name.as_str()).collect();
        if self.among(&key("from"), "chain", &anchor.from, &names)
            && let Some(from) = named(&anchor.from)
        {
            self.select(&key("read"), &NodeSelector::Numbers(vec![anchor.read]), &from.nodes, &[]);
            // Left out, it is the node that is read, and that was looked at.
            if self.tree().has(&key("watch")) {
                self.select(&key("watch"), &NodeSelector::Numbers(watch), &from.nodes, &[]);
            }
        }
        if anchor.into == anchor.from {
            let others: Vec<&str> = names.into_iter().filter(|name| *name != anchor.from).collect();
            let title = format!("chain \"{}\" cannot carry its own anchors", anchor.into);
            self.wrong(&key("into"), title, allow(&others));
        } else if self.among(&key("into"), "chain", &anchor.into, &names)
            && let Some(into) = named(&anchor.into)
        {
            self.select(&key("submit"), &NodeSelector::Numbers(vec![anchor.submit]), &into.nodes, &[]);
            // Settings that could not be read say nothing.
            let is_read = self.has_only_warnings();
            let ledger = self.catalogue().ledgers().get(into.ledger.name.as_str()).filter(|_| is_read);
            if ledger.is_some_and(|ledger| !(ledger.read)(&into.ledger.settings).carries_anchors()) {
                let title = format!("chain \"{}\" cannot carry anchors", anchor.into);
                self.wrong(&key("into"), title, format!("its ledger is `{}`, expected `account`", into.ledger.name));
            }
        }
    }
}
