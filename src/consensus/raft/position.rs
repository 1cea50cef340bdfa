//! Terms and indexes: where an entry stands.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Raft's logical clock: each term has at most one leader.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug, Serialize, Deserialize)]
pub struct Term(pub u64);

impl Term {
    /// The term after this one; the last has none, so that a Byzantine node's term cannot overflow.
    #[must_use]
    pub const fn next(self) -> Term {
        Term(self.0.saturating_add(1))
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Position in the log, from 1. The entry at an index becomes the block at that height.
pub type Index = u64;
