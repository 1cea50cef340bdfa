//! Metrics.

mod outcome;
mod summary;

pub use outcome::{
    BlockRow, CdfPoint, Fate, FaultSpan, IntervalRow, MessageRow, NodeRow, NoteRow, Outcome, RefusalRow, ReorgRow,
    ShortId, Standing, TransactionRow, ViolationRow,
};
pub use summary::{Figure, Interval, OverRuns, Summary, aggregate, student_t_975};
