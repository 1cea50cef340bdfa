//! Everything that can be known to be wrong before a run.

mod adversary;
mod agent;
mod chain;
pub mod checker;
mod fault;
mod network;
mod nodes;
mod settings;
mod vacuous;
mod workload;

use super::attack::GENERIC_ATTACKS;
use super::catalogue::Catalogue;
use super::estimate::{estimate, show};
use super::parse::error::{ScenarioError, Sources};
use super::parse::name::Named;
use super::parse::spanned_toml::SpannedToml;
use super::{Agent, GenericAttack, ModelChoice, Scenario, Seeds, Workload};
use crate::base::Duration;
use crate::engine::StopRule;
use crate::workload::arrival::Arrival;
use checker::{Checker, last};
use std::collections::BTreeSet;

/// What is wrong with a scenario that has neither a duration nor another end.
pub const NO_END: &str = "nothing says when the run ends";
/// A timer that fires more often is certainly a slip of the pen, and the run would make no progress.
const TIMER_MIN: Duration = Duration::from_micros(1);
const FIRINGS_MAX: u64 = 10_000_000_000;
/// The same for what each waiting payment, or each agent, repeats.
const REPEAT_MIN: Duration = Duration::from_millis(1);
/// No search needs more faults in one case.
const FAULTS_MAX: u32 = 1_000;

/// A longer event log serves no reader.
const EVENT_LOG_MAX: u32 = 100_000;
/// No run needs more: virtual time is counted in 64 bits.
const DURATION_MAX: Duration = Duration::from_secs(100 * 365 * 86_400);

/// What is wrong with a completed `scenario`, which was read from `tree`. The settings of what it chooses from the catalogue
/// are read, and completed, too. Errors come in the order of the checks.
pub fn validate(
    scenario: &mut Scenario,
    tree: &SpannedToml,
    sources: &Sources,
    catalogue: &Catalogue,
) -> Vec<ScenarioError> {
    let mut checker = Checker::new(tree, sources, catalogue);
    checker.frame(scenario);
    if !checker.chains(scenario) {
        return checker.finish(); // What follows speaks of nodes, and would only repeat what is wrong with them.
    }
    checker.timers(scenario);
    checker.workload(scenario);
    checker.faults(scenario);
    checker.adversaries(scenario);
    checker.agents(scenario);
    checker.explore(scenario);
    if checker.has_only_warnings() {
        checker.memory(scenario);
    }
    // Only now is it certain that there are not billions of nodes to look at.
    if checker.has_only_warnings() {
        checker.vacuous(scenario);
    }
    checker.finish()
}

impl Checker<'_> {
    /// Name, seeds, duration, output.
    fn frame(&mut self, scenario: &Scenario) {
        self.name("name", &scenario.name, Named::Scenario);
        let key = if self.tree().has("seed") { "seed" } else { "seeds" };
        let seeds = &scenario.seeds.0;
        if seeds.is_empty() || seeds.len() > Seeds::MAX {
            let title = format!("there must be 1 to {} seeds", Seeds::MAX);
            self.wrong(key, title, format!("found {}", seeds.len()));
        }
        if seeds.iter().collect::<BTreeSet<_>>().len() < seeds.len() {
            self.wrong(key, "a seed is listed twice", "the same seed gives the same run").help =
                Some("write each once, or a range: `seeds = \"1..3\"`".to_owned());
        }
        match scenario.stop {
            Some(StopRule::FinalTransactions(0) | StopRule::FinalHeight(0) | StopRule::Height(0)) => {
                self.wrong("stop", "a run that stops at once", "expected a number above 0");
            }
            None if scenario.duration.is_none() => {
                self.wrong("name", NO_END, "this scenario has neither `duration` nor `stop`").help =
                    Some("add `duration = \"60s\"` or `stop = { final_transactions = 1000 }`".to_owned());
                return;
            }
            _ => {}
        }
        if scenario.duration().is_zero() || scenario.duration() > DURATION_MAX {
            let label = format!("found {}", scenario.duration());
            self.wrong("duration", "`duration` must be above 0 and at most 100 years", label);
        } else if scenario.warm_up >= scenario.duration() {
            let label = format!("nothing would be measured: the run lasts {}", scenario.duration());
            let tenth = Duration::from_nanos(scenario.duration().as_nanos() / 10);
            self.wrong("warm_up", "`warm_up` must be shorter than the run", label).help =
                Some(format!("a tenth of the run is usual: `warm_up = \"{tenth}\"`"));
        }
        self.lasting("output.interval", scenario.output.interval);
        self.within("output.event_log", f64::from(scenario.output.event_log), 0.0, f64::from(EVENT_LOG_MAX));
        if let Some(progress) = scenario.check.progress {
            self.lasting("check.progress", progress);
        }
        if let Some(catch_up) = scenario.check.catch_up {
            self.lasting("check.catch_up", catch_up);
        }
    }

    /// Timers that fire so often that a run makes no progress: of protocols, of gossip, of retries.
    fn timers(&mut self, scenario: &Scenario) {
        for (at, chain) in scenario.chain.iter().enumerate() {
            let name = &chain.protocol.name;
            let settings = toml::Value::Table(chain.protocol.settings.clone());
            self.timers_in(&format!("chain[{at}].protocol.\"{name}\""), &settings, scenario.duration());
            if let Ok(gossip) = toml::Value::try_from(chain.network.gossip) {
                self.timers_in(&format!("chain[{at}].network.gossip"), &gossip, scenario.duration());
            }
        }
        for (at, Agent::Anchor(anchor)) in scenario.agent.iter().enumerate() {
            self.not_too_often(&format!("agent[{at}].anchor.poll"), anchor.poll, REPEAT_MIN);
            self.not_too_often(&format!("agent[{at}].anchor.retry"), anchor.retry, REPEAT_MIN);
        }
        let payments = match &scenario.workload {
            Some(Workload::Payments(payments)) => payments,
            Some(Workload::Model(ModelChoice { name, settings })) => {
                let settings = toml::Value::Table(settings.clone());
                return self.timers_in(&format!("workload.\"{name}\""), &settings, scenario.duration());
            }
            None => return,
        };
        if let Some(retry) = payments.retry.first() {
            self.not_too_often("workload.payments.retry", retry, REPEAT_MIN);
        }
        if let Arrival::OnOff { on, .. } = payments.arrival {
            self.not_too_often("workload.payments.arrival.on_off.on", on, REPEAT_MIN);
        }
    }
    /// Looks at every span of time in some settings.
    fn timers_in(&mut self, key: &str, settings: &toml::Value, duration: Duration) {
        match settings {
            toml::Value::Table(table) => table.iter().for_each(|(name, value)| {
                self.timers_in(&format!("{key}.{name}"), value, duration);
            }),
            toml::Value::Array(items) => (0..).zip(items).for_each(|(at, value): (usize, _)| {
                self.timers_in(&format!("{key}[{at}]"), value, duration);
            }),
            toml::Value::String(text) => {
                let Ok(span) = text.parse::<Duration>() else { return };
                let least = Duration::from_nanos(duration.as_nanos() / FIRINGS_MAX).max(TIMER_MIN);
                if !span.is_zero() {
                    self.not_too_often(key, span, least);
                }
            }
            _ => {}
        }
    }
    fn not_too_often(&mut self, key: &str, span: Duration, least: Duration) {
        if span < least && !span.is_zero() {
            let title = format!("`{}` must be at least {least}", last(key));
            self.wrong(key, title, format!("found {span}: the run would do nothing else"));
        }
    }

    /// How many nodes the worlds of a search have.
    fn explore_nodes(&mut self, scenario: &Scenario, least: u32, most: u32) {
        let (key, chain) = ("explore.nodes", &scenario.chain[0]);
        if least == 0 || least > most {
            let title = "`nodes` must be the fewest and the most nodes of a case";
            self.wrong(key, title, format!("found {least} and {most}"));
            return;
        }
        let mut largest = scenario.clone();
        largest.chain[0].nodes.count = Some(most);
        let (needed, limit) = (estimate(&largest).total(), scenario.memory_limit);
        if needed > limit.0 {
            let title = format!("a case needs about {} of memory, the limit is {limit}", show(needed));
            self.wrong(key, title, format!("it has up to {most} nodes"));
            return;
        }
        // Settings that could not be read suit nothing.
        let is_read = self.has_only_warnings();
        let protocol = self.catalogue().protocol(&chain.protocol.name);
        let Some(protocol) = protocol.filter(|_| is_read) else { return };
        let check = protocol.settings.check;
        let invalid = [least, most].into_iter().find_map(|n| check(&chain.protocol.settings, n as usize).err());
        if let Some(invalid) = invalid {
            self.wrong(key, format!("`{}` does not suit such a case", invalid.key), invalid.reason);
        }
    }

    /// The limits of a search.
    fn explore(&mut self, scenario: &Scenario) {
        let Some(limits) = &scenario.explore else { return };
        if let Some((least, most)) = limits.nodes {
            self.explore_nodes(scenario, least, most);
        }
        self.within("explore.max_faults", f64::from(limits.max_faults), 0.0, f64::from(FAULTS_MAX));
        if limits.cases == 0 {
            self.wrong("explore.cases", "no case would be generated", "expected a number above 0");
        }
        if let Some(heal) = limits.safety_phase
            && (heal.is_zero() || heal >= scenario.duration())
        {
            let title = "`safety_phase` must lie within the run: the liveness phase begins there";
            self.wrong("explore.safety_phase", title, format!("the run lasts {}", scenario.duration()));
        }
        if scenario.chain.len() > 1 {
            self.wrong_key(
                "explore",
                "cases are generated for one chain",
                format!("found {} chains", scenario.chain.len()),
            );
        }
        let generic = GENERIC_ATTACKS.iter().filter(|(name, _)| GenericAttack::of_word(name).is_some());
        let own = self.catalogue().protocol(&scenario.chain[0].protocol.name).into_iter();
        let own = own.flat_map(|protocol| protocol.attacks);
        let allowed: Vec<&str> = generic.chain(own).map(|(name, _)| *name).collect();
        for (at, name) in limits.attacks.iter().enumerate() {
            self.among(&format!("explore.attacks[{at}]"), "attack", name, &allowed);
        }
    }

    /// Refuses what would not fit in memory, before anything is allocated.
    fn memory(&mut self, scenario: &Scenario) {
        let estimate = estimate(scenario);
        if estimate.total() <= scenario.memory_limit.0 {
            return;
        }
        let largest = estimate.largest();
        let label = format!("{} alone take about {}", largest.what, show(largest.bytes));
        let total = show(estimate.total());
        let title = format!("this run needs about {total} of memory, the limit is {}", scenario.memory_limit);
        // Regions may stand for the number of nodes.
        let counted = largest.key.replace(".count", ".regions");
        let key = if self.tree().has(&largest.key) { &largest.key } else { &counted };
        self.wrong(key, title, label).help = Some("make it smaller, or raise `memory_limit`".to_owned());
    }
}
