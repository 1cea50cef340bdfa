//! Bare worlds: nothing costs time but what a test gives a price.

use ledgerlab::base::{Committee, CostTable, Crypto, Duration, Keyring, Time};
use ledgerlab::engine::{ProcessSettings, Setup, Stop, TransactionRelay};
use ledgerlab::ledger::account::{Account, Reward};
use ledgerlab::network::Network;
use ledgerlab::observe::{Observed, Observer, Violation};
use ledgerlab::protocol::Protocol;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// Accounts that may pay.
pub const ACCOUNTS: u32 = 8;

/// Free computing, free disks, no gossip, no workload.
pub fn setup<P: Protocol>(config: P::Config, committee: Committee, network: Box<dyn Network>, seed: u64) -> Setup<P> {
    let nodes = committee.n();
    Setup {
        name: P::NAME.into(),
        seed,
        config,
        committee,
        crypto: Crypto::Symbolic,
        accounts: Arc::new(Keyring::new(Crypto::Symbolic, seed, "account", ACCOUNTS as usize)),
        ledger: Box::new(|| Box::new(Account::new(ACCOUNTS, 1_000_000, Reward::Nothing, ACCOUNTS))),
        network,
        gossip: None,
        relay: TransactionRelay::Gossip,
        workload: None,
        client_delay: Duration::ZERO,
        client_retry: None,
        processes: (0..nodes).map(|_| ProcessSettings::default()).collect(),
        costs: CostTable::FREE,
        faults: Vec::new(),
        interval: Duration::from_secs(86_400),
        stop: Stop::at(Time::ZERO + Duration::from_secs(86_400 * 3_650)),
        recheck: false,
        observers: Vec::new(),
    }
}

/// What a test keeps of what it sees.
pub type Kept<T> = Rc<RefCell<T>>;

struct Seeing<T>(Kept<T>, fn(&mut T, Time, &Observed<'_>));

impl<T> Observer for Seeing<T> {
    fn observe(&mut self, now: Time, observed: &Observed<'_>) -> Result<(), Violation> {
        (self.1)(&mut self.0.borrow_mut(), now, observed);
        Ok(())
    }
    fn wants_messages(&self) -> bool {
        true
    }
}

/// An observer that keeps a `T`, and the `T`.
pub fn seeing<T: Default + 'static>(see: fn(&mut T, Time, &Observed<'_>)) -> (Kept<T>, Box<dyn Observer>) {
    let kept = Kept::<T>::default();
    (kept.clone(), Box::new(Seeing(kept, see)))
}

/// A sample of a law.
pub struct Sample(Vec<f64>);

impl Sample {
    pub fn new(mut values: Vec<f64>) -> Sample {
        values.sort_by(f64::total_cmp);
        Sample(values)
    }
    pub fn len(&self) -> usize {
        self.0.len()
    }
    pub fn mean(&self) -> f64 {
        self.0.iter().sum::<f64>() / self.0.len() as f64
    }
    pub fn standard_error(&self) -> f64 {
        let (n, mean) = (self.0.len() as f64, self.mean());
        let squares: f64 = self.0.iter().map(|value| (value - mean) * (value - mean)).sum();
        (squares / (n - 1.0) / n).sqrt()
    }
    /// The value that this share of the sample does not exceed, by nearest rank.
    pub fn quantile(&self, share: f64) -> f64 {
        let rank = (share * self.0.len() as f64).ceil() as usize;
        self.0[rank.clamp(1, self.0.len()) - 1]
    }
    /// The greatest distance to a distribution function (Kolmogorov and Smirnov), times the root of the size.
    pub fn distance(&self, law: impl Fn(f64) -> f64) -> f64 {
        let n = self.0.len() as f64;
        let gap = |(at, value): (usize, &f64)| {
            let expected = law(*value);
            (expected - at as f64 / n).max((at as f64 + 1.0) / n - expected)
        };
        self.0.iter().enumerate().map(gap).fold(0.0, f64::max) * n.sqrt()
    }
}

/// Fails unless `found` is within `tolerance` of `law`.
pub fn assert_near(what: &str, found: f64, law: f64, tolerance: f64) {
    assert!((found - law).abs() <= tolerance, "{what}: found {found}, law {law} +- {tolerance}");
}

/// The standard error of a share of `n` independent trials.
pub fn share_error(share: f64, n: f64) -> f64 {
    (share * (1.0 - share) / n).sqrt()
}
