use super::*;
use crate::base::{ByteSize, Crypto, Height};
use crate::chain::{Body, Transaction};
use crate::ledger::account::{Account, AccountWallet, Reward};
use crate::ledger::utxo::{Utxo, UtxoLedger, UtxoWallet};
use crate::ledger::{Admission, Ledger};
use std::collections::VecDeque;

fn keys(accounts: u32) -> Arc<Keyring> {
    Arc::new(Keyring::new(Crypto::Symbolic, 1, "account", accounts as usize))
}

fn payments(settings: &Settings, clients: u32) -> Payments {
    let homes = Settings { clients: Some(clients), ..settings.clone() }.entry_nodes(4);
    let wallet = Box::new(AccountWallet::new(settings.accounts, 1_000_000_000));
    Payments::new(9, settings.clone(), &homes, keys(settings.accounts), wallet)
}

fn with_rate(rate: f64) -> Settings {
    Settings { rate: Some(rate), ..Settings::default() }
}

fn receipt(request: &Request, at: Time, executed: bool) -> Receipt {
    Receipt { at, client: request.client, transaction: request.transaction.clone(), executed }
}

fn receiver(transaction: &Transaction) -> AccountId {
    match &transaction.body {
        Body::Transfer { to, .. } => *to,
        Body::Spend { outputs, .. } => outputs[0].owner,
        Body::Anchor { .. } | Body::Coinbase { .. } => unreachable!("a workload makes none"),
    }
}

#[test]
fn requests_come_in_order_of_time_and_client_and_at_the_offered_rate() {
    let mut workload = payments(&with_rate(100.0), 7);
    assert_eq!(workload.offered(), Some(100.0));
    let mut last = (Time::ZERO, ClientId(0));
    let mut count = 0;
    while workload.next().unwrap() < Time::ZERO + Duration::from_secs(100) {
        let at = workload.next().unwrap();
        let request = workload.take().unwrap();
        assert_eq!(request.at, at);
        assert!((at, request.client) > last);
        assert_eq!(request.node, NodeId(request.client.0 % 4));
        last = (at, request.client);
        count += 1;
    }
    assert!((count - 10_000i32).abs() < 400, "four standard deviations of a Poisson count; found {count}");
    let arrival = Arrival::Bursts { size: 6, interval: Duration::from_secs(1), first: Duration::ZERO };
    let burst = Settings { arrival, ..Settings::default() };
    let mut workload = payments(&burst, 4);
    let clients: Vec<u32> = (0..6).map(|_| workload.take().unwrap().client.0).collect();
    assert_eq!(clients, [0, 0, 1, 1, 2, 3]);
}

#[test]
fn an_open_loop_submits_the_same_whatever_the_answers() {
    let settings = Settings {
        zipf_exponent: 1.1,
        fee: Fee::Lognormal { median: 100, sigma: 1.0 },
        bytes_sigma: 0.5,
        ..with_rate(100.0)
    };
    let run = |answer: Option<bool>| {
        let mut workload = payments(&settings, 3);
        let mut made = Vec::new();
        for _ in 0..2000 {
            let request = workload.take().unwrap();
            if let Some(executed) = answer {
                workload.on_receipt(&receipt(&request, request.at + Duration::from_secs(1), executed));
            }
            let t = &request.transaction;
            made.push((request.at, request.client, t.sender, receiver(t), t.fee, t.bytes()));
        }
        made
    };
    let silent = run(None);
    assert_eq!(silent, run(Some(true)));
    assert_eq!(silent, run(Some(false)));
}

#[test]
fn a_client_pays_from_its_own_accounts_and_to_others() {
    for (accounts, clients) in [(10, 3), (2, 5), (2, 1)] {
        let mut workload = payments(&Settings { accounts, zipf_exponent: 0.8, ..with_rate(100.0) }, clients);
        let mut senders = vec![false; accounts as usize];
        for _ in 0..500 {
            let Request { client, transaction, .. } = workload.take().unwrap();
            assert_eq!(transaction.sender.0 % clients.min(accounts), client.0 % accounts % clients);
            assert!(receiver(&transaction) != transaction.sender);
            senders[transaction.sender.index()] = true;
        }
        assert!(senders.iter().all(|paid| *paid), "every account pays");
    }
}

#[test]
fn zipf_tables_hold_the_law_exactly_and_draws_follow_it() {
    for (n, exponent) in [(1, 1.0), (2, 0.0), (10, 0.0), (7, 0.5), (1000, 1.0), (100_000, 1.2), (50, 3.0)] {
        let zipf = Zipf::new(n, exponent);
        let weight = |rank: usize| libm::pow((rank + 1) as f64, -exponent);
        let total: f64 = (0..n as usize).map(weight).sum();
        for (rank, probability) in zipf.probabilities().into_iter().enumerate() {
            let expected = weight(rank) / total;
            assert!((probability - expected).abs() < 1e-12, "rank {rank} of {n}: {probability}, expected {expected}");
        }
    }
    let (n, draws) = (100, 200_000);
    let (zipf, mut random) = (Zipf::new(n, 1.0), Stream::new(3, "zipf", 0, 0));
    let mut counts = vec![0.0; n as usize];
    for _ in 0..draws {
        counts[zipf.draw(&mut random) as usize] += 1.0;
    }
    let harmonic: f64 = (1..=n).map(|rank| 1.0 / f64::from(rank)).sum();
    let chi_squared: f64 = (1..=n)
        .zip(&counts)
        .map(|(rank, found)| {
            let expected = f64::from(draws) / f64::from(rank) / harmonic;
            (found - expected) * (found - expected) / expected
        })
        .sum();
    assert!(chi_squared < 148.2, "99 degrees of freedom exceed this once in a thousand; found {chi_squared}");
}

#[test]
fn sizes_and_fees_have_the_means_of_their_laws() {
    let mean = |settings: &Settings, of: fn(&Transaction) -> f64| {
        let mut workload = payments(settings, 2);
        let sample: Vec<f64> = (0..20_000).map(|_| of(&workload.take().unwrap().transaction)).collect();
        let n = sample.len() as f64;
        let mean = sample.iter().sum::<f64>() / n;
        let variance = sample.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
        (mean, 4.0 * (variance / n).sqrt())
    };
    let fee = |t: &Transaction| t.fee as f64;
    let bytes = |t: &Transaction| t.bytes() as f64;
    let default = with_rate(100.0);
    assert_eq!((mean(&default, fee), mean(&default, bytes)), ((250.0, 0.0), (250.0, 0.0)));
    let (found, error) = mean(&Settings { fee: Fee::Exponential(1000), ..default.clone() }, fee);
    assert!((found - 1000.0).abs() < error);
    let (found, error) = mean(&Settings { fee: Fee::Lognormal { median: 1000, sigma: 0.7 }, ..default.clone() }, fee);
    assert!((found - 1000.0 * libm::exp(0.245)).abs() < error);
    let large = Settings { bytes: ByteSize(100_000), bytes_sigma: 0.6, ..default };
    let (found, error) = mean(&large, bytes);
    assert!((found - 100_000.0).abs() < error, "{found} +- {error}");
}

#[test]
fn who_has_nothing_to_spend_makes_no_request() {
    let settings = Settings { accounts: 2, amount: 10, fee: Fee::Constant(0), ..Settings::default() };
    let poor = |arrival: Arrival| {
        let wallet = Box::new(AccountWallet::new(2, 15));
        let rate = arrival.needs_rate().then_some(10.0);
        Payments::new(1, Settings { rate, arrival, ..settings.clone() }, &[NodeId(0)], keys(2), wallet)
    };
    let mut open = poor(Arrival::Poisson {});
    let made = (0..50).filter_map(|_| open.take()).count();
    assert_eq!(made, 2, "one payment from each account");
    assert!(open.next().is_some(), "arrivals go on");

    let mut closed = poor(Arrival::Closed { think_time: Duration::ZERO });
    let mut requests = Vec::new();
    while requests.len() < 2 {
        if let Some(request) = closed.take() {
            assert_eq!(closed.next(), None, "it waits for the answer");
            closed.on_receipt(&receipt(&request, request.at, false));
            closed.on_receipt(&receipt(&request, request.at, false));
            requests.push(request);
        }
    }
    let first = closed.take().unwrap();
    closed.on_receipt(&Receipt { client: ClientId(0), ..receipt(&requests[0], first.at, true) });
    assert_eq!(closed.next(), None, "an answer to something else is not the awaited one");
}

#[test]
fn a_client_that_is_poor_in_a_closed_loop_tries_again_later() {
    let settings =
        Settings { accounts: 2, arrival: Arrival::Closed { think_time: Duration::ZERO }, ..Settings::default() };
    let mut workload = Payments::new(1, settings, &[NodeId(0)], keys(2), Box::new(AccountWallet::new(2, 0)));
    for seconds in 0..3 {
        assert_eq!(workload.next(), Some(Time::ZERO + Duration::from_secs(seconds)));
        assert!(workload.take().is_none());
    }
}

#[test]
fn no_request_comes_after_the_end() {
    let end = Duration::from_secs(3);
    let mut workload = payments(&Settings { until: Some(end), ..with_rate(100.0) }, 3);
    let times: Vec<Time> = std::iter::from_fn(|| workload.take()).map(|request| request.at).collect();
    assert_eq!(workload.next(), None);
    assert!((200..400).contains(&times.len()));
    assert!(times.iter().all(|at| *at <= Time::ZERO + end));
}

/// Littles law, N = X (R + Z): clients that wait or think are all clients there are.
#[test]
fn a_closed_loop_on_one_server_obeys_littles_law() {
    let (clients, think) = (20, Duration::from_millis(40));
    for service in [Duration::from_millis(1), Duration::from_millis(5)] {
        let mut workload =
            payments(&Settings { arrival: Arrival::Closed { think_time: think }, ..Settings::default() }, clients);
        let (mut queue, mut free): (VecDeque<(Time, Request)>, Time) = (VecDeque::new(), Time::ZERO);
        let (mut done, mut waited, mut last) = (0u32, 0.0, Time::ZERO);
        while done < 60_000 {
            let answer = queue.front().map_or(Time::NEVER, |(at, _)| *at);
            if workload.next().is_some_and(|at| at <= answer) {
                let request = workload.take().unwrap();
                free = free.max(request.at) + service;
                queue.push_back((free, request));
            } else {
                let (at, request) = queue.pop_front().unwrap();
                workload.on_receipt(&receipt(&request, at, true));
                waited += at.since(request.at).as_secs_f64();
                (done, last) = (done + 1, at);
            }
            assert!(queue.len() <= clients as usize, "one request of each client at most");
        }
        let rate = f64::from(done) / last.as_secs_f64();
        let population = rate * (waited / f64::from(done) + think.as_secs_f64());
        assert!((population / f64::from(clients) - 1.0).abs() < 0.01, "N = {population}");
        // The server with 5 ms is the bottleneck: 20 clients would ask up to 444 times a second.
        assert!(service < Duration::from_millis(5) || (rate / 200.0 - 1.0).abs() < 0.01, "X = {rate}");
    }
}

#[test]
fn what_is_asked_in_order_is_executed_on_either_ledger() {
    let settings = Settings { zipf_exponent: 1.0, accounts: 50, fee: Fee::Exponential(30), ..with_rate(100.0) };
    let outputs = UtxoLedger { coins: 4, amount: 5_000, ..UtxoLedger::default() };
    let ledgers: [(Box<dyn Ledger>, Box<dyn Wallet>); 2] = [
        (Box::new(Account::new(50, 20_000, Reward::Fees, 50)), Box::new(AccountWallet::new(50, 20_000))),
        (Box::new(Utxo::new(outputs, 50, 50)), Box::new(UtxoWallet::new(outputs, 50))),
    ];
    for (mut ledger, wallet) in ledgers {
        let keys = keys(50);
        let mut workload = Payments::new(4, settings.clone(), &settings.entry_nodes(3), keys.clone(), wallet);
        let mut made = 0;
        for height in 1..60 {
            let requests: Vec<Request> = (0..20).filter_map(|_| workload.take()).collect();
            ledger.begin(Height(height));
            let fees = requests.iter().map(|request| request.transaction.fee).sum();
            ledger.execute(&ledger.coinbase(NodeId(1), Height(height), fees).unwrap()).unwrap();
            for request in &requests {
                assert!(request.transaction.is_signed(&keys));
                assert_eq!(ledger.admit(&request.transaction), Ok(Admission::Now));
                assert_eq!(ledger.execute(&request.transaction), Ok(()));
            }
            assert_eq!(ledger.finish(), Ok(()));
            assert_eq!(ledger.audit(), Ok(()));
            requests.iter().for_each(|request| workload.on_receipt(&receipt(request, request.at, true)));
            made += requests.len();
        }
        assert!(made > 1000);
    }
}

#[test]
fn settings_are_written_as_in_scenarios_and_values_out_of_range_are_reported() {
    let read = |text: &str| toml::from_str::<Settings>(text);
    assert_eq!(read("").unwrap(), Settings::default());
    let text = "accounts = 10\nbytes = \"1 kB\"\nfee.lognormal = { median = 3, sigma = 1.0 }\nretry = \"never\"\n\
                [arrival.closed]\nthink_time = \"20ms\"";
    let found = read(text).unwrap();
    assert_eq!(found.arrival, Arrival::Closed { think_time: Duration::from_millis(20) });
    assert_eq!((found.fee, found.retry), (Fee::Lognormal { median: 3, sigma: 1.0 }, Retry::Never));
    assert_eq!(read(&toml::to_string(&found).unwrap()).unwrap(), found);
    assert_eq!(read("fee = { constant = 7 }").unwrap().fee, Fee::Constant(7));
    assert!(read("speed = 5.0").is_err());
    let refused = |settings: Settings| -> Vec<String> { settings.check().iter().map(ToString::to_string).collect() };
    assert_eq!(refused(with_rate(100.0)), [""; 0]);
    assert_eq!(refused(with_rate(-1.0)), ["`rate` must be above 0: found -1"]);
    assert_eq!(refused(Settings::default()), ["`rate` must be given, in transactions per second: found none"]);
    assert_eq!(
        refused(Settings { zipf_exponent: -1.0, accounts: 1, ..with_rate(5.0) }),
        ["`accounts` must be at least 2: found 1", "`zipf_exponent` must lie between 0 and 10: found -1"]
    );
    assert_eq!(refused(Settings { bytes: ByteSize(1 << 40), ..with_rate(5.0) }).len(), 1);
    assert_eq!(refused(Settings { retry: Retry::After(Duration::ZERO), ..with_rate(5.0) }).len(), 1);
}
