//! What a node writes, and how it starts: for the first time, or again.

use super::{Config, Image, LOG_MAX, Record, Vote};
use crate::base::Time;
use crate::chain::BlockIndex;
use crate::protocol::Context;
use crate::protocol::request::Backoff;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Writing.
impl Vote {
    pub(super) fn persist(&mut self, record: Record, ctx: &mut Context<'_, Self>) {
        self.written += 1;
        ctx.persist(record);
    }
    /// Replaces a long log by what it amounts to. Called between rounds, when nothing is half done.
    pub(super) fn shorten(&mut self, ctx: &mut Context<'_, Self>) {
        if self.written >= LOG_MAX {
            self.written = 0;
            self.persist(Record::Image(Arc::new(self.image())), ctx);
        }
    }
    fn image(&self) -> Image {
        Image {
            ratified: self.ratified.clone(),
            duty: self.duty.clone(),
            missed: self.missed.clone(),
            round: self.round,
            voted: self.voted.clone(),
            proposed: self.proposed.clone(),
        }
    }
}

/// Starting.
impl Vote {
    pub(super) fn recover(config: &Arc<Config>, log: &[Record], ctx: &mut Context<'_, Self>) -> Vote {
        let nodes = ctx.committee().n();
        let durable = ctx.durable().height();
        let mut node = Vote {
            config: config.clone(),
            tip: ctx.tree().block(BlockIndex::GENESIS).clone(),
            ratified: Vec::new(),
            duty: config.candidates(nodes).take(config.butlers(nodes)).collect(),
            missed: vec![0; nodes],
            round: 0,
            voted: None,
            received: None,
            proposed: None,
            votes: BTreeMap::new(),
            reports: BTreeMap::new(),
            claims: BTreeMap::new(),
            valid: BTreeMap::new(),
            wanted: BTreeMap::new(),
            waiting: None,
            repeats: 0,
            helper: None,
            awaited: Time::ZERO,
            backoff: Backoff::new(config.cut_off),
            asked: 0,
            written: log.len(),
        };
        log.iter().for_each(|record| node.remember(record));
        // Logged, but the node stopped before its chain had it.
        node.ratified.iter().map(|ratified| &ratified.block).filter(|block| block.height() > durable).for_each(
            |block| {
                ctx.extend(block.clone());
                ctx.finalize(block.height());
            },
        );
        node.begin_round(ctx);
        if !log.is_empty() {
            node.resume(ctx);
        }
        node
    }
    fn remember(&mut self, record: &Record) {
        match record {
            Record::Proposed(own) => {
                self.round = self.round.max(own.claim.round);
                self.proposed = Some(own.clone());
            }
            Record::Voted(claim, vote) => {
                self.round = self.round.max(claim.round);
                self.received = Some(claim.clone());
                self.voted = Some((claim.clone(), vote.clone()));
            }
            Record::Left(round) => self.round = self.round.max(*round),
            Record::Ratified(ratified) => {
                self.take(ratified);
                self.forget_height();
            }
            Record::Image(image) => {
                let Image { ratified, duty, missed, round, voted, proposed } = (**image).clone();
                self.tip = ratified.last().map_or_else(|| self.tip.clone(), |last| last.block.clone());
                (self.ratified, self.duty, self.missed) = (ratified, duty, missed);
                self.received = voted.as_ref().map(|(claim, _)| claim.clone());
                (self.round, self.voted, self.proposed) = (round, voted, proposed);
            }
        }
    }
    /// Repeats what may not have left before the stop, and asks for what was missed.
    fn resume(&mut self, ctx: &mut Context<'_, Self>) {
        self.ask_next(ctx);
        let has_voted = self.voted.as_ref().is_some_and(|(last, _)| last.round == self.round);
        if self.round > 0 && self.reports_rounds(ctx) && !has_voted {
            self.report(ctx);
        }
        let Some(own) = self.proposed.clone().filter(|own| own.claim.round == self.round) else { return };
        if let Some((_, vote)) = self.voted.clone().filter(|(last, _)| last.round == own.claim.round) {
            self.votes.insert(ctx.me(), vote);
        }
        self.send_proposal(ctx);
        self.on_proposal(ctx.me(), &own, ctx);
    }
}
