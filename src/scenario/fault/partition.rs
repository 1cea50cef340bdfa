//! Groups of nodes cannot reach each other.

use super::spec::{CompiledFault, FaultCompiler, FaultSpec, pairs, show_end};
use crate::base::NodeId;
use crate::engine::{LinkChange, LinkEnd};
use crate::scenario::validate::checker::Checker;
use crate::scenario::{Chain, NodeSelector, Nodes};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Groups of nodes cannot reach each other. Nodes in no group keep all their links and so bridge the others; `"rest"`
/// makes a group of them.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    /// The groups, two or more: `[[0, 1], "rest"]` or `[{ region = "eu-west-1" }, "rest"]`.
    pub groups: Vec<NodeSelector>,
    /// Cuts only the way from the first group to the second.
    #[serde(default)]
    pub one_way: bool,
}

impl FaultSpec for Partition {
    fn validate(&self, checker: &mut Checker<'_>, key: &str, nodes: &Nodes) {
        let many = self.groups.len();
        if many < 2 || (self.one_way && many != 2) {
            let title = if self.one_way {
                "a one-way cut has exactly two groups"
            } else {
                "a partition has two groups or more"
            };
            checker.wrong(&format!("{key}.groups"), title, format!("found {many}")).help =
                Some("write for example `groups = [[0, 1], \"rest\"]`".to_owned());
        }
        let mut named: BTreeSet<u32> = BTreeSet::new();
        for (at, group) in self.groups.iter().enumerate() {
            let key = format!("{key}.groups[{at}]");
            checker.select(&key, group, nodes, &["rest", "leader"]);
            if let NodeSelector::Numbers(numbers) = group {
                let twice = numbers.iter().find(|number| named.contains(number)).copied();
                if let Some(number) = twice {
                    checker.wrong(&key, format!("node {number} is in two groups"), "groups must not overlap");
                }
                named.extend(numbers);
            }
            for word in [NodeSelector::Rest, NodeSelector::Leader] {
                if *group == word && self.groups[..at].contains(&word) {
                    let name = if word == NodeSelector::Rest { "rest" } else { "leader" };
                    checker.wrong(&key, format!("there is only one {name}"), format!("\"{name}\" is given before"));
                }
            }
        }
    }
    fn warn(&self, checker: &mut Checker<'_>, key: &str, chain: &Chain) {
        let groups: Vec<Option<Vec<NodeId>>> = self.groups.iter().map(|group| group.members(&chain.nodes)).collect();
        let named: BTreeSet<NodeId> = groups.iter().flatten().flatten().copied().collect();
        for (at, (group, members)) in self.groups.iter().zip(&groups).enumerate() {
            let is_left_over = *group == NodeSelector::Rest && !self.groups.contains(&NodeSelector::Leader);
            let is_empty = match members {
                Some(members) => members.is_empty(),
                None => is_left_over && named.len() == chain.nodes.count() as usize,
            };
            if is_empty {
                let label = "no node is in it, or the other groups name all nodes: nothing is cut off from them";
                checker.odd(&format!("{key}.groups[{at}]"), "this group is empty", label);
            }
        }
    }
    fn describe(&self) -> String {
        let groups: Vec<String> = self.groups.iter().map(ToString::to_string).collect();
        groups.join(if self.one_way { " cannot reach " } else { " | " })
    }
    fn compile(&self, compiler: &mut FaultCompiler<'_>) -> CompiledFault {
        let mut groups: Vec<LinkEnd> = self.groups.iter().map(|group| compiler.end(group)).collect();
        let rest = compiler.all_but(&groups);
        for (group, select) in groups.iter_mut().zip(&self.groups) {
            if *select == NodeSelector::Rest {
                group.clone_from(&rest);
            }
        }
        let shown: Vec<String> = groups.iter().map(show_end).collect();
        let way = if self.one_way { " -> " } else { " | " };
        compiler.network(LinkChange::Cut(pairs(&groups, self.one_way)), format!("partition {}", shown.join(way)))
    }
    fn selections(&mut self) -> Vec<&mut NodeSelector> {
        self.groups.iter_mut().collect()
    }
}
