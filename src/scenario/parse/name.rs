//! Names that become names of folders: of scenarios, chains and variants.

/// The longest name, in bytes. Systems allow 255 for the name of a file, and folders in the making bear longer ones.
const LONGEST: usize = 100;
/// Folders that results have beside those that people name.
const FOLDERS: [&str; 3] = ["charts", "inputs", "violations"];
/// Files that results have end in one of these.
const ENDINGS: [&str; 8] = ["bin", "csv", "html", "json", "png", "svg", "toml", "txt"];
/// Devices of Windows, whatever ending is put behind them; some have a number.
const DEVICES: [&str; 4] = ["aux", "con", "nul", "prn"];
const NUMBERED_DEVICES: [&str; 2] = ["com", "lpt"];

/// What bears a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Named {
    /// A scenario: its results lie in a folder of this name.
    Scenario,
    /// Something whose files lie in a folder of this name among results: a chain, a variant.
    Part,
}

/// Why a name is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused {
    /// What was found and what is allowed.
    pub why: String,
    /// The form that was probably meant.
    pub meant: String,
}

/// Checks a name.
///
/// # Errors
/// If nothing can be filed under it, or it means something else.
pub fn check(name: &str, named: Named) -> Result<(), Refused> {
    let why = if !is_plain(name) {
        "expected letters, digits, `-`, `_` and `.`, not starting with `.`".to_owned()
    } else if name.len() > LONGEST {
        format!("found {} bytes, expected at most {LONGEST}", name.len())
    } else if name.ends_with('.') {
        "expected a name that does not end with `.`: some systems drop it".to_owned()
    } else if is_device(name) {
        "Windows keeps this word, with any ending, for a device".to_owned()
    } else if is_taken(name, named) {
        "results have a file or folder that is called so".to_owned()
    } else {
        return Ok(());
    };
    Err(Refused { why, meant: meant(name, named) })
}

/// Whether `part` can be one step of a path that leads nowhere but down.
#[must_use]
pub fn is_plain(part: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    !part.is_empty() && part.chars().all(plain) && !part.starts_with('.')
}

/// `first`, then `-`, then `last`, the first cut off where the whole would be too long.
#[must_use]
pub fn joined(first: &str, last: &str) -> String {
    let most = LONGEST.saturating_sub(last.len() + 1);
    let end = (0..=first.len().min(most)).rev().find(|end| first.is_char_boundary(*end)).unwrap_or(0);
    format!("{}-{last}", &first[..end])
}

fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().to_lowercase();
    let is_digit = |number: &str| number.len() == 1 && number.as_bytes()[0].is_ascii_digit();
    let numbered = |device: &str| stem.strip_prefix(device).is_some_and(is_digit);
    DEVICES.contains(&stem.as_str()) || NUMBERED_DEVICES.into_iter().any(numbered)
}

fn is_taken(name: &str, named: Named) -> bool {
    let lower = name.to_lowercase();
    let is_file = lower.rsplit_once('.').is_some_and(|(_, ending)| ENDINGS.contains(&ending));
    let is_seed =
        lower.strip_prefix("seed-").is_some_and(|seed| !seed.is_empty() && seed.bytes().all(|b| b.is_ascii_digit()));
    is_file || FOLDERS.contains(&lower.as_str()) || (named == Named::Part && is_seed)
}

/// A name that is allowed and like `name`.
fn meant(name: &str, named: Named) -> String {
    let is_word = |c: char| c.is_alphanumeric();
    let words: Vec<&str> = name.split(|c| !is_word(c) && c != '_').filter(|word| !word.is_empty()).collect();
    let mut meant = words.join("-");
    while meant.len() > LONGEST / 2 {
        meant.pop();
    }
    if meant.is_empty() {
        return "main".to_owned();
    }
    if check_quietly(&meant, named) { meant } else { format!("my-{meant}") }
}

fn check_quietly(name: &str, named: Named) -> bool {
    is_plain(name) && !is_device(name) && !is_taken(name, named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_that_no_system_and_no_result_uses_for_something_else() {
        for name in ["main", "eu-west_1", "v1.2", "größe", "seeds", "console", "com", "com10", "html"] {
            for named in [Named::Scenario, Named::Part] {
                assert_eq!(check(name, named), Ok(()), "{name}");
            }
        }
        let wrong = ["", "..", "../x", "a/b", "a\\b", "a b", ".a", "a.", "a\0", "a\n", "c:x", "CON", "nul.x", "Com1"];
        let taken = ["report.html", "Manifest.JSON", "charts", "x-summary.csv", "timeline.bin"];
        for name in wrong.into_iter().chain(taken) {
            for named in [Named::Scenario, Named::Part] {
                let refused = check(name, named).expect_err(name);
                assert_eq!(check(&refused.meant, named), Ok(()), "{name} becomes {}", refused.meant);
            }
        }
        assert!(check("seed-7", Named::Part).is_err() && check("seed-7", Named::Scenario).is_ok());
        assert!(check(&"x".repeat(101), Named::Part).is_err() && check(&"x".repeat(100), Named::Part).is_ok());
    }

    #[test]
    fn the_form_that_was_meant_is_like_what_was_written() {
        let of = |name: &str| check(name, Named::Part).expect_err(name).meant;
        let meant = ["../../victim", "my run", "report.html", "nul", "seed-7", "///"].map(of);
        assert_eq!(meant, ["victim", "my-run", "report-html", "my-nul", "my-seed-7", "main"]);
    }

    #[test]
    fn joined_names_can_be_read_back() {
        assert_eq!(joined("small", "raft"), "small-raft");
        let long = joined(&"ö".repeat(50), "9223372036854775807");
        assert!(check(&long, Named::Scenario).is_ok() && long.ends_with("-9223372036854775807"), "{long}");
    }
}
