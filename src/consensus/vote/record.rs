//! What the nodes of Proof of Vote write before they speak.

use super::message::{Claim, Proposal, Ratified, Vote};
use crate::base::wire::{HASH_BYTES, NODE_BYTES, NUMBER_BYTES};
use crate::base::{NodeId, Wire};
use crate::protocol;
use std::sync::Arc;

/// An entry of the write-ahead log. What follows the last ratified block is about the height above it.
#[derive(Clone, Debug)]
pub enum Record {
    /// A block was proposed, before it is sent.
    Proposed(Arc<Proposal>),
    /// A vote, before it is sent.
    Voted(Arc<Claim>, Vote),
    /// All rounds below this one were given up, before the report.
    Left(u64),
    /// A block is final; the chain keeps the block itself.
    Ratified(Arc<Ratified>),
    /// All that still matters: stands for everything before it.
    Image(Arc<Image>),
}

/// The memory of a node that must survive.
#[derive(Clone, Debug)]
pub struct Image {
    /// Everything ratified, from height 1. The chain keeps it: blocks, and each certificate in the header of the next.
    pub ratified: Vec<Arc<Ratified>>,
    /// The butlers of the tenure.
    pub duty: Vec<NodeId>,
    /// Turns that each node missed in it.
    pub missed: Vec<u32>,
    /// The round at the height above.
    pub round: u64,
    /// The last vote at this height.
    pub voted: Option<(Arc<Claim>, Vote)>,
    /// The last proposal at this height.
    pub proposed: Option<Arc<Proposal>>,
}

impl Image {
    const COUNT_BYTES: usize = 4;

    /// Where the chain ends, with the one certificate that no header holds yet, and the rest.
    fn bytes(&self) -> usize {
        let tip = self.ratified.last().map_or(0, |last| last.certificate.bytes());
        let voted = self.voted.as_ref().map_or(0, |(claim, vote)| claim.bytes() + vote.bytes());
        let proposed = self.proposed.as_ref().map_or(0, |own| own.bytes());
        let tenure = self.duty.len() * NODE_BYTES + self.missed.len() * Image::COUNT_BYTES;
        2 * NUMBER_BYTES + HASH_BYTES + tip + tenure + voted + proposed
    }
}

impl Wire for Record {
    fn bytes(&self) -> usize {
        match self {
            Record::Proposed(own) => own.bytes(),
            Record::Voted(claim, vote) => claim.bytes() + vote.bytes(),
            Record::Left(_) => NUMBER_BYTES,
            Record::Ratified(ratified) => ratified.proof_bytes(),
            Record::Image(image) => image.bytes(),
        }
    }
    fn kind(&self) -> &'static str {
        match self {
            Record::Proposed(_) => "proposed",
            Record::Voted(..) => "voted",
            Record::Left(_) => "left",
            Record::Ratified(_) => "ratified",
            Record::Image(_) => "image",
        }
    }
}

impl protocol::Record for Record {
    fn is_checkpoint(&self) -> bool {
        matches!(self, Record::Image(_))
    }
}
