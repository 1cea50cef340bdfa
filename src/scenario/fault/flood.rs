//! Outsiders send messages or transactions that are checked in vain.

use super::spec::{CompiledFault, FaultCompiler, FaultSpec};
use crate::base::Duration;
use crate::engine::{Fault as EngineFault, FloodPayload};
use crate::scenario::validate::checker::Checker;
use crate::scenario::{NodeSelector, Nodes};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A message per microsecond to one node is more than any link carries.
const FLOOD_MAX: f64 = 1_000_000.0;

/// Outsiders send what is checked in vain. It takes no bandwidth on its way in.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Flood {
    /// To which nodes.
    pub nodes: NodeSelector,
    /// How many per second to each of them.
    pub rate: f64,
    /// What.
    #[serde(default)]
    pub payload: FloodPayload,
}

impl FaultSpec for Flood {
    fn validate(&self, checker: &mut Checker<'_>, key: &str, nodes: &Nodes) {
        checker.hit(&format!("{key}.nodes"), &self.nodes, nodes);
        checker.within(&format!("{key}.rate"), self.rate, 0.001, FLOOD_MAX);
    }
    fn describe(&self) -> String {
        let what = match self.payload {
            FloodPayload::Messages => "forged messages",
            FloodPayload::Transactions => "invalid transactions",
        };
        format!("{} {what} per second to each of {}", self.rate, self.nodes)
    }
    fn compile(&self, compiler: &mut FaultCompiler<'_>) -> CompiledFault {
        let (target, shown) = compiler.target(&self.nodes);
        let gap = Duration::from_secs_f64(1.0 / self.rate).max(Duration::from_nanos(1));
        let what = match self.payload {
            FloodPayload::Messages => "messages",
            FloodPayload::Transactions => "transactions",
        };
        let flood = EngineFault::Flood { id: compiler.id, target, payload: self.payload, gap };
        compiler.lasting(flood, format!("flood of {what} to {shown}"))
    }
    fn selections(&mut self) -> Vec<&mut NodeSelector> {
        vec![&mut self.nodes]
    }
}
