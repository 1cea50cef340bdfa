//! Several chains in one virtual time, and agents between them.

use super::simulation::Simulation;
use crate::base::{ClientId, Height, NodeId, Time};
use crate::chain::{Block, Transaction};
use crate::observe::Violation;
use crate::observe::fingerprint::Timeline;
use crate::protocol::Protocol;
use std::sync::Arc;

/// A chain of any protocol, as the world and its agents see it.
pub trait Chain {
    /// Its name.
    fn name(&self) -> &str;
    /// The time of its next event; `None` when nothing will happen before its end.
    fn next_time(&mut self) -> Option<Time>;
    /// Handles events up to and including `until`, at most `most` of them; whether there may be more.
    fn advance(&mut self, until: Time, most: u64) -> bool;
    /// Nothing more happens: the run ends at the present instant, though its end was not reached.
    fn stop(&mut self);
    /// Ends the run and returns the properties that were broken.
    fn finish(&mut self) -> &[Violation];
    /// Makes a client submit a transaction to a node at an instant that is not yet past. Submitting the same transaction
    /// twice counts as a retry.
    fn submit(&mut self, at: Time, client: ClientId, node: NodeId, transaction: Arc<Transaction>);
    /// The last block that a node has finalized.
    fn finalized(&self, node: NodeId) -> Arc<Block>;
    /// The block of a node's chain at a height.
    fn block_at(&self, node: NodeId, height: Height) -> Option<Arc<Block>>;
    /// The transactions that had an effect in the block of a node's chain at a height.
    fn executed_at(&mut self, node: NodeId, height: Height) -> Vec<Arc<Transaction>>;
    /// Whether a node runs, so that it can be asked.
    fn is_up(&self, node: NodeId) -> bool;
    /// Number of nodes.
    fn nodes(&self) -> usize;
    /// Events handled so far.
    fn events(&self) -> u64;
    /// The instant at which the run ended, or would if it ended now.
    fn end(&self) -> Time;
    /// The running hash over everything that happened; complete once the run is finished.
    fn timeline(&self) -> Option<&Timeline>;
    /// The properties broken so far.
    fn violations(&self) -> &[Violation];
}

impl<P: Protocol> Chain for Simulation<P> {
    fn name(&self) -> &str {
        Simulation::name(self)
    }
    fn next_time(&mut self) -> Option<Time> {
        Simulation::next_time(self)
    }
    fn advance(&mut self, until: Time, most: u64) -> bool {
        Simulation::advance(self, until, most)
    }
    fn stop(&mut self) {
        Simulation::stop(self);
    }
    fn finish(&mut self) -> &[Violation] {
        Simulation::finish(self)
    }
    fn submit(&mut self, at: Time, client: ClientId, node: NodeId, transaction: Arc<Transaction>) {
        Simulation::submit_at(self, at, client, node, transaction);
    }
    fn finalized(&self, node: NodeId) -> Arc<Block> {
        Simulation::finalized(self, node)
    }
    fn block_at(&self, node: NodeId, height: Height) -> Option<Arc<Block>> {
        Simulation::block_at(self, node, height)
    }
    fn executed_at(&mut self, node: NodeId, height: Height) -> Vec<Arc<Transaction>> {
        Simulation::executed_at(self, node, height)
    }
    fn is_up(&self, node: NodeId) -> bool {
        Simulation::is_up(self, node)
    }
    fn nodes(&self) -> usize {
        Simulation::nodes(self)
    }
    fn events(&self) -> u64 {
        Simulation::events(self)
    }
    fn end(&self) -> Time {
        Simulation::end(self)
    }
    fn timeline(&self) -> Option<&Timeline> {
        Simulation::timeline(self)
    }
    fn violations(&self) -> &[Violation] {
        Simulation::violations(self)
    }
}

/// An agent between chains: it reads what a client can read and submits transactions.
pub trait Agent {
    /// When it wants to act next; `None` for never.
    fn next(&self) -> Option<Time>;
    /// Acts. It must move [`Agent::next`] beyond `now`.
    fn act(&mut self, now: Time, chains: &mut [Box<dyn Chain>]);
    /// What it found so far.
    fn findings(&self) -> Findings {
        Findings::default()
    }
}

/// What an agent found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Findings {
    /// Properties that it saw broken, each with the number of the chain that broke it.
    pub violations: Vec<(usize, Violation)>,
    /// Its results, as sentences for users.
    pub remarks: Vec<String>,
}

/// Chains and agents in one virtual time. At equal times chains come first, in their order, then agents in theirs.
#[derive(Default)]
pub struct MultiChain {
    /// The chains.
    pub chains: Vec<Box<dyn Chain>>,
    /// The agents.
    pub agents: Vec<Box<dyn Agent>>,
    now: Time,
}

impl MultiChain {
    /// A world of these.
    #[must_use]
    pub fn new(chains: Vec<Box<dyn Chain>>, agents: Vec<Box<dyn Agent>>) -> MultiChain {
        MultiChain { chains, agents, now: Time::ZERO }
    }
    /// The time up to which everything has happened.
    #[must_use]
    pub fn now(&self) -> Time {
        self.now
    }
    /// Handles about `most` events; whether there may be more.
    pub fn advance(&mut self, most: u64) -> bool {
        if let ([chain], []) = (&mut self.chains[..], &self.agents[..]) {
            let more = chain.advance(Time::NEVER, most);
            self.now = if more { chain.next_time().unwrap_or(self.now) } else { chain.end() };
            return more;
        }
        for _ in 0..most {
            let chain = (self.chains.iter_mut().enumerate())
                .filter_map(|(at, chain)| chain.next_time().map(|time| (time, at)))
                .min();
            let Some((time, at)) = chain else { return false };
            let agent = (self.agents.iter().enumerate())
                .filter_map(|(at, agent)| agent.next().map(|time| (time, at)))
                .min()
                .filter(|(act, _)| *act < time);
            if let Some((time, at)) = agent {
                self.now = time;
                // Advancing a chain also sets its clock. The chain has no event before this instant.
                self.agents[at].act(time, &mut self.chains);
            } else {
                self.now = time;
                self.chains[at].advance(time, 1);
            }
        }
        true
    }
}
