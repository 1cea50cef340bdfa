//! `explore`: draws worlds and runs them on all cores, until as many were run as were asked for, or time is over.

use super::bug;
use super::command::Explore;
use super::exit::{Exit, Failure};
use super::inspect::{load, warn};
use super::interrupt::Interrupt;
use ledgerlab::report::progress::SearchProgress;
use ledgerlab::report::search::{Begin, Search, SearchFolder, Searches, table};
use ledgerlab::scenario::Scenario;
use ledgerlab::scenario::explore::{self, Finding, Judgement, PANIC};
use rayon::prelude::*;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// So many worlds are run between two times that the state is written.
const BATCH: u64 = 64;

/// Searches inside the limits of a scenario, or of each of its variants.
pub fn explore(wanted: &Explore, json: bool, quiet: bool) -> Result<Exit, Failure> {
    let loaded = load(&wanted.chosen)?;
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
    let expedition =
        Expedition { wanted, interrupt: Interrupt::listen()?, started: Instant::now(), quiet: quiet || json };
    let variants: Vec<&str> = searched.iter().filter_map(|(variant, _)| *variant).collect();
    let begin = Begin { resume: wanted.resume, force: wanted.force, beside: wanted.out.is_none() };
    let home = Searches::open(&target, base, &variants, begin);
    let home = home.map_err(|error| Failure::Wrong(format!("{error:#}")))?;
    for note in home.notes.iter().filter(|_| !expedition.quiet) {
        writeln!(std::io::stderr(), "note: {note}")?;
    }
    let mut searches = Vec::new();
    for (variant, scenario) in searched {
        let path = variant.map_or(home.shown().to_owned(), |variant| home.shown().join(variant));
        let search = pool.install(|| expedition.search(&home, variant, scenario))?;
        searches.push((path, search));
        if expedition.is_over() {
            break;
        }
    }
    tell(&searches, json, quiet)?;
    let broken: Vec<(usize, usize)> = searches.iter().map(|(_, search)| search.broken()).collect();
    Ok(match broken.into_iter().fold((0, 0), |sum, each| (sum.0 + each.0, sum.1 + each.1)) {
        (0, 0) if expedition.interrupt.came() => Exit::Interrupted,
        (0, 0) => Exit::Done,
        (0, _) => Exit::Liveness,
        _ => Exit::Safety,
    })
}

struct Expedition<'a> {
    wanted: &'a Explore,
    interrupt: Interrupt,
    started: Instant,
    quiet: bool,
}

impl Expedition<'_> {
    fn is_over(&self) -> bool {
        let late = self.wanted.within.is_some_and(|within| self.started.elapsed() >= Duration::from_secs(within));
        late || self.interrupt.came()
    }
    fn search(&self, home: &Searches, variant: Option<&str>, base: &Scenario) -> Result<Search, Failure> {
        let opened = SearchFolder::open(home, variant, base);
        let (folder, mut search) = opened.map_err(|error| Failure::Wrong(format!("{error:#}")))?;
        search.variant = variant.map(str::to_owned);
        let last = search.first + self.wanted.worlds.unwrap_or(base.limits().worlds);
        let progress = SearchProgress::new(search.label(), last - search.first, self.quiet);
        while search.next < last && !self.is_over() && (!self.wanted.first || search.found.is_empty()) {
            let begun = Instant::now();
            let batch = search.next..(search.next + BATCH).min(last);
            let judged: Vec<Result<Option<(Scenario, Judgement)>, Failure>> =
                batch.into_par_iter().map(|number| self.visit(base, number)).collect();
            for judged in judged {
                let Some((world, judgement)) = judged? else { break };
                search.count(&world, &judgement);
                if let Some(finding) = &judgement.finding {
                    self.keep(&folder, &mut search, &world, finding, &progress)?;
                    if self.wanted.first {
                        break;
                    }
                }
            }
            search.wall_s += begun.elapsed().as_secs_f64();
            folder.save(&search)?;
            progress.tell(search.worlds(), search.wall_s, search.found.len(), search.coverage.len());
        }
        progress.clear();
        Ok(search)
    }
    /// Draws a world and runs it; nothing if it is time to end. What the code under test says when it stops is a finding;
    /// that a world cannot be drawn is not.
    fn visit(&self, base: &Scenario, number: u64) -> Result<Option<(Scenario, Judgement)>, Failure> {
        if self.is_over() {
            return Ok(None);
        }
        let (file, doing) = (self.wanted.chosen.file.display(), format!("while it drew world {number}"));
        let again = format!("ledgerlab explore {file} --set seeds={number} --worlds 1");
        let world = bug::watch(|| explore::world(base, number));
        let world = world.map_err(|panic| bug::told(&panic, &doing, Some(&again)))?;
        let judged = bug::watch(|| explore::judge_while(&world, &|| !self.is_over()));
        let judged = judged.map_err(|panic| bug::told(&panic, &format!("in world {number}"), Some(&again)))?;
        let judged = judged.map_err(|what| Failure::Wrong(format!("world {number} cannot be built: {what}")))?;
        Ok(judged.map(|mut judgement| {
            if let Some(finding) = judgement.finding.as_mut().filter(|finding| finding.property == PANIC) {
                finding.what += &bug::place();
            }
            (world, judgement)
        }))
    }
    /// Keeps a world that broke; the first of each property is made smaller.
    fn keep(
        &self,
        folder: &SearchFolder<'_>,
        search: &mut Search,
        world: &Scenario,
        finding: &Finding,
        progress: &SearchProgress,
    ) -> Result<(), Failure> {
        let (this, earlier) = search.found.split_last_mut().expect("just counted");
        if earlier.iter().any(|found| found.finding.is_like(finding)) {
            return Ok(());
        }
        progress.say(&format!("world {} breaks {}; making it smaller", world.seeds.0[0], finding.property));
        let go_on = || !self.is_over();
        let shrunk = bug::watch(|| explore::shrink(world, finding, self.wanted.shrink, &go_on));
        let doing = || format!("while it made world {} smaller", world.seeds.0[0]);
        let shrunk = shrunk.map_err(|panic| bug::told(&panic, &doing(), None))?;
        let inner = folder.keep(world, finding, &shrunk, &go_on)?;
        this.folder = Some(inner);
        Ok(())
    }
}

/// Says what came out.
fn tell(searches: &[(PathBuf, Search)], json: bool, quiet: bool) -> Result<(), Failure> {
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
                    "worlds": search.worlds(),
                    "events": search.events,
                    "simulated_s": search.simulated_s,
                    "wall_s": search.wall_s,
                    "coverage": search.coverage,
                    "violations": search.found,
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
        for found in search.found.iter().filter(|found| found.folder.is_some()) {
            let folder = path.join(found.folder.as_deref().unwrap_or_default());
            let kind = if found.finding.safety { "safety" } else { "liveness" };
            writeln!(
                std::io::stderr(),
                "error: {kind} violated: {} of {}, in world {}\n  {}\n  to see it again: ledgerlab run {}",
                found.finding.property,
                search.label(),
                found.world,
                found.finding.what,
                folder.join("minimal.toml").display()
            )?;
        }
    }
    Ok(())
}
