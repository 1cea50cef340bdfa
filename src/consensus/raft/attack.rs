//! What Raft does not tolerate: one Byzantine node. Shows that its fault model is tight, and that votes matter.

use super::message::Vote;
use super::{Config, Context, Message, Raft, Record, Timer};
use crate::base::NodeId;
use crate::protocol::{Attacker, Protocol};
use std::sync::Arc;

/// The attacks by name, with one line each.
pub(super) const ATTACKS: &[(&str, &str)] =
    &[("double_vote", "votes for every candidate, so that one term can have two leaders: breaks safety")];

/// Follows the protocol, except that it votes for every candidate and forgets its votes.
#[derive(Debug)]
struct DoubleVoter(Raft);

/// The attacker `name`.
pub(super) fn attacker(
    name: &str,
    config: &Arc<Config>,
    log: &[Record],
    ctx: &mut Context,
) -> Option<Box<dyn Attacker<Raft>>> {
    (name == "double_vote").then(|| Box::new(DoubleVoter(Raft::boot(config, log, ctx))) as Box<dyn Attacker<Raft>>)
}

impl Attacker<Raft> for DoubleVoter {
    fn on_message(&mut self, from: NodeId, message: Message, ctx: &mut Context) {
        match message {
            Message::RequestVote(request) => {
                let vote = Vote { term: request.term, granted: true, pre: request.pre };
                ctx.send(from, Message::Vote(vote));
            }
            other => self.0.on_message(from, other, ctx),
        }
    }
    fn on_timer(&mut self, timer: Timer, ctx: &mut Context) {
        self.0.on_timer(timer, ctx);
    }
    fn on_transaction(&mut self, ctx: &mut Context) {
        self.0.on_transaction(ctx);
    }
}
