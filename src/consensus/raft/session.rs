//! Client sessions (thesis 6.3): a command that reaches the log twice is executed once.
//!
//! A transaction's (sender, nonce) is (client, sequence number). A client's first command registers it. The table is
//! part of the replicated state: every node has the same one after the same entry, and it travels in snapshots.
//! Sessions end by the leader-stamped time of entries. A command numbered below what an ended session has executed
//! might have been executed, so it is refused; a higher one cannot have been and begins a new session.
//!
//! Simplified: a client that pipelines need not acknowledge replies; everything below its lowest missing number counts
//! as acknowledged, and the reply (the height) is kept for the latest command and those out of order.

use super::position::Index;
use crate::base::wire::NUMBER_BYTES;
use crate::base::{AccountId, Duration, Time};
use crate::chain::{Batch, Transaction};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The verdict of the table on a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It is new.
    Execute,
    /// It was executed at this height: the cached reply.
    Duplicate(Index),
    /// It is below the acknowledged floor: dropped without a reply.
    Acknowledged,
    /// Its session has ended, and it may have been executed.
    Expired,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Session {
    /// Every number below was executed or given up.
    floor: u64,
    /// The replies to executed numbers above the floor; at most `window`.
    above: BTreeMap<u64, Index>,
    /// The latest executed command and its reply.
    latest: (u64, Index),
    /// Stamp of the entry with the last command.
    active: Time,
}

/// All sessions after some entry.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Sessions {
    clients: BTreeMap<AccountId, Session>,
}

/// What became of a batch.
#[derive(Clone, Debug)]
pub struct Filtered {
    /// What is to be executed.
    pub batch: Arc<Batch>,
    /// How many commands were executed before.
    pub duplicates: u64,
    /// How many commands came after the end of their session.
    pub expired: u64,
}

impl Sessions {
    /// The verdict of the table on a command in an entry stamped `time`.
    #[must_use]
    pub fn judge(&self, command: &Transaction, time: Time, timeout: Duration) -> Verdict {
        let Some(session) = self.clients.get(&command.sender).filter(|_| !command.is_coinbase()) else {
            return Verdict::Execute;
        };
        let number = command.nonce;
        if time.since(session.active) > timeout {
            let highest = session.above.keys().next_back().map_or(session.floor, |above| above.saturating_add(1));
            return if number < highest { Verdict::Expired } else { Verdict::Execute };
        }
        if number == session.latest.0 {
            return Verdict::Duplicate(session.latest.1);
        }
        match session.above.get(&number) {
            Some(reply) => Verdict::Duplicate(*reply),
            None if number < session.floor => Verdict::Acknowledged,
            None => Verdict::Execute,
        }
    }
    /// Applies the entry at `index`: removes what must not be executed from its batch and remembers the rest.
    pub fn apply(&mut self, index: Index, batch: &Arc<Batch>, time: Time, limits: (Duration, u32)) -> Filtered {
        let (timeout, window) = limits;
        let (mut duplicates, mut expired) = (0, 0);
        let mut kept = Vec::with_capacity(batch.len());
        for command in batch.transactions() {
            match self.judge(command, time, timeout) {
                Verdict::Execute => {
                    self.remember(command, index, time, timeout, window);
                    kept.push(command.clone());
                }
                Verdict::Duplicate(_) | Verdict::Acknowledged => duplicates += 1,
                Verdict::Expired => expired += 1,
            }
        }
        let batch = if kept.len() == batch.len() { batch.clone() } else { Batch::new(kept) };
        Filtered { batch, duplicates, expired }
    }
    fn remember(&mut self, command: &Transaction, index: Index, time: Time, timeout: Duration, window: u32) {
        if command.is_coinbase() {
            return;
        }
        let number = command.nonce;
        let fresh = || Session { floor: 0, above: BTreeMap::new(), latest: (number, index), active: time };
        let session = self.clients.entry(command.sender).or_insert_with(fresh);
        if time.since(session.active) > timeout {
            *session = Session { floor: number, ..fresh() };
        }
        (session.latest, session.active) = ((number, index), time);
        session.above.insert(number, index);
        if session.above.len() > window as usize {
            session.floor = *session.above.keys().next().expect("one was just inserted");
        }
        while session.above.remove(&session.floor).is_some() {
            session.floor = session.floor.saturating_add(1);
        }
    }
    /// Bytes in a snapshot: client, floor, latest number and reply, stamp; number and reply of each out of order.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let of = |session: &Session| 5 + 2 * session.above.len();
        (self.clients.values().map(of).sum::<usize>() * NUMBER_BYTES) as u64
    }
}
