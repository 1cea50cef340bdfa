//! What the hot parts cost, by criterion: the queue, whole runs, cryptography, the mempool.
//!
//! `ledgerlab bench` compares with other simulators; this compares with yesterday. The whole takes about a minute.

use criterion::{BatchSize, Criterion, Throughput};
use ledgerlab::base::{AccountId, Crypto, Duration, Hash, Keyring};
use ledgerlab::chain::mempool::{Capacity, Included};
use ledgerlab::chain::{Body, Mempool, OutPoint, Transaction};
use ledgerlab::speed;
use std::hint::black_box;
use std::sync::Arc;

const SEED: u64 = 1;

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(std::time::Duration::from_millis(500))
        .measurement_time(std::time::Duration::from_secs(3))
        .configure_from_args();
    queue(&mut criterion);
    runs(&mut criterion);
    cryptography(&mut criterion);
    mempool(&mut criterion);
    criterion.final_summary();
}

/// Pops and pushes of the bare event queue.
fn queue(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("queue");
    let pops = 1_000_000;
    group.throughput(Throughput::Elements(pops));
    for entities in [1_000, 100_000] {
        group.bench_function(format!("hold {entities}"), |bencher| {
            bencher.iter(|| speed::hold(black_box(entities), pops));
        });
    }
    group.finish();
}

/// Whole runs, without setting them up.
fn runs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("run");
    group.bench_function("simblock 600 nodes, 20 blocks", |bencher| {
        let setup = || speed::simblock(600, 20, Duration::from_secs(600), SEED);
        bencher.iter_batched(setup, speed::run, BatchSize::PerIteration);
    });
    for (name, crypto) in [("symbolic", Crypto::Symbolic), ("real", Crypto::Real)] {
        group.bench_function(format!("pbft 64 validators, {name}"), |bencher| {
            bencher.iter_batched(|| speed::pbft(64, crypto, SEED), speed::run, BatchSize::PerIteration);
        });
    }
    group.finish();
}

/// Signatures and hashes.
fn cryptography(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("cryptography");
    let statement = Hash::of(b"statement");
    for (name, crypto) in [("symbolic", Crypto::Symbolic), ("real", Crypto::Real)] {
        let keys = Keyring::new(crypto, SEED, "bench", 1);
        let signature = keys.sign(0, &statement);
        group.bench_function(format!("sign, {name}"), |bencher| bencher.iter(|| keys.sign(0, black_box(&statement))));
        group.bench_function(format!("verify, {name}"), |bencher| {
            bencher.iter(|| keys.verify(0, black_box(&statement), &signature));
        });
    }
    for bytes in [64, 1 << 20] {
        let text = vec![7; bytes];
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(format!("hash {bytes} bytes"), |bencher| bencher.iter(|| Hash::of(black_box(&text))));
    }
    group.finish();
}

/// A chain on which nothing was executed yet.
struct Genesis;

impl Included for Genesis {
    fn next_nonce(&self, _: AccountId) -> u64 {
        0
    }
    fn has_made(&self, _: &OutPoint) -> bool {
        true
    }
}

/// Filling a pool, and looking for the best of it.
fn mempool(criterion: &mut Criterion) {
    const SENDERS: u32 = 100;
    const WAITING: u32 = 10_000;
    let keys = Keyring::new(Crypto::Symbolic, SEED, "bench", SENDERS as usize);
    let payment = |number: u32| {
        let body = Body::Transfer { to: AccountId(0), amount: 1 };
        let fee = u64::from(number.wrapping_mul(2_654_435_761) % 1_000);
        Transaction::signed(&keys, AccountId(number % SENDERS), u64::from(number / SENDERS), fee, body, 250)
    };
    let payments: Vec<Arc<Transaction>> = (0..WAITING).map(payment).collect();
    let fill = || {
        let mut pool = Mempool::new(Capacity { bytes: 1 << 30, transactions: WAITING });
        for payment in &payments {
            pool.insert(payment.clone(), &Genesis).expect("there is room");
        }
        pool
    };
    let mut group = criterion.benchmark_group("mempool");
    group.throughput(Throughput::Elements(u64::from(WAITING)));
    group.bench_function("fill with 10000", |bencher| bencher.iter(fill));
    let pool = fill();
    group.throughput(Throughput::Elements(1_000));
    group.bench_function("best 1000 of 10000", |bencher| {
        bencher.iter(|| pool.best().take(1_000).map(|payment| payment.bytes()).sum::<usize>());
    });
    group.finish();
}
