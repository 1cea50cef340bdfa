//! How much memory this process has.

use std::cell::Cell;

/// Memory is looked at so often among the looks at whether to go on.
const LOOKS: u32 = 8;

/// Looks every now and then whether this process has more than it may have.
pub struct Watch {
    limit: u64,
    looks: Cell<u32>,
    grown: Cell<Option<u64>>,
}

impl Watch {
    /// Up to `limit` bytes are fine.
    pub fn new(limit: u64) -> Watch {
        Watch { limit, looks: Cell::new(0), grown: Cell::new(None) }
    }
    /// Whether it was fine so far. To be asked often: most times nothing is done.
    pub fn is_fine(&self) -> bool {
        self.looks.set(self.looks.get().wrapping_add(1));
        if self.grown.get().is_none() && self.looks.get().is_multiple_of(LOOKS) {
            self.grown.set(resident().filter(|used| *used > self.limit));
        }
        self.grown.get().is_none()
    }
    /// How much it had when it had too much.
    pub fn grown(&self) -> Option<u64> {
        self.grown.get()
    }
}

/// Bytes of this process that are in memory now. Not known on every system.
pub fn resident() -> Option<u64> {
    status("VmRSS:")
}

/// The most that it ever had. Not known on every system.
pub fn peak() -> Option<u64> {
    status("VmHWM:")
}

fn status(key: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(key))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * 1024)
}
