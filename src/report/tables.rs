//! The tables of a run as CSV. Column names are a promise: they end in the unit and never change their meaning.

use super::comparison::Row;
use crate::observe::metrics::{Aggregation, Metric, Outcome, Summary};
use serde::Serialize;
use std::io::{self, Write};

/// The columns of each table.
pub mod columns {
    /// `summary.csv`: one row per metric.
    pub const SUMMARY: &[&str] = &[
        "name",
        "label",
        "value",
        "unit",
        "ci95_low",
        "ci95_high",
        "runs",
        "aggregation",
        "not_reached",
        "until_s",
        "definition",
    ];
    /// `transactions.csv`: one row per transaction, in order of submission.
    pub const TRANSACTIONS: &[&str] = &[
        "id",
        "client",
        "node",
        "submitted_s",
        "taken_s",
        "included_s",
        "final_entry_s",
        "final_first_s",
        "final_everywhere_s",
        "replied_s",
        "height",
        "bytes",
        "fee",
        "status",
        "reorged",
        "retransmissions",
    ];
    /// `blocks.csv`: one row per block, in order of creation.
    pub const BLOCKS: &[&str] = &[
        "id",
        "height",
        "parent",
        "proposer",
        "created_s",
        "transactions",
        "bytes",
        "status",
        "honest_holders",
        "t50_s",
        "t90_s",
        "t99_s",
        "final_first_s",
        "final_connected_s",
        "final_everywhere_s",
    ];
    /// `series.csv`: one row per interval.
    pub const SERIES: &[&str] = &[
        "start_s",
        "end_s",
        "submitted",
        "confirmed",
        "throughput_tps",
        "confirmation_p50_s",
        "unconfirmed",
        "blocks",
        "failed_rounds",
        "leader_changes",
        "reorgs",
        "reorg_max",
        "messages",
        "sent_bytes",
        "cpu_mean",
        "cpu_max",
        "inbox_max",
        "mempool_max",
        "finalized_min",
        "finalized_max",
    ];
    /// `nodes.csv`: one row per node.
    pub const NODES: &[&str] = &[
        "node",
        "honest",
        "sent_bytes",
        "received_bytes",
        "written_bytes",
        "busy_s",
        "cpu",
        "inbox_max",
        "blocks_canonical",
        "blocks_stale",
        "block_share",
        "weight_share",
        "crashes",
        "reorgs",
        "reorg_max",
        "failed_rounds",
        "height",
        "finalized",
    ];
    /// `messages.csv`: one row per kind of message.
    pub const MESSAGES: &[&str] = &["kind", "sent", "sent_bytes", "delivered", "delivered_bytes"];
    /// `notes.csv`: one row per label that protocols noted.
    pub const NOTES: &[&str] = &["label", "count", "mean", "max"];
    /// `refusals.csv`: why mempools refused transactions.
    pub const REFUSALS: &[&str] = &["reason", "count"];
    /// `reorgs.csv`: reorganisations by depth.
    pub const REORGS: &[&str] = &["depth", "count"];
    /// `propagation.csv` and `confirmation.csv`: cumulative distributions.
    pub const DISTRIBUTION: &[&str] = &["at_s", "share"];
    /// `faults.csv`: the faults that happened.
    pub const FAULTS: &[&str] = &["fault", "label", "start_s", "end_s", "period"];
    /// `periods.csv`: the fault periods, for all regions and each. Beside each time stands whether it was reached: `yes`,
    /// `no` (not until `watched_until_s`) or `not-measurable`. Without a `yes` the time is empty.
    pub const PERIODS: &[&str] = &[
        "period",
        "region",
        "start_s",
        "end_s",
        "faults",
        "outage_s",
        "outage_over",
        "outage_from_s",
        "recovery_s",
        "recovered",
        "drain_s",
        "drained",
        "catch_up_s",
        "caught_up",
        "watched_until_s",
    ];
    /// `phases.csv`: before, during and after each fault period, for all regions and each.
    pub const PHASES: &[&str] = &[
        "period",
        "phase",
        "region",
        "start_s",
        "end_s",
        "submitted",
        "succeeded",
        "undecided",
        "success_rate",
        "confirmed",
        "throughput_tps",
        "confirmation_p50_s",
        "confirmation_p99_s",
        "reply_p50_s",
        "reply_p99_s",
    ];
    /// `violations.csv`: the broken properties that were kept word for word.
    pub const VIOLATIONS: &[&str] = &["property", "kind", "at_s", "what"];
}

/// Writes rows.
type WriteRows<'a> = dyn Fn(&mut dyn Write) -> io::Result<()> + 'a;

/// A table: its file, and what writes it.
pub struct Table<'a> {
    /// The name of its file.
    pub file: &'static str,
    write: Box<WriteRows<'a>>,
}

impl<'a> Table<'a> {
    fn new<T: Serialize>(file: &'static str, columns: &'static [&'static str], rows: &'a [T]) -> Table<'a> {
        Table { file, write: Box::new(move |out| rows_to_csv(columns, rows, out)) }
    }
    /// Writes it.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        (self.write)(out)
    }
}

/// All tables of a chain; that of transactions, the longest, only if wanted.
#[must_use]
pub fn tables(outcome: &Outcome, transactions: bool) -> Vec<Table<'_>> {
    let mut tables = vec![
        Table { file: "summary.csv", write: Box::new(|out| summary(&outcome.summary, out)) },
        Table::new("blocks.csv", columns::BLOCKS, &outcome.blocks),
        Table::new("series.csv", columns::SERIES, &outcome.intervals),
        Table::new("nodes.csv", columns::NODES, &outcome.nodes),
        Table::new("messages.csv", columns::MESSAGES, &outcome.messages),
        Table::new("notes.csv", columns::NOTES, &outcome.notes),
        Table::new("refusals.csv", columns::REFUSALS, &outcome.refusals),
        Table::new("reorgs.csv", columns::REORGS, &outcome.reorgs),
        Table::new("propagation.csv", columns::DISTRIBUTION, &outcome.propagation),
        Table::new("confirmation.csv", columns::DISTRIBUTION, &outcome.confirmation),
        Table::new("faults.csv", columns::FAULTS, &outcome.faults),
        Table::new("periods.csv", columns::PERIODS, &outcome.periods),
        Table::new("phases.csv", columns::PHASES, &outcome.phases),
        Table::new("violations.csv", columns::VIOLATIONS, &outcome.violations),
    ];
    if transactions {
        tables.push(Table::new("transactions.csv", columns::TRANSACTIONS, &outcome.transactions));
    }
    tables
}

/// A row of `summary.csv`.
#[derive(Serialize)]
struct MetricRow<'a> {
    name: &'a str,
    label: &'a str,
    value: Option<f64>,
    unit: &'a str,
    #[serde(rename = "ci95_low")]
    low: Option<f64>,
    /// Empty also where it is infinite: more runs than the interval leaves out did not reach a value.
    #[serde(rename = "ci95_high")]
    high: Option<f64>,
    runs: u32,
    aggregation: Aggregation,
    not_reached: u32,
    until_s: Option<f64>,
    definition: &'a str,
}

impl MetricRow<'_> {
    fn new(metric: &Metric) -> MetricRow<'_> {
        let (low, high) = bounds(metric);
        MetricRow {
            name: metric.def.name,
            label: metric.def.label,
            value: metric.value,
            unit: metric.def.unit,
            low,
            high,
            runs: metric.runs,
            aggregation: metric.aggregation,
            not_reached: metric.not_reached,
            until_s: metric.until,
            definition: metric.def.definition,
        }
    }
}

/// The ends of a metric's interval, as far as they are finite.
fn bounds(metric: &Metric) -> (Option<f64>, Option<f64>) {
    let (low, high) = metric.interval.map(|interval| (interval.low, interval.high)).unzip();
    (low.filter(|low| low.is_finite()), high.filter(|high| high.is_finite()))
}

/// Writes `summary.csv`.
///
/// # Errors
/// Those of `out`.
pub fn summary(summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    let rows: Vec<MetricRow<'_>> = summary.metrics.iter().map(MetricRow::new).collect();
    rows_to_csv(columns::SUMMARY, &rows, out)
}

/// Writes `comparison.csv`: one line per variant and metric.
///
/// # Errors
/// Those of `out`.
pub fn comparison(rows: &[Row], out: &mut dyn Write) -> io::Result<()> {
    type Line<'a> = (&'a str, &'a str, &'a str, Option<f64>, &'a str, Option<f64>, Option<f64>, u32, u32, Option<f64>);
    let lines = rows.iter().flat_map(|row| {
        row.chain.summary.metrics.iter().map(move |metric| -> Line<'_> {
            let (low, high) = bounds(metric);
            let (value, runs, not_reached, until) = (metric.value, metric.runs, metric.not_reached, metric.until);
            let (name, unit) = (metric.def.name, metric.def.unit);
            (&row.name, &row.chain.protocol, name, value, unit, low, high, runs, not_reached, until)
        })
    });
    let lines: Vec<Line<'_>> = lines.collect();
    let columns =
        ["variant", "protocol", "name", "value", "unit", "ci95_low", "ci95_high", "runs", "not_reached", "until_s"];
    rows_to_csv(&columns, &lines, out)
}

fn rows_to_csv<T: Serialize>(columns: &[&str], rows: &[T], out: &mut dyn Write) -> io::Result<()> {
    // Headings are written here because a table without rows has them too.
    let mut csv = csv::WriterBuilder::new().has_headers(false).from_writer(out);
    csv.write_record(columns)?;
    for row in rows {
        csv.serialize(row)?;
    }
    csv.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::outcome;

    /// The headings that the rows themselves would have.
    fn headings<T: Serialize>(rows: &[T]) -> Vec<String> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.serialize(rows.first().expect("a row to ask")).unwrap();
        let text = String::from_utf8(csv.into_inner().unwrap()).unwrap();
        text.lines().next().unwrap().split(',').map(str::to_owned).collect()
    }

    #[test]
    fn every_column_is_headed_by_the_name_of_what_stands_in_it() {
        let outcome = outcome();
        assert_eq!(headings(&outcome.transactions), columns::TRANSACTIONS);
        assert_eq!(headings(&outcome.blocks), columns::BLOCKS);
        assert_eq!(headings(&outcome.intervals), columns::SERIES);
        assert_eq!(headings(&outcome.nodes), columns::NODES);
        assert_eq!(headings(&outcome.messages), columns::MESSAGES);
        assert_eq!(headings(&outcome.notes), columns::NOTES);
        assert_eq!(headings(&outcome.refusals), columns::REFUSALS);
        assert_eq!(headings(&outcome.reorgs), columns::REORGS);
        assert_eq!(headings(&outcome.propagation), columns::DISTRIBUTION);
        assert_eq!(headings(&outcome.confirmation), columns::DISTRIBUTION);
        assert_eq!(headings(&outcome.faults), columns::FAULTS);
        assert_eq!(headings(&outcome.periods), columns::PERIODS);
        assert_eq!(headings(&outcome.phases), columns::PHASES);
        let metrics: Vec<MetricRow<'_>> = outcome.summary.metrics.iter().map(MetricRow::new).collect();
        assert_eq!(headings(&metrics), columns::SUMMARY);
        assert_eq!(headings(&outcome.violations), columns::VIOLATIONS);
    }

    #[test]
    fn a_table_without_rows_has_headings_and_what_did_not_happen_is_empty() {
        let mut out = Vec::new();
        rows_to_csv::<(u8, u8)>(&["a", "b"], &[], &mut out).unwrap();
        rows_to_csv(&["c", "d"], &[(None, Some(0.5))] as &[(Option<f64>, Option<f64>)], &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "a,b\nc,d\n,0.5\n");
    }
}
