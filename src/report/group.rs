//! The order in which figures are shown to people.

use crate::observe::metrics::{Figure, Summary};

/// A heading and the names of the figures under it, of which the first few are those that readers look for.
type Group = (&'static str, &'static [&'static str], &'static [&'static str]);

const GROUPS: &[Group] = &[
    (
        "Load",
        &["offered_load", "submitted", "throughput", "success_rate"],
        &["no_effect", "rejected", "reorged", "reverted", "pending", "blocked_by_gap", "skipped_requests"],
    ),
    (
        "Time",
        &["confirmation_p50", "confirmation_p90", "confirmation_p99", "longest_gap"],
        &[
            "confirmation_p95",
            "confirmation_max",
            "confirmation_mean",
            "inclusion_p50",
            "reply_p50",
            "reply_p99",
            "read_p50",
            "read_p99",
        ],
    ),
    (
        "Faults",
        &["outage", "recovery", "drain", "catch_up", "success_before", "success_during", "success_after"],
        &[
            "throughput_before",
            "throughput_during",
            "throughput_after",
            "confirmation_p50_before",
            "confirmation_p50_during",
            "confirmation_p50_after",
            "confirmation_p99_before",
            "confirmation_p99_during",
            "confirmation_p99_after",
            "reply_p50_before",
            "reply_p50_during",
            "reply_p50_after",
            "reply_p99_before",
            "reply_p99_during",
            "reply_p99_after",
        ],
    ),
    (
        "Chain",
        &["blocks", "block_interval", "fork_rate", "reorg_depth_max", "propagation_t90", "failed_rounds"],
        &[
            "block_transactions",
            "reorgs",
            "propagation_t50",
            "propagation_t99",
            "propagation_missing",
            "leader_changes",
        ],
    ),
    (
        "Cost",
        &["messages_per_transaction", "bytes_per_transaction", "bandwidth_mean", "cpu_mean"],
        &["bandwidth_max", "cpu_max", "inbox_max", "messages_lost", "energy_per_transaction", "mining_power"],
    ),
    (
        "Properties",
        &["safety_violations", "liveness_violations"],
        &["fairness_gini", "fairness_deviation", "byzantine_blocks"],
    ),
];

/// Figures by heading. A figure that no heading knows comes last, under `Other`.
#[must_use]
pub fn groups(summary: &Summary) -> Vec<(&'static str, Vec<&Figure>)> {
    let known = |name: &str| GROUPS.iter().any(|(_, key, rest)| key.contains(&name) || rest.contains(&name));
    // Definitions refer to the figure before: within a heading the order stays.
    let of = |(heading, key, rest): &Group| {
        let here = |figure: &&Figure| key.contains(&figure.name) || rest.contains(&figure.name);
        (*heading, summary.figures.iter().filter(here).collect())
    };
    let mut groups: Vec<(&str, Vec<&Figure>)> = GROUPS.iter().map(of).collect();
    groups.push(("Other", summary.figures.iter().filter(|figure| !known(figure.name)).collect()));
    groups.retain(|(_, figures)| !figures.is_empty());
    groups
}

/// The figures that readers look for, by heading, those without a value left out.
#[must_use]
pub fn key_figures(summary: &Summary) -> Vec<(&'static str, Vec<&Figure>)> {
    let with_value =
        |name: &&'static str| summary.get(name).filter(|figure| figure.value.is_some() || figure.not_reached > 0);
    let of = |(heading, key, _): &Group| (*heading, key.iter().filter_map(with_value).collect());
    let mut groups: Vec<(&str, Vec<&Figure>)> = GROUPS.iter().map(of).collect();
    groups.retain(|(_, figures)| !figures.is_empty());
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::outcome;

    #[test]
    fn every_figure_is_shown_once_and_under_a_heading() {
        let summary = outcome().summary;
        let groups = groups(&summary);
        let mut shown: Vec<&str> = groups.iter().flat_map(|(_, figures)| figures.iter().map(|f| f.name)).collect();
        let mut all: Vec<&str> = summary.figures.iter().map(|figure| figure.name).collect();
        shown.sort_unstable();
        all.sort_unstable();
        assert_eq!(shown, all);
        assert_eq!(groups.iter().find(|(heading, _)| *heading == "Other").map(|(_, figures)| figures), None);
    }

    #[test]
    fn every_name_under_a_heading_is_that_of_a_figure_some_run_has() {
        let summary = outcome().summary;
        let optional = ["read_p50", "read_p99", "byzantine_blocks", "energy_per_transaction", "mining_power"];
        for name in GROUPS.iter().flat_map(|(_, key, rest)| key.iter().chain(*rest)) {
            assert!(summary.get(name).is_some() || optional.contains(name), "{name}");
        }
    }
}
