//! A node's disk: one sync at a time, and every record that waits when a sync starts shares it (group commit).

use crate::base::{Duration, Stream};
use crate::protocol::Record;

/// How long a sync takes: lognormal, plus the bytes at the disk's rate.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct DiskModel {
    /// Median of a sync; zero for a disk that is instantly durable.
    pub median: Duration,
    /// Standard deviation of the logarithm.
    pub sigma: f64,
    /// Sequential rate in bytes per second; 0 for unlimited.
    pub rate: u64,
}

impl DiskModel {
    /// A disk that is instantly durable.
    pub const INSTANT: DiskModel = DiskModel { median: Duration::ZERO, sigma: 0.0, rate: 0 };

    fn sync(&self, bytes: u64, random: &mut Stream) -> Duration {
        let factor = if self.sigma == 0.0 { 1.0 } else { libm::exp(self.sigma * random.normal()) };
        Duration::from_secs_f64(self.median.as_secs_f64() * factor)
            + if self.rate == 0 { Duration::ZERO } else { Duration::of_transfer(bytes, self.rate) }
    }
}

/// How much of its log a crashed node finds when it starts again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LogSurvival {
    /// All records whose sync completed.
    #[default]
    Durable,
    /// Also some of those that were being synced when the power failed: any number of them from the first on, drawn at
    /// random. The next is torn, and known to be by its checksum.
    Torn,
    /// Not even these last records, though they were said to be durable: amnesia.
    AllBut(u32),
    /// Nothing, and no chain either: the data directory is wiped.
    Nothing,
    /// The data directory, log and chain, as it was this long before the crash: a restored backup. Nothing if none was
    /// made then; see [`Fault::Backup`](crate::engine::Fault::Backup).
    Backup(Duration),
}

/// Records on their way to a log, and the log.
#[derive(Debug)]
pub struct Disk<R> {
    model: DiskModel,
    log: Vec<R>,
    waiting: Vec<R>,
    syncing: Vec<R>,
    issued: u64,
    durable: u64,
    written: u64,
    /// Thousandths of its usual time that a sync takes.
    slowness: u32,
    /// Whether no write completes.
    full: bool,
}

impl<R: Record> Disk<R> {
    /// An empty disk.
    #[must_use]
    pub fn new(model: DiskModel) -> Disk<R> {
        let (log, waiting, syncing) = (Vec::new(), Vec::new(), Vec::new());
        Disk { model, log, waiting, syncing, issued: 0, durable: 0, written: 0, slowness: 1000, full: false }
    }
    /// The durable records since the last checkpoint.
    #[must_use]
    pub fn log(&self) -> &[R] {
        &self.log
    }
    /// Bytes made durable so far.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }
    /// Hands over a record and returns its number; [`Disk::durable`] reaches it when it is safe.
    pub fn write(&mut self, record: R) -> u64 {
        self.issued += 1;
        if self.model.median.is_zero() && !self.full && self.syncing.is_empty() && self.waiting.is_empty() {
            self.durable = self.issued;
            self.keep(record);
        } else {
            self.waiting.push(record);
        }
        self.issued
    }
    /// The number of the last record that is safe.
    #[must_use]
    pub fn durable(&self) -> u64 {
        self.durable
    }
    /// Starts a sync of everything that waits, unless one is under way; how long it takes.
    pub fn start(&mut self, random: &mut Stream) -> Option<Duration> {
        if self.full || !self.syncing.is_empty() || self.waiting.is_empty() {
            return None;
        }
        std::mem::swap(&mut self.syncing, &mut self.waiting);
        let bytes = self.syncing.iter().map(|record| record.bytes() as u64).sum();
        let span = self.model.sync(bytes, random);
        Some(if self.slowness == 1000 { span } else { span.scale(u64::from(self.slowness), 1000) })
    }
    /// The sync under way completes.
    pub fn complete(&mut self) {
        self.durable += self.syncing.len() as u64;
        for record in std::mem::take(&mut self.syncing) {
            self.keep(record);
        }
    }
    /// From now on a sync takes so many thousandths of its usual time; a full disk completes none that has not begun.
    pub fn set_condition(&mut self, slowness: u32, full: bool) {
        (self.slowness, self.full) = (slowness, full);
    }
    /// The power fails.
    pub fn crash(&mut self, kept: LogSurvival, random: &mut Stream) {
        let syncing = std::mem::take(&mut self.syncing);
        if kept == LogSurvival::Torn && !syncing.is_empty() {
            let whole = random.below(syncing.len() as u64) as usize;
            syncing.into_iter().take(whole).for_each(|record| self.keep(record));
        }
        if let LogSurvival::AllBut(records) = kept {
            self.log.truncate(self.log.len().saturating_sub(records as usize));
        }
        self.waiting.clear();
        self.issued = self.durable;
    }
    /// Nothing that was ever written is left.
    pub fn wipe(&mut self) {
        (self.waiting, self.syncing, self.log) = (Vec::new(), Vec::new(), Vec::new());
        self.issued = self.durable;
    }
    /// What was written is gone; this log is found instead.
    pub fn restore(&mut self, log: Vec<R>) {
        self.wipe();
        self.log = log;
    }
    fn keep(&mut self, record: R) {
        self.written += record.bytes() as u64;
        if record.is_checkpoint() {
            self.log.clear();
        }
        self.log.push(record);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Wire;

    #[derive(Clone, Debug, PartialEq)]
    struct Line(u64, bool);
    impl Wire for Line {
        fn bytes(&self) -> usize {
            10
        }
        fn kind(&self) -> &'static str {
            "line"
        }
    }
    impl Record for Line {
        fn is_checkpoint(&self) -> bool {
            self.1
        }
    }
    const SLOW: DiskModel = DiskModel { median: Duration::from_millis(1), sigma: 0.0, rate: 0 };

    #[test]
    fn records_that_wait_when_a_sync_starts_share_it() {
        let (mut disk, mut random) = (Disk::new(SLOW), Stream::new(1, "disk", 0, 0));
        assert_eq!(disk.write(Line(1, false)), 1);
        assert_eq!(disk.start(&mut random), Some(Duration::from_millis(1)));
        assert_eq!((disk.write(Line(2, false)), disk.write(Line(3, false))), (2, 3));
        assert_eq!(disk.start(&mut random), None, "one sync at a time");
        disk.complete();
        assert_eq!(disk.durable(), 1);
        assert!(disk.start(&mut random).is_some());
        disk.complete();
        assert_eq!((disk.durable(), disk.log().len(), disk.written()), (3, 3, 30));
    }

    #[test]
    fn a_crash_loses_what_is_not_durable_and_a_checkpoint_forgets_what_it_stands_for() {
        let (mut disk, mut random) = (Disk::new(SLOW), Stream::new(1, "disk", 0, 0));
        disk.write(Line(1, false));
        disk.start(&mut random);
        disk.crash(LogSurvival::Durable, &mut random);
        assert!(disk.log().is_empty());
        for line in [Line(2, false), Line(3, true), Line(4, false)] {
            disk.write(line);
        }
        disk.start(&mut random);
        disk.complete();
        assert_eq!(disk.log(), [Line(3, true), Line(4, false)]);
    }
    #[test]
    fn of_a_torn_write_any_number_of_records_is_whole_from_the_first_on_but_never_all() {
        let mut lengths = std::collections::BTreeSet::new();
        for seed in 0..50 {
            let (mut disk, mut random) = (Disk::new(SLOW), Stream::new(seed, "disk", 0, 0));
            for line in 1..=3 {
                disk.write(Line(line, false));
            }
            disk.start(&mut random);
            disk.write(Line(4, false));
            disk.crash(LogSurvival::Torn, &mut random);
            let kept: Vec<u64> = disk.log().iter().map(|line| line.0).collect();
            assert_eq!(kept, (1..=kept.len() as u64).collect::<Vec<u64>>());
            lengths.insert(kept.len());
        }
        assert_eq!(lengths, [0, 1, 2].into());
    }
}
