//! What a metric is: its name, what is said of it, and how it is computed.

use super::measured::Measured;
use crate::base::{Duration, Time};
use serde::Serialize;

/// The definition of a metric: everything that files, tables, pages and lists say of it, and the code that computes it.
/// A metric without a definition cannot exist.
#[derive(Debug)]
pub struct MetricDef {
    /// Its name in files: `snake_case`, never reused for another definition.
    pub name: &'static str,
    /// Its name in tables and on pages.
    pub label: &'static str,
    /// Its unit: `s`, `tx/s`, `%`, `B`, ... or empty for a count.
    pub unit: &'static str,
    /// The heading under which it is shown.
    pub group: Group,
    /// Its position among the metrics that a summary shows of its group, from 1; `None` if only full tables show it.
    pub headline: Option<u8>,
    /// How values of several runs become one. [`Aggregation::Mean`] may become [`Aggregation::GeometricMean`] where the
    /// values spread widely.
    pub aggregation: Aggregation,
    /// What exactly is measured, in one line.
    pub definition: &'static str,
    /// Whether a run has it.
    applies: fn(&Measured<'_>) -> bool,
    compute: Compute,
}

/// Headings of metrics, in the order in which they are shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Group {
    /// What was submitted, and what became of it.
    Load,
    /// How long it took.
    Time,
    /// What faults did.
    Faults,
    /// Blocks, forks and rounds.
    Chain,
    /// Messages, computing, bandwidth and energy.
    Cost,
    /// Safety, liveness and fairness.
    Properties,
}

impl Group {
    /// All of them, in order.
    pub const ALL: [Group; 6] = [Group::Load, Group::Time, Group::Faults, Group::Chain, Group::Cost, Group::Properties];

    /// Its text.
    #[must_use]
    pub const fn heading(self) -> &'static str {
        match self {
            Group::Load => "Load",
            Group::Time => "Time",
            Group::Faults => "Faults",
            Group::Chain => "Chain",
            Group::Cost => "Cost",
            Group::Properties => "Properties",
        }
    }
}

/// How the values of several runs become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aggregation {
    /// Their mean, with a confidence interval.
    Mean,
    /// Their geometric mean, with a confidence interval on the logarithmic scale: for values that spread widely.
    GeometricMean,
    /// Their median, with a confidence interval by bootstrap: for times that may not be reached within a run.
    Median,
    /// Their sum: for events that must not happen even once.
    Sum,
}

/// A time that may not be reached within a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// It was reached after this time.
    After(Duration),
    /// It was not reached by this instant.
    NotBy(Time),
    /// The run has nothing to measure it by.
    NotMeasurable,
}

#[derive(Debug)]
enum Compute {
    Value(fn(&Measured<'_>) -> Option<f64>),
    Awaited(fn(&Measured<'_>) -> Awaited),
}

/// What a run says of a metric.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reading {
    /// The value, if there is one.
    pub value: Option<f64>,
    /// Until when the value was awaited and not reached.
    pub not_by: Option<Time>,
}

impl MetricDef {
    /// A metric that every run has, with its mean over runs.
    #[must_use]
    pub const fn new(
        name: &'static str,
        label: &'static str,
        unit: &'static str,
        group: Group,
        definition: &'static str,
        value: fn(&Measured<'_>) -> Option<f64>,
    ) -> MetricDef {
        MetricDef {
            name,
            label,
            unit,
            group,
            headline: None,
            aggregation: Aggregation::Mean,
            definition,
            applies: |_| true,
            compute: Compute::Value(value),
        }
    }
    /// A time that may not be reached, with its median over runs.
    #[must_use]
    pub const fn awaited(
        name: &'static str,
        label: &'static str,
        group: Group,
        definition: &'static str,
        time: fn(&Measured<'_>) -> Awaited,
    ) -> MetricDef {
        let def = MetricDef::new(name, label, "s", group, definition, |_| None);
        MetricDef { aggregation: Aggregation::Median, compute: Compute::Awaited(time), ..def }
    }
    /// The same, shown in summaries at a position of its group.
    #[must_use]
    pub const fn headline(self, position: u8) -> MetricDef {
        MetricDef { headline: Some(position), ..self }
    }
    /// The same, with its sum over runs.
    #[must_use]
    pub const fn summed(self) -> MetricDef {
        MetricDef { aggregation: Aggregation::Sum, ..self }
    }
    /// The same, for certain runs only.
    #[must_use]
    pub const fn only_if(self, applies: fn(&Measured<'_>) -> bool) -> MetricDef {
        MetricDef { applies, ..self }
    }
    /// What a run says of it; `None` if a run of this kind does not have the metric.
    #[must_use]
    pub fn read(&self, measured: &Measured<'_>) -> Option<Reading> {
        let reading = || match self.compute {
            Compute::Value(value) => Reading { value: value(measured), not_by: None },
            Compute::Awaited(time) => match time(measured) {
                Awaited::After(time) => Reading { value: Some(time.as_secs_f64()), not_by: None },
                Awaited::NotBy(until) => Reading { value: None, not_by: Some(until) },
                Awaited::NotMeasurable => Reading::default(),
            },
        };
        (self.applies)(measured).then(reading)
    }
}

impl PartialEq for MetricDef {
    /// Names are unique.
    fn eq(&self, other: &MetricDef) -> bool {
        self.name == other.name
    }
}
