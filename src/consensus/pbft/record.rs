//! The write-ahead log: what a replica writes before the message that depends on it (the paper assumes that replicas never
//! lose their memory; these records must not be lost). Executed blocks are durable by themselves.

use super::certificate::{Prepared, Stable};
use super::message::NewView;
use super::statement::{PrePrepare, Proposal, View, Vote};
use crate::base::wire::NUMBER_BYTES;
use crate::base::{Height, Wire};
use crate::protocol;
use std::sync::Arc;

/// An entry of the write-ahead log.
#[derive(Clone, Debug)]
pub enum Record {
    /// A PRE-PREPARE was sent or accepted: before PRE-PREPARE and PREPARE.
    PrePrepared(Arc<PrePrepare>),
    /// A proposal prepared: before COMMIT.
    Prepared(Arc<Prepared>),
    /// The replica left for a view: before VIEW-CHANGE.
    Left(View),
    /// The view began, with all that is proposed again in it: before NEW-VIEW and the PREPAREs.
    Entered(Arc<NewView>),
    /// Everything that still matters at a stable checkpoint; stands for all records before it.
    Stable(Arc<Image>),
}

/// The memory of a replica that must survive, at a stable checkpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Image {
    /// The checkpoint.
    pub stable: Arc<Stable>,
    /// The view.
    pub view: View,
    /// Whether the replica takes part in it.
    pub active: bool,
    /// What began it.
    pub new_view: Option<Arc<NewView>>,
    /// The PRE-PREPAREs accepted in it.
    pub orders: Vec<Vote>,
    /// The prepared certificates of the highest views.
    pub prepared: Vec<Arc<Prepared>>,
    /// The proposals known.
    pub proposals: Vec<(Height, Proposal)>,
}

impl Wire for Record {
    fn bytes(&self) -> usize {
        match self {
            Record::PrePrepared(m) => Vote::ORDER_BYTES + m.proposal.bytes(),
            Record::Prepared(certificate) => certificate.bytes(),
            Record::Left(_) => NUMBER_BYTES,
            Record::Entered(m) => m.size(),
            Record::Stable(image) => {
                let prepared: usize = image.prepared.iter().map(|p| p.bytes()).sum();
                let proposals: usize = image.proposals.iter().map(|(_, p)| NUMBER_BYTES + p.bytes()).sum();
                let new_view = image.new_view.as_ref().map_or(0, |m| m.size());
                let fixed = NUMBER_BYTES + 1 + image.stable.bytes() + image.orders.len() * Vote::ORDER_BYTES;
                fixed + new_view + prepared + proposals
            }
        }
    }
    fn kind(&self) -> &'static str {
        match self {
            Record::PrePrepared(_) => "pre-prepared",
            Record::Prepared(_) => "prepared",
            Record::Left(_) => "left",
            Record::Entered(_) => "entered",
            Record::Stable(_) => "stable",
        }
    }
}

impl protocol::Record for Record {
    fn is_checkpoint(&self) -> bool {
        matches!(self, Record::Stable(_))
    }
}
