//! The proposer of a round: proposer priority, a weighted round robin without floating point (CometBFT's specification).

use crate::base::{Committee, NodeId};

/// The priorities of the validators of one height.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Priorities(Vec<i128>);

impl Priorities {
    /// All priorities are zero at first.
    #[must_use]
    pub fn new(committee: &Committee) -> Priorities {
        Priorities(vec![0; committee.n()])
    }
    /// Takes a newcomer with the power `total` after it joined: it starts 1.125 times that behind, so that leaving and
    /// coming back gains nothing.
    pub fn join(&mut self, total: u64) {
        let total = i128::from(total);
        self.0.push(-(total + (total >> 3)));
    }
    /// Each validator gains its power; the one with the highest priority proposes (of equals the lower number), and loses
    /// the power of all.
    pub fn advance(&mut self, powers: &[u64]) -> NodeId {
        let total: i128 = powers.iter().map(|power| i128::from(*power)).sum();
        let most = self.0.iter().max().copied().unwrap_or(0);
        let spread = most - self.0.iter().min().copied().unwrap_or(0);
        let window = 2 * total;
        if window > 0 && spread > window {
            let ratio = (spread + window - 1) / window;
            self.0.iter_mut().for_each(|priority| *priority /= ratio);
        }
        let average = self.0.iter().sum::<i128>().div_euclid((self.0.len() as i128).max(1));
        for (priority, power) in self.0.iter_mut().zip(powers) {
            *priority += i128::from(*power) - average;
        }
        let best = (0..self.0.len()).min_by_key(|at| -self.0[*at]).unwrap_or(0);
        if let Some(priority) = self.0.get_mut(best) {
            *priority -= total;
        }
        NodeId::from(best)
    }
}
