//! L3: one file or folder per protocol. This list is the registry.

pub mod nakamoto;
pub mod pbft;
pub mod raft;
pub mod vote;

use crate::protocol::Visitor;

/// Calls `visitor` once per protocol, in order of name.
pub fn visit(visitor: &mut impl Visitor) {
    visitor.visit::<nakamoto::Nakamoto>();
    visitor.visit::<pbft::Pbft>();
    visitor.visit::<raft::Raft>();
    visitor.visit::<vote::Vote>();
}
