use super::*;
use crate::base::{Stream, Time};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const BLOCK: Item = Item { class: Class::Block, bytes: 500_000, compact: Some(18_000) };
const MESSAGE: Item = Item { class: Class::Message, bytes: 1_000, compact: None };
const TRANSACTION: Item = Item { class: Class::Transaction, bytes: 300, compact: None };
const ITEM: ItemId = ItemId(0);
const ORIGIN: NodeId = NodeId(0);

/// Adjacency lists.
struct Lists(Vec<Vec<NodeId>>);

impl Lists {
    fn new(nodes: usize, links: impl IntoIterator<Item = (usize, usize)>) -> Lists {
        let mut peers = vec![BTreeSet::new(); nodes];
        for (a, b) in links.into_iter().filter(|(a, b)| a != b) {
            peers[a].insert(NodeId::from(b));
            peers[b].insert(NodeId::from(a));
        }
        Lists(peers.into_iter().map(|peers| peers.into_iter().collect()).collect())
    }
    fn line(nodes: usize) -> Lists {
        Lists::new(nodes, (1..nodes).map(|i| (i - 1, i)))
    }
    fn star(nodes: usize) -> Lists {
        Lists::new(nodes, (1..nodes).map(|i| (0, i)))
    }
    /// Connected by a random tree, with some links more.
    fn random(nodes: usize, more: usize, seed: u64) -> Lists {
        let mut stream = Stream::new(seed, "graph", 0, 0);
        let tree: Vec<_> = (1..nodes).map(|i| (i, stream.index(i))).collect();
        let others: Vec<_> = (0..more).map(|_| (stream.index(nodes), stream.index(nodes))).collect();
        Lists::new(nodes, tree.into_iter().chain(others))
    }
    fn links(&self) -> usize {
        self.0.iter().map(Vec::len).sum::<usize>() / 2
    }
}

impl Graph for Lists {
    fn peers(&self, node: NodeId) -> &[NodeId] {
        &self.0[node.index()]
    }
    fn len(&self) -> usize {
        self.0.len()
    }
}

/// A frame on its way.
type Letter = (NodeId, NodeId, RelayMessage, ItemId);

/// A small event loop around a gossip. Every letter takes between 10 and 30 ms.
struct Stage<'a> {
    gossip: &'a mut dyn Gossip,
    agenda: BTreeMap<(Time, u64), Letter>,
    planned: u64,
    now: Time,
    /// Letters that never arrive.
    lost: fn(&Letter) -> bool,
    /// Bytes that every receiver of a compact form misses.
    missed: u32,
    /// Every letter that arrived, with the time.
    arrived: Vec<(Time, Letter)>,
    /// When a node was handed an item.
    taken: Vec<(Time, NodeId, ItemId)>,
    bytes: u64,
}

impl<'a> Stage<'a> {
    fn new(gossip: &'a mut dyn Gossip) -> Stage<'a> {
        let (agenda, arrived, taken) = (BTreeMap::new(), Vec::new(), Vec::new());
        let (planned, bytes) = (0, 0);
        Stage { gossip, agenda, planned, now: Time::ZERO, lost: |_| false, missed: 0, arrived, taken, bytes }
    }
    fn post(&mut self, from: NodeId, posts: Vec<Post>) {
        for Post { to, frame, item, bytes, after } in posts {
            let flight = if frame == RelayMessage::Reminder {
                assert_eq!((to, bytes), (from, 0));
                Duration::ZERO
            } else {
                assert!(bytes > 0 && to != from);
                Duration::from_millis(10 + mix(self.planned, 0) % 20)
            };
            self.bytes += u64::from(bytes);
            self.planned += 1;
            if !(self.lost)(&(from, to, frame, item)) {
                self.agenda.insert((self.now + after + flight, self.planned), (from, to, frame, item));
            }
        }
    }
    fn publish(&mut self, node: NodeId, item: ItemId) {
        let mut posts = Vec::new();
        self.gossip.publish(node, item, &mut posts);
        self.post(node, posts);
    }
    /// Runs until nothing is on its way; nodes publish what they are handed.
    fn run(&mut self) {
        while let Some(((now, _), letter)) = self.agenda.pop_first() {
            self.now = now;
            let (from, to, frame, item) = letter;
            self.arrived.push((now, letter));
            let (mut posts, missed) = (Vec::new(), self.missed);
            if self.gossip.receive(to, from, frame, item, &mut || missed, &mut posts) {
                self.taken.push((now, to, item));
                assert!(self.gossip.holds(to, item));
                self.gossip.publish(to, item, &mut posts);
            }
            self.post(to, posts);
        }
    }
    /// Spreads one item from the first node.
    fn spread(mut self, description: Item) -> Stage<'a> {
        self.gossip.register(ITEM, description);
        self.publish(ORIGIN, ITEM);
        self.run();
        self
    }
    fn count(&self, frame: RelayMessage) -> usize {
        self.arrived.iter().filter(|(_, (.., other, _))| *other == frame).count()
    }
    fn times(&self, frame: RelayMessage, to: NodeId) -> Vec<Time> {
        let same = |letter: &Letter| letter.2 == frame && letter.1 == to;
        self.arrived.iter().filter(|(_, letter)| same(letter)).map(|(at, _)| *at).collect()
    }
    /// Asserts that every node but the first was handed the item exactly once.
    fn reached_all_once(&self, nodes: usize) {
        let mut handed: Vec<NodeId> = self.taken.iter().map(|(_, node, _)| *node).collect();
        handed.sort_unstable();
        assert_eq!(handed, (1..nodes).map(NodeId::from).collect::<Vec<_>>());
        assert_eq!(self.gossip.holders(ITEM), nodes);
    }
}

fn all(seed: u64, graph: &Arc<Lists>) -> Vec<Box<dyn Gossip>> {
    let eager = CompactSettings { eager_max: 3, ..CompactSettings::default() };
    vec![
        Box::new(Flood::new(graph.clone())),
        Box::new(Inventory::new(seed, graph.clone(), InventorySettings::default())),
        Box::new(Compact::new(seed, graph.clone(), eager)),
        Box::new(Compact::new(seed, graph.clone(), CompactSettings::simblock())),
        Box::new(SqrtPush::new(seed, graph.clone(), SqrtPushSettings::default())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn every_gossip_reaches_all_of_a_connected_graph_once(
        nodes in 1usize..60,
        more in 0usize..120,
        seed in any::<u64>(),
        missed in prop::sample::select(vec![0, 40_000]),
        kind in prop::sample::select(vec![MESSAGE, BLOCK, TRANSACTION]),
    ) {
        let graph = Arc::new(Lists::random(nodes, more, seed));
        for mut gossip in all(seed, &graph) {
            let mut stage = Stage::new(&mut *gossip);
            stage.missed = missed;
            stage.spread(kind).reached_all_once(nodes);
        }
    }

    #[test]
    fn unanswered_requests_go_to_other_peers_until_none_is_left(seed in any::<u64>()) {
        let graph = Arc::new(Lists::random(30, 60, seed));
        let retry = Timeouts { message: Duration::from_secs(1), block: Duration::from_secs(1), transaction: Duration::from_secs(1) };
        let inventory = InventorySettings { timeouts: retry, ..InventorySettings::default() };
        let gossips: Vec<Box<dyn Gossip>> = vec![
            Box::new(Inventory::new(seed, graph.clone(), inventory)),
            Box::new(Compact::new(seed, graph.clone(), CompactSettings { inventory, ..CompactSettings::default() })),
        ];
        for mut gossip in gossips {
            let mut stage = Stage::new(&mut *gossip);
            stage.missed = 100;
            // Requests along some links are lost in one direction.
            stage.lost = |(from, to, frame, _)| *frame == RelayMessage::Request && (from.0 + to.0).is_multiple_of(3) && to.0 > from.0;
            let stage = stage.spread(BLOCK);
            // The oracle walks along the links whose requests get through.
            let mut reached = BTreeSet::from([ORIGIN]);
            let mut edge = vec![ORIGIN];
            while let Some(node) = edge.pop() {
                for peer in graph.peers(node) {
                    let lost = (node.0 + peer.0).is_multiple_of(3) && node.0 > peer.0;
                    if !lost && reached.insert(*peer) {
                        edge.push(*peer);
                    }
                }
            }
            prop_assert_eq!(stage.gossip.holders(ITEM), reached.len());
        }
    }
}

#[test]
fn flooding_sends_the_item_over_every_link_twice_but_for_the_links_it_came_by() {
    for kind in [MESSAGE, BLOCK] {
        let graph = Arc::new(Lists::random(50, 80, 3));
        let mut gossip = Flood::new(graph.clone());
        let stage = Stage::new(&mut gossip).spread(kind);
        stage.reached_all_once(50);
        assert_eq!(stage.count(RelayMessage::Whole), 2 * graph.links() - 49);
        assert_eq!(stage.bytes, stage.count(RelayMessage::Whole) as u64 * u64::from(kind.bytes));
    }
}

#[test]
fn inventory_transfers_one_body_for_every_node_but_the_first() {
    for kind in [MESSAGE, BLOCK, TRANSACTION] {
        let graph = Arc::new(Lists::random(50, 80, 4));
        let mut gossip = Inventory::new(1, graph.clone(), InventorySettings::default());
        let stage = Stage::new(&mut gossip).spread(kind);
        stage.reached_all_once(50);
        assert_eq!((stage.count(RelayMessage::Whole), stage.count(RelayMessage::Request)), (49, 49));
        // Each link carries at least one announcement, and the link an item came by no second.
        let announced = stage.count(RelayMessage::Announce);
        assert!(announced >= graph.links() && announced <= 2 * graph.links() - 49, "{announced}");
    }
}

#[test]
fn simblock_announces_to_all_neighbours_and_adds_ten_milliseconds() {
    let graph = Arc::new(Lists::random(50, 80, 4));
    let mut gossip = Compact::new(1, graph.clone(), CompactSettings::simblock());
    let stage = Stage::new(&mut gossip).spread(BLOCK);
    stage.reached_all_once(50);
    assert_eq!(stage.count(RelayMessage::Announce), 2 * graph.links());
    assert_eq!(stage.count(RelayMessage::Request), 49);
    assert_eq!(stage.count(RelayMessage::Compact) + stage.count(RelayMessage::Whole), 49);
    assert_eq!(stage.count(RelayMessage::RequestMissing), stage.count(RelayMessage::Missing));
    assert_eq!(stage.count(RelayMessage::Reminder), 0);
    let mut gossip = Compact::new(1, graph, CompactSettings::simblock());
    let mut posts = Vec::new();
    gossip.register(ITEM, BLOCK);
    gossip.publish(ORIGIN, ITEM, &mut posts);
    assert!(posts.iter().all(|post| post.after == Duration::from_millis(10)));
}

#[test]
fn simblock_relay_fails_at_the_rates_and_sizes_of_its_tables() {
    let nodes = 5_000;
    let graph = Arc::new(Lists::star(nodes));
    let mut gossip = Compact::new(2, graph, CompactSettings::simblock());
    let stage = Stage::new(&mut gossip).spread(BLOCK);
    let (compact, whole, missing) =
        (stage.count(RelayMessage::Compact), stage.count(RelayMessage::Whole), stage.count(RelayMessage::Missing));
    let close = |count: usize, n: f64, p: f64| (count as f64 - n * p).abs() <= 4.0 * (n * p * (1.0 - p)).sqrt();
    assert_eq!(compact + whole, nodes - 1);
    assert_eq!(whole, 180, "the fraction of speakers is exact");
    assert!(close(missing, compact as f64, 0.976 * 0.27 + 0.024 * 0.13), "{missing} of {compact}");
}

#[test]
fn what_churning_nodes_miss_has_the_mean_of_simblocks_table() {
    let n = 100_000;
    let mean = (0..n).map(|i| compact::hundredths_missed(mix(4, i)) as f64).sum::<f64>() / n as f64;
    assert!((mean - 8.722_751).abs() < 0.2, "{mean}");
    assert_eq!((compact::hundredths_missed(0), compact::hundredths_missed(u64::MAX)), (1, 96));
}

#[test]
fn a_compact_form_that_lacks_something_costs_exactly_one_round_trip_more() {
    for (missed, trips) in [(0, 0), (1_000, 1)] {
        let graph = Arc::new(Lists::line(2));
        let mut gossip = Compact::new(1, graph, CompactSettings::default());
        let mut stage = Stage::new(&mut gossip);
        stage.missed = missed;
        let stage = stage.spread(BLOCK);
        stage.reached_all_once(2);
        assert_eq!((stage.count(RelayMessage::Compact), stage.count(RelayMessage::Whole)), (1, 0));
        assert_eq!((stage.count(RelayMessage::RequestMissing), stage.count(RelayMessage::Missing)), (trips, trips));
        let asked = trips as u64 * (34 + 4);
        assert_eq!(stage.bytes, 37 + 37 + 18_000 + asked + u64::from(missed));
    }
}

#[test]
fn the_three_peers_that_last_brought_a_block_send_the_next_unasked() {
    // Node 5 has five peers, each of which brings one block first; the first node makes the last.
    let graph = Arc::new(Lists::new(7, (0..5).map(|i| (i, 5)).chain((0..5).map(|i| (i, 6)))));
    let mut gossip = Compact::new(1, graph, CompactSettings::default());
    let mut stage = Stage::new(&mut gossip);
    for bringer in 0..5 {
        let item = ItemId(bringer);
        stage.gossip.register(item, BLOCK);
        stage.publish(NodeId(bringer), item);
        stage.run();
    }
    let pushes = |stage: &mut Stage, node: u32| {
        let item = ItemId(10 + node);
        stage.gossip.register(item, BLOCK);
        let mut posts = Vec::new();
        stage.gossip.publish(NodeId(node), item, &mut posts);
        posts.iter().find(|post| post.to == NodeId(5)).map(|post| post.frame)
    };
    let frames: Vec<_> = (0..5).map(|node| pushes(&mut stage, node)).collect();
    let (eager, other) = (Some(RelayMessage::Compact), Some(RelayMessage::Announce));
    assert_eq!(frames, vec![other, other, eager, eager, eager]);
    stage.gossip.reset(NodeId(5));
    assert_eq!(pushes(&mut stage, 4), other, "a node that crashed has asked no peer to be eager");
}

#[test]
fn a_peer_that_brings_block_after_block_is_asked_to_be_eager_once() {
    let graph = Arc::new(Lists::star(5));
    let mut gossip = Compact::new(1, graph, CompactSettings::default());
    let mut posts = Vec::new();
    for (number, bringer) in (0..).zip([1, 2, 3, 3, 3, 1]) {
        gossip.register(ItemId(number), BLOCK);
        assert!(gossip.receive(ORIGIN, NodeId(bringer), RelayMessage::Compact, ItemId(number), &mut || 0, &mut posts));
    }
    for bringer in 1..=3 {
        let item = ItemId(10 + bringer);
        gossip.register(item, BLOCK);
        posts.clear();
        gossip.publish(NodeId(bringer), item, &mut posts);
        let frames: Vec<RelayMessage> = posts.iter().map(|post| post.frame).collect();
        assert_eq!(frames, vec![RelayMessage::Compact], "the others stay eager, and none pushes twice");
    }
}

#[test]
fn a_node_completes_one_compact_form_at_a_time() {
    let mut gossip = Compact::new(1, Arc::new(Lists::star(4)), CompactSettings::default());
    let mut posts = Vec::new();
    gossip.register(ITEM, BLOCK);
    for peer in [1, 2] {
        assert!(!gossip.receive(ORIGIN, NodeId(peer), RelayMessage::Compact, ITEM, &mut || 700, &mut posts));
    }
    let asked: Vec<(NodeId, RelayMessage)> = posts.iter().map(|post| (post.to, post.frame)).collect();
    assert_eq!(asked, vec![(NodeId(1), RelayMessage::RequestMissing), (ORIGIN, RelayMessage::Reminder)]);
    assert!(
        !gossip.receive(ORIGIN, NodeId(2), RelayMessage::Missing, ITEM, &mut || 0, &mut posts),
        "no request for that is open"
    );
    posts.clear();
    gossip.receive(ORIGIN, ORIGIN, RelayMessage::Reminder, ITEM, &mut || 0, &mut posts);
    assert_eq!(
        (posts[0].to, posts[0].frame),
        (NodeId(2), RelayMessage::Request),
        "the other one showed that it has it too"
    );
}

#[test]
fn a_node_that_is_not_answered_asks_the_next_announcer_after_the_timeout() {
    // Nodes 1 and 2 announce to node 3, and neither answers its requests.
    let graph = Arc::new(Lists::new(4, [(0, 1), (0, 2), (1, 3), (2, 3)]));
    for first in [1, 2] {
        let mut gossip = Inventory::new(1, graph.clone(), InventorySettings::default());
        let mut stage = Stage::new(&mut gossip);
        stage.gossip.register(ITEM, BLOCK);
        let mut posts = Vec::new();
        let mut announce = |stage: &mut Stage, from| {
            stage.gossip.receive(NodeId(3), NodeId(from), RelayMessage::Announce, ITEM, &mut || 0, &mut posts);
            std::mem::take(&mut posts)
        };
        let asked = announce(&mut stage, first);
        assert_eq!((asked[0].to, asked[0].frame), (NodeId(first), RelayMessage::Request));
        assert_eq!((asked[1].frame, asked[1].after), (RelayMessage::Reminder, Duration::from_secs(600)));
        assert!(announce(&mut stage, 3 - first).is_empty(), "one at a time");
        assert!(announce(&mut stage, first).is_empty(), "a peer that announces twice is asked once");
        let mut remind = |stage: &mut Stage| {
            stage.gossip.receive(NodeId(3), NodeId(3), RelayMessage::Reminder, ITEM, &mut || 0, &mut posts);
            std::mem::take(&mut posts)
        };
        assert_eq!(remind(&mut stage)[0].to, NodeId(3 - first));
        assert!(remind(&mut stage).is_empty(), "no peer is left to ask");
        let mut again = Vec::new();
        stage.gossip.receive(NodeId(3), NodeId(first), RelayMessage::Announce, ITEM, &mut || 0, &mut again);
        assert_eq!(
            (again[0].to, again[0].frame),
            (NodeId(first), RelayMessage::Request),
            "but one that announces anew"
        );
    }
}

#[test]
fn a_lost_answer_delays_an_item_by_the_timeout() {
    // Node 3 asks 1 or 2, whichever announces first; the answers of one of them get lost.
    let graph = Arc::new(Lists::new(4, [(0, 1), (0, 2), (1, 3), (2, 3)]));
    let lossy: [fn(&Letter) -> bool; 2] = [
        |(from, to, frame, _)| (from.0, to.0, *frame) == (1, 3, RelayMessage::Whole),
        |(from, to, frame, _)| (from.0, to.0, *frame) == (2, 3, RelayMessage::Whole),
    ];
    let late = lossy.map(|lost| {
        let mut gossip = Inventory::new(1, graph.clone(), InventorySettings::default());
        let mut stage = Stage::new(&mut gossip);
        stage.lost = lost;
        let stage = stage.spread(MESSAGE);
        stage.reached_all_once(4);
        assert_eq!(stage.count(RelayMessage::Whole), 3);
        let late = stage.times(RelayMessage::Whole, NodeId(3))[0] > Time::ZERO + Duration::from_secs(2);
        let asked =
            stage.arrived.iter().filter(|(_, letter)| letter.0 == NodeId(3) && letter.2 == RelayMessage::Request);
        assert_eq!(asked.count(), 1 + usize::from(late));
        late
    });
    assert_ne!(late[0], late[1]);
}

#[test]
fn a_crashed_node_forgets_what_it_asked_for_and_keeps_what_it_holds() {
    let graph = Arc::new(Lists::star(4));
    for mut gossip in all(1, &graph) {
        gossip.register(ITEM, BLOCK);
        gossip.register(ItemId(1), BLOCK);
        let mut posts = Vec::new();
        gossip.receive(NodeId(1), ORIGIN, RelayMessage::Whole, ITEM, &mut || 0, &mut posts);
        gossip.receive(NodeId(1), ORIGIN, RelayMessage::Announce, ItemId(1), &mut || 0, &mut posts);
        gossip.reset(NodeId(1));
        posts.clear();
        gossip.receive(NodeId(1), NodeId(1), RelayMessage::Reminder, ItemId(1), &mut || 0, &mut posts);
        assert!(posts.is_empty(), "nothing to be reminded of");
        assert!(gossip.holds(NodeId(1), ITEM) && !gossip.holds(NodeId(1), ItemId(1)));
        assert!(
            gossip.receive(NodeId(1), ORIGIN, RelayMessage::Whole, ItemId(1), &mut || 0, &mut posts),
            "late, but welcome"
        );
    }
}

#[test]
fn frames_about_forgotten_or_unknown_items_do_nothing_and_numbers_are_reused() {
    let graph = Arc::new(Lists::star(4));
    let frames = [
        RelayMessage::Whole,
        RelayMessage::Announce,
        RelayMessage::Request,
        RelayMessage::Compact,
        RelayMessage::RequestMissing,
        RelayMessage::Missing,
        RelayMessage::Reminder,
    ];
    for mut gossip in all(1, &graph) {
        let mut posts = Vec::new();
        gossip.register(ITEM, MESSAGE);
        gossip.publish(ORIGIN, ITEM, &mut posts);
        gossip.publish(NodeId(2), ITEM, &mut posts);
        assert_eq!(gossip.holders(ITEM), 2);
        gossip.forget(ITEM);
        posts.clear();
        for (item, frame) in frames.iter().flat_map(|frame| [(ITEM, *frame), (ItemId(77), *frame)]) {
            for node in [ORIGIN, NodeId(1)] {
                assert!(!gossip.receive(node, NodeId(2), frame, item, &mut || 1, &mut posts));
            }
            gossip.publish(NodeId(1), item, &mut posts);
            assert_eq!((gossip.holders(item), posts.len()), (0, 0), "{frame:?}");
        }
        gossip.register(ITEM, MESSAGE);
        assert!(!gossip.holds(ORIGIN, ITEM) && !gossip.holds(NodeId(2), ITEM));
        gossip.publish(ORIGIN, ITEM, &mut posts);
        assert!(!posts.is_empty());
    }
}

#[test]
fn publishing_twice_does_nothing_and_a_holder_ignores_announcements() {
    let graph = Arc::new(Lists::star(10));
    for mut gossip in all(1, &graph) {
        let mut posts = Vec::new();
        gossip.register(ITEM, BLOCK);
        gossip.publish(ORIGIN, ITEM, &mut posts);
        assert!(!posts.is_empty());
        posts.clear();
        gossip.publish(ORIGIN, ITEM, &mut posts);
        for frame in [RelayMessage::Announce, RelayMessage::Whole, RelayMessage::Compact] {
            assert!(!gossip.receive(ORIGIN, NodeId(1), frame, ITEM, &mut || 0, &mut posts));
        }
        assert!(posts.is_empty());
    }
}

#[test]
fn a_transaction_trickles_once_to_all_inbound_peers_and_once_to_each_outbound_peer() {
    let graph = Arc::new(Lists::star(400));
    let mut gossip = Inventory::new(3, graph.clone(), InventorySettings::default());
    let (mut inbound, mut outbound) = (Vec::new(), Vec::new());
    for number in 0..100 {
        let (item, mut posts) = (ItemId(number), Vec::new());
        gossip.register(item, TRANSACTION);
        gossip.publish(ORIGIN, item, &mut posts);
        assert_eq!(posts.len(), 399);
        let (out, within): (Vec<Post>, Vec<Post>) = posts.iter().partition(|post| graph.dialled(ORIGIN, post.to));
        assert!(within.iter().all(|post| post.after == within[0].after), "all inbound peers at one tick");
        inbound.push(within[0].after.as_secs_f64());
        outbound.extend(out.iter().map(|post| post.after.as_secs_f64()));
    }
    let mean = |waits: &[f64]| waits.iter().sum::<f64>() / waits.len() as f64;
    // Four standard errors: the deviation of an exponential is its mean.
    assert!((mean(&inbound) - 5.0).abs() < 4.0 * 5.0 / 10.0, "{}", mean(&inbound));
    assert!((mean(&outbound) - 2.0).abs() < 4.0 * 2.0 / (outbound.len() as f64).sqrt(), "{}", mean(&outbound));
    let mut posts = Vec::new();
    gossip.register(ItemId(500), BLOCK);
    gossip.publish(ORIGIN, ItemId(500), &mut posts);
    assert!(posts.iter().all(|post| post.after.is_zero()), "blocks bypass the trickle");
}

#[test]
fn a_link_is_dialled_by_exactly_one_of_its_ends_and_either_equally_often() {
    let graph = Lists::star(2);
    let mut lower = 0;
    for (a, b) in (0..60).flat_map(|a| (a + 1..60).map(move |b| (NodeId(a), NodeId(b)))) {
        assert_ne!(graph.dialled(a, b), graph.dialled(b, a));
        lower += u32::from(graph.dialled(a, b));
    }
    assert!((f64::from(lower) - 885.0).abs() < 4.0 * 1770f64.sqrt() / 2.0, "{lower} of 1770");
}

#[test]
fn ethereum_pushes_to_the_square_root_of_the_peers_and_announces_to_the_rest() {
    let frames = |peers: usize, description: Item, seed: u64| {
        let mut gossip = SqrtPush::new(seed, Arc::new(Lists::star(peers + 1)), SqrtPushSettings::default());
        let mut posts = Vec::new();
        gossip.register(ITEM, description);
        gossip.publish(ORIGIN, ITEM, &mut posts);
        let whole: BTreeSet<NodeId> =
            posts.iter().filter(|post| post.frame == RelayMessage::Whole).map(|post| post.to).collect();
        let receivers: BTreeSet<NodeId> = posts.iter().map(|post| post.to).collect();
        assert_eq!((receivers.len(), posts.len()), (peers, peers), "each peer gets one frame");
        whole
    };
    for (peers, pushed) in [(1, 1), (9, 3), (10, 4), (50, 8)] {
        assert_eq!(frames(peers, TRANSACTION, 1).len(), pushed);
    }
    assert_ne!(frames(50, TRANSACTION, 1), frames(50, TRANSACTION, 2), "the choice is random");
    assert_eq!(frames(50, TRANSACTION, 1), frames(50, TRANSACTION, 1), "and a function of the seed");
    assert_eq!(frames(50, Item { bytes: 4_097, ..TRANSACTION }, 1).len(), 0, "large transactions are only announced");
    assert_eq!(frames(50, Item { bytes: 4_096, ..TRANSACTION }, 1).len(), 8);
    assert_eq!(frames(50, BLOCK, 1).len(), 8);
}

#[test]
fn a_node_waits_for_the_push_before_it_asks() {
    let mut gossip = SqrtPush::new(1, Arc::new(Lists::star(26)), SqrtPushSettings::default());
    let stage = Stage::new(&mut gossip).spread(TRANSACTION);
    stage.reached_all_once(26);
    assert_eq!((stage.count(RelayMessage::Whole), stage.count(RelayMessage::Request)), (25, 20));
    let requests = stage.times(RelayMessage::Request, ORIGIN);
    assert!(requests.iter().all(|at| *at >= Time::ZERO + Duration::from_millis(520)));
}

#[test]
fn what_a_node_wants_is_dropped_once_it_has_published_and_never_grows_without_bound() {
    let graph = Arc::new(Lists::random(40, 60, 8));
    let mut gossip = Inventory::new(1, graph.clone(), InventorySettings::default());
    Stage::new(&mut gossip).spread(MESSAGE).reached_all_once(40);
    assert!((0..40).all(|node| gossip.wanted(NodeId(node)) == 0));
    for number in 1..10_000 {
        let item = ItemId(number % 500);
        gossip.register(item, TRANSACTION);
        gossip.receive(NodeId(1), graph.peers(NodeId(1))[0], RelayMessage::Announce, item, &mut || 0, &mut Vec::new());
        gossip.forget(item);
    }
    assert!(gossip.wanted(NodeId(1)) <= 64);
}
