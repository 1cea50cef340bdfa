//! Nodes stand still and go on where they were.

use super::spec::{CompiledFault, FaultCompiler, FaultSpec};
use crate::engine::NodeImpairment;
use crate::scenario::validate::checker::Checker;
use crate::scenario::{Chain, NodeSelector, Nodes};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Nodes stand still.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// Which nodes.
    pub nodes: NodeSelector,
}

impl FaultSpec for Pause {
    fn validate(&self, checker: &mut Checker<'_>, key: &str, nodes: &Nodes) {
        checker.hit(&format!("{key}.nodes"), &self.nodes, nodes);
    }
    fn warn(&self, checker: &mut Checker<'_>, key: &str, chain: &Chain) {
        checker.warn_of_selection(&format!("{key}.nodes"), &self.nodes, chain);
    }
    fn describe(&self) -> String {
        format!("pause {}", self.nodes)
    }
    fn compile(&self, compiler: &mut FaultCompiler<'_>) -> CompiledFault {
        compiler.impairment(&self.nodes, NodeImpairment::Pause, "pause")
    }
    fn selections(&mut self) -> Vec<&mut NodeSelector> {
        vec![&mut self.nodes]
    }
}
