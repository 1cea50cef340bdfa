//! Nodes that do not follow the protocol. A generic attack is a variant of [`GenericAttack`]: all that scenarios say of it
//! stands in this file, and what it does to messages and effects in `engine/adversary.rs`.

use super::model::choice;
use super::validate::checker::Checker;
use super::{Chain, NodeSelector, Topology};
use crate::base::{AccountId, Duration, NodeId, Stream};
use crate::engine::{EffectFilter, Replay};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A node that loses its disk more often makes no progress, and neither does the run.
const AMNESIA_MIN: Duration = Duration::from_millis(10);

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
        /// To which nodes.
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
    /// Send again what they sent, and what they received where signatures do not show the sender, each time to one other node.
    Replay {
        /// How much later, at most; uniform.
        #[serde(default = "ten_seconds")]
        max_delay: Duration,
        /// The probability that a message is sent again.
        #[serde(default = "half")]
        probability: f64,
    },
    /// Send to some nodes at once, and to all nodes later; those nodes receive it twice.
    Withhold {
        /// To which nodes at once.
        first_peers: Vec<u32>,
        /// How much later.
        delay: Duration,
    },
    /// Keep transactions of some accounts out of the mempool: neither propose them nor pass them on.
    Censor {
        /// The accounts that send them.
        accounts: Vec<u32>,
    },
    /// Break the signatures of messages: the receiver pays for the check and drops it.
    Corrupt {
        /// The probability that a message leaves broken.
        #[serde(default = "half")]
        probability: f64,
    },
}

fn ten_seconds() -> Duration {
    Duration::from_secs(10)
}

fn half() -> f64 {
    0.5
}

/// Short for [`GenericAttack::TWINS`], where the protocol has no attack of this name.
pub const EQUIVOCATE: &str = "equivocate";

/// The words of the attacks that nodes of every protocol can play, and what they are.
pub const GENERIC_ATTACKS: &[(&str, &str)] = &[
    ("silent", "follows the protocol but sends nothing"),
    ("delay", "follows the protocol but sends everything late: { delay = { delay = \"1s\" } }"),
    ("selective", "follows the protocol but sends to some only: { selective = { to = [1, 2] } }"),
    (
        "twins",
        "is two or more processes, each in touch with one side: { twins = { sides = [[0, 1], [2, 3]] } }; alone: two halves",
    ),
    (EQUIVOCATE, "short for twins with default sides, where the protocol has no attack of this name"),
    ("amnesia", "loses its disk and starts anew, again and again: { amnesia = { every = \"5s\" } }"),
    (
        "replay",
        "sends again what it sent and received, to any node: { replay = { max_delay = \"10s\", probability = 0.5 } }; alone: so",
    ),
    (
        "withhold",
        "sends to some nodes at once, to the others later: { withhold = { first_peers = [1], delay = \"2s\" } }",
    ),
    ("censor", "keeps transactions of some accounts out of its mempool: { censor = { accounts = [0, 1] } }"),
    (
        "corrupt",
        "breaks the signatures of a share of its messages: { corrupt = { probability = 0.5 } }; alone: of half",
    ),
];

impl Attack {
    /// Its word.
    #[must_use]
    pub fn word(&self) -> String {
        match self {
            Attack::Generic(attack) => attack.word(),
            Attack::Protocol(name) => name.clone(),
        }
    }
    /// The attack that a word alone means: a generic one, or one of the protocol.
    #[must_use]
    pub fn of_word(word: &str) -> Attack {
        GenericAttack::of_word(word).map_or_else(|| Attack::Protocol(word.to_owned()), Attack::Generic)
    }
}

/// What an attack is played with.
pub struct AttackContext<'a> {
    /// The chain.
    pub chain: &'a Chain,
    /// The nodes that play it.
    pub nodes: &'a NodeSelector,
    /// How many accounts the workload uses there.
    pub accounts: u32,
}

impl GenericAttack {
    /// Two processes, each in touch with half of the other nodes.
    pub const TWINS: GenericAttack = GenericAttack::Twins { sides: Vec::new() };

    /// Its word.
    #[must_use]
    pub fn word(&self) -> String {
        choice::word(self)
    }
    /// What a word alone means; `None` where it says too little.
    #[must_use]
    pub fn of_word(word: &str) -> Option<GenericAttack> {
        match word {
            "silent" => Some(GenericAttack::Silent),
            "twins" => Some(GenericAttack::TWINS),
            "replay" => Some(GenericAttack::Replay { max_delay: ten_seconds(), probability: half() }),
            "corrupt" => Some(GenericAttack::Corrupt { probability: half() }),
            _ => None,
        }
    }
    /// What it does, for the summary of a scenario.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            GenericAttack::Silent => "silent".to_owned(),
            GenericAttack::Delay { delay } => format!("late by {delay}"),
            GenericAttack::Selective { to } => format!("sends to {to:?} only"),
            GenericAttack::Twins { sides } if sides.is_empty() => "twins, each with half of the others".to_owned(),
            GenericAttack::Twins { sides } => format!("twins with {sides:?}"),
            GenericAttack::Amnesia { every } => format!("forgets everything every {every}"),
            GenericAttack::Replay { max_delay, probability } => {
                format!("repeats {} % within {max_delay}", probability * 100.0)
            }
            GenericAttack::Withhold { first_peers, delay } => {
                format!("sends to {first_peers:?} at once and to all {delay} later")
            }
            GenericAttack::Censor { accounts } => format!("censors accounts {accounts:?}"),
            GenericAttack::Corrupt { probability } => {
                format!("breaks the signatures of {} % of its messages", probability * 100.0)
            }
        }
    }
    /// Reports what is wrong with it. It stands at `key`.
    pub fn validate(&self, checker: &mut Checker<'_>, key: &str, context: &AttackContext<'_>) {
        let key = |word: &str| format!("{key}.{word}");
        match self {
            GenericAttack::Silent => {}
            GenericAttack::Delay { delay } => checker.lasting(&key("delay.delay"), *delay),
            GenericAttack::Selective { to } => numbers(checker, &key("selective.to"), to, context.chain),
            GenericAttack::Twins { sides } => twins(checker, &key("twins.sides"), sides, context),
            GenericAttack::Amnesia { every } => {
                if *every < AMNESIA_MIN {
                    let title = format!("`every` must be at least {AMNESIA_MIN}");
                    checker.wrong(&key("amnesia.every"), title, format!("found {every}"));
                }
            }
            GenericAttack::Replay { max_delay, probability } => {
                checker.lasting(&key("replay.max_delay"), *max_delay);
                share(checker, &key("replay.probability"), *probability);
            }
            GenericAttack::Withhold { first_peers, delay } => {
                numbers(checker, &key("withhold.first_peers"), first_peers, context.chain);
                checker.lasting(&key("withhold.delay"), *delay);
            }
            GenericAttack::Censor { accounts } => {
                censored(checker, &key("censor.accounts"), accounts, context.accounts);
            }
            GenericAttack::Corrupt { probability } => share(checker, &key("corrupt.probability"), *probability),
        }
    }
    /// What stands between node `node` of `n` and the network. The schedule of faults makes a node forget, and two processes
    /// make it twins.
    #[must_use]
    pub fn filter(&self, node: NodeId, n: usize, seed: u64) -> EffectFilter {
        let others = |numbers: &[u32]| numbers.iter().map(|&to| NodeId(to)).filter(|to| *to != node).collect();
        let stream = |label| Box::new(Stream::new(seed, label, u64::from(node.0), 0));
        match self {
            GenericAttack::Silent => EffectFilter::Silent,
            GenericAttack::Delay { delay } => EffectFilter::Delay(*delay),
            GenericAttack::Selective { to } => EffectFilter::Selective(others(to)),
            GenericAttack::Withhold { first_peers, delay } => EffectFilter::Withhold(others(first_peers), *delay),
            GenericAttack::Censor { accounts } => {
                EffectFilter::Censor(accounts.iter().copied().map(AccountId).collect())
            }
            GenericAttack::Replay { max_delay, probability } => EffectFilter::Replay(Replay {
                peers: (0..n).map(NodeId::from).filter(|peer| *peer != node).collect(),
                max_delay: *max_delay,
                probability: *probability,
                random: stream("replay"),
            }),
            GenericAttack::Corrupt { probability } => EffectFilter::Corrupt(*probability, stream("corrupt")),
            GenericAttack::Amnesia { .. } | GenericAttack::Twins { .. } => EffectFilter::Amnesia,
        }
    }
    /// The nodes that it names, but for the sides of twins.
    pub fn named(&mut self) -> Option<&mut Vec<u32>> {
        match self {
            GenericAttack::Selective { to: named } | GenericAttack::Withhold { first_peers: named, .. } => Some(named),
            GenericAttack::Silent
            | GenericAttack::Delay { .. }
            | GenericAttack::Twins { .. }
            | GenericAttack::Amnesia { .. }
            | GenericAttack::Replay { .. }
            | GenericAttack::Censor { .. }
            | GenericAttack::Corrupt { .. } => None,
        }
    }
}

fn numbers(checker: &mut Checker<'_>, key: &str, numbers: &[u32], chain: &Chain) {
    checker.select(key, &NodeSelector::Numbers(numbers.to_vec()), &chain.nodes, &[]);
}

fn share(checker: &mut Checker<'_>, key: &str, share: f64) {
    checker.above_zero(key, share);
    checker.within(key, share, 0.0, 1.0);
}

fn censored(checker: &mut Checker<'_>, key: &str, censored: &[u32], accounts: u32) {
    if censored.is_empty() {
        checker.wrong(key, "this censors no account", "expected at least one account");
    }
    if let Some(account) = censored.iter().find(|account| **account >= accounts) {
        let label = match accounts {
            0 => "no payments are made on this chain".to_owned(),
            many => format!("accounts are numbered 0 to {}", many - 1),
        };
        checker.wrong(key, format!("there is no account {account}"), label);
    }
}

fn twins(checker: &mut Checker<'_>, key: &str, sides: &[Vec<u32>], context: &AttackContext<'_>) {
    if let Topology::File { .. } = context.chain.network.topology {
        let title = "twins need a network that is drawn";
        checker.wrong(key, title, "the file of this one has no place for a second process of a node");
    }
    if sides.len() == 1 || (sides.is_empty() && checker.is_written(key)) {
        checker.wrong(key, "twins have two sides or more", format!("found {}", sides.len()));
    }
    for (at, side) in sides.iter().enumerate() {
        let key = format!("{key}[{at}]");
        numbers(checker, &key, side, context.chain);
        if let NodeSelector::Numbers(twins) = context.nodes
            && let Some(twin) = side.iter().find(|node| twins.contains(node))
        {
            let title = format!("node {twin} is one of the twins");
            checker.wrong(&key, title, "name the others only: the processes of one side see each other anyway");
        }
    }
}
