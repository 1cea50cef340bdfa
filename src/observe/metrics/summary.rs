//! Metrics of a run or of several runs.

use super::definition::{Aggregation, MetricDef, Reading};
use crate::base::Time;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// A metric of a run, or of several runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// What it is.
    pub def: &'static MetricDef,
    /// Its value; `None` where nothing happened that it could measure. One value for several runs; see `aggregation`.
    pub value: Option<f64>,
    /// The 95 % confidence interval over several runs. Its upper end is infinite where a time may never be reached.
    pub interval: Option<Interval>,
    /// How many runs have a value, or did not reach one.
    pub runs: u32,
    /// How values of several runs became one.
    pub aggregation: Aggregation,
    /// How many of these runs ended before the value was reached: it is not known how long it takes.
    pub not_reached: u32,
    /// Until when it was awaited and not reached, in seconds of the run; the latest of several runs.
    pub until: Option<f64>,
}

impl Metric {
    /// A metric of one run.
    pub fn new(def: &'static MetricDef, Reading { value, not_by }: Reading) -> Metric {
        Metric {
            def,
            value,
            interval: None,
            runs: u32::from(value.is_some() || not_by.is_some()),
            aggregation: def.aggregation,
            not_reached: u32::from(not_by.is_some()),
            until: not_by.map(Time::as_secs_f64),
        }
    }
}

impl Serialize for Metric {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let mut fields = out.serialize_struct("Metric", 10)?;
        fields.serialize_field("name", self.def.name)?;
        fields.serialize_field("label", self.def.label)?;
        fields.serialize_field("unit", self.def.unit)?;
        fields.serialize_field("value", &self.value)?;
        fields.serialize_field("interval", &self.interval)?;
        fields.serialize_field("runs", &self.runs)?;
        fields.serialize_field("over_runs", &self.aggregation)?;
        fields.serialize_field("not_reached", &self.not_reached)?;
        fields.serialize_field("until", &self.until)?;
        fields.serialize_field("definition", self.def.definition)?;
        fields.end()
    }
}

/// A confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// Metrics in the order in which they are listed.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Summary {
    /// The metrics.
    pub metrics: Vec<Metric>,
}

impl Summary {
    /// The metric named `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Metric> {
        self.metrics.iter().find(|metric| metric.def.name == name)
    }
    /// The value of the metric named `name`.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<f64> {
        self.get(name).and_then(|metric| metric.value)
    }
}
