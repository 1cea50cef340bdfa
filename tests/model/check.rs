//! Exploring a world, and what must come of it.

use super::world::{Bounds, Checkable, World};
use stateright::{Checker, HasDiscoveries, Model};

/// Explores a world to its end: agreement holds in all of its `states`, the farthest of which is `steps` away, and
/// what must be reachable is.
pub fn holds<P: Checkable>(what: &str, world: World<P>, states: usize, steps: usize) {
    let bounds = world.bounds;
    let checker = world.checker().threads(1).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let found = (checker.unique_state_count(), checker.max_depth() - 1);
    show(P::NAME, what, &bounds, found.0, &format!("all agree, {} steps", found.1));
    if let Some(path) = checker.discovery("agreement") {
        panic!("{what}: agreement is broken by {:?}", path.into_actions());
    }
    for sometimes in ["finality", "interest"] {
        assert!(checker.discovery(sometimes).is_some(), "{what}: no {sometimes} in {} states", found.0);
    }
    assert_eq!(found, (states, steps), "{what}: states and steps to the farthest");
}

/// Explores a world until agreement is broken: the shortest history that breaks it has so many steps.
pub fn breaks<P: Checkable>(what: &str, world: impl Fn() -> World<P>, steps: usize) {
    let bounds = world().bounds;
    let (mut shortest, mut states) = (None, 0);
    // The checker goes by blocks of states, and reports the last of a block: whether there are shorter ones is asked.
    loop {
        let checker = world().checker().threads(1).finish_when(HasDiscoveries::AnyFailures);
        let below = if let Some(steps) = shortest { checker.target_max_depth(steps + 1) } else { checker };
        let checker = below.spawn_bfs().join();
        let Some(path) = checker.discovery("agreement") else { break };
        (shortest, states) = (Some(path.into_actions().len()), checker.unique_state_count());
    }
    show(P::NAME, what, &bounds, states, &format!("broken after {shortest:?} steps"));
    assert_eq!(shortest, Some(steps), "{what}");
}

/// Shows a row of the table with `--nocapture`.
#[allow(clippy::print_stdout)] // the test harness keeps it unless it is asked
fn show(protocol: &str, what: &str, bounds: &Bounds, states: usize, outcome: &str) {
    println!("| {protocol} | {what} | {bounds} | {states} | {outcome} |");
}
