//! Laws that are known exactly, and figures that were published, met by whole simulations.
//!
//! Every test names its law, its source, and its tolerance: four standard errors of the simulation, plus what the law
//! itself leaves out, said where it is stated. All seeds are fixed, so that a test passes always or never.

mod clocks;
mod laboratory;
mod mining;
mod pbft;
mod raft;
mod shipped;
mod transfer;
mod voting;
