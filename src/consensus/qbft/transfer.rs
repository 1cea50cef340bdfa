//! Catching up (rule 9), and starting again.

use super::message::{Message, Said, Sealed};
use super::{ANSWER_MAX, Config, FUTURE_MAX, HEIGHTS_AHEAD, Qbft, Record, Timer};
use crate::base::{Duration, Height, NodeId, Time, VoterSet};
use crate::chain::Block;
use crate::protocol::Context;
use crate::protocol::backward_sync::BackwardSync;
use crate::protocol::request::{Backoff, answer};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How long the first answer to a request may take: five times what the largest takes over 10 Mbit/s alone.
const ANSWER_WAIT: Duration = Duration::from_secs(2);
/// How long a validator waits for what may come by itself. Besu's synchronizer asks when a higher block is announced.
const LOOK_WAIT: Duration = Duration::from_secs(1);

impl Qbft {
    /// A validator spoke of a height: all before it are final there.
    pub(super) fn note_height(&mut self, from: NodeId, height: Height, ctx: &mut Context<'_, Self>) {
        if from == ctx.me() || !ctx.committee().contains(from) {
            return;
        }
        let known = self.spoke.entry(from).or_insert(height);
        *known = height.max(*known);
        if height > self.height() {
            self.ask_soon(ctx);
        }
    }
    /// Old heights are answered with what was decided; of later ones a little is kept, and it shows who is ahead.
    pub(super) fn on_other_height(
        &mut self,
        from: NodeId,
        height: Height,
        message: Message,
        ctx: &mut Context<'_, Self>,
    ) {
        if height < self.height() {
            if matches!(message, Message::RoundChange(_)) {
                // It learns how far the chain is, and asks one for the blocks: all would send them.
                ctx.send(from, Message::Ask { above: self.last.height() });
            }
            return;
        }
        if height.0 - self.height().0 <= HEIGHTS_AHEAD && self.future.len() < FUTURE_MAX {
            self.future.push((from, message));
        }
    }
    /// Looks soon whether something is missing still.
    pub(super) fn ask_soon(&mut self, ctx: &mut Context<'_, Self>) {
        if !self.asking {
            self.asking = true;
            ctx.set_timer(Timer::Ask, self.config.request_timeout.min(LOOK_WAIT));
        }
    }
    /// Whether something is final elsewhere, or may be: after a restart, until a correct validator said that it is not.
    fn is_behind(&self) -> bool {
        self.unsure.is_some()
            || self.backward_sync.is_some()
            || self.blocks.len() < self.commits.len()
            || self.spoke.values().any(|height| *height > self.height())
    }
    /// The answer did not come, or it is time to look.
    pub(super) fn on_ask_timer(&mut self, ctx: &mut Context<'_, Self>) {
        (self.asking, self.fetch) = (false, None);
        if ctx.committee().n() == 1 {
            return;
        }
        if !self.is_behind() {
            return self.remind(ctx);
        }
        self.request_next(ctx);
    }
    fn request_next(&mut self, ctx: &mut Context<'_, Self>) {
        let me = ctx.me();
        let ahead: Vec<NodeId> =
            self.spoke.iter().filter(|(_, height)| **height > self.height()).map(|(node, _)| *node).collect();
        let further = 1 + self.asked % (ctx.committee().n() as u64 - 1);
        let next = ctx.committee().in_turn(u64::from(me.0) + further);
        let peer = if ahead.is_empty() { next } else { ahead[(self.asked % ahead.len() as u64) as usize] };
        self.asked += 1;
        self.request(peer, ctx);
    }
    /// Asks one peer. Another is asked when no answer came in time, and each time that is longer.
    fn request(&mut self, peer: NodeId, ctx: &mut Context<'_, Self>) {
        let above = self.last.height();
        let below =
            self.backward_sync.as_ref().map(|backward_sync| Message::AskBelow { upto: backward_sync.next(), above });
        ctx.send(peer, below.unwrap_or(Message::Ask { above }));
        (self.asking, self.fetch) = (true, Some(peer));
        ctx.set_timer(Timer::Ask, self.backoff.next_wait());
    }
    /// At rest: a node without a message at the last height may be cut off, and nothing that it could receive will come by itself
    /// until something waits again. The height is announced to it, less and less often.
    fn remind(&mut self, ctx: &mut Context<'_, Self>) {
        let (me, above) = (ctx.me(), self.last.height());
        let is_silent = |peer: &NodeId| self.spoke.get(peer).is_none_or(|height| *height < above);
        let silent: Vec<NodeId> = ctx.committee().members().filter(|peer| *peer != me && is_silent(peer)).collect();
        if self.timing || silent.is_empty() || above == Height::GENESIS {
            return;
        }
        silent.into_iter().for_each(|peer| ctx.send(peer, Message::Ask { above }));
        self.asking = true;
        ctx.set_timer(Timer::Ask, self.reminders.next_wait());
    }
    /// A peer asks, and says by it how far it is. That there is nothing is an answer too.
    pub(super) fn on_ask(&mut self, from: NodeId, above: Height, ctx: &mut Context<'_, Self>) {
        self.note_height(from, above.next(), ctx);
        if from != ctx.me() {
            ctx.send(from, Message::Blocks(Arc::new(self.final_after(above))));
        }
    }
    /// What is final after a height, as much as an answer holds.
    fn final_after(&self, above: Height) -> Vec<Arc<Sealed>> {
        let is_kept = self.sealed.contains_key(&above.next());
        let held = self.sealed.range(above.next()..).filter(|_| is_kept).map(|(_, sealed)| sealed.clone());
        let mut blocks = answer(held, ANSWER_MAX, |sealed| sealed.size());
        if blocks.is_empty() {
            // What is older is in the chain, below the last.
            blocks.extend(self.sealed.values().next_back().filter(|last| last.block.height() > above).cloned());
        }
        blocks
    }
    pub(super) fn on_blocks(&mut self, from: NodeId, blocks: &[Arc<Sealed>], ctx: &mut Context<'_, Self>) {
        let (before, committee) = ((self.last.height(), self.backward_sync.is_some()), ctx.committee());
        for sealed in blocks.iter().filter(|sealed| sealed.is_complete(committee)) {
            let block = &sealed.block;
            if block.height() == self.height() && block.parent() == self.last.id() && ctx.insert_block(block).is_some()
            {
                self.insert(sealed.clone(), ctx);
            } else if block.height() > self.height() && self.backward_sync.is_none() {
                self.backward_sync = Some(BackwardSync::new(sealed.clone(), block));
            }
        }
        if (self.last.height(), self.backward_sync.is_some()) != before {
            return self.ask_on(from, ctx);
        }
        let is_awaited = self.fetch.take_if(|peer| *peer == from).is_some();
        if self.unsure.as_mut().is_some_and(|known| known.add(from, committee) && known.is_blocking(committee)) {
            self.unsure = None;
        }
        if blocks.is_empty() {
            // Whatever it claimed, it shows nothing.
            let here = self.height();
            self.spoke.entry(from).and_modify(|height| *height = here.min(*height));
        } else if is_awaited && self.is_behind() && ctx.committee().n() > 1 {
            // Nothing of it is new, and what is missing is with others.
            self.request_next(ctx);
        }
    }
    /// An answer brought something: there may be more than it holds. If it came late, another is under way.
    fn ask_on(&mut self, from: NodeId, ctx: &mut Context<'_, Self>) {
        self.backoff.reset();
        if from != ctx.me() && self.fetch.is_none_or(|peer| peer == from) {
            self.request(from, ctx);
        }
    }
    /// Whether a correct validator is in a later height: to time rounds of this one would only waste them.
    pub(super) fn is_left_behind(&self, ctx: &Context<'_, Self>) -> bool {
        let mut tally = VoterSet::default();
        for (node, _) in self.spoke.iter().filter(|(_, height)| **height > self.height()) {
            tally.add(*node, ctx.committee());
        }
        tally.is_blocking(ctx.committee())
    }
    /// Takes what continues the way down; when it has reached the last block here, up again.
    pub(super) fn on_below(&mut self, from: NodeId, blocks: &[Arc<Block>], ctx: &mut Context<'_, Self>) {
        let last = self.last.clone();
        let Some(backward_sync) = &mut self.backward_sync else { return };
        if !backward_sync.take(blocks, &last) {
            return;
        }
        if !backward_sync.is_down(&last) {
            return self.ask_on(from, ctx);
        }
        let Some((blocks, top)) = self.backward_sync.take().and_then(|backward_sync| backward_sync.finish(&last))
        else {
            return;
        };
        for block in &blocks {
            if ctx.insert_block(block).is_some() {
                self.next_height(block, ctx);
            }
        }
        self.on_blocks(from, &[top], ctx);
    }
    pub(super) fn recover(config: &Arc<Config>, log: &[Record], ctx: &mut Context<'_, Self>) -> Qbft {
        let mut validator = Qbft {
            config: config.clone(),
            last: ctx.durable(),
            round: 0,
            accepted: None,
            prepared: None,
            prepares: BTreeMap::new(),
            commits: BTreeMap::new(),
            blocks: BTreeMap::new(),
            changes: BTreeMap::new(),
            own: Vec::new(),
            timing: false,
            future: Vec::new(),
            sealed: BTreeMap::new(),
            backward_sync: None,
            resumed: None,
            asked: 0,
            asking: false,
            fetch: None,
            backoff: Backoff::new(ANSWER_WAIT),
            unsure: None,
            // Who is silent is known when something was decided.
            spoke: ctx.committee().members().map(|member| (member, ctx.durable().height())).collect(),
            reminders: Backoff::new(ANSWER_WAIT),
        };
        for record in log {
            if let Said::Sealed(sealed) = &record.what {
                validator.sealed.insert(record.height, sealed.clone());
            }
        }
        // Seals are written before their block.
        while let Some(sealed) = validator.sealed.get(&validator.height()).cloned() {
            if sealed.block.parent() != validator.last.id() || ctx.insert_block(&sealed.block).is_none() {
                break;
            }
            validator.next_height(&sealed.block, ctx);
        }
        let height = validator.height();
        for record in log.iter().filter(|record| record.height == height) {
            if record.round > validator.round {
                (validator.round, validator.accepted) = (record.round, None);
            }
            match &record.what {
                Said::Accepted(block) => validator.accepted = Some(block.clone()),
                Said::Prepared(proof) => validator.prepared = Some(proof.clone()),
                Said::Changed | Said::Sealed(_) => {}
            }
        }
        let known = validator.accepted.iter().chain(validator.prepared.as_ref().map(|proof| &proof.block)).cloned();
        for block in known.collect::<Vec<_>>() {
            let _ = ctx.insert_block(&block);
            validator.blocks.insert(block.id(), block);
        }
        let may_have_missed = !log.is_empty() || validator.last.height() > Height::GENESIS || ctx.now() > Time::ZERO;
        if may_have_missed && ctx.committee().n() > 1 {
            validator.unsure = Some(VoterSet::default());
            validator.on_ask_timer(ctx);
        }
        // What it promised holds. What is left of its round's time is unknown.
        validator.resumed = Some(validator.round);
        if validator.round > 0 || validator.accepted.is_some() {
            validator.timing = true;
            ctx.set_timer(Timer::Round, validator.patience());
        }
        if validator.round > 0 && validator.accepted.is_none() {
            validator.announce(ctx);
        }
        validator
    }
}
