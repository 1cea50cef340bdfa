//! Clocks jump and drift.

use super::spec::{CompiledFault, FaultCompiler, FaultSpec};
use crate::base::Duration;
use crate::engine::NodeImpairment;
use crate::scenario::validate::checker::Checker;
use crate::scenario::{NodeSelector, Nodes};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Clocks jump and drift. At its end they are right again; a clock that is set back stands still until it has caught up.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClockFault {
    /// Which nodes.
    pub nodes: NodeSelector,
    /// How far they jump ahead.
    #[serde(default)]
    pub ahead: Duration,
    /// How far they fall behind.
    #[serde(default)]
    pub behind: Duration,
    /// How much faster they run, in parts per million; slower if negative.
    #[serde(default)]
    pub drift_ppm: f64,
}

impl FaultSpec for ClockFault {
    fn validate(&self, checker: &mut Checker<'_>, key: &str, nodes: &Nodes) {
        checker.hit(&format!("{key}.nodes"), &self.nodes, nodes);
        checker.within(&format!("{key}.drift_ppm"), self.drift_ppm, -900_000.0, 1_000_000.0);
        if self.ahead.is_zero() && self.behind.is_zero() && self.drift_ppm == 0.0 {
            checker.wrong(key, "these clocks stay right", "expected `ahead`, `behind` or `drift_ppm`");
        }
    }
    fn describe(&self) -> String {
        format!("wrong clocks of {}", self.nodes)
    }
    fn compile(&self, compiler: &mut FaultCompiler<'_>) -> CompiledFault {
        let step = self.ahead.as_nanos() as i64 - self.behind.as_nanos() as i64;
        // Parts per million are nanoseconds per second, a thousandfold.
        let drift = (self.drift_ppm * 1_000.0) as i64;
        compiler.impairment(&self.nodes, NodeImpairment::Clock { step, drift }, "wrong clocks")
    }
    fn selections(&mut self) -> Vec<&mut NodeSelector> {
        vec![&mut self.nodes]
    }
}
