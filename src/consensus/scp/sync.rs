//! What comes from others: statements, the sets they name, and what a node has missed.

use super::{
    ANSWER_MAX, Balloting, Config, KEPT, Message, Nomination, PASSES_MAX, Pledges, Record, SLOTS_AHEAD, Said, Scp,
    Statement, Timer, TransactionSet, Wanted,
};
use crate::base::{Duration, Hash, Height, NodeId, QuorumSet};
use crate::protocol::request::Backoff;
use crate::protocol::{Context, note};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Statements.
impl Scp {
    pub(super) fn on_statement(&mut self, from: NodeId, statement: &Arc<Statement>, ctx: &mut Context<'_, Self>) {
        self.receive(statement, ctx);
        // A node that repeats statements of an old slot has missed its decision.
        let is_over = statement.slot < self.last.height() || ctx.now() >= self.closed + self.config.repeat;
        let is_late = statement.slot < self.slot() && is_over;
        if is_late && from == statement.node && !matches!(statement.pledges, Pledges::Externalize { .. }) {
            let decided = self.decision(statement.slot, ctx);
            decided.into_iter().for_each(|decided| ctx.send(from, Message::Said(decided)));
        }
    }
    /// Keeps a statement until all that it names is here.
    fn receive(&mut self, statement: &Arc<Statement>, ctx: &mut Context<'_, Self>) {
        let Statement { slot, node, pledges, .. } = &**statement;
        let is_mine = *node == ctx.me() || !ctx.committee().contains(*node);
        if is_mine || !pledges.is_sane() || *slot < self.slot() {
            return;
        }
        if slot.0 - self.slot().0 <= SLOTS_AHEAD {
            let key = (*slot, *node, pledges.is_nomination());
            let known = self.received.get(&key);
            if known.is_none_or(|known| pledges.follows(&known.pledges)) {
                self.received.insert(key, statement.clone());
            }
        }
        if *slot == self.slot() {
            self.handle_ready(ctx);
        } else if !self.asking {
            self.asking = true;
            let wait = self.ask_wait.next_wait();
            ctx.set_timer(Timer::Ask, wait);
        }
    }
    /// Handles all statements of this slot for which nothing is missing; when the slot ends, those of the next.
    pub(super) fn handle_ready(&mut self, ctx: &mut Context<'_, Self>) {
        loop {
            let slot = self.slot();
            let next = self.received.range((slot, NodeId(0), false)..(slot.next(), NodeId(0), false));
            let ready = next.map(|(key, statement)| (*key, statement.clone()));
            let ready: Vec<_> = ready.filter(|(_, statement)| self.missing(statement).is_empty()).collect();
            if ready.is_empty() {
                break;
            }
            for (key, statement) in ready {
                self.received.remove(&key);
                if self.slot() == slot {
                    self.handle(&statement, ctx);
                }
            }
        }
        let slot = self.slot();
        self.received.retain(|(of, ..), _| *of >= slot);
        self.fetch(ctx);
    }
    fn handle(&mut self, statement: &Arc<Statement>, ctx: &mut Context<'_, Self>) {
        let (from, pledges) = (statement.node, &statement.pledges);
        let is_nomination = pledges.is_nomination();
        let federation = if is_nomination { &self.nomination.federation } else { &self.balloting.federation };
        if let Some(old) = federation.of(from) {
            let contradicts = pledges.contradicts(old);
            if contradicts {
                ctx.note(note::EVIDENCE, u64::from(from.0));
                self.evidence.entry(from).or_insert_with(|| (old.clone(), pledges.clone()));
            }
            if contradicts || !pledges.follows(old) {
                return;
            }
        }
        let values = pledges.values();
        // Values are judged one by one in nomination; a ballot for one that cannot be is nothing.
        let closed = self.last.header.time;
        if !is_nomination && !values.iter().all(|value| self.is_executable(value, ctx) && closed < value.close) {
            return;
        }
        let Some(quorum_set) = self.quorum_sets.get(&statement.quorum_set).cloned() else { return };
        if is_nomination {
            self.nomination.federation.receive(from, Some(pledges.clone()), &quorum_set);
            self.on_nomination(from, &values, ctx);
        } else {
            self.balloting.federation.receive(from, Some(pledges.clone()), &quorum_set);
            self.on_ballot(ctx);
        }
    }
}

/// Sets.
impl Scp {
    /// What a statement names that is not here, and whether that is a quorum set.
    fn missing(&self, statement: &Statement) -> Vec<(Hash, bool)> {
        let quorum_set = Some(statement.quorum_set).filter(|name| !self.quorum_sets.contains_key(name));
        let values = statement.pledges.values();
        let sets = values.into_iter().map(|value| value.set).filter(|name| !self.sets.contains_key(name));
        quorum_set.into_iter().map(|name| (name, true)).chain(sets.map(|name| (name, false))).collect()
    }
    /// Asks for what is missing and was not requested yet: the node that referred to it has it.
    fn fetch(&mut self, ctx: &mut Context<'_, Self>) {
        let missing: Vec<(NodeId, Hash, bool)> = self.all_missing();
        for (holder, name, is_quorum_set) in missing {
            if self.wanted.contains_key(&name) {
                continue;
            }
            let (now, wait) = (ctx.now(), self.config.fetch.max(self.lately * 2));
            self.wanted.insert(name, Wanted { tries: 1, asked: BTreeMap::from([(holder, now)]), due: now + wait });
            ctx.send(holder, Message::get(name, is_quorum_set));
            self.wait_for_sets(ctx);
        }
    }
    fn wait_for_sets(&self, ctx: &mut Context<'_, Self>) {
        if let Some(due) = self.wanted.values().map(|wanted| wanted.due).min() {
            ctx.set_timer(Timer::Fetch, due.since(ctx.now()));
        }
    }
    fn all_missing(&self) -> Vec<(NodeId, Hash, bool)> {
        let slot = self.slot();
        let open = self.received.range((slot, NodeId(0), false)..(slot.next(), NodeId(0), false));
        open.flat_map(|(_, statement)| {
            self.missing(statement).into_iter().map(|(name, is_quorum_set)| (statement.node, name, is_quorum_set))
        })
        .collect()
    }
    /// What was asked for did not come: asks the next who spoke of it.
    pub(super) fn on_fetch_timer(&mut self, ctx: &mut Context<'_, Self>) {
        let mut holders: BTreeMap<(Hash, bool), Vec<NodeId>> = BTreeMap::new();
        for (holder, name, is_quorum_set) in self.all_missing() {
            holders.entry((name, is_quorum_set)).or_default().push(holder);
        }
        self.wanted.retain(|name, _| holders.keys().any(|(missing, _)| missing == name));
        for ((name, is_quorum_set), holders) in holders {
            let now = ctx.now();
            let wanted = self.wanted.entry(name).or_insert(Wanted { tries: 0, asked: BTreeMap::new(), due: now });
            if wanted.due > now {
                continue;
            }
            let holder = holders[wanted.tries % holders.len()];
            let passes = (wanted.tries / holders.len()).min(PASSES_MAX - 1) as u64;
            wanted.due = now + (self.config.fetch * (1 + passes)).max(self.lately * 2);
            wanted.tries += 1;
            wanted.asked.entry(holder).or_insert(now);
            ctx.send(holder, Message::get(name, is_quorum_set));
        }
        self.wait_for_sets(ctx);
    }
    pub(super) fn on_get_quorum_set(&self, from: NodeId, name: &Hash, ctx: &mut Context<'_, Self>) {
        if let Some(set) = self.quorum_sets.get(name) {
            ctx.send(from, Message::QuorumSet(set.clone()));
        }
    }
    pub(super) fn on_quorum_set(&mut self, set: Arc<QuorumSet>, ctx: &mut Context<'_, Self>) {
        let name = set.hash();
        if self.wanted.remove(&name).is_some() && set.fault(ctx.committee().n()).is_none() {
            self.quorum_sets.insert(name, set);
            self.handle_ready(ctx);
        }
    }
    pub(super) fn on_get_set(&self, from: NodeId, name: &Hash, ctx: &mut Context<'_, Self>) {
        let old = || {
            let block = ctx.block_at(*self.served.get(name)?)?;
            Some(TransactionSet::new(block.parent(), block.batch.clone()))
        };
        let set = self.sets.get(name).map(|(set, _)| set.clone()).or_else(old);
        if let Some(set) = set {
            ctx.send(from, Message::Set(set));
        }
    }
    pub(super) fn on_set(&mut self, from: NodeId, set: Arc<TransactionSet>, ctx: &mut Context<'_, Self>) {
        if let Some(wanted) = self.wanted.remove(&set.name) {
            self.lately = wanted.asked.get(&from).map_or(self.lately, |at| ctx.now().since(*at));
            self.sets.insert(set.name, (set, None));
            self.handle_ready(ctx);
        }
    }
}

/// Missed messages and missed ledgers.
impl Scp {
    pub(super) fn on_repeat(&mut self, ctx: &mut Context<'_, Self>) {
        for said in self.said.iter().flatten() {
            ctx.broadcast(Message::Said(said.clone()));
        }
        ctx.set_timer(Timer::Repeat, self.config.repeat);
    }
    /// Others speak of later slots: asks all what was decided, until it is here.
    pub(super) fn on_ask_timer(&mut self, ctx: &mut Context<'_, Self>) {
        self.ask(ctx);
        // Of slots that are too far ahead nothing is kept: the next statement about one begins anew.
        self.asking = self.received.keys().any(|(slot, ..)| *slot > self.slot());
        if self.asking {
            let wait = self.ask_wait.next_wait();
            ctx.set_timer(Timer::Ask, wait);
        }
    }
    fn ask(&mut self, ctx: &mut Context<'_, Self>) {
        self.asked = self.last.height();
        ctx.broadcast(Message::Ask { above: self.last.height() });
    }
    pub(super) fn on_ask(&mut self, from: NodeId, above: Height, ctx: &mut Context<'_, Self>) {
        let end = self.last.height().0.min(above.0.saturating_add(ANSWER_MAX as u64));
        let slots = (above.0.saturating_add(1)..=end).map(Height);
        let mut answer: Vec<Arc<Statement>> = slots.filter_map(|slot| self.decision(slot, ctx)).collect();
        answer.extend(self.said.iter().flatten().cloned());
        if !answer.is_empty() {
            ctx.send(from, Message::Decided(answer.into()));
        }
    }
    pub(super) fn on_decided(&mut self, statements: &[Arc<Statement>], ctx: &mut Context<'_, Self>) {
        for statement in statements.iter().take(ANSWER_MAX + 2) {
            self.receive(statement, ctx);
        }
        if self.last.height().0 >= self.asked.0.saturating_add(ANSWER_MAX as u64) {
            self.ask(ctx);
        }
    }
    /// What this node states about a slot that it decided.
    fn decision(&mut self, slot: Height, ctx: &mut Context<'_, Self>) -> Option<Arc<Statement>> {
        if let Some(decided) = self.decided.get(&slot) {
            // A node that requests the decision requests its set next.
            self.served.extend(decided.pledges.values().into_iter().map(|value| (value.set, slot)));
            return Some(decided.clone());
        }
        let block = ctx.block_at(slot).filter(|_| slot > Height::GENESIS && slot <= ctx.finalized())?;
        let set = TransactionSet::new(block.parent(), block.batch.clone()).name;
        let value = super::Value { set, close: block.header.time };
        let counter = super::Ballot::INFINITE;
        let pledges = Pledges::Externalize { commit: super::Ballot { counter, value }, n_high: counter };
        let statement = Arc::new(self.sign(slot, pledges, ctx));
        self.served.insert(set, slot);
        self.decided.insert(slot, statement.clone());
        Some(statement)
    }
    pub(super) fn recover(
        config: &Arc<Config>,
        quorum_set: Arc<QuorumSet>,
        log: &[Record],
        ctx: &mut Context<'_, Self>,
    ) -> Scp {
        let quorum_set_name = quorum_set.hash();
        let mut node = Scp {
            config: config.clone(),
            quorum_sets: BTreeMap::from([(quorum_set_name, quorum_set.clone())]),
            quorum_set,
            quorum_set_name,
            last: ctx.durable(),
            closed: ctx.now(),
            nomination: Nomination::default(),
            balloting: Balloting::default(),
            ballot_began: None,
            sets: BTreeMap::new(),
            said: [None, None],
            logged: BTreeSet::new(),
            received: BTreeMap::new(),
            lately: Duration::ZERO,
            wanted: BTreeMap::new(),
            decided: BTreeMap::new(),
            served: BTreeMap::new(),
            evidence: BTreeMap::new(),
            asking: false,
            ask_wait: Backoff::new(config.ask),
            asked: Height::GENESIS,
        };
        let (slot, last) = (node.slot(), node.last.height());
        for height in (last.0.saturating_sub(KEPT as u64) + 1..=last.0).map(Height) {
            if let Some(block) = ctx.block_at(height) {
                node.served.insert(TransactionSet::new(block.parent(), block.batch.clone()).name, height);
            }
        }
        for record in log.iter().filter(|record| record.slot == slot) {
            node.logged.insert(node.last.id());
            match &record.what {
                Said::Set(set) => {
                    node.logged.insert(set.name);
                    node.sets.insert(set.name, (set.clone(), None));
                }
                Said::Statement(said) => {
                    node.said[usize::from(!said.pledges.is_nomination())] = Some(said.clone());
                }
            }
        }
        let has_spoken = node.said.iter().any(Option::is_some);
        if let Some(Pledges::Nominate { voted, accepted }) = node.said[0].as_ref().map(|said| said.pledges.clone()) {
            (node.nomination.voted, node.nomination.accepted) = (voted, accepted);
            node.nomination.federation.receive(ctx.me(), node.nomination.pledges(), &node.quorum_set);
        }
        if let Some(said) = node.said[1].clone() {
            node.balloting.restore(&said.pledges);
        }
        if last > Height::GENESIS || has_spoken {
            node.ask(ctx);
        }
        let wait = if has_spoken { Duration::ZERO } else { config.period };
        ctx.set_timer(Timer::Trigger, wait);
        if has_spoken {
            ctx.set_timer(Timer::Repeat, config.repeat);
            node.resume(ctx);
        }
        node
    }
    /// What was in work before a crash goes on; a decision that was logged is carried out.
    fn resume(&mut self, ctx: &mut Context<'_, Self>) {
        let named: BTreeSet<_> = self.said.iter().flatten().flat_map(|said| said.pledges.values()).collect();
        for value in named {
            self.is_executable(&value, ctx);
        }
        self.advance(ctx);
    }
}
