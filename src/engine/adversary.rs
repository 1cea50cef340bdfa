//! Nodes that misbehave in ways that need no knowledge of the protocol: wrappers that rewrite what a node orders.
//!
//! A wrapper sees effects, not state: it cannot make a node forget a lock (amnesia) or lie inside a message. Such
//! attacks belong to the protocols and stand beside them.

use crate::base::{Duration, NodeId};
use crate::protocol::{Effect, EffectOf, Protocol};

/// Rewrites the effects that a node orders, before they are performed.
pub trait Adversary<P: Protocol> {
    /// Takes the effects of one handler; what it moves to `later` is performed after that span of true time.
    fn rewrite(&mut self, effects: &mut Vec<EffectOf<P>>, later: &mut Vec<(Duration, EffectOf<P>)>);
}

/// The generic ways of misbehaving.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Conduct {
    /// Hears everything and says nothing.
    Silent,
    /// Says everything late.
    Delay(Duration),
    /// Speaks to these nodes only.
    Selective(Vec<NodeId>),
}

impl<P: Protocol> Adversary<P> for Conduct {
    fn rewrite(&mut self, effects: &mut Vec<EffectOf<P>>, later: &mut Vec<(Duration, EffectOf<P>)>) {
        let is_said = |effect: &EffectOf<P>| matches!(effect, Effect::Send { .. } | Effect::Broadcast { .. });
        match self {
            Conduct::Silent => effects.retain(|effect| !is_said(effect)),
            Conduct::Delay(by) => {
                let (said, kept) = std::mem::take(effects).into_iter().partition(is_said);
                *effects = kept;
                let said: Vec<EffectOf<P>> = said;
                later.extend(said.into_iter().map(|effect| (*by, effect)));
            }
            Conduct::Selective(friends) => {
                *effects =
                    std::mem::take(effects).into_iter().flat_map(|effect| select::<P>(effect, friends)).collect();
            }
        }
    }
}

/// What remains of an effect when only `friends` are spoken to.
fn select<P: Protocol>(effect: EffectOf<P>, friends: &[NodeId]) -> Vec<EffectOf<P>> {
    match effect {
        Effect::Send { to, .. } if !friends.contains(&to) => Vec::new(),
        Effect::Broadcast { message } => {
            friends.iter().map(|&to| Effect::Send { to, message: message.clone() }).collect()
        }
        other => vec![other],
    }
}
