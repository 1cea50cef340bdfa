//! `explore`: draws cases and runs them on all cores, until as many were run as were asked for, or time is over.

use super::bug;
use super::command::Explore;
use super::detached;
use super::exit::{Exit, Failure};
use super::inspect::{load, warn};
use super::interrupt::Interrupt;
use super::memory::{self, Watch};
use super::run::at_a_time;
use ledgerlab::Catalogue;
use ledgerlab::explore::{self, CaseResult, Finding, PANIC, Shrunk};
use ledgerlab::report::progress::SearchProgress;
use ledgerlab::report::search::{Begin, Search, SearchFolder, Searches, minimal, table};
use ledgerlab::run::run as run_scenario;
use ledgerlab::scenario::{Scenario, show};
use rayon::prelude::*;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// So many cases are run between two times that the state is written.
const BATCH: u64 = 64;
/// No case has a larger number.
const SEED_MAX: u64 = i64::MAX as u64;

/// Searches inside the limits of a scenario, or of each of its variants.
pub fn explore(catalogue: &Catalogue, wanted: &Explore, json: bool, quiet: bool) -> Result<Exit, Failure> {
    let loaded = load(catalogue, &wanted.chosen)?;
    warn(&loaded, quiet || json);
    let base = &loaded.scenario;
    let target = wanted.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(format!("{}-explore", base.name)));
    let searched: Vec<(Option<&str>, &Scenario)> = if loaded.variants.is_empty() {
        vec![(wanted.chosen.variant.as_deref(), base)]
    } else {
        base.variant.iter().map(|variant| Some(variant.name.as_str())).zip(&loaded.variants).collect()
    };
    let threads = wanted.threads.map_or(0, |threads| threads as usize);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(anyhow::Error::from)?;
    let within = wanted.time_limit.map(Duration::from_secs);
    let end = End { interrupt: Interrupt::listen()?, started: Instant::now(), within };
    let expedition = SearchRun { catalogue, wanted, end, quiet: quiet || json };
    let variants: Vec<&str> = searched.iter().filter_map(|(variant, _)| *variant).collect();
    let begin = Begin { resume: wanted.resume, force: wanted.force, beside: wanted.out.is_none() };
    let home = Searches::open(&target, base, &variants, begin);
    let home = home.map_err(|error| Failure::InvalidInput(format!("{error:#}")))?;
    for note in home.notes.iter().filter(|_| !expedition.quiet) {
        writeln!(std::io::stderr(), "note: {note}")?;
    }
    let mut searches = Vec::new();
    for (variant, scenario) in searched {
        let path = variant.map_or(home.shown().to_owned(), |variant| home.shown().join(variant));
        let search = pool.install(|| expedition.search(&home, variant, scenario))?;
        searches.push((path, search));
        if expedition.end.has_come() {
            break;
        }
    }
    report_outcome(&searches, json, quiet)?;
    let broken: Vec<(usize, usize)> = searches.iter().map(|(_, search)| search.broken()).collect();
    Ok(match broken.into_iter().fold((0, 0), |sum, each| (sum.0 + each.0, sum.1 + each.1)) {
        (0, 0) if expedition.end.interrupt.came() => Exit::Interrupted,
        (0, 0) if searches.iter().any(|(_, search)| !search.unjudged.is_empty()) => Exit::Unanswered,
        (0, 0) => Exit::Done,
        (0, _) => Exit::Liveness,
        _ => Exit::Safety,
    })
}

/// When a search is over.
#[derive(Clone)]
struct End {
    interrupt: Interrupt,
    started: Instant,
    within: Option<Duration>,
}

impl End {
    fn has_come(&self) -> bool {
        self.within.is_some_and(|within| self.started.elapsed() >= within) || self.interrupt.came()
    }
}

/// What came of a case.
enum Visited {
    /// It was run.
    Judged(Box<(Scenario, CaseResult)>),
    /// The search is over.
    Over,
    /// This process had so many bytes, which is too much; other cases may have had their share of them.
    Grown(u64),
}

struct SearchRun<'a> {
    catalogue: &'a Catalogue,
    wanted: &'a Explore,
    end: End,
    quiet: bool,
}

impl SearchRun<'_> {
    fn search(&self, home: &Searches, variant: Option<&str>, base: &Scenario) -> Result<Search, Failure> {
        let opened = SearchFolder::open(home, variant, base);
        let (folder, mut search) = opened.map_err(|error| Failure::InvalidInput(format!("{error:#}")))?;
        search.variant = variant.map(str::to_owned);
        // Worlds are numbered as seeds are, which are TOML numbers.
        let last = search.first.saturating_add(self.wanted.cases.unwrap_or(base.limits().cases)).min(SEED_MAX + 1);
        let progress = SearchProgress::new(search.label(), last - search.first, self.quiet);
        let base = Arc::new(base.clone());
        while search.next < last && !self.end.has_come() && (!self.wanted.stop_at_first || search.found.is_empty()) {
            let begun = Instant::now();
            let batch = search.next..(search.next + BATCH).min(last);
            let all = base.memory_limit.0.saturating_mul(at_a_time(self.wanted.threads, BATCH as usize));
            let visited: Vec<Result<Visited, Failure>> =
                batch.into_par_iter().map(|number| self.visit(&base, number, all)).collect();
            for visited in visited {
                if !self.take_in(visited?, &base, &folder, &mut search, &progress)? {
                    break;
                }
            }
            search.wall_s += begun.elapsed().as_secs_f64();
            folder.save(&search)?;
            progress.notify(search.cases(), search.wall_s, search.found.len(), search.coverage.len());
        }
        progress.clear();
        Ok(search)
    }
    /// Counts the next case. Whether there may be more.
    fn take_in(
        &self,
        mut visited: Visited,
        base: &Arc<Scenario>,
        folder: &SearchFolder<'_>,
        search: &mut Search,
        progress: &SearchProgress,
    ) -> Result<bool, Failure> {
        if let Visited::Grown(_) = visited {
            // Whose fault it was is seen when it has the process for itself.
            let alone = memory::resident().unwrap_or(0).saturating_add(base.memory_limit.0);
            visited = self.visit(base, search.next, alone)?;
        }
        let (case, judgement) = match visited {
            Visited::Over => return Ok(false),
            Visited::Judged(judged) => *judged,
            Visited::Grown(used) => {
                let (label, number) = (search.label(), search.next);
                let (used, limit) = (show(used), base.memory_limit);
                let what = format!("memory: {used} were in use, the limit is {limit}");
                progress.say(&format!("case {number} of {label} was ended and is not judged: {what}"));
                search.pass_over(what);
                return Ok(true);
            }
        };
        search.count(&case, &judgement);
        if let Some(finding) = &judgement.finding {
            self.keep(folder, search, &case, finding, progress)?;
        }
        Ok(!self.wanted.stop_at_first || judgement.finding.is_none())
    }
    /// Draws a case and runs it. What the code under test says when it stops is a finding; that a case cannot be drawn is
    /// not. Nothing is waited for for long when the search is over.
    fn visit(&self, base: &Arc<Scenario>, number: u64, memory: u64) -> Result<Visited, Failure> {
        if self.end.has_come() {
            return Ok(Visited::Over);
        }
        let (catalogue, base, end) = (self.catalogue.clone(), base.clone(), self.end.clone());
        let again = self.again(number);
        let work = move || visit(&catalogue, &base, number, memory, &end, &again);
        detached::work(work, &|| self.end.has_come()).unwrap_or(Ok(Visited::Over))
    }
    /// The command that draws one case again.
    fn again(&self, number: u64) -> String {
        let file = self.wanted.chosen.file.display();
        format!("ledgerlab explore {file} --set seeds={number} --cases 1")
    }
    /// Keeps a case that broke; the first of each property is made smaller.
    fn keep(
        &self,
        folder: &SearchFolder<'_>,
        search: &mut Search,
        case: &Scenario,
        finding: &Finding,
        progress: &SearchProgress,
    ) -> Result<(), Failure> {
        let (this, earlier) = search.found.split_last_mut().expect("just counted");
        if earlier.iter().any(|found| found.finding.is_like(finding)) {
            return Ok(());
        }
        let number = case.seeds.0[0];
        progress.say(&format!("case {number} violates {}; minimizing it", finding.property));
        let limit = memory::resident().unwrap_or(0).saturating_add(case.memory_limit.0);
        let has_come = || self.end.has_come();
        let (whole, broken, end, most) = (case.clone(), finding.clone(), self.end.clone(), self.wanted.shrink_budget);
        let catalogue = self.catalogue.clone();
        let shrink = move || {
            let watch = Watch::new(limit);
            bug::watch(|| explore::shrink(&catalogue, &whole, &broken, most, &|| !end.has_come() && watch.is_fine()))
        };
        let whole = || Ok(Shrunk { case: case.clone(), finding: finding.clone(), tried: 0 });
        let shrunk = detached::work(shrink, &has_come).unwrap_or_else(whole);
        let shrunk =
            shrunk.map_err(|panic| bug::failure(&panic, &format!("while it minimized case {number}"), None))?;
        // A panic of the code under test leaves no event log.
        let log = if shrunk.finding.property == PANIC || self.end.has_come() {
            None
        } else {
            let (minimal, end) = (minimal(&shrunk), self.end.clone());
            let catalogue = self.catalogue.clone();
            let rerun = move || {
                let watch = Watch::new(limit);
                let go_on = |_| !end.has_come() && watch.is_fine();
                run_scenario(&catalogue, &minimal, minimal.seeds.0[0], &|_| Err(String::new()), u64::MAX, go_on)
            };
            let ran = detached::work(rerun, &has_come).and_then(Result::ok);
            ran.filter(|ran| ran.ended_after.is_none()).and_then(|mut ran| ran.chains[0].event_log.take())
        };
        this.folder = Some(folder.keep(self.catalogue, case, finding, &shrunk, log.as_ref())?);
        Ok(())
    }
}

/// Draws a case and runs it, until the search is over or this process has more than `memory` bytes.
fn visit(
    catalogue: &Catalogue,
    base: &Scenario,
    number: u64,
    memory: u64,
    end: &End,
    again: &str,
) -> Result<Visited, Failure> {
    let case = bug::watch(|| explore::case(catalogue, base, number));
    let case = case.map_err(|panic| bug::failure(&panic, &format!("while it generated case {number}"), Some(again)))?;
    let watch = Watch::new(memory);
    let judged = bug::watch(|| explore::judge_while(catalogue, &case, &|| !end.has_come() && watch.is_fine()));
    let judged = judged.map_err(|panic| bug::failure(&panic, &format!("in case {number}"), Some(again)))?;
    let judged = judged.map_err(|what| Failure::InvalidInput(format!("case {number} cannot be built: {what}")))?;
    Ok(match judged {
        None => watch.grown().map_or(Visited::Over, Visited::Grown),
        Some(mut judgement) => {
            if let Some(finding) = judgement.finding.as_mut().filter(|finding| finding.property == PANIC) {
                finding.what += &bug::place();
            }
            Visited::Judged(Box::new((case, judgement)))
        }
    })
}

/// Prints the outcome.
fn report_outcome(searches: &[(PathBuf, Search)], json: bool, quiet: bool) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    if json {
        let answer: Vec<serde_json::Value> = searches
            .iter()
            .map(|(path, search)| {
                serde_json::json!({
                    "folder": path,
                    "name": search.name,
                    "variant": search.variant,
                    "protocol": search.protocol,
                    "cases": search.cases(),
                    "events": search.events,
                    "simulated_s": search.simulated_s,
                    "wall_s": search.wall_s,
                    "coverage": search.coverage,
                    "violations": search.found,
                    "unjudged": search.unjudged,
                })
            })
            .collect();
        writeln!(
            out,
            "{:#}",
            serde_json::json!({ "ok": searches.iter().all(|(_, search)| search.found.is_empty()), "searches": answer })
        )?;
        return Ok(());
    }
    if !quiet {
        let rows: Vec<Search> = searches.iter().map(|(_, search)| search.clone()).collect();
        writeln!(out, "{}\n", table(&rows))?;
    }
    for (path, search) in searches {
        for unjudged in &search.unjudged {
            let (label, case) = (search.label(), unjudged.case);
            writeln!(std::io::stderr(), "not judged: case {case} of {label}: {}", unjudged.why)?;
        }
        for found in search.found.iter().filter(|found| found.folder.is_some()) {
            let folder = path.join(found.folder.as_deref().unwrap_or_default());
            let kind = if found.finding.safety { "safety" } else { "liveness" };
            writeln!(
                std::io::stderr(),
                "error: {kind} violated: {} of {}, in case {}\n  {}\n  to see it again: ledgerlab run {}",
                found.finding.property,
                search.label(),
                found.case,
                found.finding.what,
                folder.join("minimized.toml").display()
            )?;
        }
    }
    Ok(())
}
