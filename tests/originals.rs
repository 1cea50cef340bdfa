//! What the tests of the original systems know, case by case: facts, in our own form, named after their tests.

#![allow(clippy::type_complexity, reason = "a table's type is read off its rows")]

#[path = "originals/aura.rs"]
mod aura;
#[path = "originals/clique.rs"]
mod clique;
#[path = "originals/hotstuff.rs"]
mod hotstuff;
#[path = "originals/pbft.rs"]
mod pbft;
#[path = "originals/qbft.rs"]
mod qbft;
#[path = "originals/quorums.rs"]
mod quorums;
#[path = "originals/raft.rs"]
mod raft;
#[path = "originals/ripple.rs"]
mod ripple;
#[path = "originals/scp.rs"]
mod scp;
#[path = "originals/tendermint.rs"]
mod tendermint;
