//! What is wrong with a scenario, shown the way compilers do: the line, a caret, what was found, what is allowed.

use super::form;
use super::name::Refused;
use super::nearest::nearest;
use super::spanned_toml::{Misread, Place, Reason};
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use serde::Serialize;
use std::fmt;
use std::ops::Range;

/// Something wrong with a scenario, and where.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct ScenarioError {
    /// What is wrong, in one line.
    pub title: String,
    /// What stands at the caret: found, allowed, or why it cannot be.
    pub label: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The file, or `--set`.
    pub origin: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Whether the scenario can be run all the same.
    pub is_warning: bool,
    /// The line.
    #[serde(skip)]
    text: String,
    /// Which bytes of the line: from the first to before the second.
    #[serde(skip)]
    span: (usize, usize),
}

impl ScenarioError {
    /// A mistake at `span` of `text`, which came from `origin`.
    #[must_use]
    pub fn new(origin: &str, text: &str, span: Range<usize>, title: String, label: String) -> ScenarioError {
        Source::new(origin, text).error_at(span, title, label)
    }
    /// Whether both are at the same place.
    #[must_use]
    pub fn is_at(&self, other: &ScenarioError) -> bool {
        (self.line, self.column, &self.origin) == (other.line, other.column, &other.origin)
    }
    /// The same with advice.
    #[must_use]
    pub fn help(self, help: impl Into<Option<String>>) -> ScenarioError {
        ScenarioError { help: help.into(), ..self }
    }
    /// The lines to show; `colour` for terminals.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        let level = if self.is_warning { Level::WARNING } else { Level::ERROR };
        let snippet = Snippet::source(&self.text)
            .line_start(self.line)
            .path(&self.origin)
            .annotation(AnnotationKind::Primary.span(self.span.0..self.span.1).label(&self.label));
        let mut group = level.primary_title(&self.title).element(snippet);
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help));
        }
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&[group])
    }
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for ScenarioError {}

/// A text, and where its lines begin, so that many mistakes in a long one are found fast.
#[derive(Clone, Debug)]
pub struct Source {
    origin: String,
    text: String,
    lines: Vec<usize>,
}

impl Source {
    /// A text that came from `origin`.
    pub fn new(origin: &str, text: &str) -> Source {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Source { origin: origin.to_owned(), text: text.to_owned(), lines }
    }
    fn error_at(&self, span: Range<usize>, title: String, label: String) -> ScenarioError {
        let text = &self.text;
        let floor = |at: usize| (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        let (start, end) = (floor(span.start), floor(span.end.max(span.start)));
        let line = self.lines.partition_point(|first| *first <= start);
        let first = self.lines[line - 1];
        let rest = &text[first..];
        let shown = rest.split('\n').next().unwrap_or(rest);
        ScenarioError {
            title,
            label,
            help: None,
            origin: self.origin.clone(),
            line,
            column: text[first..start].chars().count() + 1,
            is_warning: false,
            text: shown.to_owned(),
            span: (start - first, (end - first).min(shown.len()).max(start - first)),
        }
    }
}

/// The texts that a scenario was read from: the file, then the overrides.
#[derive(Clone, Debug)]
pub struct Sources(pub Vec<Source>);

impl Sources {
    /// A mistake at `place`.
    pub fn error_at(&self, place: &Place, title: String, label: String) -> ScenarioError {
        self.0[place.source].error_at(place.span.clone(), title, label)
    }
    /// A name at `place` under which nothing can be filed.
    pub fn misnamed(&self, place: &Place, name: &str, refused: Refused) -> ScenarioError {
        let title = format!("\"{}\" cannot name a folder of results", name.escape_debug());
        self.error_at(place, title, refused.why).help(format!("write `name = \"{}\"`", refused.meant))
    }
    /// What serde could not read, in words for people.
    #[expect(clippy::boxed_local, reason = "as the reader gives it")]
    pub fn misread(&self, error: Box<Misread>) -> ScenarioError {
        let error = *error;
        let place = error.place.unwrap_or(Place { source: 0, span: 0..0 });
        let meant = form::meant(&error.reason, error.key.as_deref(), self.raw(&place));
        let (title, label, help) = match error.reason {
            Reason::UnknownKey { found, allowed } if allowed.is_empty() => {
                (format!("unknown key `{found}`"), "nothing can be set here".to_owned(), None)
            }
            Reason::UnknownKey { found, allowed } => {
                (format!("unknown key `{found}`"), allow(&allowed), suggest(&found, &allowed))
            }
            Reason::UnknownWord { found, allowed } => {
                (format!("unknown word \"{found}\""), allow(&allowed), suggest(&found, &allowed))
            }
            Reason::Missing(key) => (format!("missing key `{key}`"), format!("`{key}` must be given here"), None),
            Reason::Twice(key) => {
                (format!("`{key}` is given twice"), "given before, perhaps under another name".to_owned(), None)
            }
            Reason::Unexpected { found, expected } => {
                let title =
                    error.key.map_or(format!("expected {expected}"), |key| format!("`{key}` must be {expected}"));
                (title, format!("found {found}"), None)
            }
            Reason::Other(what) => {
                let title = error.key.map_or("this cannot be used".into(), |key| format!("`{key}` cannot be this"));
                (title, what, None)
            }
        };
        self.error_at(&place, title, label).help(help.or(meant))
    }
    /// What stands at `place`, up to the end of its line where it is a table: its keys may stand apart.
    fn raw(&self, place: &Place) -> &str {
        let text = &self.0[place.source].text;
        let start = place.span.start.min(text.len());
        let line = text.get(start..).unwrap_or("").lines().next().unwrap_or("");
        let value = text.get(place.span.clone()).unwrap_or("");
        if value.len() < line.len() && value.starts_with('"') { value } else { line }
    }
}

/// "expected one of ...", for as many words as one can read.
pub fn allow(allowed: &[&str]) -> String {
    const MOST: usize = 12;
    let mut words: Vec<String> = allowed.iter().take(MOST).map(|word| format!("`{word}`")).collect();
    if allowed.len() > MOST {
        words.push(format!("or {} more", allowed.len() - MOST));
    }
    match words.len() {
        0 => "there is none to choose from".to_owned(),
        1 => format!("expected {}", words[0]),
        _ => format!("expected one of {}", words.join(", ")),
    }
}

/// "did you mean ...?", if one of `allowed` is near `found`.
pub fn suggest(found: &str, allowed: &[&str]) -> Option<String> {
    nearest(found, allowed).map(|nearest| format!("did you mean `{nearest}`?"))
}
