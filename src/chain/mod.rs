//! L1: what is agreed on: transactions, blocks, the tree that blocks form, and the pool of those that wait.

pub mod block;
pub mod mempool;
pub mod transaction;
pub mod tree;

pub use block::{Batch, Block, Header, Limit, Seal};
pub use mempool::Mempool;
pub use transaction::{Amount, Body, OutPoint, Output, Transaction};
pub use tree::{BlockIndex, BlockTree};
