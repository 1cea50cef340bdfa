//! L4: runs protocols. Rooms that own their state; network, gossip, ledger, workload and observers are trait objects.
//!
//! | room | owns |
//! |---|---|
//! | `agenda` | the [`queue`] of events, the counts that order them, the fingerprint |
//! | `delivery` | the network and everything under way in it |
//! | `dissemination` | gossip, and the items that spread by it |
//! | `messages` | the messages under way; knows the protocol's types |
//! | [`process`] | the running processes: logic, cores, clock, disk, timers, outbox, mempool; knows the protocol's types |
//! | `views` | the tree of blocks, each process's chain in it, what blocks do ([`executor`], `authentic`, `inclusions`) |
//! | `clients` | requests, retries, answers |
//! | [`faults`] | the schedule, and the active impairments of each process |
//! | `observers` | checkers, metrics, event log |
//! | [`roster`] | which process runs which node; does not change |
//! | [`simulation`] | the rooms of one chain; the only place that knows more than one of them |
//!
//! No room knows another but by what it is handed in a call, and none knows the simulation. A message goes
//! process -> messages -> delivery -> agenda -> delivery -> process; a block goes process -> views -> observers, clients.
//!
//! [`world`] advances several chains in one virtual time, with agents between them; [`anchor`] is such an agent: it writes
//! the hashes of one chain's blocks into another.

pub mod adversary;
mod agenda;
pub mod anchor;
mod authentic;
mod clients;
mod delivery;
mod dissemination;
pub mod executor;
pub mod faults;
mod inclusions;
mod messages;
mod observers;
pub mod process;
pub mod queue;
mod reach;
pub mod roster;
pub mod setup;
pub mod simulation;
pub mod slab;
#[cfg(test)]
mod tests;
mod views;
pub mod world;

pub use adversary::{Adversary, DelayedEffects, EffectFilter, Replay};
pub use anchor::{Anchoring, Settings as AnchoringSettings};
pub use clients::RETRY_FACTOR_MAX;
pub use executor::Executor;
pub use faults::{FLOOD_ACCOUNTS, Fault, FaultEvent, FloodPayload, LinkChange, LinkEnd, NodeImpairment, Target};
pub use process::{Clock, DiskModel, LogSurvival, ProcessSettings};
pub use roster::{ProcessId, Role, Roster};
pub use setup::{Setup, Stop, StopRule, TransactionRelay};
pub use simulation::Simulation;
pub use world::{Agent, Chain, Findings, MultiChain};
