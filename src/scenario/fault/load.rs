//! Clients submit more often, or less.

use super::spec::{CompiledFault, FaultCompiler, FaultSpec, thousandths};
use crate::engine::Fault as EngineFault;
use crate::scenario::validate::checker::Checker;
use crate::scenario::{NodeSelector, Nodes};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Clients ask more often, or less.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// How many times as often, above 0.
    pub factor: f64,
}

impl FaultSpec for Load {
    fn validate(&self, checker: &mut Checker<'_>, key: &str, _nodes: &Nodes) {
        checker.within(&format!("{key}.factor"), self.factor, 0.001, 1_000.0);
    }
    fn describe(&self) -> String {
        format!("{} times the load", self.factor)
    }
    fn compile(&self, compiler: &mut FaultCompiler<'_>) -> CompiledFault {
        compiler.lasting(EngineFault::Load { id: compiler.id, pace: thousandths(self.factor) }, self.describe())
    }
    fn selections(&mut self) -> Vec<&mut NodeSelector> {
        Vec::new()
    }
}
