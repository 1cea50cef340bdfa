//! Model checking: protocols in every state that small worlds can reach.
//!
//! The protocols are the ones that simulations run, without a line for this. A [`MultiChain`](world::MultiChain) is a
//! [`stateright::Model`]: its state is what every node remembers, its log, its timers, its chain, and the messages
//! under way; its actions are whatever may happen next. Stateright visits the states breadth first, on one thread, so
//! that the numbers here are the same everywhere.
//!
//! **What happens.** A message arrives, in any order, or in the order of sending but for a few that overtake; a message
//! is lost, or arrives twice; a timer that is set fires, at any moment whatever its length; a node crashes, also
//! between two durable effects of one handler, and starts again from its log and its final chain. Each but the first as
//! often as the bounds say. Byzantine nodes are silent, play an attack of their protocol, or are twins: two honest
//! processes with one identity, each with another part of the nodes.
//!
//! **What is checked.** In every state: no two honest nodes hold different blocks final at one height; no final block
//! is taken back; an honest node's messages are genuine; a node looks up only blocks that it received, since each has a
//! tree of its own. Somewhere: a block is final, and something particular to the instance happens, lest the rest hold
//! because nothing happens. The exact number of states stands in each test: a change of a protocol changes it.
//!
//! **That it can fail** is shown by instances beyond what a protocol bears; the shortest history that breaks agreement
//! has the stated number of steps.
//!
//! **What is abstracted.** Time stands still: timers fire by choice, and no node is late by the clock. A node that is
//! down is one that nothing reaches: it starts again at once, and what it would have missed is still under way. Where
//! messages arrive in any order, a lost one is one that never arrives. The random stream begins anew in each handler.
//! Signatures are symbolic. Timers that only repeat what was said or ask for what was lost never fire. Two states are
//! one if the `Debug` texts of all their parts are, in which hashes have 32 bits.
//!
//! `cargo test` leaves these searches out. `cargo test --test model` runs them; with `-- --nocapture` it prints a row per instance.

mod check;
mod hotstuff;
mod pbft;
mod qbft;
mod raft;
mod scp;
mod stage;
mod tendermint;
mod world;
