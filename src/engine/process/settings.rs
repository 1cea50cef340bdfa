//! What a process is made of.

use super::clock::Clock;
use super::disk::DiskModel;
use crate::chain::mempool::Capacity;
use crate::engine::adversary::Adversary;
use crate::engine::roster::Role;
use crate::protocol::Protocol;

/// What a process is made of.
pub struct ProcessSettings<P: Protocol> {
    /// Cores that check messages and compute.
    pub cores: u32,
    /// Its computing time in thousandths of the reference core's.
    pub slowness: u32,
    /// Its disk.
    pub disk: DiskModel,
    /// Its clock.
    pub clock: Clock,
    /// What its mempool holds.
    pub mempool: Capacity,
    /// The attack of the protocol that it runs, by name.
    pub attack: Option<String>,
    /// What rewrites its effects.
    pub adversary: Option<Box<dyn Adversary<P>>>,
    /// Its identity and its peers, if it has or is a twin.
    pub role: Role,
}

impl<P: Protocol> ProcessSettings<P> {
    /// Whether it follows the protocol, as one.
    #[must_use]
    pub fn is_honest(&self) -> bool {
        self.attack.is_none() && self.adversary.is_none() && self.role == Role::default()
    }
}

impl<P: Protocol> Default for ProcessSettings<P> {
    /// One reference core, a disk that is instantly durable, a true clock, an honest node.
    fn default() -> ProcessSettings<P> {
        ProcessSettings {
            cores: 1,
            slowness: 1000,
            disk: DiskModel::INSTANT,
            clock: Clock::default(),
            mempool: Capacity { bytes: 300_000_000, transactions: 1_000_000 },
            attack: None,
            adversary: None,
            role: Role::default(),
        }
    }
}
