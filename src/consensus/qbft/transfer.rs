//! Catching up (rule 9), and starting again.

use super::message::{Message, Said, Sealed};
use super::{ANSWER_MOST, Config, FUTURE_MOST, HEIGHTS_AHEAD, Qbft, Record, Timer};
use crate::base::{Height, NodeId};
use crate::chain::Block;
use crate::protocol::Context;
use crate::protocol::descent::Descent;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Qbft {
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
                self.tell_blocks(from, height.previous().unwrap_or(Height::GENESIS), ctx);
            }
            return;
        }
        if height.0 - self.height().0 <= HEIGHTS_AHEAD && self.future.len() < FUTURE_MOST {
            self.future.push((from, message));
        }
        self.ask_soon(ctx);
    }
    /// Asks for what is final, unless it comes by itself meanwhile.
    pub(super) fn ask_soon(&mut self, ctx: &mut Context<'_, Self>) {
        if !self.asking {
            self.asking = true;
            ctx.set_timer(Timer::Ask, self.config.request_timeout);
        }
    }
    pub(super) fn on_ask_timer(&mut self, ctx: &mut Context<'_, Self>) {
        self.asking = false;
        let committee = ctx.committee();
        // One of so many is correct.
        let is_new = self.asked < committee.blocking();
        let is_waiting = !self.future.is_empty() || self.descent.is_some() || self.blocks.len() < self.commits.len();
        let is_behind = is_new || is_waiting;
        let start = u64::from(ctx.me().0) + 1 + self.asked;
        let peer = (0..2).map(|further| committee.in_turn(start + further)).find(|peer| *peer != ctx.me() && is_behind);
        self.asked += u64::from(is_behind);
        if let Some(peer) = peer {
            let above = self.last.height();
            let below = self.descent.as_ref().map(|descent| Message::AskBelow { upto: descent.next(), above });
            ctx.send(peer, below.unwrap_or(Message::Ask { above }));
            self.ask_soon(ctx);
        }
    }
    pub(super) fn tell_blocks(&self, to: NodeId, above: Height, ctx: &mut Context<'_, Self>) {
        let is_kept = self.sealed.contains_key(&above.next());
        let held = self.sealed.range(above.next()..).filter(|_| is_kept).take(ANSWER_MOST);
        let mut blocks: Vec<Arc<Sealed>> = held.map(|(_, sealed)| sealed.clone()).collect();
        if blocks.is_empty() {
            // What is older is in the chain, below the last.
            blocks.extend(self.sealed.values().next_back().filter(|last| last.block.height() > above).cloned());
        }
        if !blocks.is_empty() {
            ctx.send(to, Message::Blocks(Arc::new(blocks)));
        }
    }
    pub(super) fn on_blocks(&mut self, from: NodeId, blocks: &[Arc<Sealed>], ctx: &mut Context<'_, Self>) {
        let (before, committee) = (self.last.height(), ctx.committee());
        for sealed in blocks.iter().filter(|sealed| sealed.is_complete(committee)) {
            let block = &sealed.block;
            if block.height() == self.height() && block.parent() == self.last.id() && ctx.learn(block).is_some() {
                self.insert(sealed.clone(), ctx);
            } else if block.height() > self.height() && self.descent.is_none() {
                let descent = self.descent.insert(Descent::new(sealed.clone(), block));
                ctx.send(from, Message::AskBelow { upto: descent.next(), above: self.last.height() });
                self.ask_soon(ctx);
            }
        }
        if self.last.height() > before && blocks.len() == ANSWER_MOST {
            ctx.send(from, Message::Ask { above: self.last.height() });
        }
    }
    /// Takes what continues the way down; when it has reached the last block here, up again.
    pub(super) fn on_below(&mut self, from: NodeId, blocks: &[Arc<Block>], ctx: &mut Context<'_, Self>) {
        let last = self.last.clone();
        let Some(descent) = &mut self.descent else { return };
        if !descent.take(blocks, &last) {
            return;
        }
        if !descent.is_down(&last) {
            return ctx.send(from, Message::AskBelow { upto: descent.next(), above: last.height() });
        }
        let Some((blocks, top)) = self.descent.take().and_then(|descent| descent.finish(&last)) else { return };
        for block in &blocks {
            if ctx.learn(block).is_some() {
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
            descent: None,
            asked: 0,
            asking: false,
        };
        for record in log {
            if let Said::Sealed(sealed) = &record.what {
                validator.sealed.insert(record.height, sealed.clone());
            }
        }
        // Seals are written before their block.
        while let Some(sealed) = validator.sealed.get(&validator.height()).cloned() {
            if sealed.block.parent() != validator.last.id() || ctx.learn(&sealed.block).is_none() {
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
            let _ = ctx.learn(&block);
            validator.blocks.insert(block.id(), block);
        }
        if !log.is_empty() || validator.last.height() > Height::GENESIS {
            validator.on_ask_timer(ctx);
        }
        if validator.round > 0 || validator.accepted.is_some() {
            validator.timing = true;
            ctx.set_timer(Timer::Round, validator.patience());
        }
        validator
    }
}
