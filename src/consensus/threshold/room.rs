//! How large a block may be that enough signers get within the window.
//!
//! The capacity of a slot is not known in advance: it depends on lines, on distances and on how warm connections are. A
//! block that is too large is lost with its slot, and what waits for the next grows meanwhile. Creators therefore take a
//! failed slot for a sign of size, as TCP takes a lost segment (RFC 5681): they halve, and grow again with each block that
//! is signed, quickly up to half of what failed first, slowly beyond. Liquid's blocks are limited once for all instead.

/// Bytes of a block at least, as a share of the limit.
const LEAST: u64 = 64;

/// What a creator proposes at most.
#[derive(Clone, Debug)]
pub(super) struct Room {
    /// What the settings allow.
    limit: u64,
    bytes: u64,
    /// Where growth becomes slow.
    turn: u64,
    /// Whether the last slot with a proposal failed.
    is_failing: bool,
}

impl Room {
    /// As much as the settings allow.
    pub(super) fn new(limit: u64) -> Room {
        Room { limit, bytes: limit, turn: limit, is_failing: false }
    }
    /// Bytes of a block now.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
    /// A block of so many bytes did not get its signatures in its slot.
    pub(super) fn failed(&mut self, bytes: u64) {
        let half = (bytes / 2).clamp((self.limit / LEAST).max(1), self.limit);
        if !self.is_failing {
            self.turn = half;
        }
        self.bytes = self.bytes.min(half);
        self.is_failing = true;
    }
    /// A block of so many bytes got them: if it filled half of the room, there may be more.
    pub(super) fn succeeded(&mut self, bytes: u64) {
        self.is_failing = false;
        if bytes.saturating_mul(2) >= self.bytes {
            let grown =
                if self.bytes < self.turn { (self.bytes * 2).min(self.turn) } else { self.bytes + self.bytes / 4 + 1 };
            self.bytes = grown.min(self.limit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_slot_halves_and_signed_blocks_grow_quickly_to_half_of_what_failed_first_and_slowly_beyond() {
        let mut room = Room::new(1_000_000);
        assert_eq!(room.bytes(), 1_000_000);
        room.failed(800_000);
        assert_eq!(room.bytes(), 400_000);
        room.failed(800_000);
        assert_eq!(room.bytes(), 400_000, "the same block proposed again");
        room.failed(400_000);
        room.failed(200_000);
        assert_eq!(room.bytes(), 100_000);
        room.succeeded(10_000);
        assert_eq!(room.bytes(), 100_000, "a small block says nothing of larger ones");
        let grown: Vec<u64> = (0..5).map(|_| (room.succeeded(room.bytes()), room.bytes()).1).collect();
        assert_eq!(grown, [200_000, 400_000, 500_001, 625_002, 781_253]);
        (0..9).for_each(|_| room.succeeded(room.bytes()));
        assert_eq!(room.bytes(), 1_000_000);
    }

    #[test]
    fn slots_that_fail_for_another_cause_leave_some_room() {
        let mut room = Room::new(64_000);
        (0..100).for_each(|_| room.failed(room.bytes()));
        assert_eq!(room.bytes(), 1_000);
    }
}
