//! A protocol as a [`stateright::Model`]: the states of a small world, and everything that can happen next in each.

use super::stage::{Belongings, Stage, refuse};
use ledgerlab::base::{AccountId, Committee, Crypto, Digest, Keyring, NodeId, Time};
use ledgerlab::chain::{Block, Body, Transaction};
use ledgerlab::protocol::{Attacker, Context, Effect, EffectOf, Message as _, Protocol, Record as _};
use stateright::{Model, Property};
use std::fmt::{self, Debug};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A protocol whose values may cross threads, as the checker asks: all may.
pub trait Checkable: Protocol<Message: Send + Sync, Timer: Send + Sync, Record: Send + Sync> + Send + Sync {}
impl<P: Protocol<Message: Send + Sync, Timer: Send + Sync, Record: Send + Sync> + Send + Sync> Checkable for P {}

/// Model time stands still here.
const NOW: Time = Time::ZERO;
/// Most durable effects of one handler. More would leave crashes between them unexplored: a panic.
const WRITES_MAX: u8 = 6;

/// In which order messages arrive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// In any.
    Any,
    /// In the order of sending, but for so many that overtake all others.
    Sent {
        /// How many.
        overtakes: u8,
    },
}

/// How much may go wrong in one history. By default nothing does, and one block is made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The order of arrivals.
    pub order: Order,
    /// Timers that fire, each at any moment after it was set. Those of no length are free.
    pub timeouts: u8,
    /// Crashes, each followed by a restart: between two events or between two durable effects.
    pub crashes: u8,
    /// Messages that are lost. Where messages arrive in any order, one that never arrives is lost already.
    pub losses: u8,
    /// Messages that arrive twice.
    pub repeats: u8,
    /// No node's chain grows above this.
    pub height: u64,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { order: Order::Sent { overtakes: 0 }, timeouts: 0, crashes: 0, losses: 0, repeats: 0, height: 1 }
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.order {
            Order::Any => f.write_str("any order")?,
            Order::Sent { overtakes } => write!(f, "{overtakes} overtake")?,
        }
        let Bounds { timeouts, crashes, losses, repeats, height, .. } = self;
        write!(f, ", {timeouts} timeouts, {crashes} crashes, {losses} lost, {repeats} repeated, height {height}")
    }
}

/// What a node is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// Follows the protocol.
    Honest,
    /// Follows the protocol, but a restart finds the log empty.
    Forgetful,
    /// Says nothing.
    Silent,
    /// Plays this attack of the protocol.
    Attacker(&'static str),
    /// Is two processes with one identity. Each follows the protocol with those on its side, knows payments of its own
    /// and nothing of the other: what a Byzantine node can make of being honest twice.
    Twins([&'static [u32]; 2]),
}

/// A process: most nodes are one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Seat {
    node: usize,
    part: Part,
    /// The side of a twin, and who is on it besides other twins.
    side: Option<(usize, &'static [u32])>,
}

impl Seat {
    /// All seats: those of the nodes in order, then the second twins.
    fn of(parts: &[Part]) -> Vec<Seat> {
        let twin = |node: usize, which: usize| match parts[node] {
            Part::Twins(sides) => Some((which, sides[which])),
            _ => None,
        };
        let all = parts.iter().enumerate();
        let first = all.clone().map(|(node, part)| Seat { node, part: *part, side: twin(node, 0) });
        let second = all.filter(|(_, part)| matches!(part, Part::Twins(_)));
        first.chain(second.map(|(node, part)| Seat { node, part: *part, side: twin(node, 1) })).collect()
    }
    fn is_honest(&self) -> bool {
        matches!(self.part, Part::Honest | Part::Forgetful)
    }
    /// Whether what this process says reaches the other.
    fn reaches(&self, other: &Seat) -> bool {
        let receives =
            |one: &Seat, other: &Seat| one.side.is_none_or(|(_, known)| known.contains(&(other.node as u32)));
        let are_apart = self.side.zip(other.side).is_some_and(|(a, b)| a.0 != b.0);
        let twins = self.side.is_some() && other.side.is_some();
        other.part != Part::Silent && !are_apart && (twins || (receives(self, other) && receives(other, self)))
    }
}

/// Who knows which transactions from the beginning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Payments {
    /// No node knows any.
    None,
    /// Every node knows the same one.
    One,
    /// Each knows one of its own.
    Each,
}

/// A small world and its bounds.
pub struct World<P: Checkable> {
    seats: Vec<Seat>,
    /// The protocol's settings.
    pub config: Arc<P::Config>,
    /// How much may go wrong.
    pub bounds: Bounds,
    is_off: fn(&P::Timer) -> bool,
    halts: bool,
    interest: fn(&World<P>, &State<P>) -> bool,
    /// By seat.
    payments: Vec<Vec<Arc<Transaction>>>,
    committee: Committee,
    keys: Keyring,
    accounts: Keyring,
}

/// A message under way.
#[derive(Debug)]
pub struct Flight<P: Protocol> {
    from: NodeId,
    seat: usize,
    /// What it is.
    pub message: P::Message,
    name: u128,
}

/// What an attacker received. Its memory cannot be copied, so it is made again from this.
#[derive(Clone)]
enum Input<P: Protocol> {
    Message(Arc<Flight<P>>),
    Timer(P::Timer),
    Pending,
}

#[derive(Clone)]
enum Memory<P: Protocol> {
    Honest(P),
    Attacker(Vec<Input<P>>),
    Silent,
}

/// A node.
pub struct Node<P: Protocol> {
    memory: Memory<P>,
    /// What it has besides its memory.
    pub own: Belongings<P>,
    name: u128,
}

/// What went wrong so far, in the terms of [`Bounds`].
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Debug)]
struct Spent {
    overtakes: u8,
    timeouts: u8,
    crashes: u8,
    losses: u8,
    repeats: u8,
}

/// A state of the world. Two are one if the texts of all their parts are.
pub struct State<P: Protocol> {
    /// All nodes; those of twins twice.
    pub nodes: Vec<Arc<Node<P>>>,
    /// Messages under way: by name where any order will do, else in the order of sending.
    pub flights: Vec<Arc<Flight<P>>>,
    spent: Spent,
}

impl<P: Protocol> Clone for State<P> {
    fn clone(&self) -> State<P> {
        State { nodes: self.nodes.clone(), flights: self.flights.clone(), spent: self.spent }
    }
}

impl<P: Protocol> State<P> {
    fn names(&self) -> impl Iterator<Item = u128> + '_ {
        self.nodes.iter().map(|node| node.name).chain(self.flights.iter().map(|flight| flight.name))
    }
}

impl<P: Protocol> Hash for State<P> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.names().for_each(|name| name.hash(hasher));
        self.spent.hash(hasher);
    }
}

impl<P: Protocol> PartialEq for State<P> {
    fn eq(&self, other: &State<P>) -> bool {
        self.spent == other.spent && self.names().eq(other.names())
    }
}

impl<P: Protocol> Debug for State<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for node in &self.nodes {
            writeln!(f, "{:?}", node.own.final_chain())?;
        }
        self.flights.iter().try_for_each(|flight| writeln!(f, "{flight:?}"))
    }
}

/// Something that happens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step<T> {
    /// A message under way arrives, by its place.
    Deliver(usize),
    /// The same, and it is still under way.
    Repeat(usize),
    /// The first message under way is lost.
    Lose,
    /// A timer of this process fires.
    Fire(usize, T),
    /// A process crashes and starts again.
    Restart(usize),
}

/// A step, or a crash in the midst of it, before this durable effect of its handler.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Action<T> {
    step: Step<T>,
    torn: Option<u8>,
}

/// A 128-bit name of a text.
fn name(text: &impl Debug) -> u128 {
    let hash = Digest::new("model").bytes(format!("{text:?}").as_bytes()).finish();
    u128::from_be_bytes(hash.0[..16].try_into().expect("a hash has 32 bytes"))
}

/// Setting up.
impl<P: Checkable> World<P> {
    /// A world of these nodes.
    pub fn new(parts: &[Part], config: P::Config, payments: Payments, bounds: Bounds) -> World<P> {
        assert!(bounds.order != Order::Any || bounds.losses == 0, "what never arrives is lost already");
        let seats = Seat::of(parts);
        let accounts = Keyring::new(Crypto::Symbolic, 1, "account", seats.len() + 1);
        let pay = |from: u32| {
            let body = Body::Transfer { to: AccountId(0), amount: 1 };
            Transaction::signed(&accounts, AccountId(from), 0, 1, body, 250)
        };
        let known = |(at, seat): (usize, &Seat)| match payments {
            Payments::None => Vec::new(),
            Payments::One => vec![pay(seat.side.map_or(0, |(which, _)| which as u32))],
            Payments::Each => vec![pay(at as u32)],
        };
        World {
            committee: P::committee(&config, vec![1; parts.len()]),
            keys: Keyring::new(Crypto::Symbolic, 1, "node", parts.len()),
            payments: seats.iter().enumerate().map(known).collect(),
            seats,
            config: Arc::new(config),
            bounds,
            is_off: |_| false,
            halts: false,
            interest: |_, _| true,
            accounts,
        }
    }
    /// The same where timers that `is_off` picks never fire: those that change nothing of interest.
    pub fn without(self, is_off: fn(&P::Timer) -> bool) -> World<P> {
        World { is_off, ..self }
    }
    /// The same where a node that made all heights within the bounds final stops, and others may stay behind.
    pub fn halting(self) -> World<P> {
        World { halts: true, ..self }
    }
    /// The same where a state like this must be reachable, lest the check be vacuous. That a block is final when all
    /// has gone wrong that may is asked everywhere.
    pub fn seeking(self, interest: fn(&World<P>, &State<P>) -> bool) -> World<P> {
        World { interest, ..self }
    }
    /// The nodes that follow the protocol.
    pub fn honest<'a>(&'a self, state: &'a State<P>) -> impl Iterator<Item = &'a Arc<Node<P>>> {
        state.nodes.iter().zip(&self.seats).filter(|(_, seat)| seat.is_honest()).map(|(node, _)| node)
    }
    /// The honest nodes' final chains.
    pub fn final_chains<'a>(&'a self, state: &'a State<P>) -> impl Iterator<Item = &'a [Arc<Block>]> {
        self.honest(state).map(|node| node.own.final_chain())
    }
    /// Whether any honest node holds a block final that `which` picks.
    pub fn any_final(&self, state: &State<P>, which: impl Fn(&Block) -> bool) -> bool {
        self.final_chains(state).any(|chain| chain[1..].iter().any(|block| which(block)))
    }
    /// Whether everything that may go wrong has.
    fn is_spent(&self, spent: Spent) -> bool {
        let Bounds { order, timeouts, crashes, losses, repeats, .. } = self.bounds;
        let overtakes = if let Order::Sent { overtakes } = order { overtakes } else { 0 };
        spent == Spent { overtakes, timeouts, crashes, losses, repeats }
    }
    /// Whether no two honest nodes hold different blocks final at one height.
    fn is_agreed(&self, state: &State<P>) -> bool {
        let longest = self.final_chains(state).max_by_key(|chain| chain.len()).unwrap_or_default();
        self.final_chains(state).all(|chain| chain.iter().zip(longest).all(|(a, b)| a.id() == b.id()))
    }
    fn node(number: usize, memory: Memory<P>, own: Belongings<P>, attacker: Option<&dyn Attacker<P>>) -> Node<P> {
        let honest = if let Memory::Honest(node) = &memory { Some(node) } else { None };
        let Belongings { log, timers, chain, finalized, pool, known } = &own;
        let pool: Vec<_> = pool.iter().map(|transaction| transaction.id()).collect();
        let mut known: Vec<_> = known.iter().map(|block| block.id()).collect();
        known.sort();
        let name = name(&(number, honest, attacker, log, timers, chain, finalized, pool, known));
        Node { memory, own, name }
    }
}

/// Handlers.
impl<P: Checkable> World<P> {
    /// Runs something in the context of a node, and returns what it ordered.
    fn within<T>(
        &self,
        at: usize,
        own: &mut Belongings<P>,
        run: impl FnOnce(&mut Context<'_, P>, &[P::Record]) -> T,
    ) -> (T, Vec<EffectOf<P>>) {
        let (mut effects, log) = (Vec::new(), own.log.clone());
        let mut stage = Stage::new(self.seats[at].node, own, &self.keys, &self.accounts);
        let mut ctx = Context::new(&mut stage, &mut effects, &self.committee, NOW, NodeId::from(self.seats[at].node));
        let value = run(&mut ctx, &log);
        (value, effects)
    }
    /// Performs effects in order, those before the durable effect `torn` if there is one. Returns the messages that
    /// left, and whether the node crashed.
    fn perform(
        &self,
        at: usize,
        own: &mut Belongings<P>,
        effects: Vec<EffectOf<P>>,
        torn: Option<u8>,
    ) -> (Vec<(NodeId, P::Message)>, bool) {
        let (mut sent, mut writes) = (Vec::new(), 0);
        for effect in effects {
            if matches!(effect, Effect::Persist { .. } | Effect::Finalize { .. } | Effect::Install { .. }) {
                if torn == Some(writes) {
                    return (sent, true);
                }
                writes += 1;
                assert!(writes <= WRITES_MAX, "a handler with {writes} durable effects");
            }
            match effect {
                Effect::Send { to, message } => sent.push((to, message)),
                Effect::Broadcast { message } => {
                    let others = self.committee.members().filter(|to| to.index() != self.seats[at].node);
                    sent.extend(others.map(|to| (to, message.clone())));
                }
                Effect::SetTimer { timer, after } => drop(own.timers.insert(timer, after.is_zero())),
                Effect::CancelTimer { timer } => drop(own.timers.remove(&timer)),
                Effect::Persist { record } => {
                    if record.is_checkpoint() {
                        own.log.clear();
                    }
                    own.log.push(record);
                }
                Effect::Extend { block } => {
                    assert_eq!(block.parent(), own.chain.last().expect("genesis").id(), "a node extends its tip");
                    own.pool.retain(|waiting| block.transactions().iter().all(|t| t.id() != waiting.id()));
                    own.chain.push(block);
                }
                Effect::Rewind { to } => {
                    assert!(to >= own.finalized, "what is final stays");
                    own.chain.truncate(to.0 as usize + 1);
                }
                Effect::Finalize { upto } => {
                    assert!(upto.0 < own.chain.len() as u64, "a node finalizes what it has");
                    own.finalized = own.finalized.max(upto);
                }
                Effect::Install { snapshot } => refuse(&snapshot),
                Effect::Spend { .. } | Effect::Note { .. } => {}
            }
        }
        (sent, false)
    }
    /// Starts a node, for the first time or again.
    fn boot(&self, at: usize, mut own: Belongings<P>, next: &mut State<P>) -> Node<P> {
        match self.seats[at].part {
            Part::Silent => Self::node(at, Memory::Silent, own, None),
            Part::Attacker(_) => self.replay(at, vec![Input::Pending], next),
            Part::Honest | Part::Forgetful | Part::Twins(_) => {
                let (mut node, effects) = self.within(at, &mut own, |ctx, log| P::boot(&self.config, log, ctx));
                let (sent, _) = self.perform(at, &mut own, effects, None);
                self.post(at, sent, next);
                if !own.pool.is_empty() {
                    let ((), effects) = self.within(at, &mut own, |ctx, _| node.on_transaction(ctx));
                    let (sent, _) = self.perform(at, &mut own, effects, None);
                    self.post(at, sent, next);
                }
                Self::node(at, Memory::Honest(node), own, None)
            }
        }
    }
    /// An attacker that has received all this; what it says to the last is put under way.
    fn replay(&self, at: usize, inputs: Vec<Input<P>>, next: &mut State<P>) -> Node<P> {
        let Part::Attacker(attack) = self.seats[at].part else { unreachable!("an attacker") };
        let mut own = Belongings::new(self.payments[at].clone());
        let make = |ctx: &mut Context<'_, P>, log: &[P::Record]| P::attacker(attack, &self.config, log, ctx);
        let (attacker, effects) = self.within(at, &mut own, make);
        let mut attacker = attacker.expect("a known attack");
        let (mut sent, _) = self.perform(at, &mut own, effects, None);
        for (number, input) in inputs.iter().enumerate() {
            if let Input::Timer(timer) = input {
                own.timers.remove(timer);
            }
            let ((), effects) = self.within(at, &mut own, |ctx, _| match input {
                Input::Message(flight) => attacker.on_message(flight.from, flight.message.clone(), ctx),
                Input::Timer(timer) => attacker.on_timer(*timer, ctx),
                Input::Pending => attacker.on_transaction(ctx),
            });
            let (more, _) = self.perform(at, &mut own, effects, None);
            if number > 0 {
                sent.clear();
            }
            sent.extend(more);
        }
        self.post(at, sent, next);
        Self::node(at, Memory::Attacker(inputs), own, Some(&*attacker))
    }
    /// Whether a process takes no more part.
    fn is_over(&self, own: &Belongings<P>) -> bool {
        self.halts && own.finalized.0 >= self.bounds.height
    }
    /// Puts messages under way. What an honest node says is genuine; what is not is thrown away.
    fn post(&self, from: usize, sent: Vec<(NodeId, P::Message)>, next: &mut State<P>) {
        let sender = &self.seats[from];
        let node = NodeId::from(sender.node);
        for (to, message) in sent {
            let is_genuine = message.verify(node, &self.keys);
            assert!(is_genuine || !sender.is_honest(), "{node} is honest and says {message:?}");
            let seats = self.seats.iter().enumerate().filter(|(_, seat)| seat.node == to.index());
            for (seat, _) in seats.filter(|(_, seat)| is_genuine && sender.reaches(seat)) {
                let is_over = next.nodes.get(seat).is_some_and(|node| self.is_over(&node.own));
                let name = name(&(node, seat, &message));
                let flight = Flight { from: node, seat, message: message.clone(), name };
                next.flights.extend((!is_over).then(|| Arc::new(flight)));
            }
        }
        if self.bounds.order == Order::Any {
            next.flights.sort_by_key(|flight| flight.name);
        }
    }
    /// Gives an input to a node; `None` if it has no durable effect to be torn before.
    fn handle(&self, at: usize, input: Input<P>, torn: Option<u8>, next: &mut State<P>) -> Option<()> {
        let node = next.nodes[at].clone();
        let after = match &node.memory {
            Memory::Silent => return None,
            Memory::Attacker(inputs) => {
                let inputs = inputs.iter().cloned().chain([input]).collect();
                self.replay(at, inputs, next)
            }
            Memory::Honest(honest) => {
                let (mut honest, mut own) = (honest.clone(), node.own.clone());
                if let Input::Timer(timer) = &input {
                    own.timers.remove(timer);
                }
                let ((), effects) = self.within(at, &mut own, |ctx, _| match &input {
                    Input::Message(flight) => honest.on_message(flight.from, flight.message.clone(), ctx),
                    Input::Timer(timer) => honest.on_timer(*timer, ctx),
                    Input::Pending => honest.on_transaction(ctx),
                });
                let (sent, crashed) = self.perform(at, &mut own, effects, torn);
                self.post(at, sent, next);
                match torn {
                    None => Self::node(at, Memory::Honest(honest), own, None),
                    Some(_) if crashed => self.restart(at, own, next),
                    Some(_) => return None,
                }
            }
        };
        if self.is_over(&after.own) {
            next.flights.retain(|flight| flight.seat != at);
        }
        next.nodes[at] = Arc::new(after);
        Some(())
    }
    fn restart(&self, at: usize, mut own: Belongings<P>, next: &mut State<P>) -> Node<P> {
        own.crash(&self.payments[at]);
        if self.seats[at].part == Part::Forgetful {
            own.log.clear();
        }
        next.spent.crashes += 1;
        self.boot(at, own, next)
    }
}

impl<P: Checkable> Model for World<P> {
    type State = State<P>;
    type Action = Action<P::Timer>;

    fn init_states(&self) -> Vec<State<P>> {
        let mut state = State { nodes: Vec::new(), flights: Vec::new(), spent: Spent::default() };
        for at in 0..self.seats.len() {
            let node = self.boot(at, Belongings::new(self.payments[at].clone()), &mut state);
            state.nodes.push(Arc::new(node));
        }
        vec![state]
    }

    fn actions(&self, state: &State<P>, actions: &mut Vec<Action<P::Timer>>) {
        let (bounds, spent) = (self.bounds, state.spent);
        let timers = || {
            let all = state.nodes.iter().enumerate();
            let active = all.filter(|(_, node)| !self.is_over(&node.own));
            active.flat_map(|(at, node)| node.own.timers.iter().map(move |(timer, zero)| (at, *timer, *zero)))
        };
        let mut steps: Vec<Step<P::Timer>> = Vec::new();
        let ready: Vec<_> = timers().filter(|(.., zero)| *zero).map(|(at, timer, _)| Step::Fire(at, timer)).collect();
        let is_first = |at: &usize| *at == 0 || state.flights[*at].name != state.flights[*at - 1].name;
        match bounds.order {
            Order::Any => {
                steps.extend(ready);
                steps.extend((0..state.flights.len()).filter(is_first).map(Step::Deliver));
            }
            Order::Sent { overtakes } => {
                let late = (1..state.flights.len()).take_while(|_| spent.overtakes < overtakes).map(Step::Deliver);
                let first = (!state.flights.is_empty()).then_some(Step::Deliver(0));
                steps.extend(ready.first().copied().or(first));
                steps.extend(late);
                steps.extend((spent.losses < bounds.losses && !state.flights.is_empty()).then_some(Step::Lose));
            }
        }
        if spent.repeats < bounds.repeats {
            let repeated = (0..state.flights.len()).filter(|at| bounds.order != Order::Any || is_first(at));
            steps.extend(repeated.map(Step::Repeat));
        }
        if spent.timeouts < bounds.timeouts {
            let due = timers().filter(|(_, timer, zero)| !zero && !(self.is_off)(timer));
            steps.extend(due.map(|(at, timer, _)| Step::Fire(at, timer)));
        }
        if spent.crashes < bounds.crashes {
            let honest = (0..self.seats.len()).filter(|at| self.seats[*at].is_honest());
            let torn = |step: &Step<P::Timer>| {
                let at = match step {
                    Step::Deliver(at) | Step::Repeat(at) => Some(state.flights[*at].seat),
                    Step::Fire(at, _) => Some(*at),
                    Step::Lose | Step::Restart(_) => None,
                };
                let times = if at.is_some_and(|at| self.seats[at].is_honest()) { WRITES_MAX } else { 0 };
                let step = *step;
                (0..times).map(move |before| Action { step, torn: Some(before) })
            };
            actions.extend(steps.iter().flat_map(torn));
            steps.extend(honest.map(Step::Restart));
        }
        actions.extend(steps.into_iter().map(|step| Action { step, torn: None }));
    }

    fn next_state(&self, last: &State<P>, action: Action<P::Timer>) -> Option<State<P>> {
        let mut next = last.clone();
        match action.step {
            Step::Deliver(at) => {
                let flight = next.flights.remove(at);
                next.spent.overtakes += u8::from(self.bounds.order != Order::Any && at > 0);
                self.handle(flight.seat, Input::Message(flight), action.torn, &mut next)?;
            }
            Step::Repeat(at) => {
                let flight = next.flights[at].clone();
                next.spent.repeats += 1;
                self.handle(flight.seat, Input::Message(flight), action.torn, &mut next)?;
            }
            Step::Lose => {
                next.flights.remove(0);
                next.spent.losses += 1;
            }
            Step::Fire(node, timer) => {
                let is_free = last.nodes[node].own.timers[&timer];
                next.spent.timeouts += u8::from(!is_free);
                self.handle(node, Input::Timer(timer), action.torn, &mut next)?;
            }
            Step::Restart(node) => {
                let own = last.nodes[node].own.clone();
                let booted = self.restart(node, own, &mut next);
                next.nodes[node] = Arc::new(booted);
            }
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<World<P>>> {
        vec![
            Property::always("agreement", |world: &World<P>, state| world.is_agreed(state)),
            Property::sometimes("finality", |world: &World<P>, state: &State<P>| {
                world.is_spent(state.spent) && world.final_chains(state).any(|chain| chain.len() > 1)
            }),
            Property::sometimes("interest", |world: &World<P>, state| (world.interest)(world, state)),
        ]
    }

    fn within_boundary(&self, state: &State<P>) -> bool {
        state.nodes.iter().all(|node| node.own.chain.len() as u64 <= self.bounds.height + 1)
    }
}
