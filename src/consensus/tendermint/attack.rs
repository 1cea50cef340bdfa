//! Byzantine validators: an honest one whose effects are rewritten. One that equivocates also votes by itself: it sends
//! different messages to even and to odd validators, and all that do so choose alike without communication.

use super::message::{Message, Part, Proposal, Value};
use super::vote::{NIL, Phase, Vote};
use super::{Config, Record, Tendermint, Timer};
use crate::base::{Duration, Hash, Height, NodeId, Signature, VoterSet};
use crate::chain::{Batch, Block, Header};
use crate::protocol::{Attacker, Context, Effect, Protocol};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The attacks, by name.
pub(super) const ATTACKS: &[(&str, &str)] = &[
    ("equivocate", "as proposer, one block for even validators and another for odd ones; votes for both likewise"),
    ("double_vote", "votes for the block to the first half and nil to the others"),
    (
        "amnesia",
        "keeps no lock: votes for even validators in even rounds and for odd ones in odd rounds, and hurries to the next",
    ),
    (
        "hidden_lock",
        "says nothing but a prevote to the proposer alone, so late that its lock is hidden from the others in this round",
    ),
    (
        "lying_pol",
        "proposes two blocks, helps even validators to one, then claims a polka for the other, or for a new one, and makes it up",
    ),
    (
        "fresh",
        "prevotes nil for blocks of others and, as proposer, offers a new block, whatever had a polka or was decided",
    ),
    ("split", "keeps its votes from the second half of the validators, whose timeouts run"),
];

#[derive(Debug)]
struct Faulty {
    attack: &'static str,
    mask: Tendermint,
    /// The values of each round in order of arrival: the first was meant for validators of this one's parity.
    values: BTreeMap<(Height, u32), Vec<Arc<Value>>>,
    /// The last round whose proposer it waits to lock.
    awaited: Option<(Height, u32)>,
}

pub(super) fn attacker(
    name: &str,
    config: &Arc<Config>,
    log: &[Record],
    ctx: &mut Context<'_, Tendermint>,
) -> Option<Box<dyn Attacker<Tendermint>>> {
    let (attack, _) = ATTACKS.iter().find(|(known, _)| *known == name)?;
    let mut faulty =
        Faulty { attack, mask: Tendermint::boot(config, log, ctx), values: BTreeMap::new(), awaited: None };
    faulty.rewrite(0, ctx);
    Some(Box::new(faulty))
}

impl Attacker<Tendermint> for Faulty {
    fn on_message(&mut self, from: NodeId, message: Message, ctx: &mut Context<'_, Tendermint>) {
        if let Message::Part(part) = &message {
            self.on_value(part.round, &part.value, ctx);
        }
        let message = match message {
            // It would not know of a decision that others may have missed.
            Message::Vote(vote) if self.goes_on() && vote.phase == Phase::Precommit => {
                Message::Vote(Arc::new(Vote { id: NIL, ..*vote }))
            }
            other => other,
        };
        let before = ctx.effects_mut().len();
        self.mask.on_message(from, message, ctx);
        self.rewrite(before, ctx);
        if self.attack == "hidden_lock" {
            self.await_timeouts(ctx);
        }
    }
    fn on_timer(&mut self, timer: Timer, ctx: &mut Context<'_, Tendermint>) {
        let before = ctx.effects_mut().len();
        self.mask.on_timer(timer, ctx);
        self.rewrite(before, ctx);
        if let Timer::Prevote(height, round) = timer
            && self.attack == "hidden_lock"
            && height == self.mask.height()
        {
            self.lock_proposer(round, ctx);
        }
    }
    fn on_transaction(&mut self, ctx: &mut Context<'_, Tendermint>) {
        let before = ctx.effects_mut().len();
        self.mask.on_transaction(ctx);
        self.rewrite(before, ctx);
    }
}

/// Rewriting.
impl Faulty {
    fn goes_on(&self) -> bool {
        ["fresh", "lying_pol"].contains(&self.attack)
    }
    fn equivocates(&self) -> bool {
        ["equivocate", "amnesia", "lying_pol"].contains(&self.attack)
    }
    fn rewrite(&mut self, before: usize, ctx: &mut Context<'_, Tendermint>) {
        if ["amnesia", "hidden_lock", "fresh"].contains(&self.attack) {
            (self.mask.locked, self.mask.valid) = (None, None);
        }
        for effect in ctx.effects_mut().split_off(before) {
            match effect {
                Effect::Broadcast { message } if self.equivocates() => self.deceive(message, ctx),
                // It votes by itself.
                Effect::Send { message: Message::Vote(vote), .. } if self.equivocates() && vote.voter == ctx.me() => {}
                // It only asks what it missed.
                Effect::Broadcast { message } | Effect::Send { message, .. }
                    if self.attack == "hidden_lock"
                        && !matches!(message, Message::Status(_) | Message::Ask { .. } | Message::Evidence(_)) => {}
                Effect::SetTimer { timer: Timer::Prevote(..), .. } if self.attack == "hidden_lock" => {}
                Effect::Broadcast { message } => self.spread(&message, ctx),
                other => ctx.effects_mut().push(other),
            }
        }
        let height = self.mask.height();
        self.values.retain(|at, _| *at >= (height, 0));
    }
    /// When two thirds have prevoted without it, timeoutPrevote runs at the others: it will be a little ahead of that.
    fn await_timeouts(&mut self, ctx: &mut Context<'_, Tendermint>) {
        let at = (self.mask.height(), self.mask.round);
        let Some(slot) = self.mask.rounds.get(&at.1) else { return };
        let mut others = VoterSet::default();
        for node in peers(ctx).into_iter().filter(|node| slot.voters[0].contains(*node)) {
            others.add(node, ctx.committee());
        }
        if self.awaited != Some(at) && others.is_quorum(ctx.committee()) {
            self.awaited = Some(at);
            let patience = self.mask.timeout(self.mask.config.vote_timeout);
            ctx.set_timer(Timer::Prevote(at.0, at.1), patience.scale(99, 100));
        }
    }
    /// The prevote that may complete a polka, which the proposer alone sees before it precommits.
    fn lock_proposer(&self, round: u32, ctx: &mut Context<'_, Tendermint>) {
        let Some(message) = self.mask.rounds.get(&round).and_then(|slot| slot.proposal.as_ref()) else { return };
        let (proposer, Proposal { height, id, .. }) = **message;
        if proposer != ctx.me() {
            let vote = Vote::signed(Phase::Prevote, height, round, id, ctx);
            ctx.send(proposer, Message::Vote(Arc::new(vote)));
        }
    }
    fn spread(&self, message: &Message, ctx: &mut Context<'_, Tendermint>) {
        let second = match (self.attack, message) {
            ("double_vote", Message::Vote(vote)) if vote.id != NIL => {
                Some(Message::Vote(Arc::new(Vote::signed(vote.phase, vote.height, vote.round, NIL, ctx))))
            }
            ("split", Message::Vote(_)) => None,
            ("fresh", Message::Vote(vote)) if vote.id != NIL && self.mask.proposer(vote.round) != ctx.me() => {
                let nil = Vote::signed(vote.phase, vote.height, vote.round, NIL, ctx);
                return ctx.broadcast(Message::Vote(Arc::new(nil)));
            }
            _ => return ctx.broadcast(message.clone()),
        };
        let peers = peers(ctx);
        let reached = peers.len().div_ceil(2);
        for (at, peer) in peers.into_iter().enumerate() {
            let said = if at < reached { Some(message.clone()) } else { second.clone() };
            said.into_iter().for_each(|message| ctx.send(peer, message));
        }
    }
}

/// Equivocating.
impl Faulty {
    /// Replaces the proposals and votes of the honest one.
    fn deceive(&mut self, message: Message, ctx: &mut Context<'_, Tendermint>) {
        match message {
            Message::Vote(_) => {}
            Message::Part(_) if self.attack != "amnesia" => {}
            Message::Proposal(m) => {
                let value = self.mask.rounds.get(&m.1.round).and_then(|slot| slot.value.clone());
                let Some(value) = value else { return };
                match self.attack {
                    "amnesia" => {
                        let round = m.1.round;
                        ctx.broadcast(Message::Proposal(m));
                        self.on_value(round, &value, ctx);
                    }
                    "lying_pol" if m.1.round > 0 => self.lie(&m.1, &value, ctx),
                    _ => self.propose_two(&m.1, value, ctx),
                }
            }
            other => ctx.broadcast(other),
        }
    }
    /// Each validator gets first what is meant for it.
    fn propose_two(&mut self, proposal: &Proposal, value: Arc<Value>, ctx: &mut Context<'_, Tendermint>) {
        let other = other(&value);
        let values = [value, other];
        for to in peers(ctx) {
            for value in in_order(&values, to) {
                self.propose(to, Proposal { valid_round: None, ..*proposal }, value, ctx);
            }
        }
        for value in in_order(&values, ctx.me()) {
            self.on_value(proposal.round, value, ctx);
        }
    }
    /// The block for odd validators of the round before again, if there was one, or else a new one, as if it had had a polka
    /// then.
    fn lie(&mut self, proposal: &Proposal, value: &Arc<Value>, ctx: &mut Context<'_, Tendermint>) {
        let before = proposal.round - 1;
        let were_two = self.values.get(&(self.mask.height(), before)).is_some_and(|values| values.len() == 2);
        let known = self.meant_for(1, before, ctx.me()).filter(|_| were_two);
        let value = known.unwrap_or_else(|| other(value));
        for to in peers(ctx) {
            self.propose(to, Proposal { valid_round: Some(before), ..*proposal }, &value, ctx);
        }
        self.on_value(proposal.round, &value, ctx);
    }
    fn propose(&self, to: NodeId, like: Proposal, value: &Arc<Value>, ctx: &mut Context<'_, Tendermint>) {
        let (id, size) = (value.block.id(), self.mask.config.part_size);
        let parts = value.parts(size);
        let mut proposal = Proposal { id, parts, signature: Signature::NONE, ..like };
        proposal.signature = ctx.sign(&proposal.statement());
        ctx.send(to, Message::Proposal(Arc::new((ctx.me(), proposal))));
        for index in 0..parts {
            let part = Part { round: proposal.round, index, size, value: value.clone() };
            ctx.send(to, Message::Part(Arc::new(part)));
        }
    }
    /// The value of a round that validators of a parity received first.
    fn meant_for(&self, parity: usize, round: u32, me: NodeId) -> Option<Arc<Value>> {
        let values = self.values.get(&(self.mask.height(), round))?;
        values.get(usize::from(me.index() % 2 != parity)).cloned()
    }
    /// Votes for a value of a round as soon as it is known, up to two of them.
    fn on_value(&mut self, round: u32, value: &Arc<Value>, ctx: &mut Context<'_, Tendermint>) {
        let (height, id, parity) = (value.block.height(), value.block.id(), ctx.me().index() % 2);
        if !self.equivocates() {
            return;
        }
        let known = self.values.entry((height, round)).or_default();
        if known.len() == 2 || known.iter().any(|other| other.block.id() == id) {
            return;
        }
        known.push(value.clone());
        let meant = if known.len() == 2 { 1 - parity } else { parity };
        let both = [Phase::Prevote, Phase::Precommit];
        match self.attack {
            "amnesia" => vote_for(&both, height, round, id, round as usize % 2, ctx),
            "lying_pol" if round > 0 && self.meant_for(1, round - 1, ctx.me()).as_ref() == Some(value) => {
                vote_for(&[Phase::Prevote], height, round - 1, id, 1, ctx);
                vote_for(&both, height, round, id, 1, ctx);
                return;
            }
            "lying_pol" if round > 0 && self.mask.proposer(round) == ctx.me() => {
                vote_for(&both, height, round, id, 0, ctx);
                vote_for(&both, height, round, id, 1, ctx);
                return;
            }
            "lying_pol" if meant == 1 => {}
            _ => vote_for(&both, height, round, id, meant, ctx),
        }
        let hurries = match self.attack {
            "amnesia" => true,
            "lying_pol" => meant != parity,
            _ => false,
        };
        if hurries {
            ctx.set_timer(Timer::Precommit(height, round), Duration::ZERO);
        }
    }
}

fn peers(ctx: &Context<'_, Tendermint>) -> Vec<NodeId> {
    let me = ctx.me();
    ctx.committee().members().filter(|node| *node != me).collect()
}

/// An empty block in place of one with transactions.
fn other(value: &Value) -> Arc<Value> {
    let header = value.block.header;
    let time = header.time + Duration::from_nanos(1);
    let block = Block::new(Header { merkle: Batch::empty().digest(), time, ..header }, Batch::empty());
    Arc::new(Value { block, last: value.last.clone(), evidence: value.evidence.clone() })
}

/// Two values, the one for even validators first, in the order in which `to` receives them.
fn in_order(values: &[Arc<Value>; 2], to: NodeId) -> [&Arc<Value>; 2] {
    let [even, odd] = values;
    if to.index().is_multiple_of(2) { [even, odd] } else { [odd, even] }
}

/// Votes, to even or to odd validators.
fn vote_for(phases: &[Phase], height: Height, round: u32, id: Hash, parity: usize, ctx: &mut Context<'_, Tendermint>) {
    for phase in phases {
        let vote = Arc::new(Vote::signed(*phase, height, round, id, ctx));
        for to in peers(ctx).into_iter().filter(|to| to.index() % 2 == parity) {
            ctx.send(to, Message::Vote(vote.clone()));
        }
    }
}
