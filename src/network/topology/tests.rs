use super::*;
use crate::network::dataset;
use proptest::prelude::*;

fn all(graph: &Topology) -> impl Iterator<Item = NodeId> + use<> {
    (0..graph.len()).map(NodeId::from)
}

/// What every generated graph must be: undirected, without loops, each list ascending without repetition.
fn check_simple(graph: &Topology) {
    for node in all(graph) {
        let peers = graph.peers(node);
        assert!(peers.windows(2).all(|two| two[0] < two[1]), "{node}: {peers:?}");
        assert!(!peers.contains(&node), "{node} is linked to itself");
        assert!(peers.iter().all(|peer| graph.links(*peer, node)), "{node}: {peers:?}");
    }
}

fn arcs(pairs: &[(u32, u32)]) -> Vec<(NodeId, NodeId)> {
    pairs.iter().map(|(a, b)| (NodeId(*a), NodeId(*b))).collect()
}

proptest! {
    #[test]
    fn in_a_regular_graph_every_node_has_the_degree(n in 2usize..40, degree in 1usize..39, seed in any::<u64>()) {
        let built = GraphModel::RandomRegular { degree: degree as u32 }.build(n, seed);
        if degree >= n || n * degree % 2 == 1 {
            let out_of_range = matches!(built, Err(TopologyError::OutOfRange(_)));
            prop_assert!(out_of_range);
        } else {
            let graph = built.unwrap();
            prop_assert!(all(&graph).all(|node| graph.peers(node).len() == degree));
            if !graph.is_complete() {
                check_simple(&graph);
            }
        }
    }

    #[test]
    fn no_node_accepts_more_than_allowed(
        n in 2usize..60,
        peers in 1usize..20,
        room in 0usize..10,
        seed in any::<u64>(),
    ) {
        let max_inbound = peers + room;
        match (GraphModel::Outbound { degree: peers as u32, max_inbound: max_inbound as u32 }).build(n, seed) {
            Err(error) => prop_assert!(peers >= n, "{error}"),
            Ok(graph) => {
                check_simple(&graph);
                let survey = graph.stats();
                prop_assert!(survey.degree_max <= peers + max_inbound);
                prop_assert!(survey.links <= n * peers);
                // A node that dialled in vain is linked to all that have room.
                prop_assert!(survey.degree_min >= peers.min(n - 1) || survey.degree_max >= max_inbound);
            }
        }
    }

    #[test]
    fn rewiring_keeps_the_number_of_links(
        n in 3usize..60,
        half in 1usize..8,
        rewired in 0.0f64..=1.0,
        seed in any::<u64>(),
    ) {
        prop_assume!(2 * half < n);
        let graph = GraphModel::SmallWorld { degree: 2 * half as u32, rewiring_probability: rewired }.build(n, seed).unwrap();
        check_simple(&graph);
        prop_assert_eq!(graph.stats().links, n * half);
    }

    #[test]
    fn a_scale_free_graph_is_connected_and_every_newcomer_brings_its_links(
        n in 2usize..80,
        links in 1usize..6,
        seed in any::<u64>(),
    ) {
        prop_assume!(links < n);
        let graph = GraphModel::ScaleFree { edges_per_node: links as u32 }.build(n, seed).unwrap();
        check_simple(&graph);
        let survey = graph.stats();
        prop_assert_eq!(survey.links, links * (links + 1) / 2 + (n - links - 1) * links);
        prop_assert!(survey.is_connected());
        prop_assert!(survey.degree_min >= links);
    }

    #[test]
    fn a_relayed_network_is_connected_in_three_hops(
        n in 1usize..60,
        relays in 1usize..10,
        links in 1usize..10,
        seed in any::<u64>(),
    ) {
        prop_assume!(links <= relays && relays <= n);
        let graph = GraphModel::Relay { relays: relays as u32, links: links as u32 }.build(n, seed).unwrap();
        check_simple(&graph);
        prop_assert!(graph.stats().diameter.unwrap().1 <= 3);
        prop_assert!((relays..n).all(|node| graph.peers(NodeId::from(node)).len() == links));
    }

    #[test]
    fn the_diameter_is_that_of_all_shortest_paths(pairs in prop::collection::vec((0u32..12, 0u32..12), 1..40)) {
        let graph = Topology::of_arcs(12, arcs(&pairs)).unwrap();
        // Floyd and Warshall.
        let mut hops = vec![vec![usize::MAX / 2; 12]; 12];
        (0..12).for_each(|node| hops[node][node] = 0);
        pairs.iter().filter(|(a, b)| a != b).for_each(|(a, b)| hops[*a as usize][*b as usize] = 1);
        for via in 0..12 {
            for from in 0..12 {
                for to in 0..12 {
                    hops[from][to] = hops[from][to].min(hops[from][via] + hops[via][to]);
                }
            }
        }
        let longest = *hops.iter().flatten().max().unwrap();
        prop_assert_eq!(graph.stats().diameter, (longest < 12).then_some((longest, longest)));
    }
}

#[test]
fn the_same_seed_builds_the_same_graph() {
    let shape = GraphModel::Outbound { degree: 8, max_inbound: 117 };
    assert_eq!(shape.build(200, 1), shape.build(200, 1));
    assert_ne!(shape.build(200, 1), shape.build(200, 2));
}

#[test]
fn in_a_complete_graph_the_peers_are_all_other_nodes() {
    let graph = Topology::complete(5).unwrap();
    assert_eq!(graph.peers(NodeId(3)), [4, 0, 1, 2].map(NodeId));
    assert!(graph.links(NodeId(0), NodeId(4)) && !graph.links(NodeId(2), NodeId(2)));
    assert_eq!(graph.stats().to_string(), "5 nodes, 10 links, 4 to 4 peers (mean 4.00), diameter 1, clustering 1.000");
    assert_eq!(Topology::complete(1).unwrap().peers(NodeId(0)), []);
}

#[test]
fn bitcoin_size_networks_are_connected() {
    let graph = GraphModel::Outbound { degree: 8, max_inbound: 117 }.build(10_000, 7).unwrap();
    let survey = graph.stats();
    assert!(survey.is_connected() && survey.symmetric);
    assert_eq!((survey.links, survey.degree_min), (80_000, 8));
    // A random graph of mean degree 16: diameter about ln n / ln 16 and a bit, hardly any triangles.
    let (least, most) = survey.diameter.unwrap();
    assert!(least >= 4 && most <= 12, "{survey}");
    assert!(survey.clustering < 0.01, "{survey}");
}

#[test]
fn dialled_connections_follow_the_degrees_of_simblock() {
    let cumulative = dataset::degrees("bitcoin-2015").unwrap();
    let graph =
        GraphModel::OutboundDegrees { cumulative: cumulative.clone(), max_inbound: 125 }.build(1000, 3).unwrap();
    // The mean is the sum of the probabilities to dial more than k, for k from 0 on.
    let mean: f64 = 1.0 + cumulative.iter().map(|share| 1.0 - share).sum::<f64>();
    assert_eq!(graph.stats().links, (mean * 1000.0).round() as usize);
    assert!(graph.stats().is_connected());
    let dogecoin = dataset::degrees("dogecoin").unwrap();
    assert_eq!(
        GraphModel::OutboundDegrees { cumulative: dogecoin, max_inbound: 125 }.build(500, 3).unwrap().stats().links,
        4000
    );
}

#[test]
fn an_unrewired_small_world_has_the_clustering_of_a_lattice() {
    let lattice = GraphModel::SmallWorld { degree: 10, rewiring_probability: 0.0 }.build(100, 1).unwrap().stats();
    // 3 (k - 2) / 4 (k - 1) for k = 10; the farthest node is 50 steps of up to 5 away.
    assert!((lattice.clustering - 24.0 / 36.0).abs() < 1e-12);
    assert_eq!(lattice.diameter, Some((10, 10)));
    let random = GraphModel::SmallWorld { degree: 10, rewiring_probability: 1.0 }.build(100, 1).unwrap().stats();
    assert!(random.clustering < 0.2 && random.diameter.unwrap().1 <= 4, "{random}");
}

#[test]
fn a_scale_free_graph_has_hubs() {
    let survey = GraphModel::ScaleFree { edges_per_node: 4 }.build(3000, 5).unwrap().stats();
    // The greatest degree grows as m sqrt(n): about 219. In a random graph of this mean it would be about 20.
    assert!(survey.degree_max > 80, "{survey}");
    let (least, most) = survey.diameter.unwrap();
    assert!(least <= most && least >= 4);
}

#[test]
fn rings_and_stars_are_what_they_are_called() {
    let ring = GraphModel::Ring {}.build(9, 0).unwrap().stats();
    assert_eq!((ring.degree_min, ring.degree_max, ring.diameter), (2, 2, Some((4, 4))));
    assert_eq!(GraphModel::Ring {}.build(2, 0).unwrap().stats().links, 1);
    assert_eq!(GraphModel::Ring {}.build(1, 0).unwrap().stats().links, 0);
    let star = GraphModel::Star {}.build(9, 0).unwrap().stats();
    assert_eq!((star.degree_min, star.degree_max, star.diameter), (1, 8, Some((2, 2))));
}

#[test]
fn a_graph_in_parts_says_so() {
    let pairs = arcs(&[(0, 1), (1, 0), (2, 3), (3, 2)]);
    let survey = Topology::of_arcs(5, pairs).unwrap().stats();
    assert_eq!((survey.components, survey.diameter, survey.symmetric), (3, None, true));
    assert!(survey.to_string().contains("in 3 unconnected parts"));
    let one_way = Topology::of_arcs(2, arcs(&[(0, 1)])).unwrap().stats();
    assert_eq!((one_way.components, one_way.diameter, one_way.links, one_way.symmetric), (1, None, 1, false));
    assert!(one_way.to_string().contains("some nodes cannot reach others"));
}

#[test]
fn impossible_graphs_are_refused_in_plain_words() {
    let refused = |shape: GraphModel, n| shape.build(n, 0).unwrap_err().to_string();
    assert_eq!(refused(GraphModel::Ring {}, 0), "a network needs at least one node");
    assert_eq!(
        refused(GraphModel::RandomRegular { degree: 10 }, 10),
        "`degree` must be at least 1 and less than the number of nodes, and their product even: found 10, and there are 10 \
         nodes"
    );
    assert!(refused(GraphModel::RandomRegular { degree: 3 }, 5).contains("their product even"));
    assert!(
        refused(GraphModel::SmallWorld { degree: 3, rewiring_probability: 0.1 }, 10).contains("`degree` must be even")
    );
    assert_eq!(
        refused(GraphModel::SmallWorld { degree: 4, rewiring_probability: 1.5 }, 10),
        "`rewiring_probability` must lie between 0 and 1: found 1.5"
    );
    assert_eq!(
        refused(GraphModel::Outbound { degree: 8, max_inbound: 4 }, 10),
        "`max_inbound` must be at least `degree`: found 4 for 8 dialled"
    );
    let falling = GraphModel::OutboundDegrees { cumulative: vec![0.5, 0.2, 1.0], max_inbound: 4 };
    assert!(refused(falling, 10).contains("must ascend from at least 0 to exactly 1"));
}

#[test]
fn one_node_has_no_neighbours_under_any_model() {
    for model in [
        GraphModel::Complete {},
        GraphModel::Outbound { degree: 8, max_inbound: 117 },
        GraphModel::RandomRegular { degree: 8 },
        GraphModel::SmallWorld { degree: 8, rewiring_probability: 0.1 },
        GraphModel::ScaleFree { edges_per_node: 4 },
        GraphModel::Star {},
        GraphModel::Relay { relays: 4, links: 2 },
        GraphModel::Ring {},
    ] {
        assert!(model.build(1, 7).unwrap().peers(NodeId(0)).is_empty(), "{model:?}");
    }
}

#[test]
fn a_graph_is_a_table_named_after_it() {
    let read = |text: &str| toml::from_str::<std::collections::BTreeMap<String, GraphModel>>(text);
    let model = read("topology.small_world = { degree = 10 }").unwrap().remove("topology");
    assert_eq!(model, Some(GraphModel::SmallWorld { degree: 10, rewiring_probability: 0.1 }));
    assert!(read("topology.ring = { degree = 10 }").is_err());
}

#[test]
fn two_places_of_one_node_share_its_links_as_far_as_they_may() {
    let ring = GraphModel::Ring {}.build(4, 1).unwrap();
    // Place 4 is node 0 again, and meets node 3 only; place 0 meets all other nodes.
    let node_of = |place: NodeId| if place == NodeId(4) { NodeId(0) } else { place };
    let meet = |one: NodeId, other: NodeId| match (one.0.min(other.0), one.0.max(other.0)) {
        (0, 3) => false,
        (low, 4) => low == 3,
        _ => true,
    };
    let parted = ring.between(5, node_of, meet);
    check_simple(&parted);
    let peers = [0, 1, 2, 3, 4].map(|place| parted.peers(NodeId(place)).iter().map(|peer| peer.0).collect::<Vec<_>>());
    assert_eq!(peers, [vec![1], vec![0, 2], vec![1, 3], vec![2, 4], vec![3]]);
}
