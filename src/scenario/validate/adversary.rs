//! Checks of nodes that do not follow the protocol.

use super::Checker;
use crate::base::{Duration, FaultModel};
use crate::scenario::parse::error::{allow, suggest};
use crate::scenario::parse::spelling::{EQUIVOCATE, GENERIC_ATTACKS};
use crate::scenario::{Attack, Chain, GenericAttack, NodeSelector, Nodes, Scenario, Topology, Weights};
use std::collections::{BTreeMap, BTreeSet};

/// Who forgets more often gets nothing done, and neither does the run.
const AMNESIA_MIN: Duration = Duration::from_millis(10);

impl Checker<'_> {
    /// Nodes that do not follow the protocol.
    pub(super) fn adversaries(&mut self, scenario: &mut Scenario) {
        let mut taken: BTreeSet<(String, u32)> = BTreeSet::new();
        let mut budgets: BTreeMap<String, u64> = BTreeMap::new();
        let driven = self.driven(scenario);
        for (at, adversary) in scenario.adversary.iter_mut().enumerate() {
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
            let many = *before + many(&adversary.nodes, &chain.nodes);
            self.budget(&key, *before, many, chain);
            *before = many;
            let key = format!("{path}.attack");
            self.attack(&key, &mut adversary.attack, chain);
            if let Attack::Generic(misconduct) = &adversary.attack {
                let here = driven.as_ref().filter(|(driven, _)| *driven == chain.name);
                let accounts = here.map_or(0, |(_, accounts)| *accounts);
                self.misconduct(&key, misconduct, &adversary.nodes, chain, accounts);
            }
        }
    }

    /// Warns where one adversary more is one too many.
    fn budget(&mut self, key: &str, before: u64, many: u64, chain: &Chain) {
        let faulty = chain.nodes.max_faulty.unwrap_or(0);
        if chain.nodes.weights == Weights::Equal && before <= faulty && many > faulty {
            let title = format!("{many} faulty nodes are more than {} tolerates here", chain.protocol.name);
            self.odd(key, title, format!("f is {faulty}: safety may break, and exit code 3 tells"));
        }
    }

    fn attack(&mut self, key: &str, attack: &mut Attack, chain: &Chain) {
        let Some(known) = self.catalogue.protocol(&chain.protocol.name).copied() else { return };
        if let Attack::Protocol(name) = &attack
            && !known.attacks.iter().any(|(own, _)| own == name)
        {
            if name != EQUIVOCATE {
                let own = known.attacks.iter().map(|(name, _)| *name);
                let allowed: Vec<&str> = GENERIC_ATTACKS.iter().map(|(name, _)| *name).chain(own).collect();
                let title = format!("{} has no attack \"{name}\"", known.name);
                self.wrong(key, title, allow(&allowed)).help = suggest(name, &allowed);
                return;
            }
            *attack = Attack::Generic(GenericAttack::TWINS);
        }
        if known.faults == FaultModel::Crash {
            let title = format!("{} only claims to survive crashes", known.name);
            self.odd(key, title, "this attack is outside its fault model");
        }
    }

    fn misconduct(
        &mut self,
        key: &str,
        misconduct: &GenericAttack,
        nodes: &NodeSelector,
        chain: &Chain,
        accounts: u32,
    ) {
        match misconduct {
            GenericAttack::Silent => {}
            GenericAttack::Delay { delay } => self.lasting(&format!("{key}.delay.delay"), *delay),
            GenericAttack::Selective { to } => self.numbers(&format!("{key}.selective.to"), to, chain),
            GenericAttack::Twins { sides } => self.twins(&format!("{key}.twins.sides"), sides, nodes, chain),
            GenericAttack::Amnesia { every } => {
                if *every < AMNESIA_MIN {
                    let title = format!("`every` must be at least {AMNESIA_MIN}");
                    self.wrong(&format!("{key}.amnesia.every"), title, format!("found {every}"));
                }
            }
            GenericAttack::Replay { max_delay, probability } => {
                self.lasting(&format!("{key}.replay.max_delay"), *max_delay);
                self.share(&format!("{key}.replay.probability"), *probability);
            }
            GenericAttack::Withhold { first_peers, delay } => {
                self.numbers(&format!("{key}.withhold.first_peers"), first_peers, chain);
                self.lasting(&format!("{key}.withhold.delay"), *delay);
            }
            GenericAttack::Censor { accounts: censored } => {
                let key = format!("{key}.censor.accounts");
                if censored.is_empty() {
                    self.wrong(&key, "this censors nobody", "expected at least one account");
                }
                if let Some(account) = censored.iter().find(|account| **account >= accounts) {
                    let label = match accounts {
                        0 => "nobody makes payments on this chain".to_owned(),
                        many => format!("accounts are numbered 0 to {}", many - 1),
                    };
                    self.wrong(&key, format!("there is no account {account}"), label);
                }
            }
            GenericAttack::Corrupt { probability } => self.share(&format!("{key}.corrupt.probability"), *probability),
        }
    }

    fn numbers(&mut self, key: &str, numbers: &[u32], chain: &Chain) {
        self.select(key, &NodeSelector::Numbers(numbers.to_vec()), &chain.nodes, &[]);
    }

    fn share(&mut self, key: &str, share: f64) {
        self.above_zero(key, share);
        self.within(key, share, 0.0, 1.0);
    }

    fn twins(&mut self, key: &str, sides: &[Vec<u32>], nodes: &NodeSelector, chain: &Chain) {
        if let Topology::File { .. } = chain.network.topology {
            let title = "twins need a network that is drawn";
            self.wrong(key, title, "the file of this one has no place for a second process of a node");
        }
        if sides.len() == 1 || (sides.is_empty() && self.tree.has(key)) {
            self.wrong(key, "twins have two sides or more", format!("found {}", sides.len()));
        }
        for (at, side) in sides.iter().enumerate() {
            let key = format!("{key}[{at}]");
            self.numbers(&key, side, chain);
            if let NodeSelector::Numbers(twins) = nodes
                && let Some(twin) = side.iter().find(|node| twins.contains(node))
            {
                let title = format!("node {twin} is one of the twins");
                self.wrong(&key, title, "name the others only: the processes of one side see each other anyway");
            }
        }
    }
}

/// How many nodes a choice means.
fn many(select: &NodeSelector, nodes: &Nodes) -> u64 {
    match select {
        NodeSelector::Numbers(numbers) => numbers.iter().collect::<BTreeSet<_>>().len() as u64,
        NodeSelector::All => u64::from(nodes.count()),
        NodeSelector::Fraction(fraction) => (fraction * f64::from(nodes.count()) + 0.5) as u64,
        NodeSelector::Region(name) => {
            let places = nodes.regions.places(nodes.count()).unwrap_or_default();
            places.iter().filter(|place| *place == name).count() as u64
        }
        NodeSelector::Rest | NodeSelector::Leader => 0,
    }
}
