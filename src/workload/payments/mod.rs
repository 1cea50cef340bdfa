//! Payments between accounts.
//!
//! Each client is attached to one node and pays from accounts of its own: account `a` belongs to client
//! `a mod clients`, so that the payments of one account enter the system at one place and in order. Where there are
//! fewer accounts than clients, client `c` shares account `c mod accounts`. The payer (among its own
//! accounts) and the payee (among all) follow Zipf's law. Everything a client draws comes from streams of its own:
//! arrivals from `("workload", client, 0)`, contents from `("workload", client, 1)`. In open loops neither depends on
//! what the system does; only which coins or nonces a payment uses does, and whether there is money left.

mod settings;
#[cfg(test)]
mod tests;
mod zipf;

pub use settings::{Fee, Retry, Settings};
pub use zipf::Zipf;

use super::arrival::{Arrival, Arrivals};
use super::{Receipt, Request, Workload};
use crate::base::{AccountId, ClientId, Duration, Hash, Keyring, NodeId, Stream, Time};
use crate::ledger::Wallet;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

/// One source of payments.
struct Client {
    home: NodeId,
    arrivals: Arrivals,
    /// Draws the contents of payments.
    contents: Stream,
    /// Number of accounts that this client pays from, at least 1.
    accounts: u32,
    /// In a closed loop: the payment whose answer it waits for.
    awaited: Option<Hash>,
}

/// Makes payments. See [`Settings`].
pub struct Payments {
    settings: Settings,
    keys: Arc<Keyring>,
    wallet: Box<dyn Wallet>,
    clients: Vec<Client>,
    /// The law of senders for clients with one account more, and with one account fewer.
    senders: [Zipf; 2],
    /// The law of receivers.
    receivers: Zipf,
    /// The next request of each client that has one, the earliest on top, the lower client among equals.
    due: BinaryHeap<Reverse<(Time, ClientId)>>,
}

impl Payments {
    /// Thinking time that a client of a closed loop takes at least when it had nothing to spend.
    const POOR: Duration = Duration::from_secs(1);

    /// Payments by one client per entry of `homes`, its node, from accounts `0..settings.accounts`.
    ///
    /// # Panics
    /// If the settings do not pass [`Settings::check`], or there is no client.
    #[must_use]
    pub fn new(
        seed: u64,
        settings: Settings,
        homes: &[NodeId],
        keys: Arc<Keyring>,
        wallet: Box<dyn Wallet>,
    ) -> Payments {
        assert_eq!(settings.check(), [], "settings are checked before");
        assert!(!homes.is_empty(), "payments need a client");
        let count = u32::try_from(homes.len()).expect("fewer than 2^32 clients");
        let (each, more) = (settings.accounts / count, settings.accounts % count);
        let client = |(number, home): (u32, &NodeId)| {
            let stream = |use_| Stream::new(seed, "workload", u64::from(number), use_);
            Client {
                home: *home,
                arrivals: Arrivals::new(settings.arrival.clone(), settings.pace(), number, count, stream(0)),
                contents: stream(1),
                accounts: (each + u32::from(number < more)).max(1),
                awaited: None,
            }
        };
        let clients: Vec<Client> = (0..count).zip(homes).map(client).collect();
        let senders = [each + 1, each.max(1)].map(|accounts| Zipf::new(accounts, settings.zipf_exponent));
        let receivers = Zipf::new(settings.accounts, settings.zipf_exponent);
        let mut payments = Payments { settings, keys, wallet, clients, senders, receivers, due: BinaryHeap::new() };
        for client in 0..count {
            payments.schedule(ClientId(client), Time::ZERO);
        }
        payments
    }
    /// Plans the next request of `client`: in a closed loop, the one after an answer received at `answered_at`.
    fn schedule(&mut self, client: ClientId, answered_at: Time) {
        let end = self.settings.until.map_or(Time::NEVER, |span| Time::ZERO + span);
        if let Some(at) = self.clients[client.index()].arrivals.next(answered_at).filter(|at| *at <= end) {
            self.due.push(Reverse((at, client)));
        }
    }
    /// Sender and receiver of the next payment of `client`.
    fn draw_pair(&mut self, client: ClientId) -> (AccountId, AccountId) {
        let (count, all) = (self.clients.len() as u32, self.settings.accounts);
        let Client { contents, accounts, .. } = &mut self.clients[client.index()];
        let fewer = usize::from(*accounts <= all / count);
        let from = (self.senders[fewer].draw(contents) * count + client.0) % all;
        let to = self.receivers.draw(contents);
        (AccountId(from), AccountId(if to == from { (to + 1) % all } else { to }))
    }
    fn is_closed(&self) -> bool {
        matches!(self.settings.arrival, Arrival::Closed { .. })
    }
}

impl Workload for Payments {
    fn next(&self) -> Option<Time> {
        self.due.peek().map(|Reverse((at, _))| *at)
    }
    fn take(&mut self) -> Option<Request> {
        let Reverse((at, client)) = self.due.pop()?;
        // Everything is drawn before the wallet is asked, so that what it answers shifts no later payment.
        let (from, to) = self.draw_pair(client);
        let contents = &mut self.clients[client.index()].contents;
        let (fee, bytes) = (self.settings.fee.draw(contents), self.settings.draw_bytes(contents));
        let transaction = self.wallet.pay(&self.keys, from, to, self.settings.amount, fee, bytes);
        if !self.is_closed() {
            self.schedule(client, at);
        } else if let Some(transaction) = &transaction {
            self.clients[client.index()].awaited = Some(transaction.id());
        } else {
            self.schedule(client, at + Payments::POOR);
        }
        Some(Request { at, client, node: self.clients[client.index()].home, transaction: transaction? })
    }
    fn on_receipt(&mut self, receipt: &Receipt) {
        self.wallet.settle(&receipt.transaction, receipt.executed);
        let Some(client) = self.clients.get_mut(receipt.client.index()) else { return };
        if client.awaited == Some(receipt.transaction.id()) {
            client.awaited = None;
            self.schedule(receipt.client, receipt.at);
        }
    }
    fn offered(&self) -> Option<f64> {
        self.settings.arrival.mean_rate(self.settings.rate)
    }
}
