//! Links get worse.

use super::spec::{CompiledFault, FaultCompiler, FaultSpec, show_end};
use crate::base::Duration;
use crate::engine::LinkChange;
use crate::network::Degradation;
use crate::scenario::validate::checker::Checker;
use crate::scenario::{NodeSelector, Nodes};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt::Display;

/// Links get worse.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Degrade {
    /// Senders.
    #[serde(default = "all")]
    pub from: NodeSelector,
    /// Receivers.
    #[serde(default = "all")]
    pub to: NodeSelector,
    /// Delay added to every message.
    #[serde(default)]
    pub extra_delay: Duration,
    /// Further delay, uniform between zero and this, drawn per message.
    #[serde(default)]
    pub jitter: Duration,
    /// Probability that a message is lost.
    #[serde(default)]
    pub loss: f64,
    /// Probability that a message arrives twice.
    #[serde(default)]
    pub duplicate: f64,
    /// Probability that a message arrives garbled; receivers find out by checking it.
    #[serde(default)]
    pub corrupt: f64,
    /// Whether messages may overtake each other on one link.
    #[serde(default)]
    pub reorder: bool,
}

fn all() -> NodeSelector {
    NodeSelector::All
}

impl FaultSpec for Degrade {
    fn validate(&self, checker: &mut Checker<'_>, key: &str, nodes: &Nodes) {
        checker.hit(&format!("{key}.from"), &self.from, nodes);
        checker.hit(&format!("{key}.to"), &self.to, nodes);
        let chances = [("loss", self.loss), ("duplicate", self.duplicate), ("corrupt", self.corrupt)];
        for (word, chance) in chances {
            checker.probability(&format!("{key}.{word}"), chance);
        }
        let none = chances.iter().all(|(_, chance)| *chance == 0.0);
        if none && self.extra_delay.is_zero() && self.jitter.is_zero() && !self.reorder {
            let label = "expected `extra_delay`, `jitter`, `loss`, `duplicate`, `corrupt` or `reorder`";
            checker.wrong(key, "this degrades nothing", label);
        }
    }
    fn describe(&self) -> String {
        let mut worse: Vec<String> = Vec::new();
        let mut add = |on: bool, text: &dyn Display| worse.extend(on.then(|| text.to_string()));
        add(!self.extra_delay.is_zero(), &format_args!("+{}", self.extra_delay));
        add(!self.jitter.is_zero(), &format_args!("jitter {}", self.jitter));
        add(self.loss > 0.0, &format_args!("loss {}", self.loss));
        add(self.duplicate > 0.0, &format_args!("duplicates {}", self.duplicate));
        add(self.corrupt > 0.0, &format_args!("garbled {}", self.corrupt));
        add(self.reorder, &"reordered");
        format!("links from {} to {}: {}", self.from, self.to, worse.join(", "))
    }
    fn compile(&self, compiler: &mut FaultCompiler<'_>) -> CompiledFault {
        let Degrade { extra_delay: extra, jitter, loss, duplicate, corrupt, reorder, .. } = *self;
        let (from, to) = (compiler.end(&self.from), compiler.end(&self.to));
        let label = format!("worse links from {} to {}", show_end(&from), show_end(&to));
        let by = Degradation { extra, jitter, loss, duplicate, corrupt, reorder };
        compiler.network(LinkChange::Degrade { from, to, by }, label)
    }
    fn selections(&mut self) -> Vec<&mut NodeSelector> {
        vec![&mut self.from, &mut self.to]
    }
}
