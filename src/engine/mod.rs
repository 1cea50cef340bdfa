//! L4: runs protocols. Generic in the protocol alone; network, gossip, ledger, workload and observers are trait objects.
//!
//! * [`queue`] orders events; nothing else does.
//! * `seat` is a running process: inbox, cores, timers, disk, outbox, mempool, view of the chain.
//! * [`cast`] says which node sits where: usually one each, and twins on further seats.
//! * `perform` gives effects a meaning; nothing else does.
//! * [`fault`] is what befalls them.
//! * [`executor`] computes what blocks do, once for everybody.
//! * [`simulation`] is one chain; [`world`] advances several in one virtual time, with agents between them.
//! * [`anchor`] is such an agent: it writes the hashes of one chain's blocks into another.

pub mod adversary;
pub mod anchor;
pub mod cast;
mod checked;
pub mod clock;
mod confirmed;
pub mod disk;
pub mod executor;
pub mod fault;
mod mail;
mod perform;
pub mod queue;
mod reach;
mod seat;
pub mod simulation;
pub mod slab;
#[cfg(test)]
mod tests;
mod traffic;
pub mod world;

pub use adversary::{Adversary, Conduct, Later, Replay};
pub use anchor::{Anchoring, Settings as AnchoringSettings};
pub use cast::Cast;
pub use clock::Clock;
pub use disk::{DiskModel, Kept};
pub use executor::Executor;
pub use fault::{Burden, Fault, Junk, STRANGERS, Scheduled, Who};
pub use simulation::{SeatSettings, Setup, Simulation, Stop, TransactionRelay};
pub use traffic::PATIENCE_MOST;
pub use world::{Agent, Chain, Findings, World};
