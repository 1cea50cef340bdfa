//! The form that was meant: what to write instead, for the mistakes that people make.
//!
//! A message says what was found and what is allowed. A user who writes `nodes = 7` knows the intent, and needs to see
//! how it is written: `nodes = { count = 7 }`.

use super::spanned_toml::Reason;

/// Units as other tools write them, with ours and the factor between them.
const UNITS: [(&str, &str, u64); 31] = [
    ("sec", "s", 1),
    ("secs", "s", 1),
    ("second", "s", 1),
    ("seconds", "s", 1),
    ("msec", "ms", 1),
    ("millis", "ms", 1),
    ("milliseconds", "ms", 1),
    ("usec", "us", 1),
    ("m", "min", 1),
    ("mins", "min", 1),
    ("minute", "min", 1),
    ("minutes", "min", 1),
    ("hr", "h", 1),
    ("hrs", "h", 1),
    ("hour", "h", 1),
    ("hours", "h", 1),
    ("day", "d", 1),
    ("days", "d", 1),
    ("week", "d", 7),
    ("weeks", "d", 7),
    ("year", "d", 365),
    ("years", "d", 365),
    ("bps", "bit/s", 1),
    ("kbps", "kbit/s", 1),
    ("mbps", "Mbit/s", 1),
    ("mbit", "Mbit/s", 1),
    ("gbps", "Gbit/s", 1),
    ("gbit", "Gbit/s", 1),
    ("mb/s", "Mbit/s", 8),
    ("gb/s", "Gbit/s", 8),
    ("kb", "kB", 1),
];

/// Keys that other tools have, and where the same is said here.
const ELSEWHERE: [(&str, &str); 14] = [
    (
        "block_size",
        "blocks are the protocol's: `protocol.tendermint = { block_limit = { bytes = 1000000, transactions = 4000 } }`",
    ),
    (
        "blocksize",
        "blocks are the protocol's: `protocol.tendermint = { block_limit = { bytes = 1000000, transactions = 4000 } }`",
    ),
    ("block_interval", "the time between blocks is the protocol's: `protocol.nakamoto = { spacing = \"10 min\" }`"),
    (
        "batch_size",
        "batches are the protocol's: `protocol.pbft = { block_limit = { bytes = 1000000, transactions = 1000 } }`",
    ),
    ("csv", "tables are always written as CSV; `transactions = false` leaves out the largest"),
    ("tps", "write `rate = 50` under `[workload.payments]`"),
    ("count", "write `nodes = { count = 4 }` under `[[chain]]`"),
    ("n", "write `nodes = { count = 4 }` under `[[chain]]`"),
    ("num_nodes", "write `nodes = { count = 4 }` under `[[chain]]`"),
    ("regions", "write `nodes = { count = 4, regions = [\"us-east-1\", \"eu-west-1\"] }`"),
    ("latency", "write `network = { latency.constant = { delay = \"50ms\" } }` under `[[chain]]`"),
    ("bandwidth", "write `nodes = { count = 4, upload = \"100 Mbit/s\" }`"),
    ("faults", "write `[[fault]]`, once for each"),
    ("timeout", "time-outs are the protocol's: `ledgerlab check FILE --resolved` writes out all of them"),
];

/// Examples of keys that must be given.
const EXAMPLES: [(&str, &str); 6] = [
    ("name", "`name = \"my-experiment\"`"),
    ("chain", "`[[chain]]` with `protocol = \"pbft\"` and `nodes = { count = 4 }`"),
    ("protocol", "`protocol = \"pbft\"`"),
    ("nodes", "`nodes = { count = 4 }`"),
    ("attack", "`attack = \"silent\"`"),
    ("data", "`data = \"aws-2025\"`; `ledgerlab list` shows all"),
];

/// Tables of which there may be several.
const LISTS: [&str; 5] = ["chain", "fault", "variant", "adversary", "agent"];

/// Small numbers in words.
const NUMBERS: [&str; 13] =
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

/// What to write instead of `raw`, the value of `key` (or what stands where it cannot).
pub(super) fn meant(reason: &Reason, key: Option<&str>, raw: &str) -> Option<String> {
    let word = raw.trim().trim_matches('"').trim();
    match reason {
        Reason::Missing(key) => EXAMPLES.iter().find(|(name, _)| name == key).map(|(_, form)| format!("write {form}")),
        Reason::UnknownKey { found, .. } => {
            ELSEWHERE.iter().find(|(name, _)| *name == found.to_lowercase()).map(|(_, form)| (*form).to_owned())
        }
        Reason::UnknownWord { found, allowed } if *allowed == ["payments"] => {
            Some(format!("write `[workload.payments]`, and `{found}` under it"))
        }
        Reason::UnknownWord { allowed, .. } if allowed.contains(&"cloud") && is_quantity(word) => Some(format!(
            "`jitter = \"cloud\"` varies published delays; for a spread of your own write \
             `latency.normal = {{ median = \"50ms\", std_dev = \"{word}\" }}`"
        )),
        Reason::Other(what) => quantity(key?, what, word),
        Reason::Unexpected { expected, .. } => value(key?, expected, raw.trim(), word),
        Reason::UnknownWord { .. } | Reason::Twice(_) => None,
    }
}

/// What was meant by a value of another kind.
fn value(key: &str, expected: &str, raw: &str, word: &str) -> Option<String> {
    let number: String = word.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    let in_words = NUMBERS.iter().position(|name| *name == word.to_lowercase()).map(|number| number.to_string());
    let number = if number.is_empty() { in_words } else { Some(number) };
    let is_text = raw.starts_with('"');
    match (expected, number.clone()) {
        ("a table", Some(number)) if key == "nodes" => Some(format!("write `nodes = {{ count = {number} }}`")),
        ("a table", _) if key == "payments" => Some("write `[workload.payments]` and `rate = 50` under it".to_owned()),
        ("a list", _) if LISTS.contains(&key) && raw.contains("protocol") => {
            Some("write the whole key in quotes: `\"chain.protocol\" = \"raft\"`".to_owned())
        }
        ("a list", _) if LISTS.contains(&key) => Some(format!("write `[[{key}]]`, once for each {key}")),
        ("a list", Some(number)) => Some(format!("write `{key} = [{number}]`")),
        _ if expected.contains("duration") => match number {
            Some(number) if !is_text => Some(format!("write `{key} = \"{number}s\"` if seconds are meant")),
            _ => Some(format!("write `{key} = \"10s\"`")),
        },
        _ if expected.contains("size in quotes") => {
            number.map(|number| format!("write `{key} = \"{number} B\"` if bytes are meant"))
        }
        _ if expected.contains("rate in quotes") => number.map(|number| format!("write `{key} = \"{number} Mbit/s\"`")),
        _ if expected.contains("number") && is_text => number.map(|number| format!("write `{key} = {number}`")),
        ("a text in quotes", Some(number)) => Some(format!("write `{key} = \"{number}\"`")),
        ("true or false", _) => Some(format!("write `{key} = true` or `{key} = false`")),
        _ => None,
    }
}

/// What was meant by a quantity that could not be read.
fn quantity(key: &str, what: &str, word: &str) -> Option<String> {
    let unit_at = word.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = (word[..unit_at].trim(), word[unit_at..].trim());
    if number.is_empty() {
        return None;
    }
    let lower = unit.to_lowercase();
    let (_, ours, factor) = UNITS.into_iter().find(|(theirs, ..)| *theirs == lower)?;
    if !what.contains("unit") {
        return None;
    }
    let number = match number.parse::<u64>() {
        Ok(whole) => whole.checked_mul(factor)?.to_string(),
        Err(_) if factor == 1 => number.to_owned(),
        Err(_) => return None,
    };
    Some(format!("write `{key} = \"{number} {ours}\"`"))
}

fn is_quantity(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit()) && word.ends_with(|c: char| c.is_ascii_alphabetic())
}

/// What was meant where a text is not even TOML.
pub fn syntax(what: &str, line: &str) -> Option<String> {
    if what.contains("dotted key") {
        return Some(
            "a key is given once: `protocol = \"pbft\"`, or `protocol.pbft = { ... }` with settings".to_owned(),
        );
    }
    if what.contains("duplicate key") {
        return Some("a key is given once in its table".to_owned());
    }
    let (opening, closing) = (line.matches('{').count(), line.matches('}').count());
    if opening != closing {
        return Some(
            "a table on one line stands in braces: `nodes = { count = 7, upload = \"100 Mbit/s\" }`".to_owned(),
        );
    }
    let value = line.split_once('=').map(|(_, value)| value.trim())?;
    value.starts_with(char::is_alphabetic).then(|| "texts stand in quotes: `protocol = \"pbft\"`".to_owned())
}

#[cfg(test)]
mod tests {
    use crate::scenario::{Catalogue, Scenario};

    const HEAD: &str = "name = \"m\"\nduration = \"20s\"\n";
    const CHAIN: &str = "[[chain]]\nprotocol = \"pbft\"\nnodes = { count = 4 }\n";

    /// The help of the first mistake of a text.
    fn help(text: &str) -> String {
        let mistakes = Scenario::load(&Catalogue::standard(), "m.toml", text, &[]).expect_err(text);
        mistakes[0].help.clone().unwrap_or_else(|| panic!("no help: {}", mistakes[0]))
    }

    #[test]
    fn what_people_write_is_answered_with_the_form_that_they_meant() {
        for (text, meant) in [
            (format!("name = \"m\"\nduration = \"20 sec\"\n{CHAIN}"), "`duration = \"20 s\"`"),
            (format!("name = \"m\"\nduration = \"300 years\"\n{CHAIN}"), "`duration = \"109500 d\"`"),
            (format!("name = \"m\"\nduration = 20\n{CHAIN}"), "`duration = \"20s\"`"),
            (format!("{HEAD}{CHAIN}[workload.payments]\nrate = \"50\"\n"), "`rate = 50`"),
            (format!("{HEAD}{CHAIN}[workload.payments]\nrate = \"50 tps\"\n"), "`rate = 50`"),
            (format!("{HEAD}{CHAIN}[workload]\nrate = 50\n"), "`[workload.payments]`"),
            (format!("{HEAD}{CHAIN}[check]\nprogress = true\n"), "`progress = \"10s\"`"),
            (format!("{HEAD}{CHAIN}[fault]\nat = \"5s\"\n"), "`[[fault]]`"),
            (format!("{HEAD}{CHAIN}[[faults]]\nat = \"5s\"\ncrash = {{ nodes = [0] }}\n"), "did you mean `fault`?"),
            (format!("{HEAD}{CHAIN}[output]\ncsv = false\n"), "`transactions = false`"),
            (format!("duration = \"20s\"\n{CHAIN}"), "`name = \"my-experiment\"`"),
            (format!("{HEAD}[[chain]]\nprotocol = \"pbft\"\nnodes = 7\n"), "`nodes = { count = 7 }`"),
            (format!("{HEAD}[[chain]]\nprotocol = \"pbft\"\nnodes = {{ count = \"seven\" }}\n"), "`count = 7`"),
            (
                format!("{HEAD}[[chain]]\nprotocol = \"pbft\"\nnodes = {{ count = 4, upload = \"100 Mbps\" }}\n"),
                "`upload = \"100 Mbit/s\"`",
            ),
            (
                format!("{HEAD}[[chain]]\nprotocol = \"pbft\"\nnodes = {{ count = 4, upload = \"10 MB/s\" }}\n"),
                "`upload = \"80 Mbit/s\"`",
            ),
            (format!("{HEAD}{CHAIN}block_size = \"1 MB\"\n"), "`protocol.tendermint = { block"),
            (
                format!(
                    "{HEAD}{CHAIN}network = {{ latency.regions = {{ data = \"aws-2025\", jitter = \"10ms\" }} }}\n"
                ),
                "std_dev = \"10ms\"",
            ),
            (
                format!("{HEAD}{CHAIN}[[variant]]\nname = \"a\"\n[variant.set]\nchain.protocol = \"raft\"\n"),
                "`\"chain.protocol\" = \"raft\"`",
            ),
            (format!("{HEAD}[[chain]]\nprotocol = \"pbft\"\nprotocol.raft = {{}}\n"), "a key is given once"),
            (format!("{HEAD}[[chain]]\nnodes = count = 7 }}\n"), "stands in braces"),
            (format!("{HEAD}[[chain]]\nprotocol = pbft\n"), "in quotes"),
        ] {
            let found = help(&text);
            assert!(found.contains(meant), "{text}\n{found}");
        }
    }
}
