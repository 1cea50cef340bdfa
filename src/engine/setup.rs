//! Everything that a chain is made of.

use super::faults::FaultEvent;
use super::process::ProcessSettings;
use super::roster::{ProcessId, Role, Roster};
use crate::base::{Committee, CostTable, Crypto, Duration, Keyring, NodeId, Time};
use crate::ledger::Ledger;
use crate::network::gossip::Gossip;
use crate::network::{Delay, Network};
use crate::observe::Observer;
use crate::protocol::Protocol;
use crate::workload::Workload;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How transactions reach the mempools of other nodes.
pub enum TransactionRelay {
    /// They spread through the network like everything else, and use its bandwidth.
    Gossip,
    /// Each node receives them after a delay drawn from this law, times a number of hops. Uses no bandwidth; waits
    /// behind cuts. For large networks, where the spreading of transactions is not what is studied.
    Sampled(Box<dyn Delay>, u32),
}

/// The roster of these processes, of which the first `nodes` are the committee.
#[must_use]
pub fn roster<P: Protocol>(nodes: usize, processes: &[ProcessSettings<P>]) -> Roster {
    let role = |process: &ProcessSettings<P>| Role { is_honest: process.is_honest(), ..process.role.clone() };
    Roster::new(nodes, processes.iter().map(role).collect())
}

/// Gives each of `nodes` one process per side, its own first. The processes of one side communicate with each other, and
/// with the nodes of that side, which may be on other sides too.
///
/// # Panics
/// If a node has twins already.
pub fn add_twins<P: Protocol>(
    committee: usize,
    processes: &mut Vec<ProcessSettings<P>>,
    nodes: &[NodeId],
    sides: &[Vec<NodeId>],
) {
    let mut parties: Vec<Vec<ProcessId>> = vec![Vec::new(); sides.len()];
    for &node in nodes {
        assert!(processes[node.index()].role.peers.is_none(), "{node} has twins already");
        for (side, party) in parties.iter_mut().enumerate() {
            if side == 0 {
                party.push(ProcessId::first_of(node));
                continue;
            }
            let first = &processes[node.index()];
            let twin = ProcessSettings {
                cores: first.cores,
                slowness: first.slowness,
                disk: first.disk,
                clock: first.clock,
                mempool: first.mempool,
                role: Role { twin_of: Some(node), ..Role::default() },
                ..ProcessSettings::default()
            };
            party.push(ProcessId::from(processes.len()));
            processes.push(twin);
        }
    }
    for (party, side) in parties.iter().zip(sides) {
        for &process in party {
            let peers = party.iter().copied().chain(side.iter().copied().map(ProcessId::first_of)).collect();
            processes[process.index()].role.peers = Some(peers);
        }
    }
    // A node with twins that a side names is reached at each of its processes, which must have named these nodes too.
    let beyond = processes[committee..].iter().enumerate();
    let twins: Vec<(ProcessId, NodeId)> = beyond
        .filter_map(|(at, process)| process.role.twin_of.map(|node| (ProcessId::from(committee + at), node)))
        .collect();
    for peers in processes.iter_mut().filter_map(|process| process.role.peers.as_mut()) {
        let named = twins.iter().filter(|(_, node)| peers.contains(&ProcessId::first_of(*node)));
        let named: Vec<ProcessId> = named.map(|(twin, _)| *twin).collect();
        peers.extend(named);
    }
}

/// What ends a run before its duration.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum StopRule {
    /// So many transactions are final.
    FinalTransactions(u64),
    /// A block of this height is final at all honest nodes.
    FinalHeight(u64),
    /// The chain of some node has a block of this height.
    Height(u64),
}

/// When a run ends: at `at`, or earlier under a rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stop {
    /// The end.
    pub at: Time,
    /// What ends it before.
    pub rule: Option<StopRule>,
}

impl Stop {
    /// At this instant and not before.
    #[must_use]
    pub const fn at(at: Time) -> Stop {
        Stop { at, rule: None }
    }
}

/// Everything a chain is made of.
pub struct Setup<P: Protocol> {
    /// Its name, for people and for agents.
    pub name: String,
    /// The seed of all its streams.
    pub seed: u64,
    /// The protocol's settings.
    pub config: P::Config,
    /// The nodes that take part: one per member.
    pub committee: Committee,
    /// Which signatures the nodes make.
    pub crypto: Crypto,
    /// The keys of the ledger's accounts; where floods pay, the last [`FLOOD_ACCOUNTS`](super::FLOOD_ACCOUNTS) are theirs.
    pub accounts: Arc<Keyring>,
    /// Makes the ledger at genesis.
    pub ledger: Box<dyn Fn() -> Box<dyn Ledger>>,
    /// Carries what processes send.
    pub network: Box<dyn Network>,
    /// Disseminates broadcasts; without it they are sent to all nodes.
    pub gossip: Option<Box<dyn Gossip>>,
    /// Spreads transactions.
    pub relay: TransactionRelay,
    /// Makes requests.
    pub workload: Option<Box<dyn Workload>>,
    /// One-way delay between a client and its node.
    pub client_delay: Duration,
    /// How long a client waits for an answer before it submits its transaction again, to the nodes that the protocol
    /// names; doubled each time, up to [`RETRY_FACTOR_MAX`](super::RETRY_FACTOR_MAX) times. Never if left out: then it
    /// learns at least that its node rejected the transaction.
    pub client_retry: Option<Duration>,
    /// One per member of the committee, and behind them those of twins; see [`super::roster`].
    pub processes: Vec<ProcessSettings<P>>,
    /// What computing costs.
    pub costs: CostTable,
    /// The schedule of faults, in any order.
    pub faults: Vec<FaultEvent>,
    /// How often loads are observed and the fingerprint is kept.
    pub interval: Duration,
    /// When it ends.
    pub stop: Stop,
    /// Whether everything remembered is computed again and compared.
    pub recheck: bool,
    /// The observers.
    pub observers: Vec<Box<dyn Observer>>,
}
