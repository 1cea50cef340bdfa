//! Labels of notes that mean the same in every protocol: protocols write them, metrics and the engine read them.

use super::Height;

/// This node leads from now on; the value is its turn. Later turns of a chain have greater numbers, so that a restarted
/// node that leads by what it remembers can be distinguished from the present leader. A turn is the term (Raft) or view
/// (PBFT, `HotStuff`) where these continue from height to height, and [`turn`] of height and round where rounds restart
/// with each height.
pub const LEADING: &str = "became_leader";
/// A term, view or round began at this node; the value is its number.
pub const ROUND: &str = "round_started";
/// A term, view or round ended without a decision; the value is its number.
pub const WASTED: &str = "round_failed";
/// A node proved that another broke the rules, for example by two votes for one height; the value is the number of the
/// other node.
pub const EVIDENCE: &str = "evidence";
/// A linearizable read was answered; the value is its latency in nanoseconds.
pub const READ: &str = "read";

/// Rounds of a height that turns distinguish.
const ROUNDS_MAX: u64 = 1_000_000;

/// The number of a turn where rounds restart with each height: a million times the height, plus the round.
#[must_use]
pub const fn turn(height: Height, round: u64) -> u64 {
    let round = if round < ROUNDS_MAX { round } else { ROUNDS_MAX - 1 };
    height.0.saturating_mul(ROUNDS_MAX).saturating_add(round)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_ascend_with_height_and_round() {
        let turns = [(0, 0), (0, 1), (0, u64::MAX), (1, 0), (1, 7), (2, 0)];
        let numbers = turns.map(|(height, round)| turn(Height(height), round));
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    }
}
