//! Proof of work: when blocks are found, how often they collide, and what attackers win.

use super::laboratory::{Sample, assert_near, seeing, setup, share_error};
use ledgerlab::base::{Committee, Duration, FaultModel, Hash, Height, NodeId};
use ledgerlab::chain::BlockIndex;
use ledgerlab::consensus::nakamoto::finality::{Finality, reversal_exact};
use ledgerlab::consensus::nakamoto::{Config, Nakamoto};
use ledgerlab::engine::{Simulation, Stop, StopRule};
use ledgerlab::network::latency::{DelaySampling, Distribution, Latency, Region};
use ledgerlab::network::transport::{Settings, Transport};
use ledgerlab::observe::Observed;
use std::collections::BTreeSet;

const SPACING: Duration = Duration::from_secs(600);

/// A block, when its maker made it.
struct Mined {
    at: f64,
    id: Hash,
    by: NodeId,
}

/// What happened on a chain.
#[derive(Default)]
struct Seen {
    /// Blocks in the order of their making; those that their maker hid, when it showed them.
    mined: Vec<Mined>,
    /// How often node 1 cut its chain back.
    rewound: usize,
    /// The names of the blocks of node 0 and of their parents, in the order of their making, shown to others or not.
    made: Vec<(Hash, Hash)>,
}

/// A mine: miners, an attack that node 0 plays, delays between node 0 and the others and among the others.
struct Mine {
    weights: Vec<u64>,
    attack: Option<&'static str>,
    confirmations: u64,
    delays: [Duration; 2],
    blocks: u64,
    seed: u64,
}

impl Mine {
    fn honest(weights: &[u64], delay: Duration, blocks: u64) -> Mine {
        Mine { weights: weights.to_vec(), attack: None, confirmations: 6, delays: [delay; 2], blocks, seed: 1 }
    }
    fn attacked(attack: &'static str, weights: &[u64], delays: [u64; 2], blocks: u64) -> Mine {
        let delays = delays.map(Duration::from_millis);
        Mine { attack: Some(attack), delays, ..Mine::honest(weights, Duration::ZERO, blocks) }
    }
    /// Everything that was mined, and the names of the blocks of the chain that node 1 (or the only node) ends with.
    fn run(&self) -> (Seen, BTreeSet<Hash>) {
        let n = self.weights.len();
        let [to_attacker, among] = self.delays.map(|value| Distribution::Constant { delay: value });
        let laws = [to_attacker.clone(), to_attacker.clone(), to_attacker, among];
        let places = (0..n).map(|node| Region::from(node > 0)).collect();
        let delay = Latency::of_laws(0, &laws, places, DelaySampling::PerMessage).expect("constant delays");
        let network = Transport::new(self.seed, Box::new(delay), Settings::unlimited(n));
        let finality = Finality { confirmations: Some(self.confirmations), ..Finality::default() };
        let config = Config { spacing: SPACING, retarget: 0, finality, ..Config::default() };
        let committee = Committee::weighted(self.weights.clone(), FaultModel::Byzantine);
        let mut setup = setup::<Nakamoto>(config, committee, Box::new(network), self.seed);
        setup.processes[0].attack = self.attack.map(str::to_owned);
        setup.stop = Stop { rule: Some(StopRule::Height(self.blocks)), ..setup.stop };
        let (seen, observer) = seeing(|seen: &mut Seen, now, observed| match *observed {
            Observed::Held { node, block } if node == block.header.proposer && block.height() > Height::GENESIS => {
                seen.mined.push(Mined { at: now.as_secs_f64(), id: block.id(), by: node });
            }
            Observed::Rewound { node: NodeId(1), .. } => seen.rewound += 1,
            _ => {}
        });
        setup.observers.push(observer);
        let mut simulation = Simulation::new(setup);
        while simulation.advance(ledgerlab::base::Time::NEVER, 1_000_000) {}
        let witness = NodeId::from((n - 1).min(1));
        let chain = (1..).map_while(|height| simulation.block_at(witness, Height(height))).map(|block| block.id());
        let chain = chain.collect();
        let tree = simulation.tree();
        let all = (1..tree.len()).map(|index| tree.block(BlockIndex(index as u32)));
        let made = all.filter(|block| block.header.proposer == NodeId(0)).map(|block| (block.id(), block.parent()));
        seen.borrow_mut().made = made.collect();
        (std::mem::take(&mut seen.borrow_mut()), chain)
    }
}

/// Nakamoto 2008, section 11: blocks are a Poisson process. Kolmogorov and Smirnov at 1 %: 1.63.
#[test]
fn the_times_between_blocks_are_exponential_with_the_mean_that_difficulty_aims_at() {
    let (seen, chain) = Mine::honest(&[5, 3, 2], Duration::from_millis(1), 4_000).run();
    let times: Vec<f64> = seen.mined.iter().filter(|block| chain.contains(&block.id)).map(|block| block.at).collect();
    let gaps = Sample::new(times.windows(2).map(|pair| pair[1] - pair[0]).collect());
    let mean = SPACING.as_secs_f64();
    assert!(gaps.len() > 3_900);
    assert_near("mean interval", gaps.mean(), mean, 4.0 * gaps.standard_error());
    let distance = gaps.distance(|gap| 1.0 - libm::exp(-gap / mean));
    assert!(distance < 1.63, "distance {distance}");
    let share = seen.mined.iter().filter(|block| block.by == NodeId(0)).count() as f64 / seen.mined.len() as f64;
    assert_near("share of a miner with half the power", share, 0.5, 4.0 * share_error(0.5, 4_000.0));
}

/// The share of blocks that another miner's block meets while they spread, all delays being `delta`:
/// `sum w_i (1 - exp(-(1 - w_i) delta / T))`, which for many small miners is `1 - exp(-delta / T)`. That a block which
/// meets another goes stale is right to first order only: the law leaves out a share `delta / T` of itself.
#[test]
fn blocks_go_stale_as_often_as_another_miner_finds_one_while_they_spread() {
    for (weights, delay, blocks) in
        [(vec![1; 10], 10, 20_000), (vec![1; 10], 60, 12_000), (vec![1, 1], 60, 20_000), (vec![3, 1, 1], 60, 16_000)]
    {
        let ratio = delay as f64 / SPACING.as_secs_f64();
        let total: u64 = weights.iter().sum();
        let shares = weights.iter().map(|weight| *weight as f64 / total as f64);
        let law: f64 = shares.map(|share| share * (1.0 - libm::exp(-(1.0 - share) * ratio))).sum();
        let (seen, chain) = Mine::honest(&weights, Duration::from_secs(delay), blocks).run();
        let mined = seen.mined.len() as f64;
        let stale = 1.0 - chain.len() as f64 / mined;
        let what = format!("{weights:?}, {delay} s");
        assert_near(&what, stale, law, 4.0 * share_error(law, mined) + ratio * law);
    }
}

/// Nakamoto 2008, section 11, with the exact law of Grunspan and Perez-Marco 2018: the attacker has mined in secret
/// since the payment, and ever draws level once it has `z` confirmations. Every block of the honest begins a race; the
/// races overlap, so their standard error is that of the means of a hundred stretches.
#[test]
fn an_attacker_catches_up_as_often_as_the_exact_law_says() {
    // From so many blocks behind, a share of 0.3 catches up once in 10^18.
    const TAIL: usize = 2_000;
    for (power, q) in [([1, 9], 0.1), ([3, 7], 0.3)] {
        let (seen, _) = Mine::honest(&power, Duration::from_millis(1), 60_000).run();
        let by_attacker: Vec<bool> = seen.mined.iter().map(|block| block.by == NodeId(0)).collect();
        // The attacker's lead after each block, and the most it ever is from there on.
        let lead = by_attacker.iter().scan(0i64, |lead, found| {
            *lead += if *found { 1 } else { -1 };
            Some(*lead)
        });
        let lead: Vec<i64> = lead.collect();
        let mut best = lead.clone();
        for at in (0..best.len() - 1).rev() {
            best[at] = best[at].max(best[at + 1]);
        }
        let honest: Vec<usize> = (0..lead.len()).filter(|at| !by_attacker[*at]).collect();
        for z in [1, 2, 5] {
            let races = honest.len() - TAIL;
            let wins: Vec<f64> = (0..races).map(|at| f64::from(best[honest[at + z]] >= lead[honest[at]])).collect();
            let stretches =
                Sample::new(wins.chunks(races / 100).map(|part| Sample::new(part.to_vec()).mean()).collect());
            let law = reversal_exact(q, z as u64);
            let found = Sample::new(wins).mean();
            assert_near(&format!("q = {q}, z = {z}"), found, law, 4.0 * stretches.standard_error());
        }
    }
}

/// The whole attack: the double spender of share `q` mines in secret until `m` blocks (the payment's and its
/// confirmations) are public and its own chain is longer, or it is hopelessly behind. With `k` of its own blocks when the
/// `m`-th is found (negative binomial), it must still gain `m + 1 - k`, each with probability `q / p`.
#[test]
fn a_double_spender_rewinds_the_payment_as_often_as_it_gets_ahead() {
    let (q, p, m) = (0.3_f64, 0.7_f64, 2);
    let mut law = 1.0;
    let mut exactly = libm::pow(p, f64::from(m));
    for k in 0..=m {
        law -= exactly * (1.0 - libm::pow(q / p, f64::from(m + 1 - k)));
        exactly *= q * f64::from(k + m) / f64::from(k + 1);
    }
    let mine = Mine { confirmations: m as u64 - 1, ..Mine::attacked("double_spend", &[3, 7], [1, 1], 100_000) };
    let (seen, _) = mine.run();
    // Who gives up goes on from a block that is not its own.
    let given_up = seen.made.windows(2).filter(|pair| pair[1].1 != pair[0].0).count();
    let attempts = (given_up + seen.rewound) as f64;
    assert!(attempts > 600.0, "{attempts} attempts");
    assert_near("success", seen.rewound as f64 / attempts, law, 4.0 * share_error(law, attempts));
}

/// Eyal and Sirer 2014, equation 8: revenue of a pool of share `alpha` when `gamma` of the honest power mines on its block
/// in a tie. With one honest miner none does; with two equal ones that receive from the pool sooner than each other, the one
/// that did not find the other block does: one half.
#[test]
fn a_selfish_pool_earns_what_eyal_and_sirer_computed() {
    let cases = [
        (vec![1, 2], [1, 1], 1.0 / 3.0, 0.0),
        (vec![2, 3], [1, 1], 0.4, 0.0),
        (vec![6, 7, 7], [1, 500], 0.3, 0.5),
        (vec![8, 6, 6], [1, 500], 0.4, 0.5),
    ];
    for (weights, delays, alpha, gamma) in cases {
        let honest = 1.0 - alpha;
        let revenue = (alpha * honest * honest * (4.0 * alpha + gamma * (1.0 - 2.0 * alpha)) - alpha * alpha * alpha)
            / (1.0 - alpha * (1.0 + (2.0 - alpha) * alpha));
        let (seen, chain) = Mine::attacked("selfish", &weights, delays, 16_000).run();
        let canonical = seen.mined.iter().filter(|block| chain.contains(&block.id));
        let own = canonical.clone().filter(|block| block.by == NodeId(0)).count() as f64;
        let found = own / canonical.count() as f64;
        // Blocks come in runs, which makes the error about half as large again as that of independent blocks.
        let error = 1.5 * share_error(revenue, chain.len() as f64);
        assert_near(&format!("alpha = {alpha}, gamma = {gamma}"), found, revenue, 4.0 * error);
    }
}
