//! L3: one file or folder per protocol. This list is the registry.

pub mod pbft;

use crate::protocol::Visitor;

/// Calls `visitor` once per protocol, in order of name.
pub fn visit(visitor: &mut impl Visitor) {
    visitor.visit::<pbft::Pbft>();
}
