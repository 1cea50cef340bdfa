//! What a scenario may set.

use crate::base::{ByteSize, Duration, NodeId};
use crate::protocol::InvalidSetting;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Settings of Raft. Sources: *paper* is Ongaro and Ousterhout 2014, *etcd* its server's defaults as remembered,
/// *hashicorp* `DefaultConfig` of hashicorp/raft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Shortest election timeout, and for how long a follower refuses votes after each message of its leader (the lease).
    /// Default 1 s (etcd; hashicorp: `ElectionTimeout`; the paper has 150 ms).
    pub election_timeout_min: Duration,
    /// Election timeouts are drawn anew below this at every reset. Default 2 s (etcd and hashicorp draw from
    /// `[E, 2E)`; the paper has 300 ms). Equal to the minimum means no randomness.
    pub election_timeout_max: Duration,
    /// How often a leader sends heartbeats. Default 100 ms (etcd: a tenth of the election timeout).
    pub heartbeat: Duration,
    /// Whether a node asks if it could win before it raises its term (thesis 9.6). Default true (Fabric's orderer).
    pub pre_vote: bool,
    /// Whether a leader steps down if no quorum answers it during an election timeout, and followers in contact with their
    /// leader refuse votes (thesis 4.2.3 and 6.2). Default true (Fabric's orderer).
    pub check_quorum: bool,
    /// Whether a leader sends a new commit index to its followers at once, as etcd does, instead of with the next entry or
    /// heartbeat, as in the paper. Costs `2(n-1)` more messages per entry. Default false.
    pub eager_commit: bool,
    /// Most transactions of one log entry. Default 500 (Fabric's `MaxMessageCount`).
    pub batch_transactions: u32,
    /// Most bytes of transactions in one log entry. Default 2 MB (Fabric's `PreferredMaxBytes`).
    pub batch_bytes: ByteSize,
    /// How long a leader waits for a batch to fill. Default 0: it proposes as soon as something waits (etcd).
    pub batch_delay: Duration,
    /// Most entries of a leader that are not applied yet; while they are, batches fill. Default 64 (ours; Fabric's
    /// orderer has 5).
    pub in_flight: u32,
    /// Most appends on their way to one follower, and snapshot chunks. Default 256 (the example in etcd-io/raft's
    /// `doc.go`; etcd's server has 512, hashicorp/raft pipelines 128).
    pub window: u32,
    /// Most bytes on their way to one follower, if they are more than one append or chunk: entries for a follower that
    /// catches up must not delay heartbeats for longer than an election timeout. Default 1 MB: 0.8 s of a line of
    /// 10 Mbit/s (etcd-io/raft's `MaxInflightBytes`, which its server leaves unlimited).
    pub window_bytes: ByteSize,
    /// Most bytes of entries in one append that holds more than one. Default 1 MB (etcd's `maxSizePerMsg`).
    pub append_bytes: ByteSize,
    /// Applied entries after which the log is compacted. Default 10 000 (etcd's `snapshot-count`; hashicorp's
    /// `SnapshotThreshold`: 8192).
    pub snapshot_every: u64,
    /// Applied entries that compaction leaves for slow followers. Default 5 000 (etcd's `SnapshotCatchUpEntries`;
    /// hashicorp's `TrailingLogs`: 10 240).
    pub snapshot_keep: u64,
    /// Bytes of state in one `InstallSnapshot`. Default 64 kB (ours; the paper leaves it open).
    pub snapshot_chunk: ByteSize,
    /// How often every node makes a linearizable read through the leader (thesis 6.4); absent: never. Default absent.
    pub read_interval: Option<Duration>,
    /// Time without commands after which a client's session ends, by the leaders' clocks. Default 1 h (ours).
    pub session_timeout: Duration,
    /// Most commands of one session that are remembered out of order. Default 256 (ours).
    pub session_window: u32,
    /// The nodes that vote at first. Default empty: all nodes that are not in `learners`.
    pub voters: Vec<u32>,
    /// The nodes that are sent the log at first without a vote. Default empty.
    pub learners: Vec<u32>,
    /// Changes of membership, proposed by the leader at that time. Default empty.
    pub membership: Vec<Change>,
    /// How membership changes. Default joint consensus (paper, section 6).
    pub method: Method,
    /// Whether a leader must commit an entry of its own term before it changes membership: the repair of July 2015
    /// of single-server changes. Off shows the bug. Default true.
    pub change_guard: bool,
    /// Planned transfers of leadership (thesis 3.10). Default empty.
    pub transfers: Vec<Transfer>,
}

/// A change of membership.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// When, by each node's clock.
    pub at: Duration,
    /// Nodes that vote from then on. They catch up as learners first.
    #[serde(default)]
    pub add: Vec<u32>,
    /// Nodes that take no part from then on.
    #[serde(default)]
    pub remove: Vec<u32>,
}

/// How membership changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Through a configuration that needs both majorities (paper, section 6).
    #[default]
    Joint,
    /// One server at a time (thesis 4.1), so that any two majorities meet.
    Single,
}

/// A planned transfer of leadership.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    /// When, by the leader's clock.
    pub at: Duration,
    /// The node that is to lead.
    pub to: u32,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            election_timeout_min: Duration::from_secs(1),
            election_timeout_max: Duration::from_secs(2),
            heartbeat: Duration::from_millis(100),
            pre_vote: true,
            check_quorum: true,
            eager_commit: false,
            batch_transactions: 500,
            batch_bytes: ByteSize(2_000_000),
            batch_delay: Duration::ZERO,
            in_flight: 64,
            window: 256,
            window_bytes: ByteSize(1_000_000),
            append_bytes: ByteSize(1_000_000),
            snapshot_every: 10_000,
            snapshot_keep: 5_000,
            snapshot_chunk: ByteSize(64_000),
            read_interval: None,
            session_timeout: Duration::from_secs(3_600),
            session_window: 256,
            voters: Vec::new(),
            learners: Vec::new(),
            membership: Vec::new(),
            method: Method::Joint,
            change_guard: true,
            transfers: Vec::new(),
        }
    }
}

impl Config {
    /// Refuses what makes no sense for `nodes` nodes.
    ///
    /// # Errors
    /// The first invalid.
    pub fn check(&self, nodes: usize) -> Result<(), InvalidSetting> {
        self.check_times()?;
        let limits = [
            ("batch_transactions", u64::from(self.batch_transactions)),
            ("batch_bytes", self.batch_bytes.0),
            ("in_flight", u64::from(self.in_flight)),
            ("window", u64::from(self.window)),
            ("window_bytes", self.window_bytes.0),
            ("append_bytes", self.append_bytes.0),
            ("snapshot_every", self.snapshot_every),
            ("snapshot_chunk", self.snapshot_chunk.0),
            ("session_window", u64::from(self.session_window)),
        ];
        if let Some((key, _)) = limits.iter().find(|(_, limit)| *limit == 0) {
            return Err(InvalidSetting { key, reason: "must be at least 1".to_owned() });
        }
        self.check_members(nodes)
    }
    fn check_times(&self) -> Result<(), InvalidSetting> {
        let invalid = |key, reason: String| Err(InvalidSetting { key, reason });
        if self.heartbeat.is_zero() {
            return invalid("heartbeat", "must be longer than 0".to_owned());
        }
        if self.heartbeat >= self.election_timeout_min {
            let reason =
                format!("{} is not below election_timeout_min = {}", self.heartbeat, self.election_timeout_min);
            return invalid("heartbeat", reason);
        }
        if self.election_timeout_max < self.election_timeout_min {
            let (max, min) = (self.election_timeout_max, self.election_timeout_min);
            return invalid("election_timeout_max", format!("{max} is below election_timeout_min = {min}"));
        }
        if self.read_interval.is_some_and(Duration::is_zero) {
            return invalid("read_interval", "must be longer than 0; leave it out for no reads".to_owned());
        }
        Ok(())
    }
    fn check_members(&self, nodes: usize) -> Result<(), InvalidSetting> {
        let unknown = |list: &[u32]| list.iter().copied().find(|node| *node as usize >= nodes);
        let changed = || self.membership.iter().flat_map(|change| change.add.iter().chain(&change.remove)).copied();
        let lists = [
            ("voters", unknown(&self.voters)),
            ("learners", unknown(&self.learners)),
            ("membership", changed().find(|node| *node as usize >= nodes)),
            ("transfers", self.transfers.iter().map(|t| t.to).find(|node| *node as usize >= nodes)),
        ];
        if let Some((key, Some(node))) = lists.iter().find(|(_, unknown)| unknown.is_some()) {
            return Err(InvalidSetting { key, reason: format!("there is no node {node}; there are {nodes}") });
        }
        if let Some(node) = self.voters.iter().find(|node| self.learners.contains(node)) {
            return Err(InvalidSetting { key: "learners", reason: format!("node {node} votes") });
        }
        if self.learners.len() >= nodes {
            return Err(InvalidSetting { key: "learners", reason: "no node votes".to_owned() });
        }
        let mut dates: Vec<Duration> = self.membership.iter().map(|change| change.at).collect();
        dates.push(Duration::ZERO);
        if dates.iter().any(|at| self.planned_voters(nodes, *at).is_empty()) {
            return Err(InvalidSetting { key: "membership", reason: "at some time no node votes".to_owned() });
        }
        Ok(())
    }
    /// The voters at first.
    #[must_use]
    pub fn initial_voters(&self, nodes: usize) -> BTreeSet<NodeId> {
        if self.voters.is_empty() {
            return (0..nodes).map(NodeId::from).filter(|node| !self.learners.contains(&node.0)).collect();
        }
        self.voters.iter().copied().map(NodeId).collect()
    }
    /// The voters that the plan wants at `now`.
    #[must_use]
    pub fn planned_voters(&self, nodes: usize, now: Duration) -> BTreeSet<NodeId> {
        let mut voters = self.initial_voters(nodes);
        for change in self.membership.iter().filter(|change| change.at <= now) {
            voters.extend(change.add.iter().copied().map(NodeId));
            voters.retain(|node| !change.remove.contains(&node.0));
        }
        voters
    }
}
