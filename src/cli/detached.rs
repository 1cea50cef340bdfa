//! Work that can be left behind.
//!
//! A world that is being drawn or built, or that is in the middle of a long step, cannot be asked to end. It is worked on by
//! a thread of its own: after an interrupt the caller waits a moment and then continues without it. The process takes such a
//! thread along when it exits.

// Only here is a thread not one of rayon's: those are waited for, and what it does is given back as a value or not at all.
#![allow(clippy::disallowed_methods)]

use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// So long is waited for what may be left behind. Two seconds after a signal everything has ended, files included.
const PATIENCE: Duration = Duration::from_secs(1);
/// Interval between checks for an interrupt. A finished thread is noticed at once.
const LOOK: Duration = Duration::from_millis(20);

/// Does `work` and returns what it comes to; `None` if that took too long after `may_leave` began to say yes.
///
/// # Panics
/// If `work` does, after its own message.
pub fn work<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static, may_leave: &dyn Fn() -> bool) -> Option<T> {
    let (done, results) = sync_channel(1);
    let thread = thread::spawn(move || {
        // Results of an abandoned thread are discarded.
        let _ = done.send(work());
    });
    let mut since = None;
    loop {
        match results.recv_timeout(LOOK) {
            Ok(result) => return Some(result),
            Err(RecvTimeoutError::Timeout) if may_leave() => {
                if since.get_or_insert_with(Instant::now).elapsed() >= PATIENCE {
                    return None;
                }
            }
            Err(RecvTimeoutError::Timeout) => since = None,
            Err(RecvTimeoutError::Disconnected) => match thread.join() {
                Err(panic) => std::panic::resume_unwind(panic),
                Ok(()) => unreachable!("a thread that did not panic has sent its result"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_is_returned_and_what_may_be_left_is_left() {
        assert_eq!(work(|| 7, &|| true), Some(7));
        let slow = || thread::sleep(Duration::from_secs(60));
        let begun = Instant::now();
        assert_eq!(work(slow, &|| true), None);
        assert!(begun.elapsed() < Duration::from_secs(30));
        assert_eq!(work(|| thread::sleep(LOOK * 3), &|| false), Some(()));
    }
}
