//! Nodes stop, and start again with what they find on their disks.

use super::spec::{CompiledFault, FaultCompiler, FaultSpec};
use crate::base::Duration;
use crate::engine::{Fault as EngineFault, LogSurvival};
use crate::scenario::validate::checker::Checker;
use crate::scenario::{Chain, NodeSelector, Nodes};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Nodes stop.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Crash {
    /// Which nodes.
    pub nodes: NodeSelector,
    /// What they find of their logs when they start again.
    #[serde(default, skip_serializing_if = "Log::is_intact")]
    pub log: Log,
    /// What they find of their data directories, the chain with its log: `"kept"`, `"wiped"`, or an old backup,
    /// `{ backup = "10s" }`. Who loses data counts as faulty, and must catch up with the others.
    #[serde(default, skip_serializing_if = "Data::is_kept")]
    pub data: Data,
}

/// What a node finds of its data directory after a crash.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Data {
    /// The chain as far as it was final, and of the log what `log` says.
    #[default]
    Kept,
    /// Nothing: neither chain nor log.
    Wiped,
    /// Chain and log as they were this long before the crash.
    Backup(Duration),
}

impl Data {
    /// Whether nothing is lost.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        *self == Data::Kept
    }
}

impl Crash {
    /// Whether what was said to be durable is lost.
    #[must_use]
    pub fn forgets(&self) -> bool {
        self.log.forgets() || !self.data.is_kept()
    }
}

/// What a node finds of its log after a crash. What it holds final it keeps, unless `data` says otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Log {
    /// All that was durable.
    #[default]
    Intact,
    /// Also some of the records that were being written; the next one is torn.
    Torn,
    /// All but its last records, as after an old snapshot: the node forgets what it promised, and counts as faulty.
    DropLast(u32),
    /// Nothing: the node counts as faulty.
    Wiped,
}

impl Log {
    /// Whether nothing durable is lost and nothing else is found.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        *self == Log::Intact
    }
    /// Whether what was said to be durable is lost.
    #[must_use]
    pub fn forgets(self) -> bool {
        matches!(self, Log::DropLast(_) | Log::Wiped)
    }
}

impl Crash {
    /// How much a node finds of what it wrote, and what labels say of it.
    fn survival(&self) -> (LogSurvival, &'static str) {
        match self.data {
            Data::Kept => {}
            Data::Wiped => return (LogSurvival::Nothing, ", data wiped"),
            Data::Backup(age) => return (LogSurvival::Backup(age), ", with an old backup"),
        }
        match self.log {
            Log::Intact => (LogSurvival::Durable, ""),
            Log::Torn => (LogSurvival::Torn, ", with a torn write"),
            Log::DropLast(records) => (LogSurvival::AllBut(records), ", with an old log"),
            Log::Wiped => (LogSurvival::AllBut(u32::MAX), ", without a log"),
        }
    }
}

impl FaultSpec for Crash {
    fn validate(&self, checker: &mut Checker<'_>, key: &str, nodes: &Nodes) {
        checker.hit(&format!("{key}.nodes"), &self.nodes, nodes);
        if !self.data.is_kept() && !self.log.is_intact() {
            let title = "`log` means nothing here";
            checker.wrong_key(&format!("{key}.log"), title, "`data` says what is left of the log, too");
        }
        if let Data::Backup(age) = self.data {
            checker.lasting(&format!("{key}.data.backup"), age);
        }
        if self.forgets() && self.nodes == NodeSelector::Leader {
            let label = "who loses a log counts as faulty in the whole run, so it must be known before";
            checker.wrong(&format!("{key}.log"), "the leader cannot lose its log", label).help =
                Some("name nodes by number, region or fraction".to_owned());
        }
    }
    fn warn(&self, checker: &mut Checker<'_>, key: &str, chain: &Chain) {
        let key = format!("{key}.nodes");
        checker.warn_of_selection(&key, &self.nodes, chain);
        let hits_all = self.nodes.members(&chain.nodes).is_some_and(|some| some.len() == chain.nodes.count() as usize);
        if hits_all && self.log.forgets() {
            let label = "a node that loses its log counts as faulty: nothing can be said of honest nodes";
            checker.odd(&key, "no node is left that keeps its log", label);
        }
    }
    fn describe(&self) -> String {
        format!("crash {}", self.nodes)
    }
    fn compile(&self, compiler: &mut FaultCompiler<'_>) -> CompiledFault {
        let (target, shown) = compiler.target(&self.nodes);
        let (survival, how) = self.survival();
        CompiledFault {
            begin: EngineFault::Crash(target.clone(), survival),
            end: EngineFault::Restart(target),
            label: format!("crash of {shown}{how}"),
        }
    }
    fn selections(&mut self) -> Vec<&mut NodeSelector> {
        vec![&mut self.nodes]
    }
}
