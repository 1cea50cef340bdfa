//! Nodes that misbehave in ways that need no knowledge of the protocol: wrappers around what a node receives and orders.
//!
//! A wrapper sees effects, not state: it cannot forge the contents of a message. Attacks that do so belong to the
//! protocols and stand beside them. Twins, where one node runs as two processes, are in [`super::roster`].

use crate::base::{AccountId, Duration, NodeId, Stream};
use crate::chain::Transaction;
use crate::protocol::{Effect, EffectOf, Protocol};

/// Effects to be performed after a span of true time each, if the node has not crashed by then.
pub type DelayedEffects<P> = Vec<(Duration, EffectOf<P>)>;

/// Stands between a node and the network.
pub trait Adversary<P: Protocol> {
    /// Takes the effects of one handler before they are performed; what it moves to `later` is performed then.
    fn rewrite(&mut self, effects: &mut Vec<EffectOf<P>>, later: &mut DelayedEffects<P>);
    /// The node is about to handle a message. `may_send` returns whether the message would be genuine if the node itself
    /// sent it.
    fn on_message(&mut self, _message: &P::Message, _may_send: &dyn Fn() -> bool, _later: &mut DelayedEffects<P>) {}
    /// Whether the message that the node sends now leaves with broken signatures. Asked once per message.
    fn garbles(&mut self) -> bool {
        false
    }
    /// Whether the node takes a transaction into its mempool.
    fn admits(&self, _transaction: &Transaction) -> bool {
        true
    }
}

/// The generic ways of misbehaving.
#[derive(Clone, Debug)]
pub enum EffectFilter {
    /// Receives everything and sends nothing.
    Silent,
    /// Sends everything late.
    Delay(Duration),
    /// Sends to these nodes only.
    Selective(Vec<NodeId>),
    /// Sends everything to these nodes at once, and to all nodes, these included, after a span.
    Withhold(Vec<NodeId>, Duration),
    /// Keeps transactions of these accounts out of its mempool: it neither proposes them nor passes them on.
    Censor(Vec<AccountId>),
    /// Sends again what it sent and received.
    Replay(Replay),
    /// Breaks the signatures of this share of its messages.
    Corrupt(f64, Box<Stream>),
    /// Follows the protocol as far as it remembers: the schedule of faults makes it forget.
    Amnesia,
}

/// How messages are replayed: those of other nodes only where their signatures do not identify the sender.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The receiver: one of these, drawn anew each time.
    pub peers: Vec<NodeId>,
    /// When: uniform from at once to so much later.
    pub max_delay: Duration,
    /// The probability that a message is replayed.
    pub probability: f64,
    /// What draws all this.
    pub random: Box<Stream>,
}

impl Replay {
    fn again<P: Protocol>(&mut self, message: &P::Message, later: &mut DelayedEffects<P>) {
        if !self.peers.is_empty() && self.random.chance(self.probability) {
            let to = self.peers[self.random.index(self.peers.len())];
            let after = self.random.span(Duration::ZERO, self.max_delay);
            later.push((after, Effect::Send { to, message: message.clone() }));
        }
    }
}

impl<P: Protocol> Adversary<P> for EffectFilter {
    fn rewrite(&mut self, effects: &mut Vec<EffectOf<P>>, later: &mut DelayedEffects<P>) {
        let is_sent = |effect: &EffectOf<P>| matches!(effect, Effect::Send { .. } | Effect::Broadcast { .. });
        match self {
            EffectFilter::Silent => effects.retain(|effect| !is_sent(effect)),
            EffectFilter::Delay(by) => {
                let (sent, kept) = std::mem::take(effects).into_iter().partition(is_sent);
                *effects = kept;
                let sent: Vec<EffectOf<P>> = sent;
                later.extend(sent.into_iter().map(|effect| (*by, effect)));
            }
            EffectFilter::Selective(peers) => select::<P>(effects, peers),
            EffectFilter::Withhold(peers, by) => {
                let for_others = |effect: &&EffectOf<P>| match effect {
                    Effect::Send { to, .. } => !peers.contains(to),
                    Effect::Broadcast { .. } => true,
                    _ => false,
                };
                later.extend(effects.iter().filter(for_others).map(|effect| (*by, effect.clone())));
                select::<P>(effects, peers);
            }
            EffectFilter::Replay(replay) => {
                for effect in effects.iter() {
                    if let Effect::Send { message, .. } | Effect::Broadcast { message } = effect {
                        replay.again::<P>(message, later);
                    }
                }
            }
            EffectFilter::Censor(_) | EffectFilter::Corrupt(..) | EffectFilter::Amnesia => {}
        }
    }
    fn on_message(&mut self, message: &P::Message, may_send: &dyn Fn() -> bool, later: &mut DelayedEffects<P>) {
        match self {
            EffectFilter::Replay(replay) if may_send() => replay.again::<P>(message, later),
            _ => {}
        }
    }
    fn garbles(&mut self) -> bool {
        match self {
            EffectFilter::Corrupt(share, random) => random.chance(*share),
            _ => false,
        }
    }
    fn admits(&self, transaction: &Transaction) -> bool {
        match self {
            EffectFilter::Censor(accounts) => !accounts.contains(&transaction.sender),
            _ => true,
        }
    }
}

/// Keeps the effects that remain when the node sends to `peers` only.
fn select<P: Protocol>(effects: &mut Vec<EffectOf<P>>, peers: &[NodeId]) {
    let remains = |effect: EffectOf<P>| match effect {
        Effect::Send { to, .. } if !peers.contains(&to) => Vec::new(),
        Effect::Broadcast { message } => {
            peers.iter().map(|&to| Effect::Send { to, message: message.clone() }).collect()
        }
        other => vec![other],
    };
    *effects = std::mem::take(effects).into_iter().flat_map(remains).collect();
}
