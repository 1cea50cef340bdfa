//! L5: from a text to a checked scenario.
//!
//! | stage | module | what it does |
//! |---|---|---|
//! | parse | `parse`, `load` | a text and its overrides become a tree that knows its places, the tree becomes a scenario |
//! | complete | `complete` | what is left out is filled in: the one place of defaults that depend on other keys |
//! | validate | `validate` | what can be known to be wrong before a run is reported, with its place |
//! | build | [`build`] | a scenario and a seed become a simulation that is ready to run |
//!
//! A scenario is a TOML file: one file, one experiment. [`Scenario::load`] reads it, applies `--set` overrides, checks
//! everything that can be checked before a run, fills in every default and returns plain data. What is wrong comes
//! back as [`ScenarioError`]s that show the line.
//!
//! The format keeps three promises. Unknown keys are refused. Choices are tables named after what is chosen
//! (`protocol.pbft = { ... }`), so that every key has one meaning and every mistake a place. The resolved form
//! ([`Scenario::resolved`]), with every default written out, reads back to the same scenario.

pub mod attack;
pub mod build;
mod catalogue;
mod complete;
pub mod dataset_keys;
mod estimate;
pub mod fault;
mod ledger;
mod listing;
mod load;
mod load_variants;
mod model;
mod parse;
mod schema;
mod summary;
mod validate;

pub use attack::{Adversary, Attack, GenericAttack};
pub use catalogue::{
    Catalogue, Clients, LatencyModel, LedgerModel, NameError, NetworkModel, ProtocolEntry, Site, TopologyModel,
    WorkloadModel,
};
pub use estimate::{Estimate, estimate, show};
pub use fault::{
    ClockFault, Crash, Data, Degrade, Eclipse, Fault, FaultKind, Flood, Load, Log, Partition, Pause, Repeat, Slow,
};
pub use listing::{Choice, Section, listing};
pub use load::Loaded;
pub use model::choice::Model;
pub use model::{
    Agent, Anchor, Chain, Checks, ClockError, DISKS, Disk, DiskProfile, DrawnFault, Explore, Group, Latency, Mempool,
    ModelChoice, NO_DISK, Network, NodeSelector, Nodes, Output, ProtocolChoice, Rate, Regions, Scenario, Seeds,
    Topology, TransactionRelay, Variant, Weights, Workload,
};
pub use parse::error::ScenarioError;
pub use parse::name;
pub use schema::schema;
pub use summary::summary;

pub use crate::engine::FloodPayload;
pub use crate::workload::payments::Settings as Payments;

#[cfg(test)]
mod tests;
