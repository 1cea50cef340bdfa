//! Ctrl-C: the first ends runs in good order, the second ends the program.

use super::exit::{Exit, Failure};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the user has interrupted the program.
#[derive(Clone)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens from now on. Once per process.
    pub fn listen() -> Result<Interrupt, Failure> {
        let flag = Arc::new(AtomicBool::new(false));
        let set = flag.clone();
        let answer = move || {
            if set.load(Ordering::Relaxed) {
                std::process::exit(Exit::Interrupted as i32);
            }
            // Said before it is done, so that it cannot come after what is said at the end.
            eprintln!("\ninterrupted: writing what there is; once more ends at once");
            set.store(true, Ordering::Relaxed);
        };
        ctrlc::set_handler(answer).map_err(anyhow::Error::from)?;
        Ok(Interrupt(flag))
    }
    /// Whether it came.
    pub fn came(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
