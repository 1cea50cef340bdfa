//! Messages, records of the write-ahead log, and timers. Byte counts are those of figure 2 with eight-byte numbers.
//! `leaderId` and `candidateId` are the sender of the message, whose bytes are counted.

use super::log::Entry;
use super::membership::Membership;
use super::position::{Index, Term};
use super::session::Sessions;
use crate::base::wire::NUMBER_BYTES;
use crate::base::{Keyring, NodeId, Wire};
use crate::protocol::{self, Snapshot};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Bytes of a read's context: node and number.
const CONTEXT_BYTES: usize = 16;
/// Bytes of `InstallSnapshot` without its chunk, the configuration included.
const INSTALL_BYTES: usize = 140;

/// Asks for a vote (paper, 5.2), or whether it would be given (thesis 9.6).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RequestVote {
    /// The candidate's term; in a pre-vote, the one it would campaign in.
    pub term: Term,
    /// Index of the candidate's last entry.
    pub last_index: Index,
    /// Term of the candidate's last entry.
    pub last_term: Term,
    /// Whether this only asks.
    pub pre: bool,
    /// Whether the leader requested the campaign by `TimeoutNow` (thesis 3.10), which overrides the lease.
    pub transfer: bool,
}

/// Answers [`RequestVote`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Vote {
    /// The term asked about if granted, else the voter's term.
    pub term: Term,
    /// Whether the vote is given.
    pub granted: bool,
    /// Whether it was only asked.
    pub pre: bool,
}

/// Replicates entries; a heartbeat if there are none (paper, 5.3).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AppendEntries {
    /// The leader's term.
    pub term: Term,
    /// Index of the entry before the new ones.
    pub prev_index: Index,
    /// Term of the entry before the new ones.
    pub prev_term: Term,
    /// The leader's commit index.
    pub commit: Index,
    /// The new entries.
    pub entries: Arc<[Entry]>,
    /// A round of heartbeats that confirms leadership for reads (thesis 6.4).
    pub context: Option<u64>,
}

/// What became of an append.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Outcome {
    /// The logs match up to this index: `matchIndex`.
    Match(Index),
    /// They do not match at `prev`: there, the follower's log has another term, which begins at `first`; or no entry,
    /// and `first` is the index after its last.
    Conflict {
        /// The index that did not match.
        prev: Index,
        /// The term found there; 0 if none.
        term: Term,
        /// From where the leader may try again.
        first: Index,
    },
}

/// Answers [`AppendEntries`], and [`InstallSnapshot`] when it is complete.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AppendReply {
    /// The follower's term.
    pub term: Term,
    /// What became of it.
    pub outcome: Outcome,
    /// The round of heartbeats that is confirmed.
    pub context: Option<u64>,
}

/// The replicated state after an entry: what stands for the log up to there (paper, section 7).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Image {
    /// The block at that index, the root and the size of the ledger's state.
    pub snapshot: Snapshot,
    /// The term of the entry at that index.
    pub term: Term,
    /// The latest configuration there.
    pub membership: Arc<Membership>,
    /// The sessions there.
    pub sessions: Arc<Sessions>,
}

impl Image {
    /// The index of the last entry that it covers.
    #[must_use]
    pub fn index(&self) -> Index {
        self.snapshot.block.height().0
    }
    /// Bytes of ledger state and sessions; at least one, so that there is a chunk.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.snapshot.bytes.saturating_add(self.sessions.bytes()).max(1)
    }
}

/// A chunk of the leader's state, for a follower that lacks entries that are compacted (paper, section 7).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InstallSnapshot {
    /// The leader's term.
    pub term: Term,
    /// What is sent; the receiver uses it when it has all chunks.
    pub image: Arc<Image>,
    /// Where the chunk begins.
    pub offset: u64,
    /// Bytes of the chunk.
    pub length: u64,
}

/// What nodes send.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Message {
    /// See [`RequestVote`].
    RequestVote(RequestVote),
    /// See [`Vote`].
    Vote(Vote),
    /// See [`AppendEntries`].
    AppendEntries(AppendEntries),
    /// See [`AppendReply`].
    AppendReply(AppendReply),
    /// See [`InstallSnapshot`].
    InstallSnapshot(InstallSnapshot),
    /// Answers a chunk that is not the last.
    SnapshotReply {
        /// The follower's term.
        term: Term,
        /// Bytes received without a gap.
        received: u64,
    },
    /// Requests a follower to campaign at once (thesis 3.10).
    TimeoutNow {
        /// The leader's term.
        term: Term,
    },
    /// A follower asks the leader for a read index (thesis 6.4).
    ReadIndex {
        /// The follower's number of the read.
        context: u64,
    },
    /// The answer: once the follower has applied `index`, it may read.
    ReadReply {
        /// The follower's number of the read.
        context: u64,
        /// The leader's commit index at a time after the question.
        index: Index,
    },
}

impl Wire for Message {
    fn bytes(&self) -> usize {
        match self {
            Message::RequestVote(_) => 4 * NUMBER_BYTES + 1,
            Message::Vote(_) => NUMBER_BYTES + 1,
            Message::AppendEntries(append) => {
                let context = append.context.map_or(0, |_| CONTEXT_BYTES);
                5 * NUMBER_BYTES + context + append.entries.iter().map(Entry::bytes).sum::<usize>()
            }
            Message::AppendReply(reply) => {
                let context = reply.context.map_or(0, |_| CONTEXT_BYTES);
                let hint = if matches!(reply.outcome, Outcome::Match(_)) { 0 } else { 2 * NUMBER_BYTES };
                2 * NUMBER_BYTES + 1 + hint + context
            }
            Message::InstallSnapshot(install) => {
                INSTALL_BYTES.saturating_add(usize::try_from(install.length).unwrap_or(usize::MAX))
            }
            Message::SnapshotReply { .. } => 2 * NUMBER_BYTES + 1,
            Message::TimeoutNow { .. } => NUMBER_BYTES,
            Message::ReadIndex { .. } => CONTEXT_BYTES,
            Message::ReadReply { .. } => CONTEXT_BYTES + NUMBER_BYTES,
        }
    }
    fn kind(&self) -> &'static str {
        match self {
            Message::RequestVote(request) if request.pre => "PreVote",
            Message::RequestVote(_) => "RequestVote",
            Message::Vote(vote) if vote.pre => "PreVoteResp",
            Message::Vote(_) => "VoteResp",
            Message::AppendEntries(append) if append.entries.is_empty() => "Heartbeat",
            Message::AppendEntries(_) => "AppendEntries",
            Message::AppendReply(_) => "AppendResp",
            Message::InstallSnapshot(_) => "InstallSnapshot",
            Message::SnapshotReply { .. } => "SnapshotResp",
            Message::TimeoutNow { .. } => "TimeoutNow",
            Message::ReadIndex { .. } => "ReadIndex",
            Message::ReadReply { .. } => "ReadIndexResp",
        }
    }
}

impl protocol::Message for Message {
    /// Nodes may crash but are not Byzantine, so nothing is signed.
    fn verify(&self, _from: NodeId, _keys: &Keyring) -> bool {
        true
    }
}

/// A record of the write-ahead log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Record {
    /// `currentTerm` and `votedFor`.
    Vote {
        /// The term.
        term: Term,
        /// The candidate that got this node's vote in it.
        vote: Option<NodeId>,
    },
    /// Entries that replace everything from index `from` on.
    Append {
        /// Index of the first.
        from: Index,
        /// The entries.
        entries: Arc<[Entry]>,
    },
    /// Everything: a snapshot, and the entries that are kept beside it.
    Checkpoint(Arc<Checkpoint>),
}

/// What stands for a log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// `currentTerm`.
    pub term: Term,
    /// `votedFor`.
    pub vote: Option<NodeId>,
    /// The state after some entry.
    pub image: Arc<Image>,
    /// Whether the image came from a leader: then the ledger's state is part of this record. The state that this node
    /// computed itself is in the ledger's own store, which finalizing makes durable.
    pub received: bool,
    /// Index below the first kept entry, at most that of the image.
    pub base: Index,
    /// Term at `base`.
    pub base_term: Term,
    /// The entries above `base`.
    pub entries: Arc<[Entry]>,
}

impl Wire for Record {
    fn bytes(&self) -> usize {
        let size = |entries: &[Entry]| entries.iter().map(Entry::bytes).sum::<usize>();
        match self {
            Record::Vote { .. } => 2 * NUMBER_BYTES,
            Record::Append { entries, .. } => NUMBER_BYTES + size(entries),
            Record::Checkpoint(checkpoint) => {
                let state = if checkpoint.received { checkpoint.image.snapshot.bytes } else { 0 };
                let state = state.saturating_add(checkpoint.image.sessions.bytes());
                INSTALL_BYTES + usize::try_from(state).unwrap_or(usize::MAX / 2) + size(&checkpoint.entries)
            }
        }
    }
    fn kind(&self) -> &'static str {
        match self {
            Record::Vote { .. } => "Vote",
            Record::Append { .. } => "Append",
            Record::Checkpoint(_) => "Checkpoint",
        }
    }
}

impl protocol::Record for Record {
    fn is_checkpoint(&self) -> bool {
        matches!(self, Record::Checkpoint(_))
    }
}

/// The timers of a node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Timer {
    /// The election timeout: neither a message of a leader nor an elected candidate for a random time.
    Election,
    /// A leader sends its next heartbeat.
    Heartbeat,
    /// A leader counts the followers that answered since the last time.
    CheckQuorum,
    /// This leader's own copy of the entries up to `index` is on its disk.
    Durable {
        /// The term in which it leads.
        term: Term,
        /// The last of the entries.
        index: Index,
    },
    /// A batch has waited long enough.
    Batch,
    /// This node makes its next linearizable read.
    Read,
    /// The membership is to change by plan.
    Change,
    /// The leadership is to move: which of the planned transfers.
    Transfer(u32),
    /// A transfer took too long.
    TransferAbort,
}
