//! Which ledger to work on: validations, full validation, the preferred branch, and how to get what is missing.

use super::message::{Answer, Item, Ledger, Message, Record, Validation};
use super::rules::negative_most;
use super::{Config, Evidence, History, Known, Mode, Request, Ripple, Timer, unl};
use crate::base::{Committee, Digest, Duration, Hash, Height, NodeId, Time};
use crate::chain::{BlockIndex, BlockTree};
use crate::protocol::Context;
use crate::protocol::request::{self, Backoff};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// Heights above the last validated ledger whose validations are counted.
const WINDOW: u64 = 1_024;
/// Ledgers in one answer at most.
const ANSWER: usize = 64;
/// Ledgers between two certificates that are kept.
const CERTIFICATE_EVERY: u64 = 16;

/// Starting and remembering.
impl Ripple {
    pub(super) fn recover(config: &Arc<Config>, record: Option<&Record>, ctx: &mut Context<'_, Self>) -> Ripple {
        let (me, n) = (ctx.me(), ctx.committee().n());
        let members = config.unl.of(me, n);
        let durable = ctx.durable();
        let (bin, agreed) = (2, true);
        let plain = Ledger { block: durable.clone(), bin, agreed, negative: Vec::new(), disable: None, enable: None };
        let logged: &[Arc<Ledger>] = record.map_or(&[], |record| &record.ledgers);
        let at = logged.iter().position(|ledger| ledger.block.id() == durable.id());
        let base = at.map_or_else(|| Arc::new(plain), |at| logged[at].clone());
        let index = ctx.tree().find(&durable.id()).expect("a final block is in the tree");
        let name = ctx.snapshot(&durable).digest();
        let tip = Known { ledger: base, name, index };
        let now = ctx.now();
        let mut node = Ripple {
            config: config.clone(),
            unl: unl::committee(&members, &[], config.quorum, n),
            members,
            ledgers: BTreeMap::from([(index, tip.clone())]),
            names: BTreeMap::from([(name, index)]),
            validated: tip.clone(),
            tip,
            logged: index,
            largest: record.map_or(Height::GENESIS, |record| record.largest),
            own: None,
            latest: BTreeMap::new(),
            earlier: BTreeMap::new(),
            slots: BTreeMap::new(),
            certificates: BTreeMap::new(),
            validated_by: BTreeMap::new(),
            evidence: BTreeMap::new(),
            asked: BTreeMap::new(),
            ask_due: Time::ZERO,
            ask_wait: Backoff::new(config.ledger_timeout),
            reached: Height::GENESIS,
            mode: if record.is_some() { Mode::Observing } else { Mode::Proposing },
            instant: now,
            since: now,
            closed: Time::ZERO,
            position: None,
            close: None,
            seq: 0,
            proposed_at: now,
            current: BTreeMap::new(),
            recent: BTreeMap::new(),
            left: BTreeSet::new(),
            sets: BTreeMap::new(),
            past_sets: VecDeque::new(),
            arrivals: BTreeMap::new(),
            asked_items: BTreeSet::new(),
            disputes: BTreeMap::new(),
            close_state: 0,
            close_agreed: false,
            peers_unchanged: 0,
            previous_round: config.idle_interval,
            previous_proposers: 0,
        };
        for ledger in logged.iter().skip(at.map_or(logged.len(), |at| at + 1)) {
            if let Some(known) = node.admit(ledger, ctx) {
                ctx.extend(ledger.block.clone());
                node.tip = known;
            }
        }
        node.logged = node.tip.index;
        node.closed = node.tip.ledger.block.header.time;
        node.vouch(record.map_or(&[][..], |record| &record.certificate));
        let span = config.granularity.as_nanos();
        ctx.set_timer(Timer::Tick, Duration::from_nanos(span - now.as_nanos() % span));
        node
    }
    /// Takes a ledger whose parent is here; none if its name does not cover it.
    pub(super) fn admit(&mut self, ledger: &Arc<Ledger>, ctx: &mut Context<'_, Self>) -> Option<Known> {
        let parent = ctx.tree().find(&ledger.block.parent()).and_then(|index| self.ledgers.get(&index))?;
        if ledger.block.header.seal != ledger.seal() || ledger.negative != parent.ledger.next_negative() {
            return None;
        }
        let index = ctx.insert_block(&ledger.block)?;
        if let Some(known) = self.ledgers.get(&index) {
            return Some(known.clone());
        }
        ctx.spend(crate::base::Work::execute(ledger.block.transactions().len() as u32));
        let name = ctx.snapshot(&ledger.block).digest();
        Some(self.remember(ledger, name, index))
    }
    fn remember(&mut self, ledger: &Arc<Ledger>, name: Hash, index: BlockIndex) -> Known {
        let known = Known { ledger: ledger.clone(), name, index };
        self.names.insert(name, index);
        self.ledgers.insert(index, known.clone());
        known
    }
    /// The known ledgers above the block `from`, up to `to`.
    fn path(&self, from: BlockIndex, to: BlockIndex, tree: &BlockTree) -> Vec<Arc<Ledger>> {
        let path = tree.path(from, to).into_iter();
        path.filter_map(|index| self.ledgers.get(&index)).map(|known| known.ledger.clone()).collect()
    }
    pub(super) fn persist(&mut self, ctx: &mut Context<'_, Self>) {
        let mut ledgers = vec![self.validated.ledger.clone()];
        ledgers.extend(self.path(self.validated.index, self.tip.index, ctx.tree()));
        let (is_new, certificate) = (self.logged != self.tip.index, self.certificate(self.validated.height()));
        self.logged = self.tip.index;
        ctx.persist(Record { largest: self.largest, ledgers, is_new, certificate });
    }
}

/// The negative UNL.
impl Ripple {
    /// Whether a ledger ends a window of reliability.
    fn is_flag(&self, height: Height) -> bool {
        self.config.negative_unl && height.0.is_multiple_of(self.config.flag_interval)
    }
    /// The changes that this node wants in the next ledger: at most one each way. A quarter of the list, rounded up, is
    /// disabled at most (`negativeUNLMaxListed`), and one always remains.
    pub(super) fn negative_votes(&self) -> Vec<Item> {
        let (next, negative) = (self.tip.height().next(), self.tip.ledger.next_negative());
        if !self.is_flag(next) {
            return Vec::new();
        }
        let count = |node: NodeId| self.validated_by.get(&node).copied().unwrap_or(0);
        let window = self.config.flag_interval;
        let salted = |node: &NodeId| Digest::new("ripple pick").hash(&self.tip.name).u64(u64::from(node.0)).finish();
        let room = negative.len() < negative_most(self.members.len());
        let silent = |node: &NodeId| room && !negative.contains(node) && count(*node) * 2 < window;
        let back = |node: &NodeId| count(*node) * 5 > window * 4;
        let disable = self.members.iter().copied().filter(silent).min_by_key(salted).map(Item::Disable);
        let enable = negative.iter().copied().filter(back).min_by_key(salted).map(Item::Enable);
        disable.into_iter().chain(enable).collect()
    }
}

/// Validations.
impl Ripple {
    pub(super) fn on_validation(&mut self, validation: Validation, ctx: &mut Context<'_, Self>) {
        let (now, config) = (ctx.now(), &self.config);
        let is_current =
            now.since(validation.time) < config.validation_early && validation.time.since(now) < config.validation_wall;
        let bounds = self.validated.height().0..=self.validated.height().0 + WINDOW;
        if is_current && validation.node != ctx.me() && bounds.contains(&validation.seq.0) {
            self.count(validation, ctx);
        }
    }
    pub(super) fn count(&mut self, validation: Validation, ctx: &mut Context<'_, Self>) {
        let Validation { ledger, seq, node, full, .. } = validation;
        if !self.members.contains(&node) {
            return;
        }
        if self.latest.get(&node).is_none_or(|latest| latest.seq < seq) {
            let earlier = self.latest.insert(node, validation);
            let known = earlier.filter(|earlier| self.names.contains_key(&earlier.ledger));
            self.earlier.extend(known.map(|known| (node, known)));
        }
        let slot = self.slots.entry(seq).or_default();
        if let Some(first) = slot.validations.get(&node).copied() {
            if first.ledger != ledger {
                self.accuse(node, Evidence::Validations(first, validation), ctx);
            }
            return;
        }
        slot.validations.insert(node, validation);
        if full && slot.votes.add(node, &ledger, None, &self.unl) {
            *self.validated_by.entry(node).or_default() += 1;
        }
        let known = self.names.get(&ledger).and_then(|index| self.ledgers.get(index)).cloned();
        if let Some(known) = known.filter(|known| known.height() > self.validated.height()) {
            self.settle(&known, ctx);
        }
    }
    /// The members that count for a ledger.
    pub(super) fn effective(&self, ledger: &Ledger) -> Committee {
        if ledger.negative.is_empty() {
            return self.unl.clone();
        }
        unl::committee(&self.members, &ledger.negative, self.config.quorum, self.unl.n())
    }
    fn is_validated(&self, known: &Known) -> bool {
        let Some(slot) = self.slots.get(&known.height()) else { return false };
        let Some(ballot) = slot.votes.ballots().find(|ballot| ballot.digest == known.name) else { return false };
        if known.ledger.negative.is_empty() {
            return ballot.voters.is_quorum(&self.unl);
        }
        is_proven(ballot.voters.members(), &self.effective(&known.ledger))
    }
    /// Declares a ledger and its ancestors final if enough trusted nodes validated it. What is final stays.
    pub(super) fn settle(&mut self, known: &Known, ctx: &mut Context<'_, Self>) {
        if known.height() > self.validated.height() && self.is_validated(known) {
            self.finish(known, ctx);
        }
    }
    fn finish(&mut self, known: &Known, ctx: &mut Context<'_, Self>) {
        if !ctx.tree().is_ancestor(self.validated.index, known.index) {
            return;
        }
        if !ctx.tree().is_ancestor(known.index, self.tip.index) {
            self.switch(known, ctx);
        }
        if !ctx.tree().is_ancestor(known.index, self.logged) {
            self.persist(ctx);
        }
        ctx.finalize(known.height());
        self.conclude(known.clone());
        // Its validations too: if all start again, they prove it to those who missed it.
        self.persist(ctx);
    }
    /// Forgets what a validated ledger makes superfluous.
    fn conclude(&mut self, known: Known) {
        let height = known.height();
        if height.0 / self.config.flag_interval > self.validated.height().0 / self.config.flag_interval {
            self.validated_by.clear();
        }
        self.validated = known;
        self.slots = self.slots.split_off(&height);
        self.latest.retain(|_, validation| validation.seq >= height);
        self.earlier.retain(|_, validation| validation.seq >= height);
        if self.config.history == History::State {
            self.ledgers.retain(|_, known| known.ledger.block.height() >= height);
            let ledgers = &self.ledgers;
            self.names.retain(|_, index| ledgers.contains_key(index));
        } else {
            let last = self.certificates.last_key_value().map_or(0, |(last, _)| last.0);
            if height.0 >= last + CERTIFICATE_EVERY {
                self.certificates.insert(height, self.certificate(height));
            }
        }
    }
    /// Takes validations of the validated ledger.
    fn vouch(&mut self, validations: &[Validation]) {
        let (name, height) = (self.validated.name, self.validated.height());
        for said in validations.iter().filter(|said| said.full && said.ledger == name && said.seq == height) {
            self.slots.entry(said.seq).or_default().validations.entry(said.node).or_insert(*said);
        }
    }
    /// The validations received for the validated ledger of this height.
    fn certificate(&self, height: Height) -> Arc<[Validation]> {
        let received = self.slots.get(&height).into_iter().flat_map(|slot| slot.validations.values());
        received.filter(|validation| validation.full && validation.ledger == self.validated.name).copied().collect()
    }
}

/// Whether these members are a quorum of those that count.
fn is_proven(signers: impl Iterator<Item = NodeId>, committee: &Committee) -> bool {
    let mut tally = crate::base::VoterSet::default();
    signers.for_each(|node| {
        tally.add(node, committee);
    });
    tally.is_quorum(committee)
}

/// The preferred branch.
impl Ripple {
    /// Where the validations lead, from the last validated ledger upwards: to the best supported child as long as those
    /// that have not spoken yet at its height cannot change that.
    pub(super) fn preferred(&self, tree: &BlockTree) -> BlockIndex {
        let mut at = self.validated.index;
        loop {
            let next = tree.height(at).next();
            let mut uncommitted = 0;
            let mut support: BTreeMap<BlockIndex, u64> = BTreeMap::new();
            for (node, latest) in &self.latest {
                // Until its ledger is here, a node stands where it stood.
                let is_known = self.names.contains_key(&latest.ledger);
                let validation = if is_known { latest } else { self.earlier.get(node).unwrap_or(latest) };
                if validation.seq < next.max(self.largest) {
                    uncommitted += 1;
                }
                let known = self.names.get(&validation.ledger).filter(|index| tree.height(**index) >= next);
                if let Some(index) = known.filter(|index| tree.is_ancestor(at, **index)) {
                    *support.entry(tree.ancestor(*index, next)).or_default() += 1;
                }
            }
            let name = |index: &BlockIndex| self.ledgers.get(index).map(|known| known.name);
            let mut children: Vec<_> = support.into_iter().map(|(index, count)| (count, name(&index), index)).collect();
            children.sort_unstable_by(|a, b| b.cmp(a));
            // The larger name breaks ties, which is worth one vote.
            let margin = match children[..] {
                [] => return at,
                [only] => only.0,
                [best, second, ..] => best.0 - second.0 + u64::from(best.1 > second.1),
            };
            if margin <= uncommitted && uncommitted > 0 {
                return at;
            }
            at = children[0].2;
        }
    }
    /// Goes to the preferred branch if that is not where this node works, and asks for what it lacks.
    pub(super) fn check_ledger(&mut self, ctx: &mut Context<'_, Self>) {
        let (now, early) = (ctx.now(), self.config.validation_early);
        self.latest.retain(|_, said| now.since(said.time) < early);
        let preferred = self.preferred(ctx.tree());
        let (tree, tip) = (ctx.tree(), self.tip.index);
        let (height, mine) = (tree.height(preferred), tree.height(tip));
        let is_mine = tree.is_ancestor(preferred, tip);
        // The parent of the preferred ledger may be about to make it.
        let is_next = height == mine.next() && tree.parent(preferred) == tip;
        if !is_mine
            && !is_next
            && let Some(known) = self.ledgers.get(&preferred).cloned()
        {
            self.switch(&known, ctx);
        }
        self.seek(ctx);
    }
    /// Works on another ledger from now on: the round starts anew, without a position of this node.
    fn switch(&mut self, to: &Known, ctx: &mut Context<'_, Self>) {
        let fork = ctx.tree().fork_point(self.tip.index, to.index);
        if fork != self.tip.index {
            let height = ctx.tree().height(fork);
            ctx.rewind(height);
        }
        for ledger in self.path(fork, to.index, ctx.tree()) {
            ctx.extend(ledger.block.clone());
        }
        self.bow_out(Mode::Observing, ctx);
        self.tip = to.clone();
        self.open(Mode::Observing, ctx);
    }
    /// Asks for a ledger that trusted nodes validated and that is not here, most often for the one of most of them. One of
    /// the next number is likely to be made here in a moment: it waits for that, unless it is validated in full.
    fn seek(&mut self, ctx: &mut Context<'_, Self>) {
        let mut support: BTreeMap<Hash, Vec<NodeId>> = BTreeMap::new();
        for (node, validation) in self.latest.iter().filter(|(_, v)| !self.names.contains_key(&v.ledger)) {
            if validation.seq <= self.validated.height() {
                continue;
            }
            let is_late = ctx.now().since(validation.time) >= self.config.min_consensus;
            let is_next = validation.seq == self.tip.height().next() && !is_late;
            let slot = self.slots.get(&validation.seq);
            if !is_next || slot.is_some_and(|slot| slot.votes.is_quorum(&validation.ledger, &self.unl)) {
                support.entry(validation.ledger).or_default().push(*node);
            }
        }
        let mut lacking: Vec<(usize, Hash, Vec<NodeId>)> =
            support.into_iter().map(|(name, nodes)| (nodes.len(), name, nodes)).collect();
        lacking.sort_unstable_by(|a, b| b.cmp(a));
        let blocking = self.unl.blocking() as usize;
        if self.mode == Mode::WrongLedger && lacking.first().is_none_or(|(count, ..)| *count < blocking) {
            self.mode = Mode::Observing;
        }
        // Half of the time any of them: who stands on a ledger that is not here cannot be counted on its branch, and Byzantine nodes
        // may name a ledger that no node has.
        let at = if ctx.random().index(2) == 0 { 0 } else { ctx.random().index(lacking.len().max(1)) };
        let Some((count, wanted, nodes)) = lacking.get(at) else { return };
        let (peer, wanted) = (nodes[ctx.random().index(nodes.len())], *wanted);
        let height =
            nodes.iter().filter_map(|node| self.latest.get(node)).map(|said| said.seq).max().unwrap_or_default();
        if peer != ctx.me() {
            // One request is under way at a time: over a line that is filled by answers none of them arrives.
            if ctx.now() < self.ask_due {
                return;
            }
            // Fewer than stand on the working ledger do not make that the wrong one.
            let tree = ctx.tree();
            let stand = |v: &&Validation| {
                self.names.get(&v.ledger).is_some_and(|index| tree.is_ancestor(self.tip.index, *index))
            };
            if *count >= blocking && *count > self.latest.values().filter(stand).count() {
                self.bow_out(Mode::WrongLedger, ctx);
            }
            // It most likely stands on what those validated before, of which the last that came is here.
            let before = nodes.iter().filter_map(|node| self.earlier.get(node)).map(|said| said.seq);
            let before = before.chain([self.reached]).filter(|seq| *seq < height).max().unwrap_or_default();
            let above = before.max(self.validated.height());
            self.ask(peer, Request { wanted, above, height }, ctx);
        }
    }
    /// Asks for a ledger and all between it and this number.
    fn ask(&mut self, peer: NodeId, request: Request, ctx: &mut Context<'_, Self>) {
        let Request { wanted, above, .. } = request;
        self.asked.insert(peer, request);
        self.ask_due = ctx.now() + self.ask_wait.next_wait().min(self.config.max_consensus);
        ctx.send(peer, Message::GetLedger { wanted, above });
    }
}

/// Giving and taking ledgers.
impl Ripple {
    pub(super) fn on_get_ledger(&self, from: NodeId, wanted: &Hash, above: Height, ctx: &mut Context<'_, Self>) {
        let Some(&to) = self.names.get(wanted).filter(|_| from != ctx.me()) else { return };
        let (height, base) = (ctx.tree().height(to), self.validated.height());
        if height <= above {
            return;
        }
        let mut answer = Answer { state: None, ledgers: Vec::new(), validations: Vec::new() };
        let mut start = above;
        // A node that started again, or was given a state itself, has only what came since.
        let way = ctx.tree().path(ctx.tree().ancestor(to, above), to);
        let is_whole = way.iter().all(|index| self.ledgers.contains_key(index));
        if above < base && (self.config.history == History::State || !is_whole) {
            let snapshot = ctx.snapshot(&self.validated.ledger.block);
            answer.state = Some((snapshot, self.validated.ledger.clone()));
            answer.validations = self.certificate(base).to_vec();
            start = base;
        }
        let start = if start < height { ctx.tree().ancestor(to, start) } else { to };
        answer.ledgers = request::answer(self.path(start, to, ctx.tree()), ANSWER, |ledger| ledger.bytes());
        if answer.state.is_none()
            && let (Some(first), Some(last)) = (answer.ledgers.first(), answer.ledgers.last())
        {
            let way = first.block.height()..=last.block.height();
            let on_the_way = self.certificates.range(way).next_back().map_or(Vec::new(), |(_, all)| all.to_vec());
            // A node that forgot what it received before it started again may stand on another branch than what was validated, and
            // would not leave that for ledgers without proof.
            let is_due = base <= last.block.height() && ctx.tree().is_ancestor(self.validated.index, to);
            let newest = if is_due { self.certificate(base).to_vec() } else { Vec::new() };
            answer.validations = if newest.is_empty() { on_the_way } else { newest };
        }
        ctx.send(from, Message::Ledgers(Arc::new(answer)));
    }
    /// Takes what was asked for: a state that a quorum validated, ledgers that lead to the one wanted, or to one that a
    /// quorum validated. What one answer does not hold is asked for at once.
    pub(super) fn on_ledgers(&mut self, from: NodeId, answer: &Answer, ctx: &mut Context<'_, Self>) {
        let Some(request) = self.asked.remove(&from) else { return };
        if answer.state.is_some() && !self.take_state(answer, ctx) {
            return;
        }
        let (before, mut last) = (self.ledgers.len(), None);
        for ledger in &answer.ledgers {
            match self.admit(ledger, ctx) {
                Some(known) => last = Some(known),
                // It stands on another branch: once more, from where all branches begin.
                None if last.is_none() && request.above > self.validated.height() => {
                    self.reached = Height::GENESIS;
                    return self.ask(from, Request { above: self.validated.height(), ..request }, ctx);
                }
                None => break,
            }
        }
        if answer.state.is_some() || self.ledgers.len() > before {
            self.ask_wait.reset();
            self.ask_due = ctx.now();
        }
        let Some(last) = last else { return };
        self.reached = last.height();
        let proven = answer.validations.first().and_then(|said| self.names.get(&said.ledger));
        if let Some(proven) = proven.and_then(|index| self.ledgers.get(index)).cloned()
            && proven.height() > self.validated.height()
            && self.proves(&answer.validations, proven.name, proven.height(), &proven.ledger)
        {
            self.finish(&proven, ctx);
        }
        self.settle(&last, ctx);
        self.certify(ctx);
        let is_on_the_way = (request.above.next()..request.height).contains(&last.height());
        if is_on_the_way && !self.names.contains_key(&request.wanted) {
            self.ask(from, Request { above: last.height(), ..request }, ctx);
        } else {
            self.seek(ctx);
        }
    }
    /// Settles the highest ledger here that was validated before it came.
    fn certify(&mut self, ctx: &mut Context<'_, Self>) {
        let names = self.latest.values().filter_map(|validation| self.names.get(&validation.ledger));
        let best = names.filter_map(|index| self.ledgers.get(index)).filter(|known| self.is_validated(known));
        if let Some(known) = best.max_by_key(|known| known.height()).cloned() {
            self.settle(&known, ctx);
        }
    }
    fn proves(&self, validations: &[Validation], name: Hash, height: Height, ledger: &Ledger) -> bool {
        let fits = |v: &&Validation| v.full && v.ledger == name && v.seq == height;
        is_proven(validations.iter().filter(fits).map(|v| v.node), &self.effective(ledger))
    }
    fn take_state(&mut self, answer: &Answer, ctx: &mut Context<'_, Self>) -> bool {
        let Some((snapshot, ledger)) = &answer.state else { return false };
        let (name, height) = (snapshot.digest(), snapshot.block.height());
        if height <= self.validated.height() {
            return true;
        }
        let fits = snapshot.block.id() == ledger.block.id() && ledger.block.header.seal == ledger.seal();
        if !fits || !self.proves(&answer.validations, name, height, ledger) {
            return false;
        }
        let Some(index) = ctx.tree().find(&snapshot.block.id()) else { return false };
        self.tip = self.remember(ledger, name, index);
        self.conclude(self.tip.clone());
        self.vouch(&answer.validations);
        self.persist(ctx);
        ctx.install(snapshot.clone());
        self.open(Mode::Observing, ctx);
        true
    }
}
