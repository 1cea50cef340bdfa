//! What happens when this program is wrong: a panic becomes a sentence, with what is needed to see it again.

use super::exit::Failure;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    /// Whether the caller of this thread reports its panics.
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    /// Where the last panic occurred that was not reported yet.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// From now on each panic is reported once: by the caller of the thread, or else by the default hook.
pub fn listen() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if WATCHED.get() {
            PLACE.set(panic.location().map(|at| format!("{}:{}", at.file(), at.line())));
        } else {
            usual(panic);
        }
    }));
}

/// Does something that stays on this thread. A panic comes back as its message and place.
pub fn watch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let before = WATCHED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    WATCHED.set(before);
    result.map_err(|cause| {
        let text = cause.downcast_ref::<String>().cloned();
        let text = text.or_else(|| cause.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        text.unwrap_or_else(|| "no reason was given".to_owned()) + &place()
    })
}

/// Where the last panic came from that was caught on this thread.
pub fn place() -> String {
    PLACE.take().map_or_else(String::new, |place| format!(", at {place}"))
}

/// A caught panic as a failure: what was done, and the command that does it again if there is one.
pub fn failure(panic: &str, doing: &str, again: Option<&str>) -> Failure {
    let again = again.map_or_else(String::new, |again| format!("\n  to see it again: {again}"));
    let help = "\n  this is a fault of the program and not of the scenario: please report it with the scenario";
    Failure::Io(anyhow::anyhow!("this program stopped {doing}: {panic}{again}{help}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_reported_with_its_message_its_place_and_how_to_see_it_again() {
        listen();
        assert_eq!(watch(|| 7), Ok(7));
        let panic = watch(|| -> u32 { panic!("a promise of {} was broken", "ours") }).unwrap_err();
        assert!(panic.starts_with("a promise of ours was broken, at src/cli/bug.rs:"), "{panic}");
        let Failure::Io(error) = failure(&panic, "in the run under seed 3", Some("ledgerlab run x.toml --seed 3"))
        else {
            panic!("the machine or the program failed");
        };
        let text = error.to_string();
        assert!(text.starts_with("this program stopped in the run under seed 3: a promise of ours"), "{text}");
        assert!(text.contains("to see it again: ledgerlab run x.toml --seed 3\n"), "{text}");
    }
}
