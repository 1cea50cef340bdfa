//! Network faults: cuts and degradations, and their effect on one envelope.
//!
//! Cuts and degradations are named by numbers and add up: an envelope passes only where no cut lies, suffers the delay
//! of every degradation on its way, and must survive each one's loss. Chance is a pure function of the envelope's
//! random word and the number of the degradation, so that one more degradation changes nothing about the others.
//!
//! Simplified: losses are independent of each other; there are no bursts.

use super::sampling::{below, unit};
use super::{Change, Degradation};
use crate::base::rng::mix;
use crate::base::{Duration, NodeId, NodeSet};

/// Keeps the words of faults apart from the words of delays.
const SALT: u64 = 0x6661_756c_745f_7761;

/// The cuts and degradations in force.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    cuts: Vec<Cut>,
    degradations: Vec<Degraded>,
}

/// Nothing passes from a node of a first set to a node of the second.
#[derive(Clone, Debug)]
struct Cut {
    id: u32,
    pairs: Vec<(NodeSet, NodeSet)>,
}

/// Links from some nodes to some nodes are worse.
#[derive(Clone, Debug)]
struct Degraded {
    id: u32,
    from: NodeSet,
    to: NodeSet,
    by: Degradation,
}

/// The outcome for an envelope that has left its uplink.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Fate {
    /// It never arrives.
    pub lost: bool,
    /// It arrives this much later than without faults.
    pub late: Duration,
    /// A second copy arrives; this is added to the network delay of that copy.
    pub again: Option<Duration>,
    /// It may overtake others on its link.
    pub reorder: bool,
    /// It arrives as garbage.
    pub garbled: bool,
}

impl Faults {
    /// Whether no fault is in force.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cuts.is_empty() && self.degradations.is_empty()
    }
    /// A change takes effect. One with the number of another of its kind replaces it.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Cut { id, pairs } => {
                let pairs = pairs.iter().map(|(from, to)| (from.iter().collect(), to.iter().collect())).collect();
                self.cuts.retain(|cut| cut.id != *id);
                self.cuts.push(Cut { id: *id, pairs });
            }
            Change::Degrade { id, from, to, by } => {
                self.degradations.retain(|degraded| degraded.id != *id);
                let (from, to) = (from.iter().collect(), to.iter().collect());
                self.degradations.push(Degraded { id: *id, from, to, by: *by });
            }
            Change::Lift { id } => {
                self.cuts.retain(|cut| cut.id != *id);
                self.degradations.retain(|degraded| degraded.id != *id);
            }
        }
    }
    /// Whether a cut lies between `from` and `to`, in this direction.
    #[must_use]
    pub fn cut(&self, from: NodeId, to: NodeId) -> bool {
        self.cuts.iter().flat_map(|cut| &cut.pairs).any(|(near, far)| near.contains(from) && far.contains(to))
    }
    /// The fate of an envelope from `from` to `to` whose random word is `word`.
    #[must_use]
    pub fn fate(&self, from: NodeId, to: NodeId, word: u64) -> Fate {
        let mut fate = Fate { lost: self.cut(from, to), ..Fate::default() };
        let (mut doubled, mut copy) = (false, Duration::ZERO);
        for Degraded { id, by, .. } in self.degradations.iter().filter(|d| d.from.contains(from) && d.to.contains(to)) {
            let word = mix(word ^ SALT, u64::from(*id));
            fate.lost |= unit(mix(word, 0)) < by.loss;
            fate.late += by.extra + up_to(by.jitter, mix(word, 1));
            fate.reorder |= by.reorder;
            fate.garbled |= unit(mix(word, 4)) < by.corrupt;
            doubled |= unit(mix(word, 2)) < by.duplicate;
            copy += by.extra + up_to(by.jitter, mix(word, 3));
        }
        fate.again = doubled.then_some(copy);
        fate
    }
}

/// A span from zero to `most`, both included.
fn up_to(most: Duration, word: u64) -> Duration {
    Duration::from_nanos(below(word, most.as_nanos().saturating_add(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: NodeId = NodeId(0);
    const THERE: NodeId = NodeId(1);

    fn degraded(id: u32, by: Degradation) -> Change {
        Change::Degrade { id, from: vec![HERE], to: vec![THERE], by }
    }

    #[test]
    fn a_cut_names_each_direction_for_itself() {
        let mut faults = Faults::default();
        faults.apply(&Change::Cut { id: 1, pairs: vec![(vec![HERE], vec![THERE])] });
        assert!(faults.cut(HERE, THERE) && !faults.cut(THERE, HERE));
        assert!(faults.fate(HERE, THERE, 7).lost && !faults.fate(THERE, HERE, 7).lost);
        faults.apply(&Change::Lift { id: 1 });
        assert!(faults.is_empty() && !faults.cut(HERE, THERE));
    }

    #[test]
    fn degradations_with_different_numbers_add_up_and_one_with_the_same_number_replaces() {
        let by = |ms| Degradation { extra: Duration::from_millis(ms), ..Degradation::default() };
        let mut faults = Faults::default();
        faults.apply(&degraded(1, by(10)));
        faults.apply(&degraded(2, by(5)));
        assert_eq!(faults.fate(HERE, THERE, 3).late, Duration::from_millis(15));
        assert_eq!(faults.fate(THERE, HERE, 3).late, Duration::ZERO);
        faults.apply(&degraded(2, by(7)));
        assert_eq!(faults.fate(HERE, THERE, 3).late, Duration::from_millis(17));
        faults.apply(&Change::Lift { id: 1 });
        assert_eq!(faults.fate(HERE, THERE, 3).late, Duration::from_millis(7));
    }

    #[test]
    fn losses_and_duplicates_have_the_configured_frequency() {
        let mut faults = Faults::default();
        faults.apply(&degraded(1, Degradation { loss: 0.1, duplicate: 0.3, ..Degradation::default() }));
        faults.apply(&degraded(2, Degradation { loss: 0.2, ..Degradation::default() }));
        let trials = 50_000;
        let fates: Vec<Fate> = (0..trials).map(|i| faults.fate(HERE, THERE, mix(9, i))).collect();
        let close = |count: usize, p: f64| {
            let n = trials as f64;
            (count as f64 - n * p).abs() < 4.0 * (n * p * (1.0 - p)).sqrt()
        };
        assert!(close(fates.iter().filter(|fate| fate.lost).count(), 1.0 - 0.9 * 0.8));
        assert!(close(fates.iter().filter(|fate| fate.again.is_some()).count(), 0.3));
    }

    #[test]
    fn one_more_degradation_changes_nothing_about_the_chance_of_another() {
        let jitter = Degradation { jitter: Duration::from_millis(9), ..Degradation::default() };
        let (mut one, mut two) = (Faults::default(), Faults::default());
        one.apply(&degraded(4, jitter));
        two.apply(&degraded(3, Degradation { loss: 0.5, ..Degradation::default() }));
        two.apply(&degraded(4, jitter));
        for word in 0..100 {
            assert_eq!(one.fate(HERE, THERE, word).late, two.fate(HERE, THERE, word).late);
            assert!(one.fate(HERE, THERE, word).late <= Duration::from_millis(9));
        }
    }
}
