//! Checks of what goes wrong.

use super::Checker;
use crate::base::Duration;
use crate::scenario::{
    ClockFault, Crash, Data, Degrade, Eclipse, Fault, FaultKind, Flood, NodeSelector, Nodes, Partition, Repeat,
    Scenario, Slow,
};
use std::collections::BTreeSet;

/// More repetitions than this are a slip of the pen.
const REPETITIONS_MAX: u64 = 100_000;
/// A message per microsecond to one node is more than any link carries.
const FLOOD_MAX: f64 = 1_000_000.0;

impl Checker<'_> {
    /// What goes wrong and when.
    pub(super) fn faults(&mut self, scenario: &Scenario) {
        for (at, fault) in scenario.fault.iter().enumerate() {
            let path = format!("fault[{at}]");
            let Some(chain) = self.chain_of(&format!("{path}.chain"), &fault.chain, &scenario.chain) else {
                continue;
            };
            self.when(&path, fault, scenario.duration());
            let Some(kind) = fault.kind() else {
                let title = "a fault is exactly one of `crash`, `pause`, `slow`, `clock`, `partition`, `eclipse`, \
                             `degrade`, `load` and `flood`";
                let many = fault.kinds().len();
                let help = match many {
                    0 => "say what happens, such as `crash = { nodes = [0] }`",
                    _ => "write a `[[fault]]` for each",
                };
                self.wrong(&path, title, format!("found {many} of them")).help = Some(help.to_owned());
                continue;
            };
            self.fault(&path, kind, &chain.nodes);
        }
    }

    fn fault(&mut self, path: &str, kind: FaultKind<'_>, nodes: &Nodes) {
        match kind {
            FaultKind::Crash(crash) => self.crash(&format!("{path}.crash"), crash, nodes),
            FaultKind::Pause(pause) => self.whom(&format!("{path}.pause.nodes"), &pause.nodes, nodes),
            FaultKind::Slow(slow) => self.slow(&format!("{path}.slow"), slow, nodes),
            FaultKind::Clock(clock) => self.clock(&format!("{path}.clock"), clock, nodes),
            FaultKind::Partition(partition) => self.partition(&format!("{path}.partition"), partition, nodes),
            FaultKind::Eclipse(Eclipse { victim, by }) => {
                self.whom(&format!("{path}.eclipse.victim"), victim, nodes);
                self.select(&format!("{path}.eclipse.by"), by, nodes, &[]);
            }
            FaultKind::Degrade(degrade) => self.degrade(&format!("{path}.degrade"), degrade, nodes),
            FaultKind::Load(load) => self.within(&format!("{path}.load.factor"), load.factor, 0.001, 1_000.0),
            FaultKind::Flood(Flood { nodes: whom, rate, .. }) => {
                self.whom(&format!("{path}.flood.nodes"), whom, nodes);
                self.within(&format!("{path}.flood.rate"), *rate, 0.001, FLOOD_MAX);
            }
        }
    }

    /// Nodes, or whoever leads when the fault begins.
    fn whom(&mut self, key: &str, select: &NodeSelector, nodes: &Nodes) {
        self.select(key, select, nodes, &["leader"]);
    }

    fn when(&mut self, path: &str, fault: &Fault, duration: Duration) {
        if fault.at >= duration && !duration.is_zero() {
            let title = format!("this fault begins at {}, after the end", fault.at);
            self.wrong(&format!("{path}.at"), title, format!("the run lasts {duration}"));
        }
        if let Some(until) = fault.until
            && until <= fault.at
        {
            let title = "`until` must be later than `at`";
            self.wrong(&format!("{path}.until"), title, format!("the fault begins at {}", fault.at)).help =
                Some(format!(
                    "both count from the start of the run: `until = \"{}\"` lets it last {until}",
                    fault.at + until
                ));
        }
        if let Some(Repeat { every, duration: each, .. }) = fault.repeat {
            self.lasting(&format!("{path}.repeat.duration"), each);
            if each >= every {
                let title = "`duration` must be shorter than `every`";
                self.wrong(&format!("{path}.repeat.duration"), title, format!("the next begins after {every}"));
            } else if duration.as_nanos() / every.as_nanos().max(1) > REPETITIONS_MAX {
                let title = format!("this fault would come more than {REPETITIONS_MAX} times");
                self.wrong(&format!("{path}.repeat.every"), title, format!("the run lasts {duration}"));
            }
        }
    }

    fn crash(&mut self, path: &str, crash: &Crash, nodes: &Nodes) {
        self.whom(&format!("{path}.nodes"), &crash.nodes, nodes);
        if !crash.data.is_kept() && !crash.log.is_intact() {
            let title = "`log` means nothing here";
            self.wrong_key(&format!("{path}.log"), title, "`data` says what is left of the log, too");
        }
        if let Data::Backup(age) = crash.data {
            self.lasting(&format!("{path}.data.backup"), age);
        }
        if crash.forgets() && crash.nodes == NodeSelector::Leader {
            let label = "who loses a log counts as faulty in the whole run, so it must be known before";
            self.wrong(&format!("{path}.log"), "the leader cannot lose its log", label).help =
                Some("name nodes by number, region or fraction".to_owned());
        }
    }

    fn slow(&mut self, path: &str, slow: &Slow, nodes: &Nodes) {
        self.whom(&format!("{path}.nodes"), &slow.nodes, nodes);
        self.within(&format!("{path}.cpu_factor"), slow.cpu_factor, 1.0, 1_000_000.0);
        self.within(&format!("{path}.disk_factor"), slow.disk_factor, 1.0, 1_000_000.0);
        let many =
            [slow.cpu_factor > 1.0, slow.disk_factor > 1.0, slow.disk_full].into_iter().filter(|given| *given).count();
        if many != 1 {
            let title = "this fault slows exactly one thing";
            self.wrong(path, title, format!("expected one of `cpu`, `disk` and `disk_full`, found {many}"));
        }
    }

    fn clock(&mut self, path: &str, clock: &ClockFault, nodes: &Nodes) {
        self.whom(&format!("{path}.nodes"), &clock.nodes, nodes);
        self.within(&format!("{path}.drift_ppm"), clock.drift_ppm, -900_000.0, 1_000_000.0);
        if clock.ahead.is_zero() && clock.behind.is_zero() && clock.drift_ppm == 0.0 {
            self.wrong(path, "these clocks stay right", "expected `ahead`, `behind` or `drift_ppm`");
        }
    }

    fn degrade(&mut self, path: &str, degrade: &Degrade, nodes: &Nodes) {
        self.whom(&format!("{path}.from"), &degrade.from, nodes);
        self.whom(&format!("{path}.to"), &degrade.to, nodes);
        let chances = [("loss", degrade.loss), ("duplicate", degrade.duplicate), ("corrupt", degrade.corrupt)];
        for (key, chance) in chances {
            let before = self.found.len();
            self.within(&format!("{path}.{key}"), chance, 0.0, 1.0);
            if let Some(mistake) = self.found.get_mut(before).filter(|_| (1.0..=100.0).contains(&chance)) {
                mistake.help = Some(format!("{chance} % is written `{key} = {}`", chance / 100.0));
            }
        }
        let none = chances.iter().all(|(_, chance)| *chance == 0.0);
        if none && degrade.extra_delay.is_zero() && degrade.jitter.is_zero() && !degrade.reorder {
            let label = "expected `extra`, `jitter`, `loss`, `duplicate`, `corrupt` or `reorder`";
            self.wrong(path, "this degrades nothing", label);
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
            self.wrong(&format!("{path}.groups"), title, format!("found {many}")).help =
                Some("write for example `groups = [[0, 1], \"rest\"]`".to_owned());
        }
        let mut named: BTreeSet<u32> = BTreeSet::new();
        for (at, group) in partition.groups.iter().enumerate() {
            let key = format!("{path}.groups[{at}]");
            self.select(&key, group, nodes, &["rest", "leader"]);
            if let NodeSelector::Numbers(numbers) = group {
                let twice = numbers.iter().find(|number| named.contains(number)).copied();
                if let Some(number) = twice {
                    self.wrong(&key, format!("node {number} is in two groups"), "groups must not overlap");
                }
                named.extend(numbers);
            }
            for word in [NodeSelector::Rest, NodeSelector::Leader] {
                if *group == word && partition.groups[..at].contains(&word) {
                    let name = if word == NodeSelector::Rest { "rest" } else { "leader" };
                    self.wrong(&key, format!("there is only one {name}"), format!("\"{name}\" is given before"));
                }
            }
        }
    }
}
