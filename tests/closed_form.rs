//! Laws that are known exactly, and figures that were published, met by whole simulations.
//!
//! Every test names its law, its source, and its tolerance: four standard errors of the simulation, plus what the law
//! itself leaves out, said where it is stated. All seeds are fixed, so that a test passes always or never.

#[path = "closed_form/clocks.rs"]
mod clocks;
#[path = "closed_form/laboratory.rs"]
mod laboratory;
#[path = "closed_form/mining.rs"]
mod mining;
#[path = "closed_form/pbft.rs"]
mod pbft;
#[path = "closed_form/raft.rs"]
mod raft;
#[path = "closed_form/shipped.rs"]
mod shipped;
#[path = "closed_form/transfer.rs"]
mod transfer;
#[path = "closed_form/voting.rs"]
mod voting;
