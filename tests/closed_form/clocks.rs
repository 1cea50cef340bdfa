//! Clocks that are wrong, where turns follow the clock: exactly whose blocks it costs.

use super::laboratory::{seeing, setup};
use ledgerlab::base::{Duration, NodeId, Time};
use ledgerlab::consensus::aura::{Aura, Config};
use ledgerlab::engine::{Clock, Simulation, Stop};
use ledgerlab::network::latency::{Distribution, Latency};
use ledgerlab::network::transport::{Settings, Transport};
use ledgerlab::observe::Observed;
use ledgerlab::protocol::Protocol;

/// Validators, of which three make a block final.
const NODES: usize = 5;
/// Steps of 5 s that a run lasts.
const STEPS: u64 = 200;

/// Which node finalized blocks of which, in order.
type Finals = Vec<(NodeId, NodeId)>;

/// The authors of what each node has final when the clocks of some are ahead by so many tenths of a step.
fn authors(wrong: &[usize], tenths: i64) -> Vec<Vec<u32>> {
    let law = Distribution::Constant { delay: Duration::from_millis(10) };
    let delay = Latency::from_distribution(&law).expect("a possible law").with_floor(Duration::ZERO);
    let config = Config { empty_blocks: true, ..Config::default() };
    let committee = Aura::committee(&config, vec![1; NODES]);
    let network = Transport::new(1, Box::new(delay), Settings::unlimited(NODES));
    let step = config.step;
    let mut setup = setup::<Aura>(config, committee, Box::new(network), 1);
    setup.stop = Stop::at(Time::ZERO + step * STEPS);
    for node in wrong {
        setup.processes[*node].clock = Clock { offset: tenths * step.as_nanos() as i64 / 10, drift: 0 };
    }
    let (seen, observer) = seeing(|finals: &mut Finals, _, observed| {
        if let Observed::Finalized { node, block, .. } = *observed {
            finals.push((node, block.header.proposer));
        }
    });
    setup.observers.push(observer);
    let mut simulation = Simulation::new(setup);
    while simulation.advance(Time::NEVER, 10_000) {}
    drop(simulation);
    let seen = seen.borrow();
    let of = |node: usize| seen.iter().filter(|(at, _)| at.index() == node).map(|(_, author)| author.0).collect();
    (0..NODES).map(of).collect()
}

/// Every fifth step is each one's. A clock ahead by more than a step seals on what there was before the step before, so
/// that its block is as high as that of the validator before and of a later step, and loses. One behind by more than a step
/// seals beside the block of the next, of an earlier step, and wins. Either way one block in five is lost.
#[test]
fn a_clock_a_step_ahead_costs_its_own_blocks_and_one_behind_those_of_the_next() {
    for (tenths, loser) in [(0, None), (12, Some(1)), (-12, Some(2))] {
        let authors = authors(&[1], tenths);
        let longest = authors.iter().max_by_key(|authors| authors.len()).expect("nodes").clone();
        for (node, authors) in authors.iter().enumerate() {
            assert_eq!(authors[..], longest[..authors.len()], "{node} with {tenths}");
            assert!(authors.len() + 5 > longest.len(), "{node} keeps up with {tenths}");
        }
        let made = |author: u32| longest.iter().filter(|made| **made == author).count() as u64;
        for author in 0..NODES as u32 {
            let due = if loser == Some(author) { 0 } else { STEPS / NODES as u64 };
            assert!(
                (due.saturating_sub(3)..=due).contains(&made(author)),
                "{author} made {} with {tenths}",
                made(author)
            );
        }
    }
}

/// Blocks of more than four steps ahead are refused: three of five who are six steps ahead make their own blocks final. The
/// other two take these blocks later, when they ask for the chain, and follow.
#[test]
fn a_drifted_majority_goes_on_and_is_followed() {
    let authors = authors(&[0, 1, 2], 60);
    assert!(authors[..3].iter().all(|authors| authors.len() > STEPS as usize / 2));
    assert!(authors[3..].iter().all(|late| authors[0].starts_with(late) || late.starts_with(&authors[0])));
}
