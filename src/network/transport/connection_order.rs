//! The order of arrivals on one connection: a byte stream hands on nothing before what was sent earlier.

use crate::base::{NodeId, Time};
use rustc_hash::FxHashMap;

/// Up to this many nodes, the latest arrivals from a node are kept in a row (8 KiB each, at most 8 MiB in all).
const ROWS_MAX: usize = 1024;

/// The latest arrival on each connection.
#[derive(Debug)]
pub(super) enum Latest {
    /// A row of all receivers for each sender that has sent something.
    Rows(Vec<Box<[Time]>>),
    /// By sender and receiver; never iterated.
    Table(FxHashMap<(NodeId, NodeId), Time>),
}

impl Latest {
    pub fn new(nodes: usize) -> Latest {
        if nodes <= ROWS_MAX { Latest::Rows(vec![Box::default(); nodes]) } else { Latest::Table(FxHashMap::default()) }
    }
    /// The earliest instant, `at` or later, when something sent now may arrive; what is sent later arrives no earlier.
    pub fn after(&mut self, from: NodeId, to: NodeId, at: Time) -> Time {
        let latest = match self {
            Latest::Rows(rows) => {
                let nodes = rows.len();
                let row = &mut rows[from.index()];
                if row.is_empty() {
                    *row = vec![Time::ZERO; nodes].into();
                }
                &mut row[to.index()]
            }
            Latest::Table(table) => table.entry((from, to)).or_default(),
        };
        *latest = at.max(*latest);
        *latest
    }
}
