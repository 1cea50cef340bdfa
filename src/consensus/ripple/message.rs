//! Ledgers, transaction sets, and what nodes say about them.

use crate::base::key::SIGNATURE_BYTES;
use crate::base::wire::{HASH_BYTES, NODE_BYTES, NUMBER_BYTES};
use crate::base::{Digest, Hash, Height, Keyring, NodeId, Signature, Time, Wire, Work};
use crate::chain::{Block, Seal, Transaction};
use crate::protocol::{self, Snapshot};
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A closed ledger: a block and the header fields that only this protocol knows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Ledger {
    /// The transactions, the parent and the close time.
    pub block: Arc<Block>,
    /// Which close-time resolution it was rounded to.
    pub bin: u8,
    /// Whether the close time was agreed on.
    pub agreed: bool,
    /// The negative UNL in force for its validations.
    pub negative: Vec<NodeId>,
    /// The nodes that its children do not count any more (negative UNL).
    pub disable: Option<NodeId>,
    /// The nodes that its children count again.
    pub enable: Option<NodeId>,
}

impl Ledger {
    /// What the block's name must commit to besides its own fields.
    #[must_use]
    pub fn seal(&self) -> Seal {
        let some = |node: Option<NodeId>| node.map_or(0, |node| u64::from(node.0) + 1);
        let digest = Digest::new("ripple ledger").u64(u64::from(self.bin)).u64(u64::from(self.agreed));
        let digest = digest.u64(some(self.disable)).u64(some(self.enable)).u64(self.negative.len() as u64);
        Seal::Fields(self.negative.iter().fold(digest, |digest, node| digest.u64(u64::from(node.0))).finish())
    }
    /// The negative UNL of its children.
    #[must_use]
    pub fn next_negative(&self) -> Vec<NodeId> {
        let kept = self.negative.iter().copied().filter(|node| Some(*node) != self.enable);
        let mut next: Vec<NodeId> = kept.chain(self.disable).collect();
        next.sort_unstable();
        next
    }
    /// Bytes on the wire.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let nodes = self.negative.len() + self.disable.iter().len() + self.enable.iter().len();
        self.block.bytes() + 2 + nodes * NODE_BYTES
    }
}

/// A member of a transaction set.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Item {
    /// A transaction.
    Transaction(Arc<Transaction>),
    /// A pseudo-transaction (UNLModify): puts a node on the negative UNL.
    Disable(NodeId),
    /// The same: takes it off.
    Enable(NodeId),
}

impl Item {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> Hash {
        match self {
            Item::Transaction(transaction) => transaction.id(),
            Item::Disable(node) => Digest::new("ripple disable").u64(u64::from(node.0)).finish(),
            Item::Enable(node) => Digest::new("ripple enable").u64(u64::from(node.0)).finish(),
        }
    }
    /// Bytes on the wire.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Item::Transaction(transaction) => transaction.bytes(),
            Item::Disable(_) | Item::Enable(_) => NODE_BYTES,
        }
    }
}

/// What a node wants in the next ledger.
#[derive(PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(from = "SetContent")]
pub struct Set {
    /// By name.
    #[serde(serialize_with = "without_names")]
    pub items: BTreeMap<Hash, Item>,
    /// The digest of the names.
    #[serde(skip_serializing)]
    pub name: Hash,
}

/// What is read of a set; the names follow.
#[derive(Deserialize)]
struct SetContent {
    items: Vec<Item>,
}

fn without_names<S: Serializer>(items: &BTreeMap<Hash, Item>, out: S) -> Result<S::Ok, S::Error> {
    out.collect_seq(items.values())
}

impl From<SetContent> for Set {
    fn from(SetContent { items }: SetContent) -> Set {
        let items: BTreeMap<Hash, Item> = items.into_iter().map(|item| (item.name(), item)).collect();
        let name = Set::name_of(items.len(), items.keys());
        Set { items, name }
    }
}

impl Set {
    /// A set of these.
    #[must_use]
    pub fn new(items: impl IntoIterator<Item = Item>) -> Arc<Set> {
        Arc::new(SetContent { items: items.into_iter().collect() }.into())
    }
    /// The transactions, in order of name.
    pub fn transactions(&self) -> impl Iterator<Item = &Arc<Transaction>> {
        self.items.values().filter_map(|item| match item {
            Item::Transaction(transaction) => Some(transaction),
            _ => None,
        })
    }
    /// The name of the set of these names, which ascend.
    pub(super) fn name_of<'a>(count: usize, names: impl Iterator<Item = &'a Hash>) -> Hash {
        names.fold(Digest::new("ripple set").u64(count as u64), Digest::hash).finish()
    }
}

/// Propose: a position in the round that follows a ledger.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Proposal {
    /// The ledger that the next one follows.
    pub prior: Hash,
    /// Counts the positions of one node in one round; [`Proposal::LEFT`] bows out.
    pub seq: u32,
    /// The name of the set.
    pub position: Hash,
    /// The close time; none for "no agreement".
    pub close: Option<Time>,
    /// Its signer.
    pub node: NodeId,
    /// By the node.
    pub signature: Signature,
}

impl Proposal {
    /// The number of a position that leaves the round.
    pub const LEFT: u32 = u32::MAX;
    /// Bytes on the wire: two hashes, number, close time, node, signature.
    pub const BYTES: usize = 2 * HASH_BYTES + 4 + NUMBER_BYTES + NODE_BYTES + SIGNATURE_BYTES;

    /// What is signed.
    #[must_use]
    pub fn statement(&self) -> Hash {
        let close = self.close.map_or(0, |time| time.as_nanos().saturating_add(1));
        let digest = Digest::new("ripple propose").hash(&self.prior).u64(u64::from(self.seq));
        digest.hash(&self.position).u64(close).finish()
    }
}

/// Validation: a node applied the agreed transactions, and this is the ledger that came out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Validation {
    /// The ledger's name: that of its block and of the state after it.
    pub ledger: Hash,
    /// Its number.
    pub seq: Height,
    /// The signer's clock.
    pub time: Time,
    /// Whether the signer took part in the round, in step with the others; if not, it only says where it is.
    pub full: bool,
    /// Its signer.
    pub node: NodeId,
    /// By the node.
    pub signature: Signature,
}

impl Validation {
    /// Bytes on the wire: hash, number, time, flag, node, signature.
    pub const BYTES: usize = HASH_BYTES + 2 * NUMBER_BYTES + 1 + NODE_BYTES + SIGNATURE_BYTES;

    /// What is signed.
    #[must_use]
    pub fn statement(&self) -> Hash {
        let digest = Digest::new("ripple validation").hash(&self.ledger).u64(self.seq.0);
        digest.u64(self.time.as_nanos()).u64(u64::from(self.full)).finish()
    }
    fn is_genuine(&self, keys: &Keyring) -> bool {
        keys.verify(self.node.0, &self.statement(), &self.signature)
    }
}

/// What a node needs that is behind.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// The state after a validated ledger, in place of the ledgers that are not kept.
    pub state: Option<(Snapshot, Arc<Ledger>)>,
    /// The ledgers that follow, ascending.
    pub ledgers: Vec<Arc<Ledger>>,
    /// Validations of that state, or else of the last ledger.
    pub validations: Vec<Validation>,
}

/// What nodes say.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Message {
    /// A position.
    Propose(Proposal),
    /// A ledger was closed.
    Validate(Validation),
    /// A node acquired a set that another node made.
    HaveSet(Hash),
    /// A node asks what is in a set.
    GetSet(Hash),
    /// The names of all that is in a set, ascending: the set's name follows from them.
    SetNames(Arc<[Hash]>),
    /// A node asks for what it lacks of a set.
    GetItems {
        /// The set's name.
        set: Hash,
        /// The names of what is lacking.
        items: Arc<[Hash]>,
    },
    /// What was lacking, or as much of it as one answer holds.
    Items(Arc<[Item]>),
    /// A node asks for a ledger and all between.
    GetLedger {
        /// The ledger's name.
        wanted: Hash,
        /// The last ledger validated at the node.
        above: Height,
    },
    /// What was asked for.
    Ledgers(Arc<Answer>),
}

impl Wire for Message {
    fn bytes(&self) -> usize {
        match self {
            Message::Propose(_) => Proposal::BYTES,
            Message::Validate(_) => Validation::BYTES,
            Message::HaveSet(_) | Message::GetSet(_) => HASH_BYTES,
            Message::SetNames(names) => names.len() * HASH_BYTES,
            Message::GetItems { items, .. } => HASH_BYTES + items.len() * HASH_BYTES,
            Message::Items(items) => items.iter().map(Item::bytes).sum(),
            Message::GetLedger { .. } => HASH_BYTES + NUMBER_BYTES,
            Message::Ledgers(answer) => {
                let state = answer.state.as_ref().map_or(0, |(snapshot, ledger)| {
                    let state = usize::try_from(snapshot.bytes).unwrap_or(usize::MAX);
                    state.saturating_add(ledger.bytes() + HASH_BYTES)
                });
                let ledgers: usize = answer.ledgers.iter().map(|ledger| ledger.bytes()).sum();
                state.saturating_add(ledgers + answer.validations.len() * Validation::BYTES)
            }
        }
    }
    fn kind(&self) -> &'static str {
        match self {
            Message::Propose(_) => "propose",
            Message::Validate(_) => "validation",
            Message::HaveSet(_) => "have-set",
            Message::GetSet(_) => "get-set",
            Message::SetNames(_) => "set-names",
            Message::GetItems { .. } => "get-items",
            Message::Items(_) => "items",
            Message::GetLedger { .. } => "get-ledger",
            Message::Ledgers(_) => "ledgers",
        }
    }
    fn check(&self) -> Work {
        match self {
            Message::Propose(_) | Message::Validate(_) => Work::VERIFY,
            Message::Ledgers(answer) => {
                let bytes = answer.state.as_ref().map_or(0, |(snapshot, _)| snapshot.bytes);
                Work::verify(answer.validations.len() as u32) + Work::hash(bytes)
            }
            Message::SetNames(_) | Message::Items(_) => Work::hash(self.bytes() as u64),
            _ => Work::NONE,
        }
    }
}

impl protocol::Message for Message {
    fn verify(&self, from: NodeId, keys: &Keyring) -> bool {
        match self {
            Message::Propose(m) => m.node == from && keys.verify(from.0, &m.statement(), &m.signature),
            Message::Validate(m) => m.node == from && m.is_genuine(keys),
            Message::Ledgers(answer) => answer.validations.iter().all(|validation| validation.is_genuine(keys)),
            // The channel identifies the sender; sets and ledgers are verified by their hashes.
            Message::HaveSet(_)
            | Message::GetSet(_)
            | Message::SetNames(_)
            | Message::GetItems { .. }
            | Message::Items(_)
            | Message::GetLedger { .. } => true,
        }
    }
}

/// What a node writes before it validates, and when a ledger is validated: it stands for all before.
#[derive(Clone, Debug)]
pub struct Record {
    /// The highest ledger that this node ever validated.
    pub largest: Height,
    /// The last validated ledger and the closed ones above it, ascending.
    pub ledgers: Vec<Arc<Ledger>>,
    /// Whether the last of them was not written before.
    pub is_new: bool,
    /// The validations of the first.
    pub certificate: Arc<[Validation]>,
}

impl Wire for Record {
    /// Only the last ledger is new on the disk, if any; the others are named.
    fn bytes(&self) -> usize {
        let new = self.ledgers.last().filter(|_| self.is_new).map_or(0, |ledger| ledger.bytes());
        NUMBER_BYTES + self.ledgers.len() * HASH_BYTES + self.certificate.len() * Validation::BYTES + new
    }
    fn kind(&self) -> &'static str {
        if self.is_new { "closed" } else { "validated" }
    }
}

impl protocol::Record for Record {
    fn is_checkpoint(&self) -> bool {
        true
    }
}
