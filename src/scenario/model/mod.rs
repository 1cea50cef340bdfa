//! The format of scenarios: plain data, as it is written. What is left out is `None` until it is completed.

mod agent;
mod chain;
pub mod choice;
mod explore;
mod network;
mod nodes;
mod scenario;
mod variant;
mod workload;

pub use agent::{Agent, Anchor};
pub use chain::Chain;
pub use choice::{ModelChoice, ProtocolChoice};
pub use explore::{DrawnFault, Explore};
pub use network::{Latency, Network, Topology, TransactionRelay};
pub use nodes::{
    ClockError, DISKS, Disk, DiskProfile, Group, Mempool, NO_DISK, NodeSelector, Nodes, Rate, Regions, Weights,
};
pub use scenario::{Checks, Output, Scenario, Seeds};
pub use variant::Variant;
pub use workload::Workload;
