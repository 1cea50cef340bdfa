//! The cores of a process: jobs wait in the inbox until one is free, and are checked there before they are handled.

use super::job::Job;
use crate::base::{CostTable, Duration, Work};
use std::collections::VecDeque;

/// A computation that several cores help with: until when each of so many is busy.
type Helper = (Duration, u32);

/// What one handler computes, while its effects are ordered.
#[derive(Default)]
pub(in crate::engine) struct Computing {
    spent: Duration,
    helpers: Vec<Helper>,
}

impl Computing {
    /// How many cores are busy for how long after the handler, the longest first of those that help.
    pub fn occupations(self) -> Vec<(Duration, u32)> {
        let Computing { spent, helpers } = self;
        let mut occupations = Vec::new();
        if !spent.is_zero() {
            occupations.push((spent, 1));
        }
        let mut helping = 0;
        for (until, cores) in helpers.into_iter().rev() {
            let more = u32::saturating_sub(cores, helping);
            occupations.extend((more > 0).then_some((until, more)));
            helping = helping.max(cores);
        }
        occupations
    }
}

/// The cores, and what waits for them.
pub(super) struct Cores {
    count: u32,
    /// Nanoseconds of computing per microsecond of the reference core: 1000 is the reference.
    slowness: u32,
    native_slowness: u32,
    is_paused: bool,
    inbox: VecDeque<(Job, Work)>,
    inbox_max: u32,
    /// Jobs being checked, by number, each with its cores.
    running: Vec<(u32, Job, u32)>,
    /// Cores that compute on after their handler has run.
    computing: u32,
    /// The jobs in `running` that were ready while the process stood still.
    deferred: Vec<u32>,
    busy: Duration,
}

impl Cores {
    pub fn new(count: u32, slowness: u32) -> Cores {
        Cores {
            count,
            slowness,
            native_slowness: slowness,
            is_paused: false,
            inbox: VecDeque::new(),
            inbox_max: 0,
            running: Vec::new(),
            computing: 0,
            deferred: Vec::new(),
            busy: Duration::ZERO,
        }
    }
    pub fn is_paused(&self) -> bool {
        self.is_paused
    }
    /// The process stands still or resumes; computing takes so many thousandths of its own time.
    pub fn set_condition(&mut self, is_paused: bool, cpu: u32) {
        self.is_paused = is_paused;
        let slower = u64::from(self.native_slowness) * u64::from(cpu) / 1000;
        self.slowness = u32::try_from(slower).unwrap_or(u32::MAX).max(1);
    }
    /// The time that reference computing takes here.
    fn time(&self, reference: Duration) -> Duration {
        if self.slowness == 1000 { reference } else { reference.scale(u64::from(self.slowness), 1000) }
    }
    fn has_free(&self) -> bool {
        !self.is_paused && self.free() > 0
    }
    /// Number of cores that do nothing.
    pub fn free(&self) -> u32 {
        let running: u32 = self.running.iter().map(|(.., cores)| cores).sum();
        self.count.saturating_sub(running + self.computing)
    }
    /// How many cores check the signatures of `work`, if it begins now.
    fn cores_for(&self, work: &Work) -> u32 {
        self.free().min(work.verify).max(1)
    }
    /// A job arrives: whether it begins at once. Otherwise it waits.
    pub fn offer(&mut self, job: Job, work: Work) -> Option<(Job, Work)> {
        if self.inbox.is_empty() && self.has_free() {
            return Some((job, work));
        }
        self.inbox.push_back((job, work));
        self.inbox_max = self.inbox_max.max(self.inbox.len() as u32);
        None
    }
    /// The next job that waits, if a core is free for it.
    pub fn take_waiting(&mut self) -> Option<(Job, Work)> {
        if self.has_free() { self.inbox.pop_front() } else { None }
    }
    /// How long checking a job takes, if it begins now, and on how many cores.
    pub fn check_time(&mut self, work: &Work, costs: &CostTable) -> (Duration, u32) {
        let cores = self.cores_for(work);
        let span = self.time(costs.time_on(work, cores));
        if !span.is_zero() {
            self.busy += self.time(costs.time(work));
        }
        (span, cores)
    }
    /// A job is being checked.
    pub fn run(&mut self, number: u32, job: Job, cores: u32) {
        self.running.push((number, job, cores));
    }
    /// A job has been checked; none if the process that began it has crashed, or stands still.
    pub fn checked(&mut self, number: u32) -> Option<Job> {
        if self.is_paused {
            self.deferred.push(number);
            return None;
        }
        let at = self.running.iter().position(|(running, ..)| *running == number)?;
        Some(self.running.remove(at).1)
    }
    /// The jobs that were checked while the process stood still.
    pub fn take_deferred(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.deferred)
    }
    /// A handler computes: how long after its start what follows may go on; `None` if at once.
    pub fn compute(&mut self, work: &Work, costs: &CostTable, computing: &mut Computing) -> Option<Duration> {
        let (span, cores) = self.check_time(work, costs);
        if span.is_zero() {
            return None;
        }
        computing.spent += span;
        computing.helpers.extend((cores > 1).then_some((computing.spent, cores - 1)));
        Some(computing.spent)
    }
    /// So many cores compute on. Those that help to check signatures are taken when their handler ends, though what it
    /// computes before that is done on one core.
    pub fn occupy(&mut self, cores: u32) {
        self.computing += cores;
    }
    /// So many cores have done what they computed.
    pub fn release(&mut self, cores: u32) {
        self.computing -= cores;
    }
    /// The process stops; the jobs that waited or ran.
    pub fn crash(&mut self) -> Vec<Job> {
        self.is_paused = false;
        self.deferred.clear();
        self.computing = 0;
        let waiting = self.inbox.drain(..).map(|(job, _)| job);
        waiting.chain(self.running.drain(..).map(|(_, job, _)| job)).collect()
    }
    /// Time that cores computed so far, summed over the cores.
    pub fn busy(&self) -> Duration {
        self.busy
    }
    /// The longest inbox since this was last asked.
    pub fn take_inbox_max(&mut self) -> u32 {
        std::mem::take(&mut self.inbox_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_20_ms_a_signature() -> CostTable {
        CostTable { verify: Duration::from_millis(20), ..CostTable::FREE }
    }

    #[test]
    fn a_job_waits_while_no_core_is_free_and_while_the_process_stands_still() {
        let mut cores = Cores::new(1, 1000);
        let (job, work) = cores.offer(Job::InvalidSignature, Work::VERIFY).expect("a free core");
        assert_eq!(cores.check_time(&work, &at_20_ms_a_signature()), (Duration::from_millis(20), 1));
        cores.run(7, job, 1);
        assert!(cores.offer(Job::InvalidSignature, Work::VERIFY).is_none() && cores.take_waiting().is_none());
        assert!(cores.checked(7).is_some() && cores.checked(7).is_none());
        cores.set_condition(true, 1000);
        assert!(cores.take_waiting().is_none(), "it stands still");
        cores.set_condition(false, 1000);
        assert!(cores.take_waiting().is_some());
        assert_eq!((cores.take_inbox_max(), cores.take_inbox_max()), (1, 0));
    }

    #[test]
    fn helping_cores_are_busy_for_the_longest_that_each_helps() {
        let (mut cores, mut computing) = (Cores::new(4, 1000), Computing::default());
        let work = Work::verify(8);
        let costs = at_20_ms_a_signature();
        assert_eq!(cores.compute(&work, &costs, &mut computing), Some(Duration::from_millis(40)));
        assert_eq!(cores.compute(&Work::VERIFY, &costs, &mut computing), Some(Duration::from_millis(60)));
        let millis = Duration::from_millis;
        assert_eq!(computing.occupations(), [(millis(60), 1), (millis(40), 3)]);
        assert_eq!(cores.busy(), millis(180), "the work is the same on any number of cores");
    }
}
