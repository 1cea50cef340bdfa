//! The transactions of a run while it goes on.

use super::blocks::Index;
use super::rows::{ShortId, TransactionRow, TransactionStatus};
use crate::base::{AccountId, ClientId, Hash, NodeId, Time};
use crate::chain::{Block, Transaction};
use rustc_hash::{FxHashMap, FxHashSet};

/// The block index of a transaction that is in no final block.
pub const NO_BLOCK: Index = Index::MAX;

/// All submitted transactions. They are found by the first eight bytes of their hashes: among a million transactions, two
/// have the same with a probability below 10^-7.
#[derive(Default)]
pub struct Transactions {
    /// One row per transaction; what depends on its block is filled in at the end of the run.
    pub rows: Vec<TransactionRow>,
    /// The block in which each is final.
    pub block_indices: Vec<Index>,
    /// The sender and nonce of each transaction that is executed in order of nonces.
    orders: Vec<Option<(AccountId, u64)>>,
    /// Once the run has ended; see [`Transactions::blocked_by_gap`].
    pub blocked: u64,
    by_id: FxHashMap<u64, u32>,
}

impl Transactions {
    fn find(&self, id: &Hash) -> Option<usize> {
        self.by_id.get(&id.short()).map(|&row| row as usize)
    }
    /// The rows of the transactions of a block, coinbase and unknown ones left out.
    fn rows_of<'a>(&'a self, block: &'a Block) -> impl Iterator<Item = usize> + 'a {
        block.transactions().iter().filter_map(|transaction| self.find(&transaction.id()))
    }
    /// A client submitted a transaction to a node, perhaps again. `taken` says whether that node is honest and up.
    pub fn submit(&mut self, now: Time, client: ClientId, node: NodeId, transaction: &Transaction, taken: bool) {
        let taken = if taken { now } else { Time::NEVER };
        let id = transaction.id().short();
        if let Some(&index) = self.by_id.get(&id) {
            let row = &mut self.rows[index as usize];
            row.retransmissions = row.retransmissions.saturating_add(1);
            row.taken = row.taken.min(taken);
            return;
        }
        self.by_id.insert(id, self.rows.len() as u32);
        self.block_indices.push(NO_BLOCK);
        self.orders.push(transaction.is_ordered_by_nonce().then_some((transaction.sender, transaction.nonce)));
        self.rows.push(TransactionRow {
            id: ShortId(id),
            client,
            node,
            submitted: now,
            taken,
            included: Time::NEVER,
            final_entry: Time::NEVER,
            final_first: Time::NEVER,
            final_everywhere: Time::NEVER,
            replied: Time::NEVER,
            height: None,
            bytes: transaction.bytes() as u32,
            fee: transaction.fee,
            status: TransactionStatus::Pending,
            reorged: false,
            retransmissions: 0,
        });
    }
    /// A mempool rejected or evicted a transaction.
    pub fn reject(&mut self, transaction: &Transaction) {
        if let Some(row) = self.find(&transaction.id())
            && self.rows[row].status == TransactionStatus::Pending
        {
            self.rows[row].status = TransactionStatus::Rejected;
        }
    }
    /// The number of transactions that are not final and follow a nonce of their sender that had no effect. No block can
    /// contain them before another payment has used that nonce.
    pub fn blocked_by_gap(&self) -> u64 {
        let ordered = || self.rows.iter().zip(&self.orders).filter_map(|(row, order)| Some((row.status, (*order)?)));
        let executed = ordered().filter(|(status, _)| *status == TransactionStatus::Executed).map(|(_, order)| order);
        let executed: FxHashSet<(AccountId, u64)> = executed.collect();
        // The first nonce of each sender that has had no effect.
        let mut gaps: FxHashMap<AccountId, u64> = FxHashMap::default();
        for (sender, nonce) in ordered().map(|(_, order)| order).filter(|order| !executed.contains(order)) {
            let first = gaps.entry(sender).or_insert(nonce);
            *first = nonce.min(*first);
        }
        let open = ordered().filter(|(status, _)| {
            matches!(status, TransactionStatus::Pending | TransactionStatus::Rejected | TransactionStatus::Reverted)
        });
        open.filter(|(_, (sender, nonce))| gaps.get(sender).is_some_and(|gap| gap < nonce)).count() as u64
    }
    /// A client accepted its transaction as final.
    pub fn reply(&mut self, now: Time, id: &Hash) {
        if let Some(row) = self.find(id) {
            let replied = &mut self.rows[row].replied;
            *replied = now.min(*replied);
        }
    }
    /// An honest node was the first to have a block on its chain.
    pub fn include(&mut self, now: Time, block: &Block) {
        let rows: Vec<usize> = self.rows_of(block).collect();
        for row in rows {
            let included = &mut self.rows[row].included;
            *included = now.min(*included);
        }
    }
    /// An honest node was the first to remove a block from its chain.
    pub fn reorg(&mut self, block: &Block) {
        let rows: Vec<usize> = self.rows_of(block).collect();
        rows.into_iter().for_each(|row| self.rows[row].reorged = true);
    }
    /// A block became final at the first honest node. Returns its transactions by entry node, ascending. Those with a
    /// Byzantine entry node count as final there now. A transaction stays in the block in which it was final first, unless
    /// it had no effect there.
    pub fn finalize(
        &mut self,
        now: Time,
        block_index: Index,
        block: &Block,
        executed: &[bool],
        honest: &[bool],
    ) -> Vec<(NodeId, u32)> {
        let mut entries = Vec::with_capacity(block.transactions().len());
        for (transaction, &executed) in block.transactions().iter().zip(executed) {
            let Some(index) = self.find(&transaction.id()) else {
                continue;
            };
            let row = &mut self.rows[index];
            let better = row.status == TransactionStatus::NoEffect && executed;
            if self.block_indices[index] != NO_BLOCK && !better {
                continue;
            }
            self.block_indices[index] = block_index;
            row.status = if executed { TransactionStatus::Executed } else { TransactionStatus::NoEffect };
            if honest[row.node.index()] {
                row.final_entry = Time::NEVER;
                entries.push((row.node, index as u32));
            } else {
                row.final_entry = now;
            }
        }
        entries.sort_unstable();
        entries
    }
    /// A node finalized a block with these transactions by entry node.
    pub fn finalize_at_entry(&mut self, now: Time, block_index: Index, entries: &[(NodeId, u32)], node: NodeId) {
        let start = entries.partition_point(|&(entry, _)| entry < node);
        for &(_, row) in entries[start..].iter().take_while(|&&(entry, _)| entry == node) {
            let row = row as usize;
            if self.block_indices[row] == block_index {
                let at = &mut self.rows[row].final_entry;
                *at = now.min(*at);
            }
        }
    }
}
