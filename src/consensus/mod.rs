//! L3: one file or folder per protocol. This list is the registry, which fills the standard catalogue.

pub mod aura;
pub mod clique;
pub mod hotstuff;
pub mod nakamoto;
pub mod pbft;
pub mod qbft;
pub mod raft;
pub mod ripple;
pub mod scp;
pub mod tendermint;
pub mod threshold;
pub mod vote;

use crate::protocol::Visitor;

/// Calls `visitor` once per protocol, in order of name.
pub fn visit(visitor: &mut impl Visitor) {
    visitor.visit::<aura::Aura>();
    visitor.visit::<clique::Clique>();
    visitor.visit::<hotstuff::HotStuff>();
    visitor.visit::<nakamoto::Nakamoto>();
    visitor.visit::<pbft::Pbft>();
    visitor.visit::<qbft::Qbft>();
    visitor.visit::<raft::Raft>();
    visitor.visit::<ripple::Ripple>();
    visitor.visit::<scp::Scp>();
    visitor.visit::<tendermint::Tendermint>();
    visitor.visit::<threshold::Threshold>();
    visitor.visit::<vote::Vote>();
}
