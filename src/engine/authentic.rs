//! Transactions whose signature was verified, each once for all nodes, and a number for each.
//!
//! Nodes keep one bit per number for what they have verified themselves. Crosses nodes; pure results.

use crate::base::{Hash, Signature};
use crate::chain::{Batch, Transaction};
use rustc_hash::FxHashMap;
use std::collections::VecDeque;
use std::sync::Arc;

/// Batches whose numbers are kept: those that nodes ask for now.
const BATCHES_MAX: usize = 1_024;

/// The numbers of a batch all of whose transactions were verified.
pub(super) struct BatchNumbers {
    batch: Arc<Batch>,
    /// Of payments first, then of coinbases.
    numbers: Box<[u32]>,
}

impl BatchNumbers {
    /// The numbers of all its transactions.
    pub fn all(&self) -> &[u32] {
        &self.numbers
    }
    /// The numbers of its payments.
    pub fn payments(&self) -> &[u32] {
        &self.numbers[..self.batch.payments()]
    }
}

/// Transactions whose signature was verified.
#[derive(Default)]
pub(super) struct AuthenticTransactions {
    by_id: FxHashMap<Hash, u32>,
    /// The signature of each number: a forger may reuse a name.
    signatures: Vec<Signature>,
    batches: FxHashMap<Hash, BatchNumbers>,
    /// The names of `batches`, the earliest first.
    order: VecDeque<Hash>,
}

impl AuthenticTransactions {
    /// The number of a transaction whose signature was verified.
    pub fn number(&self, transaction: &Transaction) -> Option<u32> {
        let number = *self.by_id.get(&transaction.id())?;
        (self.signatures[number as usize] == *transaction.signature()).then_some(number)
    }
    /// Adds a transaction whose signature is its sender's.
    pub fn add(&mut self, transaction: &Transaction) {
        let number = u32::try_from(self.signatures.len()).expect("fewer than 2^32 transactions");
        self.by_id.insert(transaction.id(), number);
        self.signatures.push(*transaction.signature());
    }
    /// The numbers of a batch, if they are kept. Two batches of one name may differ in signatures, so it must be the same
    /// object.
    pub fn batch(&self, batch: &Batch) -> Option<&BatchNumbers> {
        self.batches.get(&batch.digest()).filter(|kept| std::ptr::eq(Arc::as_ptr(&kept.batch), batch))
    }
    /// Keeps the numbers of a batch, if all its transactions were verified.
    pub fn keep_batch(&mut self, batch: &Arc<Batch>) {
        let of = |are_coinbases| batch.transactions().iter().filter(move |t| t.is_coinbase() == are_coinbases);
        let numbers: Option<Box<[u32]>> = of(false).chain(of(true)).map(|t| self.number(t)).collect();
        let Some(numbers) = numbers else { return };
        let digest = batch.digest();
        if self.batches.insert(digest, BatchNumbers { batch: batch.clone(), numbers }).is_none() {
            self.order.push_back(digest);
            if self.order.len() > BATCHES_MAX
                && let Some(earliest) = self.order.pop_front()
            {
                self.batches.remove(&earliest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{AccountId, Crypto, Height, Keyring};
    use crate::chain::Body;

    #[test]
    fn a_batch_has_numbers_once_all_its_transactions_were_verified_and_a_forged_copy_has_none() {
        let keys = Keyring::new(Crypto::Symbolic, 1, "account", 2);
        let body = Body::Transfer { to: AccountId(1), amount: 1 };
        let payment = Transaction::signed(&keys, AccountId(0), 0, 0, body, 0);
        let coinbase = Transaction::coinbase(AccountId(0), Height(1), 5);
        let batch = Batch::new(vec![coinbase.clone(), payment.clone()]);
        let mut authentic = AuthenticTransactions::default();
        authentic.add(&coinbase);
        authentic.keep_batch(&batch);
        assert!(authentic.batch(&batch).is_none(), "the payment was not verified");
        authentic.add(&payment);
        authentic.keep_batch(&batch);
        let kept = authentic.batch(&batch).unwrap();
        assert_eq!((kept.all(), kept.payments()), ([1, 0].as_slice(), [1].as_slice()));
        let forged = Batch::new(vec![coinbase, payment.forged()]);
        assert_eq!(forged.digest(), batch.digest());
        assert!(authentic.batch(&forged).is_none() && authentic.number(&payment.forged()).is_none());
        authentic.keep_batch(&forged);
        assert!(authentic.batch(&batch).is_some(), "a forged batch takes no place");
    }

    #[test]
    fn the_earliest_batches_make_room() {
        let mut authentic = AuthenticTransactions::default();
        let batches: Vec<Arc<Batch>> = (0..=BATCHES_MAX as u64)
            .map(|height| {
                let coinbase = Transaction::coinbase(AccountId(0), Height(height), 5);
                authentic.add(&coinbase);
                let batch = Batch::new(vec![coinbase]);
                authentic.keep_batch(&batch);
                batch
            })
            .collect();
        assert!(authentic.batch(&batches[0]).is_none());
        assert!(batches[1..].iter().all(|batch| authentic.batch(batch).is_some()));
    }
}
