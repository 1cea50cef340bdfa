//! The progress bar: virtual time, events per second, time to go. On standard error, and only if that is a terminal.

use crate::base::{Duration, Time};
use crate::report::format::grouped;
use crate::run::Standing;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// The progress of one or more runs of equal length, shown as one bar.
pub struct Progress {
    bar: ProgressBar,
    length: Duration,
    runs: u64,
    events: AtomicU64,
    started: Instant,
}

/// The share of one run in the progress of all.
pub struct Share<'a> {
    whole: &'a Progress,
    now: Time,
    events: u64,
}

impl Progress {
    /// The bar of `runs` runs of this length. Nothing is ever drawn if `quiet`.
    ///
    /// # Panics
    /// Never: the template is right.
    #[must_use]
    pub fn new(length: Duration, runs: u64, quiet: bool) -> Progress {
        let shown = !quiet && std::io::stderr().is_terminal();
        let target = if shown { ProgressDrawTarget::stderr_with_hz(10) } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(length.as_nanos().saturating_mul(runs)), target);
        let template = "{bar:32.cyan/dim} {percent:>3} %  {msg}  {elapsed} gone, {eta} to go";
        bar.set_style(ProgressStyle::with_template(template).expect("a template").progress_chars("━╸─"));
        Progress { bar, length, runs, events: AtomicU64::new(0), started: Instant::now() }
    }
    /// A run begins.
    pub fn share(&self) -> Share<'_> {
        Share { whole: self, now: Time::ZERO, events: 0 }
    }
    /// Removes the bar.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
    /// Writes a line above the bar.
    pub fn say(&self, line: &str) {
        self.bar.suspend(|| eprintln!("{line}"));
    }
}

impl Share<'_> {
    /// The run has come to this point.
    pub fn notify(&mut self, standing: Standing) {
        let whole = self.whole;
        let now = standing.now.min(Time::ZERO + whole.length);
        let events =
            whole.events.fetch_add(standing.events - self.events, Ordering::Relaxed) + standing.events - self.events;
        whole.bar.inc(now.since(self.now).as_nanos());
        (self.now, self.events) = (now, standing.events);
        let rate = events as f64 / whole.started.elapsed().as_secs_f64().max(1e-3);
        let simulated = Duration::from_nanos(whole.bar.position()).as_secs_f64();
        let all = whole.length.as_secs_f64() * whole.runs as f64;
        whole.bar.set_message(format!("{simulated:.0} of {all:.0} s simulated, {} events/s", grouped(rate)));
    }
}

/// A run that ends early is over as well.
impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.whole.bar.inc((Time::ZERO + self.whole.length).since(self.now).as_nanos());
    }
}

/// The progress of a search for faults, shown as one bar.
pub struct SearchProgress {
    bar: ProgressBar,
}

impl SearchProgress {
    /// The bar of a search over `cases` cases. Nothing is ever drawn if `quiet`.
    ///
    /// # Panics
    /// Never: the template is right.
    #[must_use]
    pub fn new(protocol: &str, cases: u64, quiet: bool) -> SearchProgress {
        let shown = !quiet && std::io::stderr().is_terminal();
        let target = if shown { ProgressDrawTarget::stderr_with_hz(10) } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(cases), target);
        let template = "{prefix:10} {bar:24.cyan/dim} {pos} of {len} cases, {msg}  {elapsed} gone, {eta} to go";
        bar.set_style(ProgressStyle::with_template(template).expect("a template").progress_chars("━╸─"));
        bar.set_prefix(protocol.to_owned());
        SearchProgress { bar }
    }
    /// `cases` cases were run in `wall` seconds; `failed` of them failed; they had `kinds` kinds of faults and attacks.
    pub fn notify(&self, cases: u64, wall: f64, failed: usize, kinds: usize) {
        let rate = cases as f64 / wall.max(1e-3);
        self.bar.set_message(format!("{rate:.1} cases/s, {failed} failed, {kinds} kinds of faults"));
        self.bar.set_position(cases);
    }
    /// Writes a line above the bar.
    pub fn say(&self, line: &str) {
        if !self.bar.is_hidden() {
            self.bar.suspend(|| eprintln!("{line}"));
        }
    }
    /// Removes the bar.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}
