//! Unspent outputs.
