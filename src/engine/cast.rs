//! Who plays whom: one seat per node, and further seats for the twins of some.
//!
//! Twins (Bano et al., OPODIS 2021) are processes that run the protocol as it is, under one identity, each in touch with a
//! part of the others. Together they equivocate, vote twice and forget, without a line in any protocol. A seat beyond
//! the committee has a number of its own in the queue and in the network, so that it stands, computes and sends for
//! itself; peers, clients and observers know it by the number of the node that it plays.

use super::simulation::SeatSettings;
use crate::base::NodeId;
use crate::observe::Observed;
use crate::protocol::Protocol;
use std::collections::BTreeSet;

/// Who plays whom, and who meets whom.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cast {
    nodes: usize,
    /// The node that each seat beyond the committee plays.
    twins: Vec<NodeId>,
    /// The seats that each seat is in touch with; empty where there are no twins.
    meets: Vec<Option<BTreeSet<NodeId>>>,
}

impl Cast {
    /// The cast of these seats, of which the first `nodes` play the node of their number.
    ///
    /// # Panics
    /// If there are fewer seats than nodes, or if one beyond them plays nobody.
    #[must_use]
    pub fn of<P: Protocol>(nodes: usize, seats: &[SeatSettings<P>]) -> Cast {
        assert!(seats.len() >= nodes, "one seat per member of the committee");
        let twin = |seat: &SeatSettings<P>| seat.plays.expect("a seat beyond the committee plays a member");
        let twins: Vec<NodeId> = seats[nodes..].iter().map(twin).collect();
        let meets = if seats.iter().all(|seat| seat.meets.is_none()) {
            Vec::new()
        } else {
            seats.iter().map(|seat| seat.meets.clone()).collect()
        };
        Cast { nodes, twins, meets }
    }
    /// Number of nodes.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.nodes
    }
    /// The nodes that the seats beyond the committee play, in order.
    #[must_use]
    pub fn twins(&self) -> &[NodeId] {
        &self.twins
    }
    /// The node that sits at `seat`.
    #[must_use]
    pub fn node(&self, seat: NodeId) -> NodeId {
        if seat.index() < self.nodes { seat } else { self.twins[seat.index() - self.nodes] }
    }
    /// The seats at which `node` sits, ascending; none if there is no such node.
    pub fn seats(&self, node: NodeId) -> impl Iterator<Item = NodeId> + use<'_> {
        let first = (node.index() < self.nodes).then_some(node);
        let others = self.twins.iter().enumerate().filter(move |(_, plays)| **plays == node);
        first.into_iter().chain(others.map(|(at, _)| NodeId::from(self.nodes + at)))
    }
    /// All seats of these nodes.
    #[must_use]
    pub fn all_seats(&self, nodes: &[NodeId]) -> Vec<NodeId> {
        nodes.iter().flat_map(|node| self.seats(*node)).collect()
    }
    /// Whether messages pass between two seats. A node does not meet itself.
    #[must_use]
    pub fn meet(&self, one: NodeId, other: NodeId) -> bool {
        let in_touch = |from: NodeId, to: NodeId| {
            let meets = self.meets.get(from.index()).and_then(Option::as_ref);
            meets.is_none_or(|meets| meets.contains(&to))
        };
        self.node(one) != self.node(other) && in_touch(one, other) && in_touch(other, one)
    }
    /// Whether `seat` is out of touch with somebody.
    #[must_use]
    pub fn is_parted(&self, seat: NodeId) -> bool {
        self.meets.get(seat.index()).is_some_and(Option::is_some)
    }
    /// Whether observers are told: of a node with twins they see what its first seat does.
    pub(super) fn shows(&self, observed: &Observed<'_>) -> bool {
        if self.twins.is_empty() {
            return true;
        }
        match *observed {
            Observed::Refused { node, .. }
            | Observed::Extended { node, .. }
            | Observed::Rewound { node, .. }
            | Observed::Finalized { node, .. }
            | Observed::Installed { node, .. }
            | Observed::Crashed { node }
            | Observed::Booted { node, .. }
            | Observed::Noted { node, .. }
            | Observed::Load { node, .. } => node.index() < self.nodes,
            _ => true,
        }
    }
}

/// Gives each of `players` one seat per side, its own first. The seats of one side meet each other, and the nodes of that
/// side, which may be on other sides too.
///
/// # Panics
/// If a player is no node, or has twins already.
pub fn part<P: Protocol>(nodes: usize, seats: &mut Vec<SeatSettings<P>>, players: &[NodeId], sides: &[Vec<NodeId>]) {
    // The seats of each side.
    let mut parties: Vec<Vec<NodeId>> = vec![Vec::new(); sides.len()];
    for &player in players {
        assert!(seats[player.index()].meets.is_none(), "{player} has twins already");
        for (side, party) in parties.iter_mut().enumerate() {
            if side == 0 {
                party.push(player);
                continue;
            }
            let first = &seats[player.index()];
            let twin = SeatSettings {
                cores: first.cores,
                slowness: first.slowness,
                disk: first.disk,
                clock: first.clock,
                mempool: first.mempool,
                plays: Some(player),
                ..SeatSettings::default()
            };
            party.push(NodeId::from(seats.len()));
            seats.push(twin);
        }
    }
    for (party, side) in parties.iter().zip(sides) {
        for &seat in party {
            seats[seat.index()].meets = Some(party.iter().chain(side).copied().collect());
        }
    }
    // Who else has twins and is named by a side is met at each of its seats, which must have named these players too.
    let twins: Vec<(NodeId, NodeId)> =
        (nodes..seats.len()).filter_map(|at| seats[at].plays.map(|plays| (NodeId::from(at), plays))).collect();
    for meets in seats.iter_mut().filter_map(|seat| seat.meets.as_mut()) {
        let named: Vec<NodeId> =
            (twins.iter()).filter(|(_, plays)| meets.contains(plays)).map(|(twin, _)| *twin).collect();
        meets.extend(named);
    }
}
