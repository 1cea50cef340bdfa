//! Nodes that do not follow the protocol. Each runs an honest node and rewrites what it orders, except the echo, which
//! sends all nodes what that one sends.

use super::{Ballot, Config, Message, Pledges, Record, Scp, Statement, Timer, Value};
use crate::base::{Digest, Duration, Height, NodeId, QuorumSet};
use crate::protocol::{Attacker, Context, Effect, Protocol};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The attacks, by name.
pub(super) const ATTACKS: &[(&str, &str)] = &[
    ("echo", "says to each node what that node says, and needs no other node: it is in every quorum of every side"),
    ("slices", "claims to need only itself to one half of the nodes, and every node to the other half"),
    ("inflate", "says the highest counter in every ballot"),
    ("decided", "says to even nodes that one value was decided, and to odd ones that another was"),
    ("spam", "nominates thirty values of which no node has the transactions, beside its own"),
    ("future", "nominates close times a day ahead"),
];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Attack {
    Echo,
    Slices,
    Inflate,
    Decided,
    Spam,
    Future,
}

#[derive(Debug)]
struct Faulty {
    attack: Attack,
    mask: Scp,
    /// The quorum sets that it claims: only itself, and all nodes.
    claims: [Arc<QuorumSet>; 2],
    /// The first two values that it received in the latest slot.
    received: (Height, Vec<Value>),
}

pub(super) fn attacker(
    name: &str,
    config: &Arc<Config>,
    log: &[Record],
    ctx: &mut Context<'_, Scp>,
) -> Option<Box<dyn Attacker<Scp>>> {
    let attack = match name {
        "echo" => Attack::Echo,
        "slices" => Attack::Slices,
        "inflate" => Attack::Inflate,
        "decided" => Attack::Decided,
        "spam" => Attack::Spam,
        "future" => Attack::Future,
        _ => return None,
    };
    let n = ctx.committee().n() as u32;
    let claims = [QuorumSet::flat(1, [ctx.me().0]), QuorumSet::flat(n as usize, 0..n)].map(Arc::new);
    let mut mask = Scp::boot(config, log, ctx);
    for claim in &claims {
        mask.quorum_sets.insert(claim.hash(), claim.clone());
    }
    Some(Box::new(Faulty { attack, mask, claims, received: (Height::GENESIS, Vec::new()) }))
}

impl Attacker<Scp> for Faulty {
    fn on_message(&mut self, from: NodeId, message: Message, ctx: &mut Context<'_, Scp>) {
        if let Message::Said(said) = &message
            && self.attack == Attack::Echo
            && said.node == from
        {
            let needs_itself = self.claims[0].clone();
            let echo = self.signed(said, said.pledges.clone(), Some(&needs_itself), ctx);
            ctx.send(from, echo);
        }
        if let Message::Said(said) = &message {
            self.note_values(said);
        }
        let before = ctx.effects_mut().len();
        self.mask.on_message(from, message, ctx);
        self.rewrite(before, ctx);
    }
    fn on_timer(&mut self, timer: Timer, ctx: &mut Context<'_, Scp>) {
        let before = ctx.effects_mut().len();
        self.mask.on_timer(timer, ctx);
        self.rewrite(before, ctx);
    }
}

impl Faulty {
    fn signed(
        &self,
        said: &Statement,
        pledges: Pledges,
        claim: Option<&QuorumSet>,
        ctx: &mut Context<'_, Scp>,
    ) -> Message {
        let quorum_set = claim.map_or(self.mask.quorum_set_name, QuorumSet::hash);
        let signature = ctx.sign(&Statement::digest(said.slot, &quorum_set, &pledges));
        Message::Said(Arc::new(Statement { node: ctx.me(), slot: said.slot, quorum_set, pledges, signature }))
    }
    fn note_values(&mut self, said: &Statement) {
        let (slot, values) = &mut self.received;
        if *slot < said.slot {
            (*slot, *values) = (said.slot, Vec::new());
        }
        for value in said.pledges.values() {
            if *slot == said.slot && values.len() < 2 && !values.contains(&value) {
                values.push(value);
            }
        }
    }
    /// Each node is sent the value of its parity. Values differ in the close time at least.
    fn decide_both(&self, said: &Statement, ctx: &mut Context<'_, Scp>) {
        let Some(first) = self.received.1.first().copied().filter(|_| self.received.0 == said.slot) else { return };
        let later = Value { close: first.close + Duration::from_nanos(1), ..first };
        let values = [first, self.received.1.get(1).copied().unwrap_or(later)];
        let me = ctx.me();
        for peer in ctx.committee().members().filter(|node| *node != me) {
            let commit = Ballot { counter: 1, value: values[peer.index() % 2] };
            let message = self.signed(said, Pledges::Externalize { commit, n_high: 1 }, None, ctx);
            ctx.send(peer, message);
        }
    }
    /// Replaces what the mask ordered since `before`.
    fn rewrite(&mut self, before: usize, ctx: &mut Context<'_, Scp>) {
        for effect in ctx.effects_mut().split_off(before) {
            match effect {
                Effect::Broadcast { message: Message::Said(said) } => self.rewrite_one(&said, ctx),
                effect => ctx.effects_mut().push(effect),
            }
        }
    }
    fn rewrite_one(&mut self, said: &Arc<Statement>, ctx: &mut Context<'_, Scp>) {
        let mut pledges = said.pledges.clone();
        match (self.attack, &mut pledges) {
            (Attack::Echo, _) => return,
            (Attack::Decided, _) => return self.decide_both(said, ctx),
            (Attack::Slices, _) => {
                let peers: Vec<NodeId> = ctx.committee().members().filter(|node| *node != ctx.me()).collect();
                for (at, peer) in peers.iter().enumerate() {
                    let claim = self.claims[usize::from(at * 2 >= peers.len())].clone();
                    let message = self.signed(said, said.pledges.clone(), Some(&claim), ctx);
                    ctx.send(*peer, message);
                }
                return;
            }
            (Attack::Inflate, Pledges::Prepare { ballot, .. } | Pledges::Confirm { ballot, .. }) => {
                ballot.counter = Ballot::INFINITE - 1;
            }
            (Attack::Spam, Pledges::Nominate { voted, .. }) => {
                let unknown = |at: u64| Digest::new("nobody's").u64(said.slot.0).u64(at).finish();
                let close = ctx.now();
                voted.extend((0..30).map(|at| Value { set: unknown(at), close }));
            }
            (Attack::Future, Pledges::Nominate { voted, accepted }) => {
                let later = |values: &BTreeSet<Value>| {
                    let day = Duration::from_secs(86_400);
                    values.iter().map(|value| Value { close: value.close + day, ..*value }).collect()
                };
                (*voted, *accepted) = (later(voted), later(accepted));
            }
            _ => {}
        }
        let message = self.signed(said, pledges, None, ctx);
        ctx.broadcast(message);
    }
}
