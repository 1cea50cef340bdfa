//! What a process can do at present.

/// The sum of what impairs a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Condition {
    /// Whether it stands still.
    pub is_paused: bool,
    /// Computing takes so many thousandths of its time.
    pub cpu: u32,
    /// Writing takes so many thousandths of its time.
    pub disk: u32,
    /// Whether no write completes.
    pub is_disk_full: bool,
    /// Nanoseconds that its clock is ahead, besides its own.
    pub clock_step: i64,
    /// Nanoseconds that its clock gains per second, besides its own.
    pub clock_drift: i64,
}

impl Condition {
    /// Nothing is wrong.
    pub const GOOD: Condition =
        Condition { is_paused: false, cpu: 1000, disk: 1000, is_disk_full: false, clock_step: 0, clock_drift: 0 };
}
