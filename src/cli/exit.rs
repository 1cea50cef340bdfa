//! How the program ends.

use ledgerlab::report::output_dir::WriteError;
use ledgerlab::scenario::ScenarioError;
use std::io::{IsTerminal as _, Write as _};

/// What the exit code says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Exit {
    /// Done, and everything held.
    Done = 0,
    /// The machine failed: disk full, file vanished.
    Io = 1,
    /// The command line or the scenario is wrong.
    ScenarioError = 2,
    /// Nodes disagree, or something final was taken back.
    Safety = 3,
    /// Nothing became final in time.
    Liveness = 4,
    /// A run that is repeated comes to something else.
    Differs = 5,
    /// Nothing was violated, but what was asked for could not be checked.
    Unanswered = 6,
    /// Interrupted by Ctrl-C; 128 plus the number of the signal, as shells have it.
    Interrupted = 130,
}

/// What is said of an end that came so early.
const NOTHING_YET: &str = "interrupted: no run had begun, and nothing was written";

/// Why there is no result.
#[derive(Debug)]
pub enum Failure {
    /// The scenario is wrong.
    Scenario(Vec<ScenarioError>),
    /// Something that was asked for cannot be done; not a matter of a line in a scenario.
    InvalidInput(String),
    /// The machine failed.
    Io(anyhow::Error),
    /// Interrupted by the user before there were results to keep.
    Interrupted,
}

impl Failure {
    /// Reports to users (on standard error) or programs (on standard output), and returns the exit code.
    pub fn print(&self, json: bool) -> Exit {
        if json {
            let value = match self {
                Failure::Scenario(mistakes) => serde_json::json!({"ok": false, "errors": mistakes}),
                Failure::InvalidInput(what) => serde_json::json!({"ok": false, "error": what}),
                Failure::Io(error) => serde_json::json!({"ok": false, "error": format!("{error:#}")}),
                Failure::Interrupted => serde_json::json!({"ok": false, "error": NOTHING_YET}),
            };
            // If the stream is closed, the exit code still reports the failure.
            let _ = writeln!(std::io::stdout(), "{value:#}");
        } else {
            let _ = writeln!(std::io::stderr(), "{}", self.text());
        }
        match self {
            Failure::Scenario(_) | Failure::InvalidInput(_) => Exit::ScenarioError,
            Failure::Io(_) => Exit::Io,
            Failure::Interrupted => Exit::Interrupted,
        }
    }
    /// Adds a sentence.
    pub fn adding(self, sentence: &str) -> Failure {
        match self {
            Failure::InvalidInput(what) => Failure::InvalidInput(format!("{what}; {sentence}")),
            Failure::Io(error) => Failure::Io(anyhow::anyhow!("{error:#}; {sentence}")),
            other => other,
        }
    }
    fn text(&self) -> String {
        match self {
            Failure::Scenario(mistakes) => render(mistakes),
            Failure::InvalidInput(what) => format!("error: {what}"),
            Failure::Io(error) => format!("error: {error:#}"),
            Failure::Interrupted => NOTHING_YET.to_owned(),
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Failure {
        Failure::Io(error)
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Failure {
        Failure::Io(error.into())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        Failure::Io(error.into())
    }
}

/// Mistakes as people read them, coloured on a terminal unless `NO_COLOR` is set.
pub fn render(mistakes: &[ScenarioError]) -> String {
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let shown: Vec<String> = mistakes.iter().map(|mistake| mistake.render(colour)).collect();
    shown.join("\n\n")
}
