//! What travels and what is stored: things with a size and a price.

use super::work::Work;
use std::fmt::Debug;

/// Bytes of a hash on the wire.
pub const HASH_BYTES: usize = 32;
/// Bytes of a height, view, term, index or timestamp on the wire.
pub const NUMBER_BYTES: usize = 8;
/// Bytes of a node's number on the wire.
pub const NODE_BYTES: usize = 4;
/// Bytes that carrying a message adds: 40 of TCP and IP headers, 20 of framing (assumed: a length, a type, a tag).
pub const FRAMING_BYTES: usize = 60;

/// Something with a size on the wire (or on disk), a name, and a price to check.
pub trait Wire: Clone + Debug + 'static {
    /// Bytes of its fields, by the paper's encoding; framing is added by the network.
    fn bytes(&self) -> usize;
    /// Its name in the paper, for counts and traces.
    fn kind(&self) -> &'static str;
    /// Computing that a receiver does before handling it, signatures above all.
    fn check(&self) -> Work {
        Work::NONE
    }
}
