//! What a run left behind, read without a line of the program: its tables, its scenario, its story.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// A line of a table, by column.
pub type Row = BTreeMap<String, String>;

/// The number in a cell, if there is one.
pub fn number(row: &Row, column: &str) -> Option<f64> {
    let cell = row.get(column).unwrap_or_else(|| panic!("no column {column}"));
    (!cell.is_empty()).then(|| cell.parse().unwrap_or_else(|_| panic!("{column}: {cell}")))
}

/// What a line of the event log says, as far as figures need it.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    Starts,
    Crashes,
    Sends { copies: f64, bytes: f64 },
    Loses,
    Rewinds { from: u64, to: u64 },
    Finalizes { height: u64 },
    Notes { label: String, value: u64 },
    Other,
}

/// A line of the story. Its time is exact to a microsecond.
#[derive(Clone, Debug)]
pub struct Event {
    pub at: f64,
    pub node: usize,
    pub what: What,
}

/// A finished run.
pub struct Run {
    pub transactions: Vec<Row>,
    pub blocks: Vec<Row>,
    pub faults: Vec<Row>,
    pub nodes: Vec<Row>,
    pub messages: Vec<Row>,
    pub series: Vec<Row>,
    pub summary: Vec<Row>,
    pub violations: Vec<Row>,
    pub periods: Vec<Row>,
    pub phases: Vec<Row>,
    pub story: Vec<Event>,
    /// The resolved scenario.
    pub scenario: toml::Table,
    /// The measured window.
    pub from: f64,
    /// The end of the run, and of the window.
    pub end: f64,
}

impl Run {
    pub fn read(folder: &Path) -> Run {
        let text = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_else(|why| panic!("{name}: {why}"));
        let table = |name: &str| table(&text(name));
        let scenario: toml::Table = toml::from_str(&text("scenario.toml")).unwrap();
        let manifest: serde_json::Value = serde_json::from_str(&text("manifest.json")).unwrap();
        Run {
            transactions: table("transactions.csv"),
            blocks: table("blocks.csv"),
            faults: table("faults.csv"),
            nodes: table("nodes.csv"),
            messages: table("messages.csv"),
            series: table("series.csv"),
            summary: table("summary.csv"),
            violations: table("violations.csv"),
            periods: table("periods.csv"),
            phases: table("phases.csv"),
            story: story(&text("event-log.txt")),
            from: seconds(scenario["warm_up"].as_str().unwrap()),
            end: manifest["simulated_s"].as_f64().unwrap(),
            scenario,
        }
    }
    /// The first chain of the scenario.
    pub fn chain(&self) -> &toml::Value {
        &self.scenario["chain"][0]
    }
    pub fn protocol(&self) -> &str {
        self.chain()["protocol"].as_table().unwrap().keys().next().unwrap()
    }
    pub fn within(&self, at: f64) -> bool {
        at >= self.from && at < self.end
    }
    pub fn window(&self) -> f64 {
        self.end - self.from
    }
    /// What `summary.csv` says.
    pub fn says(&self, name: &str) -> Option<f64> {
        let row = self.summary.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("no figure {name}"));
        number(row, "value")
    }
}

fn table(text: &str) -> Vec<Row> {
    let mut csv = csv::Reader::from_reader(text.as_bytes());
    let columns = csv.headers().unwrap().clone();
    let named = |row: csv::StringRecord| -> Row {
        columns.iter().zip(&row).map(|(column, cell)| (column.into(), cell.into())).collect()
    };
    csv.records().map(|row| named(row.unwrap())).collect()
}

/// `"20s"`, `"500ms"`, `"1 min"`.
pub fn seconds(text: &str) -> f64 {
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.').expect(text);
    let unit = match text[at..].trim() {
        "ms" => 1e-3,
        "us" => 1e-6,
        "s" => 1.0,
        "min" => 60.0,
        other => panic!("unit {other}"),
    };
    text[..at].parse::<f64>().expect(text) * unit
}

fn story(text: &str) -> Vec<Event> {
    assert!(text.starts_with("All "), "the story holds only the end of the run: {}", &text[..40]);
    let lines = text.lines().skip_while(|line| !line.trim_start().starts_with("time (s)")).skip(1);
    lines.filter_map(event).collect()
}

fn event(line: &str) -> Option<Event> {
    let mut words = line.get(2..)?.split_whitespace();
    let at: f64 = words.next()?.parse().ok()?;
    let node = words.next()?;
    let node = node.strip_prefix('n').and_then(|number| number.parse().ok()).unwrap_or(usize::MAX);
    let verb = words.next()?;
    let rest: Vec<&str> = words.collect();
    let whole = |word: &str| word.trim_end_matches(',').parse::<u64>().unwrap_or_else(|_| panic!("{line}"));
    let what = match verb {
        "starts" => What::Starts,
        "crashes" => What::Crashes,
        // "prepare #12 to 2 nodes, 1.25 kB"
        "sends" => What::Sends {
            copies: whole(rest[rest.len() - 4]) as f64,
            bytes: rest[rest.len() - 2].replace(',', "").parse::<f64>().unwrap() * bytes(rest[rest.len() - 1]),
        },
        "loses" => What::Loses,
        // "cuts back  from height 3 to 2"
        "cuts" => What::Rewinds { from: whole(rest[3]), to: whole(rest[5]) },
        "finalizes" => What::Finalizes { height: whole(rest[1]) },
        "notes" => What::Notes { label: rest[0].into(), value: whole(rest[1]) },
        _ => What::Other,
    };
    Some(Event { at, node, what })
}

fn bytes(unit: &str) -> f64 {
    match unit {
        "B" => 1.0,
        "kB" => 1e3,
        "MB" => 1e6,
        other => panic!("unit {other}"),
    }
}
