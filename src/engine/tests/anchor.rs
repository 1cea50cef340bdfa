//! The agent that anchors, between two chains that are written down here block by block.

use super::fixture::{accounts, at};
use crate::base::{AccountId, ClientId, Duration, Hash, Height, NodeId, Time};
use crate::chain::{Batch, Block, Body, Header, Seal, Transaction};
use crate::engine::{Agent, Anchoring, AnchoringSettings, Chain};
use crate::observe::Violation;
use crate::observe::fingerprint::Timeline;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// What all nodes of a chain show, and what was handed to them.
#[derive(Default)]
struct Book {
    /// The blocks, all final, from height 1.
    blocks: Vec<Arc<Block>>,
    down: bool,
    submitted: Vec<(Time, ClientId, NodeId, Arc<Transaction>)>,
}

impl Book {
    /// Adds a final block made at this instant; blocks differ by their proposer.
    fn add(&mut self, time: Time, proposer: u32, transactions: Vec<Arc<Transaction>>) {
        let batch = Batch::new(transactions);
        let header = Header {
            parent: self.blocks.last().map_or(Hash::ZERO, |block| block.id()),
            height: Height(self.blocks.len() as u64 + 1),
            merkle: batch.digest(),
            time,
            proposer: NodeId(proposer),
            seal: Seal::None,
        };
        self.blocks.push(Block::new(header, batch));
    }
    /// The anchors that were handed in: height and instant, in order.
    fn handed_in(&self) -> Vec<(u64, Time)> {
        let height = |transaction: &Transaction| match transaction.body {
            Body::Anchor { height, .. } => height.0,
            _ => unreachable!("an agent that anchors hands in nothing else"),
        };
        self.submitted.iter().map(|(time, _, _, transaction)| (height(transaction), *time)).collect()
    }
    fn take(&self, number: usize) -> Arc<Transaction> {
        self.submitted[number].3.clone()
    }
}

struct Scripted(Rc<RefCell<Book>>);

impl Chain for Scripted {
    fn name(&self) -> &'static str {
        "scripted"
    }
    fn next_time(&mut self) -> Option<Time> {
        None
    }
    fn advance(&mut self, _: Time, _: u64) -> bool {
        false
    }
    fn stop(&mut self) {}
    fn finish(&mut self) -> &[Violation] {
        &[]
    }
    fn submit(&mut self, at: Time, client: ClientId, node: NodeId, transaction: Arc<Transaction>) {
        self.0.borrow_mut().submitted.push((at, client, node, transaction));
    }
    fn finalized(&self, _: NodeId) -> Arc<Block> {
        self.0.borrow().blocks.last().cloned().unwrap_or_else(Block::genesis)
    }
    fn block_at(&self, _: NodeId, height: Height) -> Option<Arc<Block>> {
        let place = usize::try_from(height.0).expect("a small height");
        if place == 0 { Some(Block::genesis()) } else { self.0.borrow().blocks.get(place - 1).cloned() }
    }
    fn executed_at(&mut self, node: NodeId, height: Height) -> Vec<Arc<Transaction>> {
        self.block_at(node, height).expect("a block that is asked for").transactions().to_vec()
    }
    fn is_up(&self, _: NodeId) -> bool {
        !self.0.borrow().down
    }
    fn nodes(&self) -> usize {
        2
    }
    fn events(&self) -> u64 {
        0
    }
    fn end(&self) -> Time {
        Time::NEVER
    }
    fn timeline(&self) -> Option<&Timeline> {
        None
    }
    fn violations(&self) -> &[Violation] {
        &[]
    }
}

/// An agent between two chains, polling once a second, patient for ten, anchoring every second block.
struct Stage {
    agent: Anchoring,
    from: Rc<RefCell<Book>>,
    into: Rc<RefCell<Book>>,
    chains: Vec<Box<dyn Chain>>,
}

impl Stage {
    fn new() -> Stage {
        let settings = AnchoringSettings {
            from: 0,
            into: 1,
            names: ["main".into(), "public".into()],
            every: 2,
            read: NodeId(0),
            watch: vec![NodeId(1)],
            submit: NodeId(1),
            poll: Duration::from_secs(1),
            retry: Duration::from_secs(10),
            fee: 3,
            account: AccountId(7),
            client: ClientId(5),
        };
        let (from, into) = (Rc::<RefCell<Book>>::default(), Rc::<RefCell<Book>>::default());
        let chains: Vec<Box<dyn Chain>> = vec![Box::new(Scripted(from.clone())), Box::new(Scripted(into.clone()))];
        Stage { agent: Anchoring::new(settings, accounts()), from, into, chains }
    }
    /// Lets the agent poll until this second.
    fn poll_until(&mut self, second: u64) {
        while let Some(now) = self.agent.next().filter(|now| *now <= at(1_000 * second)) {
            self.agent.act(now, &mut self.chains);
        }
    }
    /// The chain that is anchored makes blocks, one every 100 ms after this second.
    fn make(&self, blocks: u64, second: u64, proposer: u32) {
        for number in 0..blocks {
            self.from.borrow_mut().add(at(1_000 * second + 100 * number), proposer, Vec::new());
        }
    }
    /// The anchors handed in with these numbers become final.
    fn carry(&self, numbers: &[usize]) {
        let transactions = numbers.iter().map(|number| self.into.borrow().take(*number)).collect();
        self.into.borrow_mut().add(Time::ZERO, 0, transactions);
    }
    fn reported(&self) -> Vec<String> {
        self.agent.findings().violations.into_iter().map(|(chain, violation)| format!("{chain}: {violation}")).collect()
    }
    fn remark(&self) -> String {
        self.agent.findings().remarks.concat()
    }
}

#[test]
fn every_second_block_is_anchored_once_it_is_final_and_until_it_is_final_there() {
    let mut stage = Stage::new();
    stage.make(5, 0, 0);
    stage.poll_until(12);
    let handed_in = [(2, at(1_000)), (4, at(1_000)), (2, at(11_000)), (4, at(11_000))];
    assert_eq!(stage.into.borrow().handed_in(), handed_in);
    {
        let into = stage.into.borrow();
        let (_, client, node, first) = &into.submitted[0];
        assert_eq!(
            (*client, *node, first.sender, first.nonce, first.fee),
            (ClientId(5), NodeId(1), AccountId(7), 0, 3)
        );
        assert!(first.is_signed(&accounts()));
        let hash = stage.from.borrow().blocks[1].id();
        assert_eq!(first.body, Body::Anchor { height: Height(2), hash });
        assert_eq!(**first, *into.submitted[2].3, "the same bytes again");
        assert_eq!(into.submitted[1].3.nonce, 1);
    }
    assert_eq!(stage.remark(), "anchors of main in public: 2 submitted, 0 final, no lag to tell");
    stage.carry(&[0]);
    stage.poll_until(21);
    assert_eq!(stage.into.borrow().handed_in()[4..], [(4, at(21_000))], "the other is final");
    // Block 2 is of 100 ms, and its anchor was seen final at 13 s.
    let remark = "anchors of main in public: 2 submitted, 1 final, 12.9 s from block to final anchor on average";
    assert_eq!(stage.remark(), remark);
}

#[test]
fn a_node_that_is_down_is_not_read_and_is_handed_anchors_in_vain() {
    let mut stage = Stage::new();
    stage.make(2, 0, 0);
    stage.from.borrow_mut().down = true;
    stage.poll_until(3);
    assert_eq!(stage.into.borrow().handed_in(), []);
    stage.from.borrow_mut().down = false;
    stage.into.borrow_mut().down = true;
    stage.poll_until(4);
    stage.carry(&[0]);
    stage.poll_until(6);
    assert!(stage.remark().contains("1 submitted, 0 final"), "{}", stage.remark());
    stage.into.borrow_mut().down = false;
    stage.poll_until(7);
    assert!(stage.remark().contains("1 submitted, 1 final"), "{}", stage.remark());
}

#[test]
fn another_block_at_an_anchored_height_is_reported_once_with_both_hashes() {
    let mut stage = Stage::new();
    stage.make(4, 0, 0);
    stage.poll_until(1);
    stage.carry(&[0, 1]);
    stage.poll_until(3);
    assert_eq!(stage.reported(), Vec::<String>::new());
    let old = std::mem::take(&mut stage.from.borrow_mut().blocks);
    stage.from.borrow_mut().blocks.extend_from_slice(&old[..2]);
    stage.poll_until(4);
    assert_eq!(stage.reported(), Vec::<String>::new(), "a shorter history contradicts nothing");
    stage.make(2, 0, 1);
    stage.poll_until(9);
    stage.make(2, 0, 1);
    stage.poll_until(12);
    let new = stage.from.borrow().blocks[3].id();
    let expected = format!(
        "0: anchors at 5s: n1 of main shows block {new} at height 4, where public carries the anchor of block {}, final \
         at its height 1",
        old[3].id()
    );
    assert_eq!(stage.reported(), [expected]);
}

#[test]
fn anchors_that_the_other_chain_takes_back_are_handed_in_again_and_hold_no_longer() {
    let mut stage = Stage::new();
    stage.make(2, 0, 0);
    stage.poll_until(1);
    stage.carry(&[0]);
    stage.poll_until(2);
    assert!(stage.remark().contains("1 final"));
    stage.into.borrow_mut().blocks.clear();
    stage.into.borrow_mut().add(Time::ZERO, 9, Vec::new());
    stage.from.borrow_mut().blocks.clear();
    stage.make(2, 0, 1);
    stage.poll_until(12);
    assert!(stage.remark().contains("0 final"));
    assert_eq!(stage.into.borrow().handed_in(), [(2, at(1_000)), (2, at(11_000))]);
    assert_eq!(stage.reported(), Vec::<String>::new());
    stage.carry(&[1]);
    stage.poll_until(13);
    assert_eq!(stage.reported().len(), 1);
    // The lag is that of the first time.
    assert!(stage.remark().ends_with("1 final, 1.9 s from block to final anchor on average"), "{}", stage.remark());
}

#[test]
fn anchors_of_other_accounts_are_ignored() {
    let mut stage = Stage::new();
    stage.make(2, 0, 0);
    let body = Body::Anchor { height: Height(2), hash: Hash::of(b"false") };
    let foreign = Transaction::signed(&accounts(), AccountId(8), 0, 3, body, 0);
    stage.into.borrow_mut().add(Time::ZERO, 0, vec![foreign]);
    stage.poll_until(5);
    assert_eq!(stage.reported(), Vec::<String>::new());
    assert!(stage.remark().contains("1 submitted, 0 final"));
}
