//! Nodes compute or write slowly, or cannot write.

use super::spec::{CompiledFault, FaultCompiler, FaultSpec, thousandths};
use crate::engine::NodeImpairment;
use crate::scenario::validate::checker::Checker;
use crate::scenario::{NodeSelector, Nodes};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Nodes compute and write slowly.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slow {
    /// Which nodes.
    pub nodes: NodeSelector,
    /// How many times longer computing takes.
    #[serde(default = "once")]
    pub cpu_factor: f64,
    /// How many times longer writing takes.
    #[serde(default = "once")]
    pub disk_factor: f64,
    /// Whether their disks are full: no write completes.
    #[serde(default)]
    pub disk_full: bool,
}

fn once() -> f64 {
    1.0
}

impl FaultSpec for Slow {
    fn validate(&self, checker: &mut Checker<'_>, key: &str, nodes: &Nodes) {
        checker.hit(&format!("{key}.nodes"), &self.nodes, nodes);
        checker.within(&format!("{key}.cpu_factor"), self.cpu_factor, 1.0, 1_000_000.0);
        checker.within(&format!("{key}.disk_factor"), self.disk_factor, 1.0, 1_000_000.0);
        let given = [self.cpu_factor > 1.0, self.disk_factor > 1.0, self.disk_full];
        let many = given.into_iter().filter(|given| *given).count();
        if many != 1 {
            let title = "this fault slows exactly one thing";
            let label = format!("expected one of `cpu_factor`, `disk_factor` and `disk_full`, found {many}");
            checker.wrong(key, title, label);
        }
    }
    fn describe(&self) -> String {
        let nodes = &self.nodes;
        match self {
            Slow { disk_full: true, .. } => format!("full disks of {nodes}"),
            Slow { disk_factor, .. } if *disk_factor > 1.0 => format!("disks {disk_factor} times slower on {nodes}"),
            Slow { cpu_factor, .. } => format!("processors {cpu_factor} times slower on {nodes}"),
        }
    }
    /// A checked fault slows one thing.
    fn compile(&self, compiler: &mut FaultCompiler<'_>) -> CompiledFault {
        let (impairment, what) = match self {
            Slow { disk_full: true, .. } => (NodeImpairment::DiskFull, "full disks"),
            Slow { disk_factor, .. } if *disk_factor > 1.0 => {
                (NodeImpairment::Disk(thousandths(*disk_factor)), "slow disks")
            }
            Slow { cpu_factor, .. } => (NodeImpairment::Cpu(thousandths(*cpu_factor)), "slow processors"),
        };
        compiler.impairment(&self.nodes, impairment, what)
    }
    fn selections(&mut self) -> Vec<&mut NodeSelector> {
        vec![&mut self.nodes]
    }
}
