//! What goes wrong and when, in the words of a scenario.

use super::NodeSelector;
use crate::base::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One thing that goes wrong, once or again and again. Exactly one of the kinds from `crash` to `flood` is given.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// When it begins.
    pub at: Duration,
    /// When it ends: crashed nodes start again, partitions heal. Left out: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Duration>,
    /// It comes and goes between `at` and `until`: flapping links, nodes that join and leave. Nodes that are a fraction
    /// are drawn anew each time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<Repeat>,
    /// The chain it happens to. Left out: the first.
    #[serde(default)]
    pub chain: String,
    /// Whether the protocol must go on while it lasts: `check.progress` makes no allowance for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tolerated: bool,
    /// Nodes stop, losing what is not durable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crash: Option<Crash>,
    /// Nodes stand still and go on where they were: a debugger, a garbage collector, a migrating virtual machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<Pause>,
    /// Nodes compute and write slowly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow: Option<Slow>,
    /// Clocks jump and drift.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<ClockFault>,
    /// Groups of nodes cannot reach each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<Partition>,
    /// A node reaches nobody but those who surround it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eclipse: Option<Eclipse>,
    /// Links get worse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub degrade: Option<Degrade>,
    /// Clients ask more often, or less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<Load>,
    /// Strangers send messages with broken signatures, which cost time to throw away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flood: Option<Flood>,
}

/// How a fault comes and goes. It begins at `at`, and last ends at `until` or with the run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Repeat {
    /// From one beginning to the next.
    pub every: Duration,
    /// How long it lasts each time, less than `every`.
    pub duration: Duration,
    /// Whether lengths and gaps are drawn: exponential, with the means that `duration` and `every` give.
    #[serde(default)]
    pub random: bool,
}

/// Nodes stop.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Crash {
    /// Which nodes.
    pub nodes: NodeSelector,
    /// What they find of their logs when they start again.
    #[serde(default, skip_serializing_if = "Log::is_intact")]
    pub log: Log,
    /// What they find of their data directories, the chain with its log: `"kept"`, `"wiped"`, or an old backup,
    /// `{ backup = "10s" }`. Who loses data counts as faulty, and must catch up with the others.
    #[serde(default, skip_serializing_if = "Data::is_kept")]
    pub data: Data,
}

/// What a node finds of its data directory after a crash.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Data {
    /// The chain as far as it was final, and of the log what `log` says.
    #[default]
    Kept,
    /// Nothing: neither chain nor log.
    Wiped,
    /// Chain and log as they were this long before the crash.
    Backup(Duration),
}

impl Data {
    /// Whether nothing is lost.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        *self == Data::Kept
    }
}

impl Crash {
    /// Whether what was said to be durable is lost.
    #[must_use]
    pub fn forgets(&self) -> bool {
        self.log.forgets() || !self.data.is_kept()
    }
}

/// What a node finds of its log after a crash. What it holds final it keeps, unless `data` says otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Log {
    /// All that was durable.
    #[default]
    Intact,
    /// Also some of the records that were being written; the next one is torn.
    Torn,
    /// All but its last records, as after an old snapshot: the node forgets what it promised, and counts as faulty.
    DropLast(u32),
    /// Nothing: the node counts as faulty.
    Wiped,
}

impl Log {
    /// Whether nothing durable is lost and nothing else is found.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        *self == Log::Intact
    }
    /// Whether what was said to be durable is lost.
    #[must_use]
    pub fn forgets(self) -> bool {
        matches!(self, Log::DropLast(_) | Log::Wiped)
    }
}

/// Nodes stand still.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// Which nodes.
    pub nodes: NodeSelector,
}

/// Nodes compute and write slowly.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slow {
    /// Which nodes.
    pub nodes: NodeSelector,
    /// How many times longer computing takes.
    #[serde(default = "once")]
    pub cpu_factor: f64,
    /// How many times longer writing takes.
    #[serde(default = "once")]
    pub disk_factor: f64,
    /// Whether their disks are full: no write completes.
    #[serde(default)]
    pub disk_full: bool,
}

/// Clocks jump and drift. At its end they are right again; a clock that is set back stands still until it has caught up.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClockFault {
    /// Which nodes.
    pub nodes: NodeSelector,
    /// How far they jump ahead.
    #[serde(default)]
    pub ahead: Duration,
    /// How far they fall behind.
    #[serde(default)]
    pub behind: Duration,
    /// How much faster they run, in parts per million; slower if negative.
    #[serde(default)]
    pub drift_ppm: f64,
}

/// A node reaches nobody but those who surround it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Eclipse {
    /// Who is cut off.
    pub victim: NodeSelector,
    /// Who still reaches it.
    pub by: NodeSelector,
}

/// Clients ask more often, or less.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// How many times as often, above 0.
    pub factor: f64,
}

/// Strangers send what serves nobody. It takes no bandwidth on its way in.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Flood {
    /// To whom.
    pub nodes: NodeSelector,
    /// How many per second to each of them.
    pub rate: f64,
    /// What.
    #[serde(default)]
    pub payload: FloodPayload,
}

/// What strangers send.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FloodPayload {
    /// Messages with broken signatures, which are checked and thrown away.
    #[default]
    Messages,
    /// Signed payments from a thousand accounts that hold nothing, with the usual size and fee: they enter mempools and
    /// spread, until a proposer tries them.
    Transactions,
}

fn once() -> f64 {
    1.0
}

/// Groups of nodes cannot reach each other. Nodes in no group keep all their links and so bridge the others; `"rest"`
/// makes a group of them.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    /// The groups, two or more: `[[0, 1], "rest"]` or `[{ region = "eu-west-1" }, "rest"]`.
    pub groups: Vec<NodeSelector>,
    /// Cuts only the way from the first group to the second.
    #[serde(default)]
    pub one_way: bool,
}

/// Links get worse.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Degrade {
    /// Senders.
    #[serde(default = "everybody")]
    pub from: NodeSelector,
    /// Receivers.
    #[serde(default = "everybody")]
    pub to: NodeSelector,
    /// Delay added to every message.
    #[serde(default)]
    pub extra_delay: Duration,
    /// Further delay, uniform between zero and this, drawn per message.
    #[serde(default)]
    pub jitter: Duration,
    /// Probability that a message is lost.
    #[serde(default)]
    pub loss: f64,
    /// Probability that a message arrives twice.
    #[serde(default)]
    pub duplicate: f64,
    /// Probability that a message arrives garbled; receivers find out by checking it.
    #[serde(default)]
    pub corrupt: f64,
    /// Whether messages may overtake each other on one link.
    #[serde(default)]
    pub reorder: bool,
}

fn everybody() -> NodeSelector {
    NodeSelector::All
}

/// The kinds of faults.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum FaultKind<'a> {
    /// Nodes stop.
    Crash(&'a Crash),
    /// Nodes stand still.
    Pause(&'a Pause),
    /// Nodes are slow.
    Slow(&'a Slow),
    /// Clocks are wrong.
    Clock(&'a ClockFault),
    /// Groups of nodes cannot reach each other.
    Partition(&'a Partition),
    /// A node is surrounded.
    Eclipse(&'a Eclipse),
    /// Links get worse.
    Degrade(&'a Degrade),
    /// Clients ask more often.
    Load(&'a Load),
    /// Strangers send garbage.
    Flood(&'a Flood),
}

impl Fault {
    /// Nothing yet, that begins at `at` and ends at `until`.
    #[must_use]
    pub fn spanning(at: Duration, until: Option<Duration>) -> Fault {
        Fault {
            at,
            until,
            repeat: None,
            chain: String::new(),
            tolerated: false,
            crash: None,
            pause: None,
            slow: None,
            clock: None,
            partition: None,
            eclipse: None,
            degrade: None,
            load: None,
            flood: None,
        }
    }
    /// Everything that is given, which in a checked scenario is one thing.
    #[must_use]
    pub fn kinds(&self) -> Vec<FaultKind<'_>> {
        let kinds = [
            self.crash.as_ref().map(FaultKind::Crash),
            self.pause.as_ref().map(FaultKind::Pause),
            self.slow.as_ref().map(FaultKind::Slow),
            self.clock.as_ref().map(FaultKind::Clock),
            self.partition.as_ref().map(FaultKind::Partition),
            self.eclipse.as_ref().map(FaultKind::Eclipse),
            self.degrade.as_ref().map(FaultKind::Degrade),
            self.load.as_ref().map(FaultKind::Load),
            self.flood.as_ref().map(FaultKind::Flood),
        ];
        kinds.into_iter().flatten().collect()
    }
    /// What goes wrong; `None` unless exactly one thing is given, which a checked scenario guarantees.
    #[must_use]
    pub fn kind(&self) -> Option<FaultKind<'_>> {
        match self.kinds()[..] {
            [kind] => Some(kind),
            _ => None,
        }
    }
    /// The nodes that forget what they promised, if it is a crash that makes them.
    #[must_use]
    pub fn amnesiacs(&self) -> Option<&NodeSelector> {
        self.crash.as_ref().filter(|crash| crash.forgets()).map(|crash| &crash.nodes)
    }
}

/// Nodes that do not follow the protocol.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Adversary {
    /// The chain. Left out: the first.
    #[serde(default)]
    pub chain: String,
    /// Which nodes.
    pub nodes: NodeSelector,
    /// What they do.
    pub attack: Attack,
}

/// What nodes do that do not follow the protocol.
#[derive(Clone, PartialEq, Debug)]
pub enum Attack {
    /// What the nodes of every protocol can do.
    Generic(GenericAttack),
    /// An attack of the protocol's own, by name.
    Protocol(String),
}

/// What the nodes of every protocol can do that do not follow it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum GenericAttack {
    /// Send nothing.
    Silent,
    /// Send everything late.
    Delay {
        /// How late.
        delay: Duration,
    },
    /// Send to some only.
    Selective {
        /// To whom.
        to: Vec<u32>,
    },
    /// Run as several processes with one identity, each in touch with one side of the other nodes (Twins, Bano et al.
    /// 2021). Nodes of one adversary share the sides: their processes of one side see each other. Client requests reach
    /// each process, transactions spread to all sides. A miner's twins have its power each. Over a graph it is the links
    /// of the node that are divided, and what others pass on crosses the sides.
    Twins {
        /// The nodes of each side, two sides or more; a node may be on several, and one on none sees no twin. Left out:
        /// two halves of the other nodes, drawn by the seed.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        sides: Vec<Vec<u32>>,
    },
    /// Lose the disk, log and chain included, and start anew, again and again.
    Amnesia {
        /// The time between two losses, and before the first.
        every: Duration,
    },
    /// Say again what they said, and what they heard where no signature tells who sent it, each time to one other node.
    Replay {
        /// How much later, at most; uniform.
        #[serde(default = "while_later")]
        max_delay: Duration,
        /// The probability that a message is said again.
        #[serde(default = "half")]
        probability: f64,
    },
    /// Send to friends at once, and to everybody later; the friends hear it twice.
    Withhold {
        /// To whom at once.
        first_peers: Vec<u32>,
        /// How much later.
        delay: Duration,
    },
    /// Keep transactions of some accounts out of the mempool: neither propose them nor pass them on.
    Censor {
        /// The accounts that send them.
        accounts: Vec<u32>,
    },
    /// Break the signatures of messages: who gets one pays for the check and drops it.
    Corrupt {
        /// The probability that a message leaves broken.
        #[serde(default = "half")]
        probability: f64,
    },
}

fn while_later() -> Duration {
    Duration::from_secs(10)
}

fn half() -> f64 {
    0.5
}

impl GenericAttack {
    /// Two processes, each in touch with half of the others.
    pub const TWINS: GenericAttack = GenericAttack::Twins { sides: Vec::new() };

    /// What a word alone means; `None` where it says too little.
    #[must_use]
    pub fn of_word(word: &str) -> Option<GenericAttack> {
        match word {
            "silent" => Some(GenericAttack::Silent),
            "twins" => Some(GenericAttack::TWINS),
            "replay" => Some(GenericAttack::Replay { max_delay: while_later(), probability: half() }),
            "corrupt" => Some(GenericAttack::Corrupt { probability: half() }),
            _ => None,
        }
    }
}

impl Attack {
    /// Its word.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Attack::Generic(misconduct) => misconduct.word(),
            Attack::Protocol(name) => name,
        }
    }
}

impl GenericAttack {
    /// Its word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            GenericAttack::Silent => "silent",
            GenericAttack::Delay { .. } => "delay",
            GenericAttack::Selective { .. } => "selective",
            GenericAttack::Twins { .. } => "twins",
            GenericAttack::Amnesia { .. } => "amnesia",
            GenericAttack::Replay { .. } => "replay",
            GenericAttack::Withhold { .. } => "withhold",
            GenericAttack::Censor { .. } => "censor",
            GenericAttack::Corrupt { .. } => "corrupt",
        }
    }
}
