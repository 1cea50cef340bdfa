//! Metrics by heading, as reports show them.

use crate::observe::metrics::{Group, Metric, Summary};

/// The metrics under each heading, those without metrics left out. Within a heading metrics keep their order.
#[must_use]
pub fn groups(summary: &Summary) -> Vec<(&'static str, Vec<&Metric>)> {
    let of = |group: Group| summary.metrics.iter().filter(|metric| metric.def.group == group).collect();
    non_empty(of)
}

/// The metrics that summaries show, by heading, those without a value left out.
#[must_use]
pub fn key_metrics(summary: &Summary) -> Vec<(&'static str, Vec<&Metric>)> {
    let of = |group: Group| {
        let is_shown = |metric: &&Metric| metric.value.is_some() || metric.not_reached > 0;
        let here = summary.metrics.iter().filter(|metric| metric.def.group == group && metric.def.headline.is_some());
        let mut shown: Vec<&Metric> = here.filter(is_shown).collect();
        shown.sort_by_key(|metric| metric.def.headline);
        shown
    };
    non_empty(of)
}

fn non_empty<'a>(of: impl Fn(Group) -> Vec<&'a Metric>) -> Vec<(&'static str, Vec<&'a Metric>)> {
    let all = Group::ALL.into_iter().map(|group| (group.heading(), of(group)));
    all.filter(|(_, metrics)| !metrics.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::outcome;

    #[test]
    fn every_metric_is_shown_once_and_under_a_heading() {
        let summary = outcome().summary;
        let groups = groups(&summary);
        let mut shown: Vec<&str> = groups.iter().flat_map(|(_, metrics)| metrics.iter().map(|m| m.def.name)).collect();
        let mut all: Vec<&str> = summary.metrics.iter().map(|metric| metric.def.name).collect();
        shown.sort_unstable();
        all.sort_unstable();
        assert_eq!(shown, all);
    }

    #[test]
    fn the_metrics_that_summaries_show_come_in_the_order_of_their_positions() {
        let mut summary = outcome().summary;
        summary.metrics.iter_mut().for_each(|metric| metric.value = Some(1.0));
        let cost = key_metrics(&summary).into_iter().find(|(heading, _)| *heading == "Cost");
        let names: Vec<&str> = cost.unwrap().1.iter().map(|metric| metric.def.name).collect();
        assert_eq!(names, ["messages_per_transaction", "bytes_per_transaction", "bandwidth_mean", "cpu_mean"]);
    }
}
