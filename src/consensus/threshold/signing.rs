//! From a proposal to a witness (rules 2 to 7 of the slot), and what the signer's memory permits.

use super::frost::{Chosen, SignatureShare, SigningCommitments, SigningNonces};
use super::message::{
    Again, Memory, Message, Phase, Proposal, ProposalHeader, Record, Signed, Vote, Witness, statement,
};
use super::{Collection, Rule, STUCK, Threshold};
use crate::base::{Hash, Height, NodeId, Signature, Work};
use crate::chain::{Batch, Block, Header, Limit, Seal};
use crate::protocol::{Context, note, votes::Ballot, votes::Votes};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What was said in one slot about the next height.
#[derive(Clone, Debug, Default)]
pub struct Round {
    /// The first proposal of its creator.
    pub proposal: Option<Arc<Proposal>>,
    /// Whether it is valid, once it could be judged.
    pub valid: Option<bool>,
    /// Whether this node sent its pre-commit, and its signature.
    announced: bool,
    signed: bool,
    /// Whether the missing block was asked for, and the one that was proposed by its name.
    asked: bool,
    wanted: bool,
    /// Whether it was seen that the slot is over without its block.
    failed: bool,
    pre_commits: Votes,
    signs: Votes,
    /// The first `k` pre-commits for one block.
    quorum: Option<Arc<ProposalHeader>>,
    /// FROST: nonces to use once, commitments received, the signers, their shares.
    nonces: Option<Box<SigningNonces>>,
    commitments: Chosen,
    chosen: Arc<Chosen>,
    shares: BTreeMap<NodeId, SignatureShare>,
}

/// Blocks proposed for the next height that are kept, to be proposed again.
const OFFERED_MAX: usize = 16;

/// Proposing and voting.
impl Threshold {
    fn height(&self) -> Height {
        self.tip.height().next()
    }
    /// The round of a current slot; older ones are forgotten.
    fn round(&mut self, slot: u64, now: u64) -> &mut Round {
        if !self.rounds.contains_key(&slot) {
            self.rounds.retain(|old, _| old.saturating_add(2) >= now);
        }
        self.rounds.entry(slot).or_default()
    }
    /// What was proposed in a slot that is over, and is not signed, was too large; or something else was wrong.
    pub(super) fn look_back(&mut self, now: u64) {
        for (_, round) in self.rounds.range_mut(..now).filter(|(_, round)| !round.failed) {
            let Some(proposal) = &round.proposal else { continue };
            if proposal.block.parent() == self.tip.id() {
                round.failed = true;
                self.room.failed(proposal.block.batch.bytes() as u64);
            }
        }
    }
    /// As much of what waits as a slot seems to carry: one payment at least.
    fn fill(&self, ctx: &mut Context<'_, Self>) -> Arc<Batch> {
        let limit = self.config.block_limit;
        let batch = ctx.template(&self.tip, Limit { bytes: self.room.bytes(), ..limit });
        if batch.payments() == 0 && self.room.bytes() < limit.bytes {
            return ctx.template(&self.tip, Limit { transactions: 1, ..limit });
        }
        batch
    }
    /// The creator's turn (rule 2): what was justified last, what it is bound to, or a new block.
    pub(super) fn propose(&mut self, slot: u64, ctx: &mut Context<'_, Self>) {
        let bound = self.memory.as_ref().filter(|memory| memory.block.parent() == self.tip.id());
        let (block, justification) = match (&self.justified, bound) {
            (Some((announced, block)), _) => (block.clone(), Some(announced.clone())),
            (None, Some(memory)) if self.config.rule == Rule::Strict => (memory.block.clone(), None),
            _ if ctx.pending() == 0 && !self.config.empty_blocks => return,
            _ => {
                let batch = self.fill(ctx);
                if !self.config.empty_blocks && batch.payments() == 0 {
                    return;
                }
                let (parent, height, merkle) = (self.tip.id(), self.height(), batch.digest());
                let (time, proposer) = (ctx.now(), ctx.me());
                (Block::new(Header { parent, height, merkle, time, proposer, seal: Seal::None }, batch), None)
            }
        };
        ctx.note(note::LEADING, note::turn(block.height(), 0));
        let signature = ctx.sign(&Proposal::statement(slot, &block.id()));
        let is_again = self.offered.iter().any(|offered| offered.id() == block.id());
        if is_again {
            let (height, block, justification) = (block.height(), block.id(), justification.clone());
            ctx.broadcast(Message::Again(Arc::new(Again { slot, height, block, justification, signature })));
        }
        let proposal = Arc::new(Proposal { slot, block, justification, signature });
        if !is_again {
            ctx.broadcast(Message::Propose(proposal.clone()));
        }
        self.on_propose(ctx.me(), proposal, ctx);
    }
    /// A block that was proposed before is proposed again, by its name: who has it needs no copy.
    pub(super) fn on_again(&mut self, from: NodeId, again: &Again, ctx: &mut Context<'_, Self>) {
        let (slot, now) = (again.slot, ctx.now());
        if ctx.committee().in_turn(slot) != from || !self.is_current(slot, now) {
            return;
        }
        let locked = self.justified.iter().map(|(_, block)| block);
        let mut held = self.offered.iter().chain(locked).chain(self.memory.iter().map(|memory| &memory.block));
        if let Some(block) = held.find(|block| block.id() == again.block).cloned() {
            let (justification, signature) = (again.justification.clone(), again.signature);
            return self.on_propose(from, Arc::new(Proposal { slot, block, justification, signature }), ctx);
        }
        if again.height > self.height() {
            self.ask(from, ctx);
        }
        let at = self.slot_at(now);
        let round = self.round(slot, at);
        if round.proposal.is_none() && !round.wanted {
            round.wanted = true;
            ctx.send(from, Message::Want(slot, again.block));
        }
    }
    /// A signer lacks what this creator proposed by its name.
    pub(super) fn on_want(&mut self, from: NodeId, slot: u64, block: Hash, ctx: &mut Context<'_, Self>) {
        let proposal = self.rounds.get(&slot).and_then(|round| round.proposal.clone());
        let is_mine = ctx.committee().in_turn(slot) == ctx.me() && from != ctx.me();
        if let Some(proposal) = proposal.filter(|proposal| is_mine && proposal.block.id() == block) {
            ctx.send(from, Message::Propose(proposal));
        }
    }
    /// Keeps what was proposed for the next height, the last few.
    fn offer(&mut self, block: &Arc<Block>) {
        if block.height() == self.height() && self.offered.iter().all(|offered| offered.id() != block.id()) {
            self.offered.push_back(block.clone());
            if self.offered.len() > OFFERED_MAX {
                self.offered.pop_front();
            }
        }
    }
    /// The first proposal of a slot's creator counts; a second is evidence (rule 3).
    pub(super) fn on_propose(&mut self, from: NodeId, proposal: Arc<Proposal>, ctx: &mut Context<'_, Self>) {
        let (slot, now) = (proposal.slot, ctx.now());
        if ctx.committee().in_turn(slot) != from || !self.is_current(slot, now) {
            return;
        }
        let at = self.slot_at(now);
        let round = self.round(slot, at);
        if let Some(first) = &round.proposal {
            if first.block.id() != proposal.block.id() {
                let both = (Message::Propose(first.clone()), Message::Propose(proposal));
                self.accuse(from, both, ctx);
            }
            return;
        }
        let (height, parent) = (proposal.block.height(), proposal.block.parent());
        round.proposal = Some(proposal.clone());
        self.offer(&proposal.block);
        if height > self.height() || (height == self.height() && !self.knows(&parent, ctx)) {
            self.ask(from, ctx);
        }
        self.advance(slot, ctx);
    }
    /// The block proposed in a slot, if it extends the tip and is valid.
    fn candidate(&mut self, slot: u64, ctx: &mut Context<'_, Self>) -> Option<Arc<Proposal>> {
        let round = self.rounds.get(&slot)?;
        let proposal = round.proposal.clone().filter(|proposal| proposal.block.parent() == self.tip.id())?;
        let valid = match round.valid {
            Some(valid) => valid,
            None => self.slot_at(proposal.block.header.time) <= slot && self.judge(&proposal.block, ctx),
        };
        self.rounds.get_mut(&slot)?.valid = Some(valid);
        valid.then_some(proposal)
    }
    /// Whether the signer's memory permits to help a block (rule 5) that `k` pre-commits of slot `justified` support.
    pub(super) fn permits(&self, block: &Block, justified: Option<u64>) -> bool {
        let Some(memory) = &self.memory else { return true };
        let (last, same) = (&memory.block, memory.block.id() == block.id());
        match self.config.rule {
            Rule::Resign if last.parent() == block.parent() => last.height() == block.height(),
            _ if last.height() != block.height() => last.height() < block.height(),
            Rule::Resign => false,
            Rule::Strict => same,
            Rule::Locked => same || justified.is_some_and(|slot| slot >= memory.slot),
        }
    }
    /// Does in a slot whatever has become possible there.
    pub(super) fn advance(&mut self, slot: u64, ctx: &mut Context<'_, Self>) {
        let Some(proposal) = self.candidate(slot, ctx) else { return self.miss(slot, ctx) };
        let block = &proposal.block;
        self.announce(slot, &proposal, ctx);
        self.gather(slot, ctx);
        if block.parent() != self.tip.id() {
            return; // its own vote was the last that was lacking
        }
        let Some(round) = self.rounds.get(&slot) else { return };
        let supported = round.quorum.as_ref().filter(|announced| announced.block == block.id()).cloned();
        let is_later = self.justified.as_ref().is_none_or(|(last, _)| last.slot < slot);
        if let Some(announced) = supported.clone().filter(|_| is_later && self.config.rule == Rule::Locked) {
            self.justified = Some((announced, block.clone()));
        }
        let may = (supported.is_some() || !self.config.pre_commit) && self.may_speak(slot, ctx.now());
        if may && !round.signed && self.permits(block, supported.as_ref().map(|announced| announced.slot)) {
            self.sign(slot, block, supported, ctx);
        }
        self.assemble(slot, block, ctx);
    }
    /// Pre-commits, if the signer would sign. Under the strict rule a bound signer repeats its signature instead, so
    /// that a split shows.
    fn announce(&mut self, slot: u64, proposal: &Proposal, ctx: &mut Context<'_, Self>) {
        let speaks = self.may_speak(slot, ctx.now());
        let Some(round) = self.rounds.get_mut(&slot).filter(|round| speaks && !round.announced) else { return };
        round.announced = true;
        let justification = proposal.justification.as_ref().filter(|announced| {
            let matches = (announced.height, announced.block) == (proposal.block.height(), proposal.block.id());
            matches && announced.slot < slot && announced.is_complete(ctx.committee())
        });
        if self.permits(&proposal.block, justification.map(|announced| announced.slot)) {
            if self.config.pre_commit {
                self.vote(Phase::PreCommit, slot, &proposal.block, ctx);
            }
        } else if let Some(memory) = self.memory.clone().filter(|memory| memory.block.height() == self.height())
            && self.config.rule == Rule::Strict
        {
            self.vote(Phase::Sign, slot, &memory.block, ctx);
        }
    }
    fn vote(&mut self, phase: Phase, slot: u64, block: &Arc<Block>, ctx: &mut Context<'_, Self>) {
        let (height, me) = (block.height(), ctx.me());
        self.speaks_from = self.speaks_from.max(slot);
        let signature = ctx.sign(&statement(phase, slot, height, &block.id()));
        let vote = Vote { slot, height, block: block.id(), signature };
        let commitments = self.dealt.clone().filter(|_| phase == Phase::PreCommit).map(|dealt| {
            ctx.spend(Work::SIGN);
            let (nonces, commitments) = dealt.commit(ctx.random());
            self.rounds.entry(slot).or_default().nonces = Some(Box::new(nonces));
            Arc::new(commitments)
        });
        self.notify(slot, Message::Vote(phase, vote, commitments.clone()), ctx);
        self.on_vote(me, phase, vote, commitments, ctx);
    }
    /// Sends a vote to all, or to the creator.
    fn notify(&self, slot: u64, message: Message, ctx: &mut Context<'_, Self>) {
        let creator = ctx.committee().in_turn(slot);
        match self.config.collection {
            Collection::Broadcast => ctx.broadcast(message),
            Collection::Star if creator != ctx.me() => ctx.send(creator, message),
            Collection::Star => {}
        }
    }
    pub(super) fn on_vote(
        &mut self,
        from: NodeId,
        phase: Phase,
        vote: Vote,
        commitments: Option<Arc<SigningCommitments>>,
        ctx: &mut Context<'_, Self>,
    ) {
        let is_complete = phase == Phase::Sign || commitments.is_some() == self.dealt.is_some();
        if vote.height != self.height() || !self.is_current(vote.slot, ctx.now()) || !is_complete {
            return;
        }
        let (at, committee, is_strict) = (self.slot_at(ctx.now()), ctx.committee(), self.config.rule == Rule::Strict);
        let round = self.round(vote.slot, at);
        let votes = if phase == Phase::Sign { &mut round.signs } else { &mut round.pre_commits };
        let counted = votes.add(from, &vote.block, Some(vote.signature), committee);
        let first = contradicted(votes, from, &vote, counted);
        let complete = votes.is_quorum(&vote.block, committee);
        if let (true, Some(commitments)) = (counted, commitments) {
            round.commitments.insert(from, *commitments);
        }
        if let Some(first) = first {
            let both = (Message::Vote(phase, first, None), Message::Vote(phase, vote, None));
            self.accuse(from, both, ctx);
        } else if is_strict && phase == Phase::Sign {
            self.bind(from, &vote, ctx);
        }
        if complete && counted {
            self.advance(vote.slot, ctx);
        }
    }
    /// Strict: a signer is bound to the first block it signs at a height; another is evidence. If no block can get `k`
    /// signatures any more, the height is stuck.
    fn bind(&mut self, from: NodeId, vote: &Vote, ctx: &mut Context<'_, Self>) {
        let committee = ctx.committee();
        let counted = self.bound.add(from, &vote.block, Some(vote.signature), committee);
        if let Some(first) = contradicted(&self.bound, from, vote, counted) {
            let both = (Message::Vote(Phase::Sign, first, None), Message::Vote(Phase::Sign, *vote, None));
            self.accuse(from, both, ctx);
        }
        let weights = || self.bound.ballots().map(|ballot| ballot.voters.weight());
        let most = weights().max().unwrap_or(0) + committee.total() - weights().sum::<u64>();
        if counted && most < committee.quorum() {
            ctx.note(STUCK, vote.height.0);
        }
    }
    fn accuse(&mut self, accused: NodeId, both: (Message, Message), ctx: &mut Context<'_, Self>) {
        self.evidence.entry(accused).or_insert_with(|| {
            ctx.note(note::EVIDENCE, u64::from(accused.0));
            Arc::new(both)
        });
    }
    /// Takes the first `k` pre-commits for one block; under star collection the creator passes them on.
    fn gather(&mut self, slot: u64, ctx: &mut Context<'_, Self>) {
        let (height, committee, me) = (self.height(), ctx.committee(), ctx.me());
        let Some(round) = self.rounds.get_mut(&slot).filter(|round| round.quorum.is_none()) else { return };
        let Some(ballot) = round.pre_commits.ballots().find(|ballot| ballot.voters.is_quorum(committee)) else {
            return;
        };
        let (block, signatures) = (ballot.digest, ballot.signatures.clone());
        let of_ballot = |node: &NodeId| signatures.iter().any(|(signer, _)| signer == node);
        round.commitments.retain(|node, _| of_ballot(node));
        let announced = Arc::new(ProposalHeader { slot, height, block, signatures });
        round.quorum = Some(announced.clone());
        round.chosen = Arc::new(std::mem::take(&mut round.commitments));
        if self.config.collection == Collection::Star && committee.in_turn(slot) == me {
            ctx.broadcast(Message::Ready(announced, round.chosen.clone()));
        }
    }
    pub(super) fn on_ready(
        &mut self,
        from: NodeId,
        announced: Arc<ProposalHeader>,
        chosen: Arc<Chosen>,
        ctx: &mut Context<'_, Self>,
    ) {
        let slot = announced.slot;
        let is_due = announced.height == self.height() && self.is_current(slot, ctx.now());
        let are_signers = chosen.keys().all(|node| ctx.committee().contains(*node));
        let is_whole = are_signers && announced.is_complete(ctx.committee());
        if is_due && is_whole && ctx.committee().in_turn(slot) == from {
            let at = self.slot_at(ctx.now());
            let round = self.round(slot, at);
            if round.quorum.is_none() {
                (round.quorum, round.chosen) = (Some(announced), chosen);
                self.advance(slot, ctx);
            }
        }
    }
    /// Signs (rule 4): memory first, then the signature or, under FROST, the share if this signer was chosen.
    fn sign(&mut self, slot: u64, block: &Arc<Block>, by: Option<Arc<ProposalHeader>>, ctx: &mut Context<'_, Self>) {
        let Some(round) = self.rounds.get_mut(&slot) else { return };
        round.signed = true;
        let is_chosen = round.chosen.contains_key(&ctx.me());
        if self.dealt.is_some() && !is_chosen {
            return;
        }
        let memory = Arc::new(Memory { slot, block: block.clone(), justification: by });
        self.memory = Some(memory.clone());
        ctx.persist(Record { memory: Some(memory), blocks: Arc::new([]), is_whole: false });
        match self.dealt.clone() {
            None => self.vote(Phase::Sign, slot, block, ctx),
            Some(dealt) => {
                let Some(round) = self.rounds.get_mut(&slot) else { return };
                let (chosen, nonces) = (round.chosen.clone(), round.nonces.take());
                let said = statement(Phase::Sign, slot, block.height(), &block.id());
                // The group's commitment is a sum of one product per chosen signer.
                ctx.spend(Work::SIGN + Work::verify(chosen.len() as u32));
                let Some(share) = nonces.and_then(|nonces| dealt.share(&chosen, &said, &nonces)) else { return };
                self.notify(slot, Message::Share { slot, height: block.height(), share: Arc::new(share) }, ctx);
                self.on_share(ctx.me(), slot, block.height(), share, ctx);
            }
        }
    }
    pub(super) fn on_share(
        &mut self,
        from: NodeId,
        slot: u64,
        height: Height,
        share: SignatureShare,
        ctx: &mut Context<'_, Self>,
    ) {
        let is_due = height == self.height() && ctx.committee().in_turn(slot) == ctx.me();
        let Some(round) = self.rounds.get_mut(&slot).filter(|round| is_due && round.chosen.contains_key(&from)) else {
            return;
        };
        round.shares.entry(from).or_insert(share);
        if round.shares.len() == round.chosen.len() && from != ctx.me() {
            self.advance(slot, ctx);
        }
    }
    /// Completes the block when its witness is complete (rules 6 and 7).
    fn assemble(&mut self, slot: u64, block: &Arc<Block>, ctx: &mut Context<'_, Self>) {
        let committee = ctx.committee();
        let Some(round) = self.rounds.get_mut(&slot) else { return };
        let witness = match self.dealt.clone() {
            None if round.signs.is_quorum(&block.id(), committee) => {
                Witness::Multi { signatures: round.signs.take(&block.id()), signers: committee.n() as u32 }
            }
            Some(dealt) if !round.chosen.is_empty() && round.shares.len() == round.chosen.len() => {
                let said = statement(Phase::Sign, slot, block.height(), &block.id());
                let shares = std::mem::take(&mut round.shares);
                ctx.spend(Work::verify(1 + shares.len() as u32));
                match dealt.aggregate(&round.chosen, &said, &shares) {
                    Ok(signature) => Witness::Group(signature),
                    // A false share identifies its sender only to a receiver that trusts the channel; the slot is lost.
                    Err(culprits) => {
                        return culprits.iter().for_each(|node| ctx.note(note::EVIDENCE, u64::from(node.0)));
                    }
                }
            }
            _ => return,
        };
        let signed = Arc::new(Signed { block: block.clone(), slot, witness });
        if self.config.collection == Collection::Star && committee.in_turn(slot) == ctx.me() {
            ctx.broadcast(Message::Blocks(Arc::new([signed.clone()]), false));
        }
        self.accept(&signed, ctx);
    }
    /// `k` signed a block that is missing here. Its signers have it.
    fn miss(&mut self, slot: u64, ctx: &mut Context<'_, Self>) {
        let committee = ctx.committee();
        let Some(round) = self.rounds.get_mut(&slot).filter(|round| !round.asked) else { return };
        let is_decided = |ballot: &&Ballot| ballot.voters.is_quorum(committee);
        let missing = round.signs.ballots().filter(is_decided).find(|ballot| !self.known.contains_key(&ballot.digest));
        let signer = missing.and_then(|ballot| ballot.voters.members().find(|node| *node != ctx.me()));
        if let Some(signer) = signer
            && self.ask(signer, ctx)
            && let Some(round) = self.rounds.get_mut(&slot)
        {
            round.asked = true;
        }
    }
}

/// The vote for another block that `from` gave first, if this one was not counted.
fn contradicted(votes: &Votes, from: NodeId, vote: &Vote, counted: bool) -> Option<Vote> {
    let mut others = votes.ballots().filter(|ballot| !counted && ballot.digest != vote.block);
    let ballot = others.find(|ballot| ballot.voters.contains(from))?;
    let (_, signature): &(NodeId, Signature) = ballot.signatures.iter().find(|(signer, _)| *signer == from)?;
    let block: Hash = ballot.digest;
    Some(Vote { block, signature: *signature, ..*vote })
}
