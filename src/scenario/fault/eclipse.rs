//! A node reaches only those that surround it.

use super::spec::{CompiledFault, FaultCompiler, FaultSpec, pairs, show_end};
use crate::engine::LinkChange;
use crate::scenario::validate::checker::Checker;
use crate::scenario::{NodeSelector, Nodes};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A node reaches no nodes but those that surround it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Eclipse {
    /// Which node is cut off.
    pub victim: NodeSelector,
    /// Which nodes still reach it.
    pub by: NodeSelector,
}

impl FaultSpec for Eclipse {
    fn validate(&self, checker: &mut Checker<'_>, key: &str, nodes: &Nodes) {
        checker.hit(&format!("{key}.victim"), &self.victim, nodes);
        checker.select(&format!("{key}.by"), &self.by, nodes, &[]);
    }
    fn describe(&self) -> String {
        format!("eclipse of {} by {}", self.victim, self.by)
    }
    fn compile(&self, compiler: &mut FaultCompiler<'_>) -> CompiledFault {
        let ends = [compiler.end(&self.victim), compiler.end(&self.by)];
        let others = compiler.all_but(&ends);
        let [victim, by] = ends;
        let label = format!("eclipse of {} by {}", show_end(&victim), show_end(&by));
        compiler.network(LinkChange::Cut(pairs(&[victim, others], false)), label)
    }
    fn selections(&mut self) -> Vec<&mut NodeSelector> {
        vec![&mut self.victim, &mut self.by]
    }
}
