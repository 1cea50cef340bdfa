//! Checks of nodes that do not follow the protocol.

use super::checker::Checker;
use crate::base::FaultModel;
use crate::scenario::attack::{AttackContext, GENERIC_ATTACKS};
use crate::scenario::parse::error::{allow, suggest};
use crate::scenario::{Attack, Chain, NodeSelector, Scenario, Weights};
use std::collections::{BTreeMap, BTreeSet};

impl Checker<'_> {
    /// Nodes that do not follow the protocol.
    pub(super) fn adversaries(&mut self, scenario: &Scenario) {
        let mut taken: BTreeSet<(String, u32)> = BTreeSet::new();
        let mut budgets: BTreeMap<String, u64> = BTreeMap::new();
        let driven = self.driven(scenario);
        for (at, adversary) in scenario.adversary.iter().enumerate() {
            let path = format!("adversary[{at}]");
            let key = format!("{path}.chain");
            let Some(chain) = self.chain_of(&key, &adversary.chain, &scenario.chain) else { continue };
            let key = format!("{path}.nodes");
            self.select(&key, &adversary.nodes, &chain.nodes, &[]);
            if let NodeSelector::Numbers(numbers) = &adversary.nodes {
                for &number in numbers {
                    if !taken.insert((chain.name.clone(), number)) {
                        self.wrong(&key, format!("node {number} plays two attacks"), "a node plays one at most");
                    }
                }
            }
            let before = budgets.entry(chain.name.clone()).or_default();
            let selected = adversary.nodes.members(&chain.nodes).map_or(0, |members| members.len() as u64);
            let many = *before + selected;
            self.budget(&key, *before, many, chain);
            *before = many;
            let key = format!("{path}.attack");
            self.attack(&key, &adversary.attack, chain);
            if let Attack::Generic(attack) = &adversary.attack {
                let here = driven.as_ref().filter(|(driven, _)| *driven == chain.name);
                let accounts = here.map_or(0, |(_, accounts)| *accounts);
                attack.validate(self, &key, &AttackContext { chain, nodes: &adversary.nodes, accounts });
            }
        }
    }

    /// Warns where one adversary more is one too many.
    fn budget(&mut self, key: &str, before: u64, many: u64, chain: &Chain) {
        let faulty = chain.nodes.max_faulty.unwrap_or(0);
        if chain.nodes.weights == Weights::Equal && before <= faulty && many > faulty {
            let title = format!("{many} faulty nodes are more than {} tolerates here", chain.protocol.name);
            self.odd(key, title, format!("f is {faulty}: safety may break, which exit code 3 reports"));
        }
    }

    fn attack(&mut self, key: &str, attack: &Attack, chain: &Chain) {
        let Some(known) = self.catalogue().protocol(&chain.protocol.name).copied() else { return };
        if let Attack::Protocol(name) = &attack
            && !known.attacks.iter().any(|(own, _)| own == name)
        {
            let own = known.attacks.iter().map(|(name, _)| *name);
            let allowed: Vec<&str> = GENERIC_ATTACKS.iter().map(|(name, _)| *name).chain(own).collect();
            let title = format!("{} has no attack \"{name}\"", known.name);
            self.wrong(key, title, allow(&allowed)).help = suggest(name, &allowed);
            return;
        }
        if known.faults == FaultModel::Crash {
            let title = format!("{} only claims to survive crashes", known.name);
            self.odd(key, title, "this attack is outside its fault model");
        }
    }
}
