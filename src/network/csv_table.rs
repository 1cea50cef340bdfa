//! Tables in CSV, read with errors that name the line, what stands there and what may.

use csv::{ReaderBuilder, StringRecord, Trim};
use std::fmt::Display;
use std::ops::RangeInclusive;

/// A mistake in a text that the user wrote.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line}: expected {expected}, found {found}")]
pub struct CsvError {
    /// Counted from 1.
    pub line: usize,
    /// What stands there.
    pub found: String,
    /// What may stand there.
    pub expected: String,
}

impl CsvError {
    /// A mistake on `line`.
    pub(super) fn new(line: usize, found: impl Display, expected: impl Display) -> CsvError {
        CsvError { line, found: found.to_string(), expected: expected.to_string() }
    }
}

/// A CSV text with a header row. Columns are known by name; their order is free.
pub(super) struct CsvTable {
    header: StringRecord,
    rows: Vec<StringRecord>,
}

/// One row of a [`CsvTable`].
pub(super) struct Row<'a> {
    header: &'a StringRecord,
    cells: &'a StringRecord,
    line: usize,
}

fn line_of(record: &StringRecord) -> usize {
    record.position().map_or(1, |position| usize::try_from(position.line()).unwrap_or(usize::MAX))
}

impl CsvTable {
    pub(super) fn read(text: &str) -> Result<CsvTable, CsvError> {
        let mut reader =
            ReaderBuilder::new().has_headers(false).flexible(true).trim(Trim::All).from_reader(text.as_bytes());
        let mut rows = Vec::new();
        for record in reader.records() {
            // The text is UTF-8 and rows may be of any length, so that nothing is left that could fail.
            let record = record.map_err(|error| CsvError::new(1, error, "a table in CSV"))?;
            rows.push(record);
        }
        if rows.is_empty() {
            return Err(CsvError::new(1, "nothing", "a header row with the names of the columns"));
        }
        let header = rows.remove(0);
        for row in &rows {
            if row.len() != header.len() {
                let expected = format!("{} cells as in the header", header.len());
                return Err(CsvError::new(line_of(row), format!("{} cells", row.len()), expected));
            }
        }
        Ok(CsvTable { header, rows })
    }
    /// Names of the columns, in order.
    pub(super) fn header(&self) -> Vec<&str> {
        self.header.iter().collect()
    }
    /// Number of a column that must be there.
    pub(super) fn column(&self, name: &str) -> Result<usize, CsvError> {
        self.optional(name).ok_or_else(|| {
            let found = format!("columns {}", self.header().join(", "));
            CsvError::new(1, found, format!("a column \"{name}\""))
        })
    }
    /// Number of a column that may be left out.
    pub(super) fn optional(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|column| column == name)
    }
    /// The rows below the header.
    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|cells| Row { header: &self.header, cells, line: line_of(cells) })
    }
}

impl<'a> Row<'a> {
    /// The line on which it stands.
    pub(super) fn line(&self) -> usize {
        self.line
    }
    /// The cell in `column`.
    pub(super) fn text(&self, column: usize) -> &'a str {
        self.cells.get(column).expect("every row has as many cells as the header")
    }
    /// The cell in `column`, refused.
    pub(super) fn error_at(&self, column: usize, expected: impl Display) -> CsvError {
        let name = self.header.get(column).expect("a column of the header");
        CsvError::new(self.line, format!("\"{}\"", self.text(column)), format!("{expected} in column \"{name}\""))
    }
    /// A whole number within `range`.
    pub(super) fn whole(&self, column: usize, range: RangeInclusive<u64>) -> Result<u64, CsvError> {
        let number = self.text(column).parse::<u64>().ok().filter(|number| range.contains(number));
        let expected = || format!("a whole number from {} to {}", range.start(), range.end());
        number.ok_or_else(|| self.error_at(column, expected()))
    }
    /// A decimal number within `range`.
    pub(super) fn decimal(&self, column: usize, range: RangeInclusive<f64>) -> Result<f64, CsvError> {
        let number = self.text(column).parse::<f64>().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| {
            let (low, high) = (range.start(), range.end());
            let bounds = if *high < f64::MAX { format!("from {low} to {high}") } else { format!("of at least {low}") };
            self.error_at(column, format!("a number {bounds}"))
        })
    }
    /// What `read` makes of the cell; nothing if the column is missing or the cell blank.
    pub(super) fn unless_blank<T>(
        &self,
        column: Option<usize>,
        read: impl FnOnce(&Self, usize) -> Result<T, CsvError>,
    ) -> Result<Option<T>, CsvError> {
        match column {
            Some(column) if !self.text(column).is_empty() => read(self, column).map(Some),
            _ => Ok(None),
        }
    }
}
