//! L3: one file or folder per protocol. This list is the registry.

use crate::protocol::Visitor;

/// Calls `visitor` once per protocol, in order of name.
pub fn visit(_visitor: &mut impl Visitor) {}
