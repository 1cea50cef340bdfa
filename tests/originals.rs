//! What the tests of the original systems know, case by case: facts, in our own form, named after their tests.

#[path = "originals/pbft.rs"]
mod pbft;
#[path = "originals/qbft.rs"]
mod qbft;
#[path = "originals/quorums.rs"]
mod quorums;
#[path = "originals/raft.rs"]
mod raft;
#[path = "originals/tendermint.rs"]
mod tendermint;
