//! Checks of what happens: workload, faults, adversaries.

use super::Checker;
use crate::base::{ByteSize, Duration, FaultModel};
use crate::scenario::mistake::{allow, suggest};
use crate::scenario::spelling::GENERIC_ATTACKS;
use crate::scenario::{
    Arrival, Attack, Chain, Fault, FaultKind, Fee, Nodes, Partition, Payments, Scenario, Select, Workload,
};
use std::collections::BTreeSet;

/// Larger transactions are certainly a slip of the pen.
const TRANSACTION_MAX: ByteSize = ByteSize(4_000_000);

impl Checker<'_> {
    /// Finds the chain called `name`, or the first if no name is given, which is then filled in.
    fn chain_of<'c>(&mut self, key: &str, name: &mut String, chains: &'c [Chain]) -> Option<&'c Chain> {
        if name.is_empty() {
            name.clone_from(&chains.first()?.name);
        }
        let allowed: Vec<&str> = chains.iter().map(|chain| chain.name.as_str()).collect();
        let found = chains.iter().find(|chain| chain.name == *name);
        if found.is_none() {
            self.among(key, "chain", name, &allowed);
        }
        found
    }

    /// Who asks for what.
    pub(super) fn workload(&mut self, scenario: &mut Scenario) {
        let Some(Workload::Payments(payments)) = &mut scenario.workload else { return };
        let path = "workload.payments";
        let Some(chain) = self.chain_of(&format!("{path}.chain"), &mut payments.chain, &scenario.chain) else { return };
        if payments.clients == 0 {
            payments.clients = chain.nodes.count;
        }
        self.arrival(path, payments);
        self.at_least(&format!("{path}.accounts"), f64::from(payments.accounts), 2.0);
        self.within(&format!("{path}.skew"), payments.skew, 0.0, 10.0);
        self.within(&format!("{path}.bytes_sigma"), payments.bytes_sigma, 0.0, 5.0);
        if payments.bytes > TRANSACTION_MAX {
            let title = format!("`bytes` must be at most {TRANSACTION_MAX}");
            self.wrong(&format!("{path}.bytes"), title, format!("found {}", payments.bytes));
        }
        if let Fee::Lognormal { sigma, .. } = payments.fee {
            self.within(&format!("{path}.fee.lognormal.sigma"), sigma, 0.0, 5.0);
        }
        if let Some(retry) = payments.retry {
            self.lasting(&format!("{path}.retry"), retry);
        }
    }

    fn arrival(&mut self, path: &str, payments: &Payments) {
        let key = format!("{path}.rate");
        match (payments.rate, payments.arrival.wants_rate()) {
            (Some(rate), true) => self.above_zero(&key, rate),
            (None, true) => {
                let label = "expected `rate`, in transactions per second";
                self.wrong(path, "nothing says how many payments are made", label);
            }
            (Some(_), false) => {
                self.wrong_key(&key, "`rate` means nothing here", "`arrival` sets the pace itself");
            }
            (None, false) => {}
        }
        let path = format!("{path}.arrival");
        match &payments.arrival {
            Arrival::Poisson {} | Arrival::Constant {} | Arrival::Closed { .. } => {}
            Arrival::Bursts { size, every } => {
                self.at_least(&format!("{path}.bursts.size"), *size as f64, 1.0);
                self.lasting(&format!("{path}.bursts.every"), *every);
            }
            Arrival::OnOff { on, .. } => self.lasting(&format!("{path}.on_off.on"), *on),
            Arrival::Pieces { pieces, then } => {
                self.at_least(&format!("{path}.pieces.then"), *then, 0.0);
                for (at, piece) in pieces.iter().enumerate() {
                    self.lasting(&format!("{path}.pieces.pieces[{at}].lasting"), piece.lasting);
                    self.at_least(&format!("{path}.pieces.pieces[{at}].rate"), piece.rate, 0.0);
                }
            }
        }
    }

    /// What goes wrong and when.
    pub(super) fn faults(&mut self, scenario: &mut Scenario) {
        for (at, fault) in scenario.fault.iter_mut().enumerate() {
            let path = format!("fault[{at}]");
            let Some(chain) = self.chain_of(&format!("{path}.chain"), &mut fault.chain, &scenario.chain) else {
                continue;
            };
            self.when(&path, fault, scenario.duration);
            match fault.kind() {
                None => {
                    let given = [fault.crash.is_some(), fault.partition.is_some(), fault.degrade.is_some()];
                    let many = given.iter().filter(|given| **given).count();
                    let title = "a fault is exactly one of `crash`, `partition` and `degrade`";
                    self.wrong(&path, title, format!("found {many} of them"));
                }
                Some(FaultKind::Crash(crash)) => {
                    self.select(&format!("{path}.crash.nodes"), &crash.nodes, &chain.nodes, &["leader"]);
                }
                Some(FaultKind::Partition(partition)) => {
                    self.partition(&format!("{path}.partition"), partition, &chain.nodes);
                }
                Some(FaultKind::Degrade(degrade)) => {
                    let path = format!("{path}.degrade");
                    self.select(&format!("{path}.from"), &degrade.from, &chain.nodes, &[]);
                    self.select(&format!("{path}.to"), &degrade.to, &chain.nodes, &[]);
                    self.within(&format!("{path}.loss"), degrade.loss, 0.0, 1.0);
                    self.within(&format!("{path}.duplicate"), degrade.duplicate, 0.0, 1.0);
                    let sum = degrade.loss + degrade.duplicate;
                    if sum == 0.0 && degrade.extra.is_zero() && degrade.jitter.is_zero() && !degrade.reorder {
                        let label = "expected `extra`, `jitter`, `loss`, `duplicate` or `reorder`";
                        self.wrong(&path, "this degrades nothing", label);
                    }
                }
            }
        }
    }

    fn when(&mut self, path: &str, fault: &Fault, duration: Duration) {
        if fault.at >= duration {
            let title = format!("this fault begins at {}, after the end", fault.at);
            self.wrong(&format!("{path}.at"), title, format!("the run lasts {duration}"));
        }
        if let Some(until) = fault.until
            && until <= fault.at
        {
            let title = "`until` must be later than `at`";
            self.wrong(&format!("{path}.until"), title, format!("the fault begins at {}", fault.at));
        }
    }

    fn partition(&mut self, path: &str, partition: &Partition, nodes: &Nodes) {
        let many = partition.groups.len();
        if many < 2 || (partition.one_way && many != 2) {
            let title = if partition.one_way {
                "a one-way cut has exactly two groups"
            } else {
                "a partition has two groups or more"
            };
            self.wrong(&format!("{path}.groups"), title, format!("found {many}"));
        }
        let mut named: BTreeSet<u32> = BTreeSet::new();
        for (at, group) in partition.groups.iter().enumerate() {
            let key = format!("{path}.groups[{at}]");
            self.select(&key, group, nodes, &["rest"]);
            if let Select::Numbers(numbers) = group {
                let twice = numbers.iter().find(|number| named.contains(number)).copied();
                if let Some(number) = twice {
                    self.wrong(&key, format!("node {number} is in two groups"), "groups must not overlap");
                }
                named.extend(numbers);
            }
            if *group == Select::Rest && partition.groups[..at].contains(&Select::Rest) {
                self.wrong(&key, "there is only one rest", "\"rest\" is given before");
            }
        }
    }

    /// Nodes that do not follow the protocol.
    pub(super) fn adversaries(&mut self, scenario: &mut Scenario) {
        let mut taken: BTreeSet<(String, u32)> = BTreeSet::new();
        for (at, adversary) in scenario.adversary.iter_mut().enumerate() {
            let path = format!("adversary[{at}]");
            let key = format!("{path}.chain");
            let Some(chain) = self.chain_of(&key, &mut adversary.chain, &scenario.chain) else { continue };
            let key = format!("{path}.nodes");
            self.select(&key, &adversary.nodes, &chain.nodes, &[]);
            if let Select::Numbers(numbers) = &adversary.nodes {
                for &number in numbers {
                    if !taken.insert((chain.name.clone(), number)) {
                        self.wrong(&key, format!("node {number} plays two attacks"), "a node plays one at most");
                    }
                }
                let (many, faulty) = (numbers.len() as u64, chain.nodes.tolerate.unwrap_or(0));
                if chain.nodes.weights == crate::scenario::Weights::Equal && many > faulty {
                    let title = format!("{many} faulty nodes are more than {} tolerates here", chain.protocol.name);
                    self.odd(&key, title, format!("f is {faulty}: safety may break, and exit code 3 tells"));
                }
            }
            self.attack(&path, &adversary.attack, chain);
        }
    }

    fn attack(&mut self, path: &str, attack: &Attack, chain: &Chain) {
        let key = format!("{path}.attack");
        let known = self.known.iter().find(|known| known.name == chain.protocol.name).copied();
        let Some(known) = known else { return };
        match attack {
            Attack::Silent => {}
            Attack::Delay { by } => self.lasting(&format!("{key}.delay.by"), *by),
            Attack::Selective { to } => {
                let to = Select::Numbers(to.clone());
                self.select(&format!("{key}.selective.to"), &to, &chain.nodes, &[]);
            }
            Attack::Protocol(name) => {
                let own = known.attacks.iter().map(|(name, _)| *name);
                let allowed: Vec<&str> = GENERIC_ATTACKS.iter().map(|(name, _)| *name).chain(own).collect();
                if !known.attacks.iter().any(|(own, _)| own == name) {
                    let title = format!("{} has no attack \"{name}\"", known.name);
                    self.wrong(&key, title, allow(&allowed)).help = suggest(name, &allowed);
                    return;
                }
            }
        }
        if known.faults == FaultModel::Crash {
            let title = format!("{} only claims to survive crashes", known.name);
            self.odd(&key, title, "this attack is outside its fault model");
        }
    }
}
