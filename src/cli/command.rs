//! The command line.

use clap::{Args, Parser, Subcommand, value_parser};
use std::path::PathBuf;

/// Seeds are TOML numbers, which are signed.
const SEED_MAX: u64 = i64::MAX as u64;

/// Simulates distributed ledgers: real consensus and ledger code over a modelled network, exactly repeatable.
#[derive(Parser, Debug)]
#[command(name = "ledgerlab", version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Ledgerlab {
    #[command(subcommand)]
    pub command: Command,
    /// Answer in JSON, on standard output
    #[arg(long, global = true)]
    pub json: bool,
    /// Say nothing but results and errors
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

const EXAMPLES: &str = "\
Examples:
  ledgerlab run scenarios/quickstart.toml
  ledgerlab run scenarios/quickstart.toml --seed 7 --out runs/seven
  ledgerlab run scenarios/quickstart.toml --set chain.nodes.count=7
  ledgerlab check scenarios/quickstart.toml
  ledgerlab list topologies

Exit codes:
  0    done, and everything held
  1    the machine failed: disk full, file vanished; or this program did
  2    the command line or the scenario is wrong
  3    safety was violated: two nodes disagree, or a final block was taken back
  4    liveness was violated: nothing became final in time
  5    verify: something differs
  6    the question could not be answered: nothing was submitted, nothing became
       final, no honest node was left, or a check could not be made
  130  interrupted";

#[derive(Subcommand, Debug)]
pub enum Command {
    /// Run an experiment: one run per seed
    #[command(after_help = RUN_EXAMPLES)]
    Run(Run),
    /// Say what a scenario would run, and everything that is wrong with it
    #[command(after_help = CHECK_EXAMPLES)]
    Check(Check),
    /// List what scenarios can choose from: protocols, ledgers, network models, datasets, workloads, metrics
    List {
        /// Only sections whose heading begins with this
        section: Option<String>,
    },
    /// Print the JSON Schema of scenarios, for editors
    Schema,
    /// Search for faults that break a protocol: generates cases inside the limits of a scenario and runs them
    #[command(after_help = EXPLORE_EXAMPLES)]
    Explore(Explore),
    /// Look whether results are as they were written, run them again and compare every file
    Verify(Verify),
    /// Measure the speed of the simulator
    #[command(after_help = BENCH_EXAMPLES)]
    Bench(Bench),
}

const RUN_EXAMPLES: &str = "\
Examples:
  ledgerlab run scenarios/compare/pbft.toml
  ledgerlab run scenarios/compare/pbft.toml --set workload.payments.rate=500
  ledgerlab run scenarios/compare/pbft.toml --set seeds=1..10 --json
  ledgerlab run scenarios/compare/voting-family.toml --variant hotstuff

Results, in runs/NAME or the folder given by --out:
  one seed        manifest.json, scenario.toml with every default, tables as
                  CSV, charts/ as SVG and PNG, report.html
  several seeds   the same per run in seed-N/, and over all of them
                  summary.csv and report.html
  variants        the same per variant in a folder of its name, and over all
                  comparison.csv, a chart and report.html
  several chains  the tables and charts of each chain in a folder of its name

They appear when everything is written, and replace earlier results of the same scenario and seeds. \
Where something else stands, runs/NAME gives way to runs/NAME-2 and so on, and a folder given by \
--out is refused, unless --force is given and nothing but results of this program lies there. Runs \
that were interrupted replace nothing: if earlier results are there, they go to a folder beside, \
with \"-interrupted\" in its name. What this program did not write it never removes.";

const CHECK_EXAMPLES: &str = "\
Examples:
  ledgerlab check scenarios/quickstart.toml
  ledgerlab check scenarios/quickstart.toml --resolved > full.toml";

const EXPLORE_EXAMPLES: &str = "\
Examples:
  ledgerlab explore scenarios/explore/at-the-bound.toml --cases 200
  ledgerlab explore scenarios/explore/at-the-bound.toml --variant raft --time-limit 60
  ledgerlab explore scenarios/quickstart.toml --set explore.max_faulty=2 --stop-at-first

Each case is generated from its number: the nodes, the network, the load, which nodes are \
Byzantine, which faults are injected and when. In the safety phase, safety must hold. Then all \
faults that the protocol need not tolerate end, and check.progress and check.catch_up must hold.

Results, in runs/NAME-explore or the folder given by --out, with variants in a folder for each:
  manifest.json   the state of the search; --resume goes on from it
  coverage.csv    per fault or attack: the cases that contained it, and
                  those of them with a violation
  violations/     per broken property the first failing case (case.toml), a
                  minimized one (minimized.toml), its event log and a
                  space-time diagram

An earlier search is gone on with (--resume) or replaced (--force). Otherwise the default place gives \
way to NAME-explore-2 and so on, and a folder given by --out is refused.

Exit code 3 if safety was violated in some case, 4 if only liveness was.";

const BENCH_EXAMPLES: &str = "\
Examples:
  ledgerlab bench
  ledgerlab bench --only simblock
  ledgerlab bench --growth --only load
  ledgerlab bench scenarios/quickstart.toml --json";

/// A scenario and how to change it.
#[derive(Args, Clone, Debug)]
pub struct ScenarioArgs {
    /// The scenario
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Change a key of the scenario; the value is written as in TOML, single words may go without quotes
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Run only this variant of the file
    #[arg(long, value_name = "NAME")]
    pub variant: Option<String>,
    /// Run with this seed instead of those of the scenario
    #[arg(long, value_name = "NUMBER", value_parser = value_parser!(u64).range(..=SEED_MAX))]
    pub seed: Option<u64>,
}

impl ScenarioArgs {
    /// All changes, as overrides.
    pub fn overrides(&self) -> Vec<String> {
        self.set.iter().cloned().chain(self.seed.map(|seed| format!("seed={seed}"))).collect()
    }
}

#[derive(Args, Debug)]
pub struct Run {
    #[command(flatten)]
    pub chosen: ScenarioArgs,
    /// Folder for the results; see below [default: runs/NAME]
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Replace results of other experiments, and say what was replaced
    #[arg(long)]
    pub force: bool,
    /// Runs at the same time; results do not depend on it [default: one per core]
    #[arg(long, value_name = "NUMBER", value_parser = value_parser!(u32).range(1..=1024))]
    pub threads: Option<u32>,
}

#[derive(Args, Debug)]
pub struct Check {
    #[command(flatten)]
    pub chosen: ScenarioArgs,
    /// Print the scenario with every default written out
    #[arg(long)]
    pub resolved: bool,
}

#[derive(Args, Debug)]
pub struct Explore {
    #[command(flatten)]
    pub chosen: ScenarioArgs,
    /// How many cases to run [default: the scenario's `explore.cases`]
    #[arg(long, alias = "worlds", value_name = "NUMBER", value_parser = value_parser!(u64).range(1..))]
    pub cases: Option<u64>,
    /// End after this many seconds
    #[arg(long, alias = "for", value_name = "SECONDS", value_parser = value_parser!(u64).range(1..))]
    pub time_limit: Option<u64>,
    /// End with the first case that fails, in each variant
    #[arg(long, alias = "first")]
    pub stop_at_first: bool,
    /// Continue where an earlier search ended
    #[arg(long)]
    pub resume: bool,
    /// Maximum number of runs spent on minimizing a failing case
    #[arg(long, alias = "shrink", value_name = "NUMBER", default_value_t = 400)]
    pub shrink_budget: u32,
    /// Folder for the results; see below [default: runs/NAME-explore]
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Replace an earlier search or other results, and say what was replaced
    #[arg(long, conflicts_with = "resume")]
    pub force: bool,
    /// Cases at the same time; results do not depend on it [default: one per core]
    #[arg(long, value_name = "NUMBER", value_parser = value_parser!(u32).range(1..=1024))]
    pub threads: Option<u32>,
}

#[derive(Args, Debug)]
pub struct Verify {
    /// The folder of a run
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
}

#[derive(Args, Debug)]
pub struct Bench {
    /// Scenario to measure, under its first seed [default: a built-in set]
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Only workloads, or axes of growth, whose name begins with this
    #[arg(long, value_name = "NAME", conflicts_with = "file")]
    pub only: Option<String>,
    /// How time, events and memory grow with nodes, committee, load and length, with fitted exponents (about 10 minutes)
    #[arg(long, conflicts_with = "file")]
    pub growth: bool,
    /// Measure this very process and answer in JSON: how the program starts itself
    #[arg(long, value_name = "NAME", hide = true)]
    pub measure: Option<String>,
}
