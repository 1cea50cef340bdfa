//! What the tests of the original systems know, case by case: facts, in our own form, named after their tests.

#![allow(clippy::type_complexity, reason = "a table's type is read off its rows")]

mod aura;
mod clique;
mod hotstuff;
mod pbft;
mod qbft;
mod quorums;
mod raft;
mod ripple;
mod scp;
mod tendermint;
