//! Counters of messages by kind.

use super::rows::MessageRow;
use rustc_hash::FxHashMap;

/// Copies and bytes of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Copies.
    pub messages: u64,
    /// Bytes of all copies.
    pub bytes: u64,
}

impl Traffic {
    /// Counts copies of one message.
    fn add(&mut self, copies: u64, bytes: u64) {
        self.messages += copies;
        self.bytes += copies * bytes;
    }
    /// What was counted since an earlier reading.
    pub fn since(self, earlier: Traffic) -> Traffic {
        Traffic { messages: self.messages - earlier.messages, bytes: self.bytes - earlier.bytes }
    }
}

/// Messages by kind.
#[derive(Default)]
pub struct MessageCounters {
    rows: Vec<(&'static str, Traffic, Traffic)>,
    /// The row of each kind, which is given when a message of the kind is counted first.
    by_kind: FxHashMap<&'static str, u32>,
}

impl MessageCounters {
    fn row(&mut self, kind: &'static str) -> &mut (&'static str, Traffic, Traffic) {
        let next = self.rows.len() as u32;
        let row = *self.by_kind.entry(kind).or_insert(next);
        if row == next {
            self.rows.push((kind, Traffic::default(), Traffic::default()));
        }
        &mut self.rows[row as usize]
    }
    /// Copies of a message were sent.
    pub fn sent(&mut self, kind: &'static str, copies: u32, bytes: u64) {
        self.row(kind).1.add(u64::from(copies), bytes);
    }
    /// A copy of a message was delivered.
    pub fn delivered(&mut self, kind: &'static str, bytes: u64) {
        self.row(kind).2.add(1, bytes);
    }
    /// Everything sent so far.
    pub fn total(&self) -> Traffic {
        let add = |sum: Traffic, row: &(&str, Traffic, Traffic)| Traffic {
            messages: sum.messages + row.1.messages,
            bytes: sum.bytes + row.1.bytes,
        };
        self.rows.iter().fold(Traffic::default(), add)
    }
    /// The table of messages.
    pub fn rows(&self) -> Vec<MessageRow> {
        let row = |&(kind, sent, delivered): &(&'static str, Traffic, Traffic)| MessageRow {
            kind,
            sent: sent.messages,
            sent_bytes: sent.bytes,
            delivered: delivered.messages,
            delivered_bytes: delivered.bytes,
        };
        self.rows.iter().map(row).collect()
    }
}
