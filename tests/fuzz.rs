//! Malformed messages: every type of message of every protocol, bent in every field, never makes a node panic, and never
//! makes it keep more and more.
//!
//! Nothing here knows a protocol. The registry is visited; small networks to which much happens give genuine messages of
//! each type; these are written as trees, bent, read again and sent by a faulty node whose signatures count whatever they sign.
//! What cannot be read is refused, as a decoder would. Messages have no byte encoding in a simulator, which counts their
//! bytes only; in its place the text of some is garbled and read again.

mod bend;
mod flood;
mod harvest;
mod variants;

use flood::{Believed, Findings, flood};
use harvest::{Harvest, NODES};
use ledgerlab::consensus;
use ledgerlab::protocol::{Protocol, Visitor};
use rayon::iter::{IntoParallelIterator, ParallelIterator};

/// Settings besides the usual ones, under which types of messages appear that otherwise do not.
const SETTINGS: [(&str, &str); 6] = [
    ("nakamoto", r#"{ "spacing": "1s" }"#),
    ("pbft", r#"{ "checkpoint_interval": 8, "log_window": 16 }"#),
    (
        "raft",
        r#"{ "snapshot_every": 5, "snapshot_keep": 1, "snapshot_chunk": "64 B", "read_interval": "1s", "transfers": [{ "at": "3s", "to": 2 }] }"#,
    ),
    ("ripple", r#"{ "negative_unl": true }"#),
    ("threshold", r#"{ "signatures": "frost", "collection": "star" }"#),
    ("vote", r#"{ "commissioners": 3, "tenure": 5 }"#),
];

/// Volleys of a flood; `FUZZ` times as many if it is set.
const VOLLEYS: usize = 30;

/// What is to be done for each protocol.
#[derive(Default)]
struct Jobs(Vec<fn() -> Report>);

impl Visitor for Jobs {
    fn visit<P: Protocol>(&mut self) {
        self.0.push(report::<P>);
    }
}

struct Report {
    name: &'static str,
    missing: Vec<&'static str>,
    findings: Findings,
}

fn report<P: Protocol>() -> Report {
    let times = std::env::var("FUZZ").ok().and_then(|times| times.parse().ok()).unwrap_or(1);
    let own = SETTINGS.iter().filter(|(name, _)| *name == P::NAME).map(|(_, settings)| *settings);
    let read = |settings| serde_json::from_str(settings).expect("settings of the protocol");
    let settings: Vec<P::Config> = std::iter::once("{}").chain(own).map(read).collect();
    let harvest = Harvest::of::<P>(&settings);
    let mut findings = Findings::default();
    for config in &settings {
        assert_eq!(P::check(config, NODES), Ok(()), "{}", P::NAME);
        for number in 0..2 * times {
            let believed = if number % 2 == 0 { Believed::Faulty } else { Believed::All };
            flood::<P>(config, &harvest, believed, number, VOLLEYS, &mut findings);
        }
    }
    Report { name: P::NAME, missing: harvest.missing::<P>(), findings }
}

#[test]
#[allow(clippy::print_stdout)] // the harness keeps it unless it is asked
fn no_malformed_message_makes_a_node_panic_or_grow_without_bound() {
    let mut jobs = Jobs::default();
    consensus::visit(&mut jobs);
    let reports: Vec<Report> = jobs.0.into_par_iter().map(|job| job()).collect();
    for Report { name, missing, findings } in &reports {
        println!("{name}: missing {missing:?}, sizes {:?}", findings.sizes);
        for (kind, count) in &findings.counts {
            println!("    {kind:<16} {:>6} bent, {:>6} read, {:>6} handled", count.bent, count.read, count.handled);
        }
        for defect in &findings.defects {
            println!("  !! {defect}");
        }
    }
    for Report { name, missing, findings } in &reports {
        assert_eq!(*missing, [] as [&str; 0], "{name}: types of messages that no network made");
        assert_eq!(findings.defects, [] as [&str; 0], "{name}");
        let unheard = findings.counts.iter().filter(|(_, count)| count.handled == 0).map(|(kind, _)| kind);
        assert_eq!(unheard.collect::<Vec<_>>(), [] as [&str; 0], "{name}: types that reached no handler");
    }
}
