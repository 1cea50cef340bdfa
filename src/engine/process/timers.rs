//! The timers of a process.

use crate::base::Time;

/// The deadline of a timer that is due and waits in the inbox.
const DUE: Time = Time::from_nanos(u64::MAX - 1);

struct Slot<T> {
    timer: T,
    /// When it fires; `NEVER` when it is not set, [`DUE`] while the process has not handled it yet.
    deadline: Time,
    /// The number of its last setting: orders it among equal times.
    number: u32,
    /// The earliest entry in the queue that will look at this slot; `NEVER` when there is none.
    queued: Time,
}

/// What an entry of the queue found that looked at a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Look {
    /// The timer with this setting is due.
    Due(u32),
    /// The timer was set again, to this time under this number: the entry goes on to it.
    DelayedEffects(Time, u32),
    /// Nothing to do.
    Nothing,
}

/// All timers of a process. Slots of timers that are not set are used again.
pub(super) struct Timers<T>(Vec<Slot<T>>);

impl<T: Copy + PartialEq> Timers<T> {
    pub fn new() -> Timers<T> {
        Timers(Vec::new())
    }
    fn find(&mut self, timer: T) -> Option<&mut Slot<T>> {
        self.0.iter_mut().find(|slot| slot.timer == timer)
    }
    fn slot(&mut self, timer: T) -> usize {
        if let Some(slot) = self.0.iter().position(|slot| slot.timer == timer) {
            return slot;
        }
        if let Some(unset) = self.0.iter().position(|slot| slot.deadline == Time::NEVER) {
            // The queue may still hold an entry for this slot: it will find the new timer and leave it alone.
            self.0[unset].timer = timer;
            return unset;
        }
        self.0.push(Slot { timer, deadline: Time::NEVER, number: 0, queued: Time::NEVER });
        self.0.len() - 1
    }
    /// Sets (or sets again) a timer; the slot that an entry of the queue must look at by then, if none will anyway.
    pub fn set(&mut self, timer: T, deadline: Time, number: u32) -> Option<u32> {
        let slot = self.slot(timer);
        let kept = &mut self.0[slot];
        (kept.deadline, kept.number) = (deadline, number);
        // An entry that is due no later looks at the slot anyway, and goes on to the new deadline.
        if deadline < kept.queued {
            kept.queued = deadline;
            return Some(slot as u32);
        }
        None
    }
    /// Stops a timer; nothing if it is not set.
    pub fn cancel(&mut self, timer: T) {
        if let Some(slot) = self.find(timer) {
            slot.deadline = Time::NEVER;
        }
    }
    /// An entry of the queue looks at a slot.
    pub fn look(&mut self, slot: u32, now: Time) -> Look {
        let slot = &mut self.0[slot as usize];
        if slot.queued != now {
            return Look::Nothing; // An earlier entry took this one's place.
        }
        slot.queued = Time::NEVER;
        if slot.deadline == now {
            slot.deadline = DUE;
            Look::Due(slot.number)
        } else if slot.deadline < DUE {
            slot.queued = slot.deadline;
            Look::DelayedEffects(slot.deadline, slot.number)
        } else {
            Look::Nothing
        }
    }
    /// The timer that was due under this setting, unless it was set again or cancelled since.
    pub fn fire(&mut self, slot: u32, number: u32) -> Option<T> {
        let slot = &mut self.0[slot as usize];
        let is_due = slot.deadline == DUE && slot.number == number;
        is_due.then(|| {
            slot.deadline = Time::NEVER;
            slot.timer
        })
    }
    /// No timer is set any more.
    pub fn clear(&mut self) {
        self.0.iter_mut().for_each(|slot| slot.deadline = Time::NEVER);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: u64) -> Time {
        Time::from_nanos(nanos)
    }

    #[test]
    fn a_timer_that_is_set_later_again_needs_no_second_entry_and_fires_once() {
        let mut timers = Timers::new();
        assert_eq!(timers.set('a', at(10), 1), Some(0));
        assert_eq!(timers.set('a', at(20), 2), None);
        assert_eq!(timers.look(0, at(10)), Look::DelayedEffects(at(20), 2));
        assert_eq!(timers.look(0, at(20)), Look::Due(2));
        assert_eq!((timers.fire(0, 1), timers.fire(0, 2), timers.fire(0, 2)), (None, Some('a'), None));
    }

    #[test]
    fn a_timer_that_is_set_earlier_again_makes_its_old_entry_find_nothing() {
        let mut timers = Timers::new();
        timers.set('a', at(20), 1);
        assert_eq!(timers.set('a', at(10), 2), Some(0));
        assert_eq!(timers.look(0, at(10)), Look::Due(2));
        assert_eq!(timers.look(0, at(20)), Look::Nothing);
    }

    #[test]
    fn a_cancelled_timer_does_not_fire_and_its_slot_is_used_again() {
        let mut timers = Timers::new();
        timers.set('a', at(10), 1);
        timers.cancel('a');
        assert_eq!(timers.set('b', at(15), 2), None, "the entry at 10 looks at the slot");
        assert_eq!(timers.look(0, at(10)), Look::DelayedEffects(at(15), 2));
        timers.clear();
        assert_eq!(timers.look(0, at(15)), Look::Nothing);
    }
}
