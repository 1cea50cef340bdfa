//! Checks of what goes wrong.

use super::checker::Checker;
use crate::base::Duration;
use crate::scenario::{Fault, FaultKind, NodeSelector, Nodes, Repeat, Scenario};

/// More repetitions than this are a slip of the pen.
const REPETITIONS_MAX: u64 = 100_000;

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
                let keys: Vec<String> = FaultKind::KEYS.iter().map(|key| format!("`{key}`")).collect();
                let (last, others) = keys.split_last().expect("there are kinds");
                let title = format!("a fault is exactly one of {} and {last}", others.join(", "));
                let many = fault.kinds().len();
                let help = match many {
                    0 => "say what happens, such as `crash = { nodes = [0] }`",
                    _ => "write a `[[fault]]` for each",
                };
                self.wrong(&path, title, format!("found {many} of them")).help = Some(help.to_owned());
                continue;
            };
            kind.spec().validate(self, &format!("{path}.{}", kind.key()), &chain.nodes);
        }
    }

    /// Refuses nodes that do not exist, where the node that leads when the fault begins may be meant, too.
    pub fn hit(&mut self, key: &str, select: &NodeSelector, nodes: &Nodes) {
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
}
