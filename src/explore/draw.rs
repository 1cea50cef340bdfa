//! Drawing a case.

use super::tolerated;
use crate::base::{Duration, FaultModel, Stream};
use crate::engine::FloodPayload;
use crate::network::latency::Distribution;
use crate::scenario::name;
use crate::scenario::{
    Adversary, Attack, Catalogue, ClockFault, Crash, Data, Degrade, Eclipse, Fault, FaultKind, Flood, GenericAttack,
    Latency, Load, Log, NodeSelector, Partition, Pause, Repeat, Scenario, Seeds, Slow, Workload,
};
use crate::scenario::{DrawnFault, Explore};

/// The case with this number: a scenario whose seed it is. Draws from the stream `("world", 0, 0)` of that seed.
///
/// # Panics
/// On a scenario that was not checked.
#[must_use]
pub fn case(catalogue: &Catalogue, base: &Scenario, number: u64) -> Scenario {
    let mut case = base.clone();
    let limits = base.limits();
    case.name = name::joined(&base.name, &number.to_string());
    case.seeds = Seeds(vec![number]);
    case.explore = None;
    case.output.charts = false;
    let heal = limits.safety_phase.unwrap_or(base.duration().scale(1, 3));
    let mut generator =
        CaseGenerator { random: Stream::new(number, "world", 0, 0), n: 0, heal, tempo: Tempo::Any, limits };
    generator.nodes(&mut case);
    generator.surroundings(&mut case);
    generator.faulty(catalogue, &mut case);
    generator.faults(&mut case);
    generator.late_leaders(number, &mut case);
    case.fault.sort_by_key(|fault| fault.at);
    case
}

/// What a case is made of, as words for counting: kinds of faults and attacks, each once.
#[must_use]
pub fn features(case: &Scenario) -> Vec<String> {
    let mut words: Vec<String> = case.fault.iter().map(|fault| word(fault).to_owned()).collect();
    words.extend(case.fault.iter().filter(|fault| fault.repeat.is_some()).map(|_| DrawnFault::Flap.word().to_owned()));
    words.extend(case.adversary.iter().map(|adversary| format!("attack {}", adversary.attack.word())));
    words.sort_unstable();
    words.dedup();
    words
}

/// The word under which a fault is counted.
fn word(fault: &Fault) -> &'static str {
    let kind = match fault.kind().expect("a generated fault is of one kind") {
        FaultKind::Crash(Crash { log: Log::Torn, .. }) => DrawnFault::TornWrite,
        FaultKind::Crash(crash) if crash.forgets() => return "amnesia",
        FaultKind::Crash(_) if fault.until.is_none() => return "stays down",
        FaultKind::Crash(_) => DrawnFault::Crash,
        FaultKind::Pause(_) => DrawnFault::Pause,
        FaultKind::Slow(_) => DrawnFault::Slow,
        FaultKind::Clock(_) => DrawnFault::Clock,
        FaultKind::Partition(_) => DrawnFault::Partition,
        FaultKind::Eclipse(_) => DrawnFault::Eclipse,
        FaultKind::Degrade(degrade) if degrade.corrupt > 0.0 => DrawnFault::Corrupt,
        FaultKind::Degrade(_) => DrawnFault::Degrade,
        FaultKind::Load(_) => DrawnFault::Load,
        FaultKind::Flood(_) => DrawnFault::Flood,
    };
    kind.word()
}

/// How long what goes wrong in one case lasts: bursts of milliseconds find other bugs than cuts of many seconds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tempo {
    /// Anything up to the whole safety phase.
    Any,
    /// At most three seconds.
    Short,
    /// At most 300 ms, again and again.
    Bursts,
}

struct CaseGenerator {
    random: Stream,
    n: u32,
    /// When the safety phase ends.
    heal: Duration,
    tempo: Tempo,
    limits: Explore,
}

impl CaseGenerator {
    fn nodes(&mut self, case: &mut Scenario) {
        let nodes = &mut case.chain[0].nodes;
        if let Some((least, most)) = self.limits.nodes {
            nodes.count = Some(least + self.random.below(u64::from(most - least) + 1) as u32);
            nodes.max_faulty = None;
        }
        self.n = nodes.count();
    }
    /// Network and load.
    fn surroundings(&mut self, case: &mut Scenario) {
        let millis = Duration::from_millis;
        let latency = case.chain[0].network.latency.get_or_insert_with(|| Latency::constant(Duration::ZERO));
        match self.random.below(8) {
            0 => *latency = Latency::constant(millis(1 + self.random.below(80))),
            1 => {
                *latency = Latency::Distribution(Distribution::Uniform { median: millis(60), half_width: millis(55) });
            }
            2 => {
                let mean = millis(10 + self.random.below(60));
                *latency = Latency::Distribution(Distribution::Exponential { mean });
            }
            _ => {}
        }
        if let Some(Workload::Payments(payments)) = &mut case.workload {
            payments.clients = Some(self.n);
            let factor = self.one_of(&[0.3, 1.0, 1.0, 2.0]);
            payments.rate = payments.rate.map(|rate| rate * factor);
        }
    }
    /// Nodes that lie, forget or stay down: at most as many as allowed.
    fn faulty(&mut self, catalogue: &Catalogue, case: &mut Scenario) {
        let chain = &case.chain[0];
        let known = catalogue.protocol(&chain.protocol.name).expect("a known protocol");
        let most = self.limits.max_faulty.unwrap_or_else(|| tolerated(catalogue, chain)).min(self.n - 1);
        let byzantine = self.limits.byzantine.unwrap_or(known.faults == FaultModel::Byzantine);
        let mut nodes: Vec<u32> = (0..self.n).collect();
        self.random.shuffle(&mut nodes);
        nodes.truncate(self.random.below(u64::from(most) + 1) as usize);
        let own: Vec<&str> = known.attacks.iter().map(|(name, _)| *name).collect();
        for node in nodes {
            match self.random.below(6) {
                0 => case.fault.push(self.stays_down(node)),
                1 if byzantine => case.fault.push(self.forgets(node)),
                _ if byzantine => {
                    let attack = self.attack(&own, node);
                    case.adversary.push(Adversary {
                        chain: String::new(),
                        nodes: NodeSelector::Numbers(vec![node]),
                        attack,
                    });
                }
                _ => case.fault.push(self.stays_down(node)),
            }
        }
    }
    fn stays_down(&mut self, node: u32) -> Fault {
        let crash = Some(Crash { nodes: NodeSelector::Numbers(vec![node]), log: Log::Intact, data: Data::Kept });
        Fault { crash, tolerated: true, ..Fault::spanning(self.instant(Duration::ZERO), None) }
    }
    fn forgets(&mut self, node: u32) -> Fault {
        let log = if self.random.chance(0.5) { Log::Wiped } else { Log::DropLast(1 + self.random.below(10) as u32) };
        Fault { crash: Some(Crash { nodes: NodeSelector::Numbers(vec![node]), log, data: Data::Kept }), ..self.span() }
    }
    fn attack(&mut self, own: &[&str], node: u32) -> Attack {
        if !self.limits.attacks.is_empty() {
            let names = self.limits.attacks.clone();
            let name = &names[self.random.index(names.len())];
            return Attack::of_word(name);
        }
        if !own.is_empty() && self.random.chance(0.5) {
            return Attack::Protocol(own[self.random.index(own.len())].to_owned());
        }
        Attack::Generic(self.misconduct(node))
    }
    /// What the nodes of every protocol can do.
    fn misconduct(&mut self, node: u32) -> GenericAttack {
        let others: Vec<u32> = self.some_nodes(self.n - 1).into_iter().filter(|other| *other != node).collect();
        match self.random.below(9) {
            0 => GenericAttack::Silent,
            1 => GenericAttack::Delay { delay: self.millis(2_000) },
            2 if !others.is_empty() => GenericAttack::Selective { to: others },
            3 if !others.is_empty() => GenericAttack::Withhold { first_peers: others, delay: self.millis(2_000) },
            4 => GenericAttack::Amnesia { every: Duration::from_secs(2 + self.random.below(20)) },
            5 => GenericAttack::Replay { max_delay: self.millis(10_000), probability: self.one_of(&[0.1, 0.9]) },
            6 => GenericAttack::Corrupt { probability: self.one_of(&[0.1, 0.9]) },
            7 => GenericAttack::Censor { accounts: vec![0, 1, 2] },
            _ => GenericAttack::TWINS,
        }
    }
    /// What goes wrong and is over at the end of the safety phase.
    fn faults(&mut self, case: &mut Scenario) {
        let many = self.random.below(u64::from(self.limits.max_faults) + 1);
        let kinds = self.some_kinds();
        let may_repeat = self.limits.fault_kinds.contains(&DrawnFault::Flap);
        self.tempo = match self.random.below(4) {
            0 => Tempo::Short,
            1 if may_repeat => Tempo::Bursts,
            _ => Tempo::Any,
        };
        for _ in 0..many {
            if !kinds.is_empty() {
                let kind = kinds[self.random.index(kinds.len())];
                let fault = self.fault(kind);
                case.fault.push(fault);
            }
        }
    }
    /// In some cases: what the leader sends reaches some nodes late or never, for moments, again and again. Single rounds lose
    /// their proposal, or a few of its votes, at a few nodes: only so do locks part. Draws from a stream of its own.
    fn late_leaders(&mut self, number: u64, case: &mut Scenario) {
        let others = std::mem::replace(&mut self.random, Stream::new(number, "late leaders", 0, 0));
        if self.limits.fault_kinds.contains(&DrawnFault::Degrade) && self.random.chance(0.25) {
            let (from, to) = (NodeSelector::Leader, NodeSelector::Numbers(self.some_nodes(self.n)));
            let is_lost = self.random.chance(0.5);
            let (loss, extra_delay) = if is_lost { (1.0, Duration::ZERO) } else { (0.0, self.millis(3_000)) };
            let degrade = Some(Degrade { from, to, extra_delay, loss, ..everywhere() });
            let repeat = Some(self.repeat(600));
            let at = self.instant(Duration::ZERO);
            case.fault.push(Fault { repeat, degrade, ..Fault::spanning(at, Some(self.heal)) });
        }
        self.random = others;
    }
    /// All kinds, or each with an even chance: what is left out hides nothing of the rest.
    fn some_kinds(&mut self) -> Vec<DrawnFault> {
        let all = self.limits.fault_kinds.clone();
        if self.random.chance(0.5) {
            return all;
        }
        let some: Vec<DrawnFault> = all.iter().copied().filter(|_| self.random.chance(0.5)).collect();
        if some.is_empty() { all } else { some }
    }
    fn fault(&mut self, kind: DrawnFault) -> Fault {
        let fault = self.span();
        match kind {
            DrawnFault::Crash => {
                Fault { crash: Some(Crash { nodes: self.target_nodes(), log: Log::Intact, data: Data::Kept }), ..fault }
            }
            DrawnFault::TornWrite => {
                Fault { crash: Some(Crash { nodes: self.target_nodes(), log: Log::Torn, data: Data::Kept }), ..fault }
            }
            DrawnFault::Pause => Fault { pause: Some(Pause { nodes: self.target_nodes() }), ..fault },
            DrawnFault::Slow => Fault { slow: Some(self.slow()), ..fault },
            DrawnFault::Clock => Fault { clock: Some(self.clock()), ..fault },
            // A single node cannot be cut off from others: links get worse instead, of which it has none.
            DrawnFault::Partition | DrawnFault::Eclipse if self.n == 1 => {
                Fault { degrade: Some(self.degrade()), ..fault }
            }
            DrawnFault::Partition => Fault { partition: Some(self.partition()), ..fault },
            DrawnFault::Eclipse => {
                let victim = self.random.below(u64::from(self.n)) as u32;
                let by = self.some_nodes(2).into_iter().filter(|by| *by != victim).collect();
                Fault {
                    eclipse: Some(Eclipse {
                        victim: NodeSelector::Numbers(vec![victim]),
                        by: NodeSelector::Numbers(by),
                    }),
                    ..fault
                }
                .or_partition(victim)
            }
            DrawnFault::Degrade => Fault { degrade: Some(self.degrade()), ..fault },
            DrawnFault::Corrupt => {
                let corrupt = self.one_of(&[0.01, 0.1, 0.3]);
                let degrade = Degrade { corrupt, ..everywhere() };
                Fault { degrade: Some(degrade), ..fault }
            }
            DrawnFault::Flap => {
                let repeat = fault.repeat.or_else(|| Some(self.repeat(6_000)));
                if self.n > 1 && self.random.chance(0.5) {
                    Fault { partition: Some(self.partition()), repeat, ..fault }
                } else {
                    Fault {
                        crash: Some(Crash { nodes: self.target_nodes(), log: Log::Intact, data: Data::Kept }),
                        repeat,
                        ..fault
                    }
                }
            }
            DrawnFault::Load => {
                let factor = self.one_of(&[0.1, 3.0, 10.0]);
                Fault { load: Some(Load { factor }), ..fault }
            }
            DrawnFault::Flood => {
                let rate = self.one_of(&[10.0, 200.0, 2_000.0]);
                let payload = if self.random.chance(0.5) { FloodPayload::Messages } else { FloodPayload::Transactions };
                Fault { flood: Some(Flood { nodes: self.target_nodes(), rate, payload }), ..fault }
            }
        }
    }
    fn slow(&mut self) -> Slow {
        let slow = Slow { nodes: self.target_nodes(), cpu_factor: 1.0, disk_factor: 1.0, disk_full: false };
        match self.random.below(3) {
            0 => Slow { cpu_factor: self.one_of(&[4.0, 30.0, 300.0]), ..slow },
            1 => Slow { disk_factor: self.one_of(&[5.0, 50.0, 500.0]), ..slow },
            _ => Slow { disk_full: true, ..slow },
        }
    }
    fn clock(&mut self) -> ClockFault {
        let jump = Duration::from_nanos(
            1_000_000 * (1 + self.random.below(self.limits.max_clock_jump.as_nanos() / 1_000_000 + 1)),
        );
        let ahead = self.random.chance(0.5);
        ClockFault {
            nodes: self.target_nodes(),
            ahead: if ahead { jump } else { Duration::ZERO },
            behind: if ahead { Duration::ZERO } else { jump },
            drift_ppm: self.one_of(&[0.0, 0.0, 200.0, -200.0]),
        }
    }
    fn partition(&mut self) -> Partition {
        if self.random.chance(0.15) {
            return Partition {
                groups: vec![NodeSelector::Leader, NodeSelector::Rest],
                one_way: self.random.chance(0.3),
            };
        }
        let mut nodes: Vec<u32> = (0..self.n).collect();
        self.random.shuffle(&mut nodes);
        // Who is in no group keeps all links: a bridge.
        if self.n > 2 && self.random.chance(0.2) {
            nodes.pop();
        }
        // Often one node is alone.
        let cut = if self.random.chance(0.2) { 1 } else { 1 + self.random.index(nodes.len() - 1) };
        let mut far = nodes.split_off(cut);
        nodes.sort_unstable();
        far.sort_unstable();
        Partition {
            groups: vec![NodeSelector::Numbers(nodes), NodeSelector::Numbers(far)],
            one_way: self.random.chance(0.3),
        }
    }
    fn degrade(&mut self) -> Degrade {
        let is_all = self.random.chance(0.5);
        let mut ends = || if is_all { NodeSelector::All } else { NodeSelector::Numbers(self.some_nodes(self.n)) };
        let (from, to) = (ends(), ends());
        let mut degrade = Degrade { from, to, ..everywhere() };
        match self.random.below(4) {
            0 => degrade.loss = self.one_of(&[0.02, 0.1, 0.3, 0.5]),
            1 => degrade.extra_delay = self.millis(1_500),
            2 => {
                degrade.jitter = self.millis(800);
                degrade.reorder = true;
            }
            _ => {
                degrade.duplicate = self.one_of(&[0.05, 0.5]);
                degrade.jitter = self.millis(300);
                degrade.reorder = self.random.chance(0.5);
            }
        }
        degrade
    }

    /// A span that ends with the safety phase at the latest, in the tempo of this case, as a fault of no kind yet.
    fn span(&mut self) -> Fault {
        let at = self.instant(Duration::ZERO);
        if self.tempo == Tempo::Bursts {
            let repeat = Some(self.repeat(300));
            return Fault { repeat, ..Fault::spanning(at, Some(self.heal)) };
        }
        let until = if self.random.chance(0.2) { self.heal } else { self.instant(at) };
        let short = if self.tempo == Tempo::Short { at + self.millis(3_000) } else { self.heal };
        Fault::spanning(at, Some(until.min(short)))
    }
    /// Again and again, each time for at most so many milliseconds.
    fn repeat(&mut self, most: u64) -> Repeat {
        let lasting = Duration::from_millis(4) + self.millis(most);
        let every = lasting + Duration::from_millis(20) + self.millis(4_000);
        Repeat {
            every: every.min(self.heal),
            duration: lasting.min(self.heal.scale(1, 2)),
            random: self.random.chance(0.5),
        }
    }
    /// An instant after `after` in the safety phase, in whole milliseconds.
    fn instant(&mut self, after: Duration) -> Duration {
        let left = self.heal.saturating_sub(after).as_nanos() / 1_000_000;
        after + Duration::from_millis(1 + self.random.below(left.saturating_sub(2).max(1)))
    }
    /// From 1 ms to `most` milliseconds, short ones as likely as long ones.
    fn millis(&mut self, most: u64) -> Duration {
        let scale = self.one_of(&[1.0, 10.0, 100.0]);
        Duration::from_millis(1 + self.random.below((most as f64 / scale) as u64 + 1))
    }
    /// One to `most` nodes, ascending.
    fn some_nodes(&mut self, most: u32) -> Vec<u32> {
        let mut nodes: Vec<u32> = (0..self.n).collect();
        self.random.shuffle(&mut nodes);
        nodes.truncate(1 + self.random.index(most.max(1) as usize));
        nodes.sort_unstable();
        nodes
    }
    /// Some nodes, often one, or the leader.
    fn target_nodes(&mut self) -> NodeSelector {
        match self.random.below(8) {
            0 | 1 => NodeSelector::Leader,
            2..=4 => NodeSelector::Numbers(self.some_nodes(1)),
            5 | 6 => NodeSelector::Numbers(self.some_nodes(self.n)),
            _ => NodeSelector::All,
        }
    }
    fn one_of(&mut self, choices: &[f64]) -> f64 {
        choices[self.random.index(choices.len())]
    }
}

/// Links between all nodes, not worse yet.
fn everywhere() -> Degrade {
    Degrade {
        from: NodeSelector::All,
        to: NodeSelector::All,
        extra_delay: Duration::ZERO,
        jitter: Duration::ZERO,
        loss: 0.0,
        duplicate: 0.0,
        corrupt: 0.0,
        reorder: false,
    }
}

impl Fault {
    /// An eclipse by no node is a plain cut.
    fn or_partition(mut self, victim: u32) -> Fault {
        if self.eclipse.as_ref().is_some_and(|eclipse| eclipse.by == NodeSelector::Numbers(Vec::new())) {
            self.eclipse = None;
            let groups = vec![NodeSelector::Numbers(vec![victim]), NodeSelector::Rest];
            self.partition = Some(Partition { groups, one_way: false });
        }
        self
    }
}
