//! What nodes state, sign, fetch and log.

use crate::base::key::SIGNATURE_BYTES;
use crate::base::wire::{HASH_BYTES, NUMBER_BYTES};
use crate::base::{Digest, Hash, Height, Keyring, NodeId, QuorumSet, Signature, Time, Wire, Work};
use crate::chain::Batch;
use crate::protocol;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a slot decides: the transactions of a ledger and its close time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Value {
    /// The name of the transaction set, which names the ledger before it too.
    pub set: Hash,
    /// When the ledger closes.
    pub close: Time,
}

impl Value {
    /// Bytes on the wire: a hash and a time.
    pub const BYTES: usize = HASH_BYTES + NUMBER_BYTES;

    pub(super) fn add_to(&self, digest: Digest) -> Digest {
        digest.hash(&self.set).u64(self.close.as_nanos())
    }
}

/// A number and a value. The greater number wins, then the greater value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Ballot {
    /// From 1; [`Ballot::INFINITE`] stands for all that follow.
    pub counter: u32,
    /// What it is for.
    pub value: Value,
}

impl Ballot {
    /// The counter that is above all others.
    pub const INFINITE: u32 = u32::MAX;
    /// Bytes on the wire.
    pub const BYTES: usize = 4 + Value::BYTES;

    /// Whether both are for one value.
    #[must_use]
    pub fn is_compatible(&self, other: &Ballot) -> bool {
        self.value == other.value
    }
    /// Whether it is at most `other`, and for the same value.
    #[must_use]
    pub fn is_within(&self, other: &Ballot) -> bool {
        self <= other && self.is_compatible(other)
    }
    /// Whether it is at most `other`, and for another value: preparing `other` aborts it.
    #[must_use]
    pub fn is_aborted_by(&self, other: &Ballot) -> bool {
        self <= other && !self.is_compatible(other)
    }
}

/// What a node says about a slot.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Pledges {
    /// Which values it nominates.
    Nominate {
        /// Voted for. Grows.
        voted: BTreeSet<Value>,
        /// Accepted, which implies voted. Grows.
        accepted: BTreeSet<Value>,
    },
    /// It votes to prepare `ballot`: to abort all lesser ballots for other values.
    Prepare {
        /// `b`.
        ballot: Ballot,
        /// `p`: the highest that it accepted as prepared.
        prepared: Option<Ballot>,
        /// `p'`: the highest such one for another value than `p`.
        prepared_prime: Option<Ballot>,
        /// `c.n`, or 0: it votes to commit from this counter on ..
        n_commit: u32,
        /// `h.n`, or 0: .. up to this one, which it confirmed as prepared.
        n_high: u32,
    },
    /// It accepted to commit `ballot.value` from `n_commit` to `n_high`.
    Confirm {
        /// `b`.
        ballot: Ballot,
        /// `p.n`.
        n_prepared: u32,
        /// `c.n`.
        n_commit: u32,
        /// `h.n`.
        n_high: u32,
    },
    /// It decided.
    Externalize {
        /// `c`.
        commit: Ballot,
        /// `h.n`.
        n_high: u32,
    },
}

/// The most values in a NOMINATE.
pub(super) const VALUES_MAX: usize = 32;

impl Pledges {
    /// Whether it is about nomination; the others are about ballots.
    #[must_use]
    pub fn is_nomination(&self) -> bool {
        matches!(self, Pledges::Nominate { .. })
    }
    /// All values in it.
    #[must_use]
    pub fn values(&self) -> BTreeSet<Value> {
        match self {
            Pledges::Nominate { voted, accepted } => voted | accepted,
            Pledges::Prepare { ballot, prepared, prepared_prime, .. } => {
                [Some(*ballot), *prepared, *prepared_prime].into_iter().flatten().map(|ballot| ballot.value).collect()
            }
            Pledges::Confirm { ballot, .. } => BTreeSet::from([ballot.value]),
            Pledges::Externalize { commit, .. } => BTreeSet::from([commit.value]),
        }
    }
    /// Whether its numbers and ballots are in the order that a correct node keeps.
    #[must_use]
    pub fn is_sane(&self) -> bool {
        match self {
            Pledges::Nominate { voted, accepted } => {
                (1..=VALUES_MAX).contains(&voted.len()) && accepted.is_subset(voted)
            }
            Pledges::Prepare { ballot, prepared, prepared_prime, n_commit, n_high } => {
                let of = |prepared: &Option<Ballot>| prepared.map_or(0, |prepared| prepared.counter);
                let is_ordered =
                    prepared_prime.is_none_or(|prime| prepared.is_some_and(|prepared| prime.is_aborted_by(&prepared)));
                let is_within = *n_high == 0 || (*n_high <= of(prepared) && *n_high <= ballot.counter);
                let commits = *n_commit == 0 || (*n_commit <= *n_high && *n_commit <= ballot.counter);
                ballot.counter > 0 && is_ordered && is_within && commits
            }
            Pledges::Confirm { ballot, n_prepared: _, n_commit, n_high } => {
                ballot.counter > 0 && *n_commit > 0 && n_commit <= n_high && *n_high <= ballot.counter
            }
            Pledges::Externalize { commit, n_high } => commit.counter > 0 && *n_high >= commit.counter,
        }
    }
    /// Whether a correct node may say `self` after `old`. Where neither may follow the other, the node contradicts itself.
    #[must_use]
    pub fn follows(&self, old: &Pledges) -> bool {
        let rank = |pledges: &Pledges| match pledges {
            Pledges::Nominate { .. } => (0, None, None, None, 0),
            Pledges::Prepare { ballot, prepared, prepared_prime, n_high, .. } => {
                (1, Some(*ballot), *prepared, *prepared_prime, *n_high)
            }
            Pledges::Confirm { ballot, n_prepared, n_high, .. } => {
                (2, Some(*ballot), Some(Ballot { counter: *n_prepared, ..*ballot }), None, *n_high)
            }
            Pledges::Externalize { .. } => (3, None, None, None, 0),
        };
        match (self, old) {
            (Pledges::Nominate { voted, accepted }, Pledges::Nominate { voted: v, accepted: a }) => {
                v.is_subset(voted) && a.is_subset(accepted) && self != old
            }
            _ => rank(self) > rank(old),
        }
    }
    /// Whether no correct node says both, in either order.
    #[must_use]
    pub fn contradicts(&self, other: &Pledges) -> bool {
        match (self.decides(), other.decides()) {
            (Some(one), Some(other)) => one != other,
            _ => self != other && !self.follows(other) && !other.follows(self),
        }
    }
    /// The value that cannot change any more.
    fn decides(&self) -> Option<Value> {
        match self {
            Pledges::Confirm { ballot: decided, .. } | Pledges::Externalize { commit: decided, .. } => {
                Some(decided.value)
            }
            _ => None,
        }
    }
    fn bytes(&self) -> usize {
        let option = |ballot: &Option<Ballot>| 4 + ballot.map_or(0, |_| Ballot::BYTES);
        4 + match self {
            Pledges::Nominate { voted, accepted } => 8 + (voted.len() + accepted.len()) * Value::BYTES,
            Pledges::Prepare { prepared, prepared_prime, .. } => {
                Ballot::BYTES + option(prepared) + option(prepared_prime) + 8
            }
            Pledges::Confirm { .. } => Ballot::BYTES + 12,
            Pledges::Externalize { .. } => Ballot::BYTES + 4,
        }
    }
    fn add_to(&self, digest: Digest) -> Digest {
        let values = |digest: Digest, values: &BTreeSet<Value>| {
            values.iter().fold(digest.u64(values.len() as u64), |digest, value| value.add_to(digest))
        };
        let ballot = |digest: Digest, ballot: &Ballot| ballot.value.add_to(digest.u64(u64::from(ballot.counter)));
        let option = |digest: Digest, some: &Option<Ballot>| match some {
            None => digest.u64(0),
            Some(some) => ballot(digest.u64(1), some),
        };
        let numbers = |digest: Digest, numbers: &[u32]| numbers.iter().fold(digest, |d, n| d.u64(u64::from(*n)));
        match self {
            Pledges::Nominate { voted, accepted } => values(values(digest.u64(0), voted), accepted),
            Pledges::Prepare { ballot: b, prepared, prepared_prime, n_commit, n_high } => {
                let digest = option(option(ballot(digest.u64(1), b), prepared), prepared_prime);
                numbers(digest, &[*n_commit, *n_high])
            }
            Pledges::Confirm { ballot: b, n_prepared, n_commit, n_high } => {
                numbers(ballot(digest.u64(2), b), &[*n_prepared, *n_commit, *n_high])
            }
            Pledges::Externalize { commit, n_high } => numbers(ballot(digest.u64(3), commit), &[*n_high]),
        }
    }
}

/// A signed statement.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Statement {
    /// Whose.
    pub node: NodeId,
    /// About which ledger.
    pub slot: Height,
    /// The name of the node's quorum set.
    pub quorum_set: Hash,
    /// What is said.
    pub pledges: Pledges,
    /// By the node.
    pub signature: Signature,
}

impl Statement {
    /// Bytes of what surrounds the pledges: a key with its kind, slot, name of the quorum set, signature.
    pub const ENVELOPE_BYTES: usize = HASH_BYTES + 4 + NUMBER_BYTES + HASH_BYTES + SIGNATURE_BYTES;

    /// What is signed.
    #[must_use]
    pub fn digest(slot: Height, quorum_set: &Hash, pledges: &Pledges) -> Hash {
        pledges.add_to(Digest::new("scp statement").u64(slot.0).hash(quorum_set)).finish()
    }
    /// Bytes on the wire.
    #[must_use]
    pub fn bytes(&self) -> usize {
        Statement::ENVELOPE_BYTES + self.pledges.bytes()
    }
    fn is_genuine(&self, keys: &Keyring) -> bool {
        keys.verify(self.node.0, &Statement::digest(self.slot, &self.quorum_set, &self.pledges), &self.signature)
    }
}

/// The transactions of a ledger.
#[derive(PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(from = "SetContent")]
pub struct TransactionSet {
    /// The ledger before.
    pub previous: Hash,
    /// In order.
    pub batch: Arc<Batch>,
    /// Of both.
    #[serde(skip_serializing)]
    pub name: Hash,
}

/// What is read of a set; its name follows.
#[derive(Deserialize)]
struct SetContent {
    previous: Hash,
    batch: Arc<Batch>,
}

impl From<SetContent> for TransactionSet {
    fn from(SetContent { previous, batch }: SetContent) -> TransactionSet {
        let name = Digest::new("scp set").hash(&previous).hash(&batch.digest()).finish();
        TransactionSet { previous, batch, name }
    }
}

impl TransactionSet {
    /// A set.
    #[must_use]
    pub fn new(previous: Hash, batch: Arc<Batch>) -> Arc<TransactionSet> {
        Arc::new(SetContent { previous, batch }.into())
    }
    fn bytes(&self) -> usize {
        HASH_BYTES + self.batch.bytes()
    }
}

/// What nodes send.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Message {
    /// A statement. It may be passed on by anybody.
    Said(Arc<Statement>),
    /// A node asks for a quorum set, by name.
    GetQuorumSet(Hash),
    /// A quorum set.
    QuorumSet(Arc<QuorumSet>),
    /// A node asks for a transaction set, by name.
    GetSet(Hash),
    /// A transaction set.
    Set(Arc<TransactionSet>),
    /// A node asks what was decided.
    Ask {
        /// The last ledger that it has.
        above: Height,
    },
    /// The statements of one node that decided these slots, ascending.
    Decided(Arc<[Arc<Statement>]>),
}

impl Message {
    /// The request for a set of one kind or the other.
    pub(super) fn get(name: Hash, is_quorum_set: bool) -> Message {
        if is_quorum_set { Message::GetQuorumSet(name) } else { Message::GetSet(name) }
    }
}

impl Wire for Message {
    fn bytes(&self) -> usize {
        match self {
            Message::Said(statement) => statement.bytes(),
            Message::GetQuorumSet(_) | Message::GetSet(_) => HASH_BYTES,
            Message::QuorumSet(set) => set.bytes(),
            Message::Set(set) => set.bytes(),
            Message::Ask { .. } => NUMBER_BYTES,
            Message::Decided(statements) => statements.iter().map(|statement| statement.bytes()).sum(),
        }
    }
    fn kind(&self) -> &'static str {
        match self {
            Message::Said(statement) => match statement.pledges {
                Pledges::Nominate { .. } => "nominate",
                Pledges::Prepare { .. } => "prepare",
                Pledges::Confirm { .. } => "confirm",
                Pledges::Externalize { .. } => "externalize",
            },
            Message::GetQuorumSet(_) => "get-quorum-set",
            Message::QuorumSet(_) => "quorum-set",
            Message::GetSet(_) => "get-set",
            Message::Set(_) => "set",
            Message::Ask { .. } => "ask",
            Message::Decided(_) => "decided",
        }
    }
    fn check(&self) -> Work {
        match self {
            Message::Said(_) => Work::VERIFY,
            Message::Decided(statements) => Work::verify(statements.len() as u32),
            Message::Set(set) => Work::hash(set.bytes() as u64),
            Message::QuorumSet(set) => Work::hash(set.bytes() as u64),
            _ => Work::NONE,
        }
    }
}

impl protocol::Message for Message {
    fn verify(&self, _from: NodeId, keys: &Keyring) -> bool {
        match self {
            Message::Said(statement) => statement.is_genuine(keys),
            Message::Decided(statements) => statements.iter().all(|statement| statement.is_genuine(keys)),
            // Answers are verified by their hashes; requests are harmless.
            _ => true,
        }
    }
}

/// What a node writes before it speaks.
#[derive(Clone, Debug)]
pub struct Record {
    /// The slot.
    pub slot: Height,
    /// Whether it is the first of the slot: what was written before is about ledgers that are final.
    pub first: bool,
    /// What.
    pub what: Said,
}

/// Something a node must remember.
#[derive(Clone, Debug)]
pub enum Said {
    /// A set that its statements name.
    Set(Arc<TransactionSet>),
    /// What it states from now on.
    Statement(Arc<Statement>),
}

impl Wire for Record {
    fn bytes(&self) -> usize {
        match &self.what {
            Said::Set(set) => set.bytes(),
            Said::Statement(statement) => statement.bytes(),
        }
    }
    fn kind(&self) -> &'static str {
        match &self.what {
            Said::Set(_) => "set",
            Said::Statement(_) => "statement",
        }
    }
}

impl protocol::Record for Record {
    fn is_checkpoint(&self) -> bool {
        self.first
    }
}
