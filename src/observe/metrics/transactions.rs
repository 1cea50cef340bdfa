//! What is known of each transaction while the run goes on.

use super::blocks::Index;
use super::rows::{ShortId, TransactionRow, TransactionStatus};
use crate::base::{AccountId, ClientId, Hash, NodeId, Time};
use crate::chain::{Block, Transaction};
use rustc_hash::{FxHashMap, FxHashSet};

/// In no block yet.
pub const NOWHERE: Index = Index::MAX;

/// All submitted transactions. They are found by the first eight bytes of their names, which SHA-256 keeps apart: two
/// of a million meet with a probability below 10^-7.
#[derive(Default)]
pub struct Transactions {
    /// One row per transaction, complete but for what its block tells.
    pub rows: Vec<TransactionRow>,
    /// The block in which each is final.
    pub places: Vec<Index>,
    /// Of each that is executed in order of nonces: its sender and its nonce.
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
    /// A client handed a transaction to a node, or sent it again.
    /// `taken` says whether that node is honest and up.
    pub fn submit(&mut self, now: Time, client: ClientId, node: NodeId, transaction: &Transaction, taken: bool) {
        let taken = if taken { now } else { Time::NEVER };
        let id = transaction.id().short();
        if let Some(&known) = self.by_id.get(&id) {
            let row = &mut self.rows[known as usize];
            row.retransmissions = row.retransmissions.saturating_add(1);
            row.taken = row.taken.min(taken);
            return;
        }
        self.by_id.insert(id, self.rows.len() as u32);
        self.places.push(NOWHERE);
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
    /// A mempool refused or evicted a transaction.
    pub fn refuse(&mut self, transaction: &Transaction) {
        if let Some(row) = self.find(&transaction.id())
            && self.rows[row].status == TransactionStatus::Pending
        {
            self.rows[row].status = TransactionStatus::Rejected;
        }
    }
    /// How many are not final although they follow a nonce of their sender that has had no effect: no block can hold them
    /// before another payment has used that nonce.
    pub fn blocked_by_gap(&self) -> u64 {
        let ordered = || self.rows.iter().zip(&self.orders).filter_map(|(row, order)| Some((row.status, (*order)?)));
        let executed = ordered().filter(|(fate, _)| *fate == TransactionStatus::Executed).map(|(_, order)| order);
        let executed: FxHashSet<(AccountId, u64)> = executed.collect();
        // The first nonce of each sender that has had no effect.
        let mut gaps: FxHashMap<AccountId, u64> = FxHashMap::default();
        for (sender, nonce) in ordered().map(|(_, order)| order).filter(|order| !executed.contains(order)) {
            let first = gaps.entry(sender).or_insert(nonce);
            *first = nonce.min(*first);
        }
        let open = ordered().filter(|(fate, _)| {
            matches!(fate, TransactionStatus::Pending | TransactionStatus::Rejected | TransactionStatus::Reverted)
        });
        open.filter(|(_, (sender, nonce))| gaps.get(sender).is_some_and(|gap| gap < nonce)).count() as u64
    }
    /// A client believes its transaction final.
    pub fn answer(&mut self, now: Time, id: &Hash) {
        if let Some(row) = self.find(id) {
            let answered = &mut self.rows[row].replied;
            *answered = now.min(*answered);
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
    /// An honest node was the first to cut a block off.
    pub fn cut(&mut self, block: &Block) {
        let rows: Vec<usize> = self.rows_of(block).collect();
        rows.into_iter().for_each(|row| self.rows[row].reorged = true);
    }
    /// A block became final at the first honest node: its transactions by home, ascending. Those whose home will not
    /// tell are final at home now. What is final stays where it was final first, unless it had no effect there.
    pub fn finalize(
        &mut self,
        now: Time,
        place: Index,
        block: &Block,
        executed: &[bool],
        honest: &[bool],
    ) -> Vec<(NodeId, u32)> {
        let mut homes = Vec::with_capacity(block.transactions().len());
        for (transaction, &executed) in block.transactions().iter().zip(executed) {
            let Some(index) = self.find(&transaction.id()) else {
                continue;
            };
            let row = &mut self.rows[index];
            let better = row.status == TransactionStatus::NoEffect && executed;
            if self.places[index] != NOWHERE && !better {
                continue;
            }
            self.places[index] = place;
            row.status = if executed { TransactionStatus::Executed } else { TransactionStatus::NoEffect };
            if honest[row.node.index()] {
                row.final_entry = Time::NEVER;
                homes.push((row.node, index as u32));
            } else {
                row.final_entry = now;
            }
        }
        homes.sort_unstable();
        homes
    }
    /// A node finalized a block that holds these transactions of clients at home there.
    pub fn finalize_at_home(&mut self, now: Time, place: Index, homes: &[(NodeId, u32)], node: NodeId) {
        let start = homes.partition_point(|&(home, _)| home < node);
        for &(_, row) in homes[start..].iter().take_while(|&&(home, _)| home == node) {
            let row = row as usize;
            if self.places[row] == place {
                let at = &mut self.rows[row].final_entry;
                *at = now.min(*at);
            }
        }
    }
}
