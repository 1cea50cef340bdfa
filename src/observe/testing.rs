//! Hand-made histories for the tests of observers.

use crate::base::{AccountId, ClientId, Crypto, Duration, Hash, Height, Keyring, NodeId, Time};
use crate::chain::{Batch, Block, Body, Header, Seal, Transaction};
use crate::observe::{Observed, Observer, Violation};
use std::sync::Arc;

/// `n` milliseconds after the start.
pub fn ms(n: u64) -> Time {
    Time::ZERO + Duration::from_millis(n)
}

/// The node with this number.
pub fn node(n: u32) -> NodeId {
    NodeId(n)
}

/// A payment of one, distinguished from others by its nonce; 200 bytes, fee 2.
pub fn payment(nonce: u64) -> Arc<Transaction> {
    let keys = Keyring::new(Crypto::Symbolic, 1, "account", 2);
    Transaction::signed(&keys, AccountId(0), nonce, 2, Body::Transfer { to: AccountId(1), amount: 1 }, 200)
}

/// The child of `parent` that `proposer` makes of `transactions`.
pub fn child(parent: &Block, proposer: u32, transactions: &[Arc<Transaction>]) -> Arc<Block> {
    let batch = Batch::new(transactions.to_vec());
    let header = Header {
        parent: parent.id(),
        height: parent.height().next(),
        merkle: batch.digest(),
        time: Time::ZERO,
        proposer: NodeId(proposer),
        seal: Seal::None,
    };
    Block::new(header, batch)
}

/// The state root that all nodes should have after a block.
pub fn root(block: &Block) -> Hash {
    Hash::of(&block.id().0)
}

/// An observer that receives a history step by step; keeps its violations.
pub struct Feed<O> {
    /// The observer.
    pub observer: O,
    /// The violations that it found.
    pub found: Vec<Violation>,
}

impl<O: Observer> Feed<O> {
    /// An observer that has received no event.
    pub fn new(observer: O) -> Feed<O> {
        Feed { observer, found: Vec::new() }
    }
    /// An event `at` milliseconds after the start.
    pub fn notify(&mut self, at: u64, observed: &Observed<'_>) {
        self.found.extend(self.observer.observe(ms(at), observed).err());
    }
    /// Nodes `0..nodes` start.
    pub fn boot(&mut self, nodes: u32) {
        (0..nodes).for_each(|n| self.reboot(0, n, 0, &Block::genesis()));
    }
    /// A node starts.
    pub fn reboot(&mut self, at: u64, n: u32, boot: u32, durable: &Arc<Block>) {
        self.notify(at, &Observed::Booted { node: node(n), boot, durable });
    }
    /// A node crashes.
    pub fn crash(&mut self, at: u64, n: u32) {
        self.notify(at, &Observed::Crashed { node: node(n) });
    }
    /// A client with the number of the node hands a transaction to it.
    pub fn submit(&mut self, at: u64, n: u32, transaction: &Arc<Transaction>) {
        self.notify(at, &Observed::Submitted { client: ClientId(n), node: node(n), transaction, again: false });
    }
    /// A node receives a block.
    pub fn hold(&mut self, at: u64, n: u32, block: &Arc<Block>) {
        self.notify(at, &Observed::Held { node: node(n), block });
    }
    /// A node appends a block, all of whose transactions are executed.
    pub fn extend(&mut self, at: u64, n: u32, block: &Arc<Block>) {
        let executed = vec![true; block.transactions().len()];
        self.notify(at, &Observed::Extended { node: node(n), block, executed: &executed, root: root(block) });
    }
    /// A node finalizes a block.
    pub fn finalize(&mut self, at: u64, n: u32, block: &Arc<Block>) {
        let executed = vec![true; block.transactions().len()];
        self.notify(at, &Observed::Finalized { node: node(n), block, executed: &executed, root: root(block) });
    }
    /// A node appends and finalizes a block.
    pub fn decide(&mut self, at: u64, n: u32, block: &Arc<Block>) {
        self.extend(at, n, block);
        self.finalize(at, n, block);
    }
    /// A node cuts its chain back.
    pub fn rewind(&mut self, at: u64, n: u32, from: u64, to: u64, finalized: u64) {
        let (from, to, finalized) = (Height(from), Height(to), Height(finalized));
        self.notify(at, &Observed::Rewound { node: node(n), from, to, finalized });
    }
    /// A node installs a snapshot.
    pub fn install(&mut self, at: u64, n: u32, block: &Arc<Block>) {
        self.notify(at, &Observed::Installed { node: node(n), block, root: root(block) });
    }
    /// The run ends.
    pub fn end(&mut self, at: u64) {
        self.found.extend(self.observer.finish(ms(at)).err());
    }
    /// The violations as text.
    pub fn texts(&self) -> Vec<String> {
        self.found.iter().map(ToString::to_string).collect()
    }
}
