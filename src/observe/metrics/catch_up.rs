//! How far honest nodes that are up are behind each other, and when they have caught up after a fault period.

use crate::base::{Height, NodeId, Time};
use std::collections::BTreeMap;

/// Nodes have caught up when none is further behind the first than this number of blocks, or than one was before any
/// fault: where blocks take less time than messages, nodes are always some blocks behind.
const LAG_MAX: u64 = 10;

/// When all nodes had caught up after a fault period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaughtUp {
    /// The end of the period.
    pub end: Time,
    /// Since when they had, up to `until`; `None` if they had not.
    pub since: Option<Time>,
    /// When the next period began, or the run ended.
    pub until: Time,
}

/// The heights that the honest nodes that are up have finalized.
pub struct Followers {
    honest: Vec<bool>,
    /// Of each honest node that is up.
    heights: Vec<Option<Height>>,
    /// The number of nodes at each height.
    nodes_at: BTreeMap<Height, u32>,
    /// How far they may be behind the first: ten blocks, or as far as they were before the first fault.
    lag_max: u64,
    /// Whether a fault has begun.
    had_fault: bool,
    /// The last period that ended, the height that nodes must finalize, and since when they have caught up.
    watch: Option<(Time, Height, Option<Time>)>,
    /// Earlier periods.
    done: Vec<CaughtUp>,
}

impl Followers {
    /// All nodes are down.
    pub fn new(honest: &[bool]) -> Followers {
        Followers {
            honest: honest.to_vec(),
            heights: vec![None; honest.len()],
            nodes_at: BTreeMap::new(),
            lag_max: LAG_MAX,
            had_fault: false,
            watch: None,
            done: Vec::new(),
        }
    }
    /// A node has finalized its chain up to a height, or is down.
    pub fn set_finalized(&mut self, now: Time, node: NodeId, height: Option<Height>) {
        if !self.honest[node.index()] {
            return;
        }
        let before = std::mem::replace(&mut self.heights[node.index()], height);
        if before == height {
            return;
        }
        if let Some(before) = before
            && let Some(count) = self.nodes_at.get_mut(&before)
        {
            *count -= 1;
            if *count == 0 {
                self.nodes_at.remove(&before);
            }
        }
        if let Some(height) = height {
            *self.nodes_at.entry(height).or_default() += 1;
        }
        self.update(now);
    }
    /// The lowest height and the highest.
    fn ends(&self) -> Option<(Height, Height)> {
        self.nodes_at.keys().next().copied().zip(self.nodes_at.keys().next_back().copied())
    }
    /// Whether all nodes that are up have finalized `height` and are close to the first; false if all are down.
    fn have_caught_up(&self, height: Height) -> bool {
        self.ends().is_some_and(|(last, first)| last >= height && first.0 - last.0 <= self.lag_max)
    }
    fn update(&mut self, now: Time) {
        if let Some((last, first)) = self.ends().filter(|_| !self.had_fault) {
            self.lag_max = self.lag_max.max(first.0 - last.0);
        }
        if let Some((end, wanted, since)) = self.watch {
            let since = if self.have_caught_up(wanted) { since.or(Some(now)) } else { None };
            self.watch = Some((end, wanted, since));
        }
    }
    /// The last active fault ended.
    pub fn period_ends(&mut self, now: Time) {
        let wanted = self.nodes_at.keys().next_back().copied().unwrap_or_default();
        self.watch = Some((now, wanted, None));
        self.update(now);
    }
    /// A fault begins, or the run ends. A fault that begins when the last one ends continues its period.
    pub fn period_begins(&mut self, now: Time) {
        self.had_fault = true;
        if let Some((end, _, since)) = self.watch.take()
            && end < now
        {
            self.done.push(CaughtUp { end, since, until: now });
        }
    }
    /// When the nodes had caught up after the period that ended at `end`.
    pub fn after(&self, end: Time) -> Option<CaughtUp> {
        self.done.iter().find(|done| done.end == end).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Duration;

    fn ms(n: u64) -> Time {
        Time::ZERO + Duration::from_millis(n)
    }

    fn followers(heights: [u64; 3]) -> Followers {
        let mut followers = Followers::new(&[true, true, true, false]);
        for (node, height) in heights.into_iter().enumerate() {
            followers.set_finalized(ms(0), NodeId::from(node), Some(Height(height)));
        }
        followers.lag_max = LAG_MAX;
        followers.period_begins(ms(1));
        followers
    }

    fn stand(followers: &mut Followers, at: u64, node: u32, height: u64) {
        followers.set_finalized(ms(at), NodeId(node), Some(Height(height)));
    }

    fn since(followers: &mut Followers, end: u64) -> Option<u64> {
        followers.period_begins(ms(9_000));
        followers.after(ms(end)).unwrap().since.map(|at| at.as_nanos() / 1_000_000)
    }

    #[test]
    fn nodes_that_stand_together_at_the_end_of_a_period_have_caught_up_at_once() {
        let mut all = followers([5, 5, 5]);
        all.period_ends(ms(100));
        stand(&mut all, 200, 0, 15);
        assert_eq!(since(&mut all, 100), Some(100), "ten blocks apart is together");
    }

    #[test]
    fn a_node_has_caught_up_when_it_holds_what_the_first_held_and_stays_within_ten_blocks() {
        let mut all = followers([50, 50, 3]);
        all.period_ends(ms(100));
        stand(&mut all, 200, 2, 49);
        stand(&mut all, 300, 2, 50);
        assert_eq!(since(&mut all, 100), Some(300));
        let mut all = followers([50, 50, 3]);
        all.period_ends(ms(100));
        stand(&mut all, 300, 2, 50);
        stand(&mut all, 400, 0, 61);
        stand(&mut all, 450, 1, 61);
        stand(&mut all, 500, 2, 51);
        assert_eq!(since(&mut all, 100), Some(500), "it fell back once more");
    }

    #[test]
    fn a_node_that_never_catches_up_counts_unless_it_is_down_or_byzantine() {
        let mut all = followers([50, 50, 3]);
        all.period_ends(ms(100));
        stand(&mut all, 200, 2, 20);
        assert_eq!(since(&mut all, 100), None);
        let mut all = followers([50, 50, 3]);
        all.set_finalized(ms(50), NodeId(2), None);
        stand(&mut all, 60, 3, 1);
        all.period_ends(ms(100));
        assert_eq!(since(&mut all, 100), Some(100));
    }

    #[test]
    fn nodes_may_be_as_far_apart_as_before_any_fault() {
        let mut all = Followers::new(&[true, true]);
        for (at, node, height) in [(0, 0, 0), (0, 1, 0), (10, 0, 25), (20, 1, 25)] {
            stand(&mut all, at, node, height);
        }
        all.period_begins(ms(50));
        all.period_ends(ms(100));
        stand(&mut all, 200, 0, 50);
        assert_eq!(since(&mut all, 100), Some(100), "25 apart, as before");
    }

    #[test]
    fn a_period_that_another_touches_goes_on_and_one_that_another_follows_is_judged_up_to_it() {
        let mut all = followers([5, 5, 5]);
        all.period_ends(ms(100));
        all.period_begins(ms(100));
        assert_eq!(all.after(ms(100)), None);
        all.period_ends(ms(200));
        all.period_begins(ms(300));
        assert_eq!(all.after(ms(200)), Some(CaughtUp { end: ms(200), since: Some(ms(200)), until: ms(300) }));
    }
}
