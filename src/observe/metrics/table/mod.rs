//! All metrics, each defined and computed in one place.

mod chain;
mod costs;
mod faults;
mod load;
mod properties;
mod times;

use super::definition::MetricDef;
use super::measured::Measured;
use super::summary::{Metric, Summary};

/// The tables in the order in which metrics are listed.
static TABLES: [&[MetricDef]; 11] = [
    load::LOAD,
    times::CONFIRMATION,
    properties::PROPERTIES,
    faults::FAULTS,
    chain::CHAIN,
    chain::PROPAGATION,
    chain::ROUNDS,
    load::STATUSES,
    costs::COSTS,
    properties::FAIRNESS,
    costs::ENERGY,
];

/// Every metric that a run can have, in the order in which they are listed.
pub fn definitions() -> impl Iterator<Item = &'static MetricDef> {
    TABLES.iter().copied().flatten()
}

/// The metrics of a run: those that it has.
pub fn summary(measured: &Measured<'_>) -> Summary {
    let metric = |def: &'static MetricDef| Some(Metric::new(def, def.read(measured)?));
    Summary { metrics: definitions().filter_map(metric).collect() }
}
