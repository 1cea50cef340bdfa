//! Graph Modelling Language (Himsolt 1997): keys with values, which are numbers, quoted texts or lists in brackets.
//!
//! A `#` starts a comment that ends with its line. Unused keys are skipped, as the language demands.

use super::csv_table::CsvError;
use std::ops::RangeInclusive;

/// A list of keys and values.
#[derive(Debug)]
pub(super) struct Attributes {
    entries: Vec<(String, Value)>,
    /// Where the list begins.
    line: usize,
}

/// What a key stands for.
#[derive(Debug)]
pub(super) struct Value {
    content: Content,
    line: usize,
}

#[derive(Debug)]
enum Content {
    /// As written; it begins like a number.
    Number(String),
    Text(String),
    List(Attributes),
}

impl Value {
    /// The line on which it begins.
    pub(super) fn line(&self) -> usize {
        self.line
    }
    fn show(&self) -> String {
        match &self.content {
            Content::Number(number) => number.clone(),
            Content::Text(text) => format!("\"{text}\""),
            Content::List(_) => "a list".to_owned(),
        }
    }
    /// A text in quotes.
    pub(super) fn text(&self) -> Result<&str, CsvError> {
        match &self.content {
            Content::Text(text) => Ok(text),
            _ => Err(CsvError::new(self.line, self.show(), "a text in quotes")),
        }
    }
    /// A whole number within `range`.
    pub(super) fn whole(&self, range: RangeInclusive<u64>) -> Result<u64, CsvError> {
        let number = match &self.content {
            Content::Number(number) => number.parse().ok().filter(|number| range.contains(number)),
            _ => None,
        };
        let expected = || format!("a whole number from {} to {}", range.start(), range.end());
        number.ok_or_else(|| CsvError::new(self.line, self.show(), expected()))
    }
    /// A number within `range`.
    pub(super) fn decimal(&self, range: RangeInclusive<f64>) -> Result<f64, CsvError> {
        let number = match &self.content {
            Content::Number(number) => number.parse().ok().filter(|number| range.contains(number)),
            _ => None,
        };
        let expected = || format!("a number from {} to {}", range.start(), range.end());
        number.ok_or_else(|| CsvError::new(self.line, self.show(), expected()))
    }
    fn list(&self) -> Result<&Attributes, CsvError> {
        match &self.content {
            Content::List(list) => Ok(list),
            _ => Err(CsvError::new(self.line, self.show(), "a list in brackets")),
        }
    }
}

impl Attributes {
    /// The line on which the list begins.
    pub(super) fn line(&self) -> usize {
        self.line
    }
    fn all<'a>(&'a self, key: &str) -> impl Iterator<Item = &'a Value> {
        self.entries.iter().filter(move |(known, _)| known == key).map(|(_, value)| value)
    }
    /// What `read` makes of the value of `key`, which may be missing but not doubled.
    pub(super) fn optional<T>(
        &self,
        key: &str,
        read: impl FnOnce(&Value) -> Result<T, CsvError>,
    ) -> Result<Option<T>, CsvError> {
        let mut values = self.all(key);
        let first = values.next().map(read).transpose()?;
        match values.next() {
            Some(second) => Err(CsvError::new(second.line, format!("{key} a second time"), format!("{key} once"))),
            None => Ok(first),
        }
    }
    /// What `read` makes of the value of `key`, which must be there.
    pub(super) fn required<T>(
        &self,
        key: &str,
        read: impl FnOnce(&Value) -> Result<T, CsvError>,
    ) -> Result<T, CsvError> {
        self.optional(key, read)?.ok_or_else(|| CsvError::new(self.line, "a list without one", format!("a key {key}")))
    }
    /// The one list called `key`.
    pub(super) fn list(&self, key: &str) -> Result<&Attributes, CsvError> {
        match self.entries.iter().find(|(known, _)| known == key) {
            Some((_, value)) => value.list(),
            None => Err(CsvError::new(self.line, "none", format!("\"{key} [ ... ]\""))),
        }
    }
    /// All lists called `key`, in order.
    pub(super) fn lists<'a>(&'a self, key: &str) -> impl Iterator<Item = Result<&'a Attributes, CsvError>> {
        self.all(key).map(Value::list)
    }
}

/// A word of the text and its line.
#[derive(Debug)]
enum Token {
    Open,
    Close,
    Word(String),
    Text(String),
}

/// Lists may be nested this deep: graphs need two levels, and the reader calls itself.
const DEEPEST: usize = 16;

/// Reads a text.
pub(super) fn parse(text: &str) -> Result<Attributes, CsvError> {
    let mut tokens = tokens(text)?.into_iter();
    let mut last_line = 1;
    attributes(&mut tokens, &mut last_line, 0)
}

/// Reads up to the bracket that closes the list, or to the end at depth 0.
fn attributes(
    tokens: &mut impl Iterator<Item = (Token, usize)>,
    last_line: &mut usize,
    depth: usize,
) -> Result<Attributes, CsvError> {
    let mut read = Attributes { entries: Vec::new(), line: *last_line };
    loop {
        let Some((token, line)) = tokens.next() else {
            return if depth == 0 { Ok(read) } else { Err(CsvError::new(*last_line, "the end of the text", "\"]\"")) };
        };
        *last_line = line;
        let key = match token {
            Token::Close if depth > 0 => return Ok(read),
            Token::Word(word) if word.starts_with(|c: char| c.is_ascii_alphabetic()) => word,
            other => return Err(CsvError::new(line, other.show(), "a key that begins with a letter")),
        };
        let Some((token, line)) = tokens.next() else {
            return Err(CsvError::new(line, "the end of the text", format!("a value of {key}")));
        };
        *last_line = line;
        let content = match token {
            Token::Text(text) => Content::Text(text),
            Token::Word(word) if word.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) => {
                Content::Number(word)
            }
            Token::Open if depth < DEEPEST => Content::List(attributes(tokens, last_line, depth + 1)?),
            other => {
                let expected = format!("a number, a text in quotes or a list in brackets for {key}");
                return Err(CsvError::new(line, other.show(), expected));
            }
        };
        read.entries.push((key, Value { content, line }));
    }
}

impl Token {
    fn show(&self) -> String {
        match self {
            Token::Open => "\"[\"".to_owned(),
            Token::Close => "\"]\"".to_owned(),
            Token::Word(word) => format!("\"{word}\""),
            Token::Text(text) => format!("the text \"{text}\""),
        }
    }
}

/// Cuts a text into words; each comes with its line.
fn tokens(text: &str) -> Result<Vec<(Token, usize)>, CsvError> {
    let mut cut = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\n' => {
                line += 1;
                1
            }
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '[' | ']' => {
                cut.push((if first == '[' { Token::Open } else { Token::Close }, line));
                1
            }
            '"' => {
                let Some(length) = rest[1..].find('"') else {
                    return Err(CsvError::new(line, "a quote that is never closed", "a text in quotes"));
                };
                let quoted = &rest[1..=length];
                cut.push((Token::Text(quoted.to_owned()), line));
                line += quoted.matches('\n').count();
                length + 2
            }
            _ if first.is_whitespace() => first.len_utf8(),
            _ => {
                let ends = |c: char| c.is_whitespace() || "[]\"#".contains(c);
                let length = rest.find(ends).unwrap_or(rest.len());
                cut.push((Token::Word(rest[..length].to_owned()), line));
                length
            }
        };
        rest = &rest[length..];
    }
    Ok(cut)
}
