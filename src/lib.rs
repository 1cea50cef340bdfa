//! Ledgerlab.
pub mod base;
pub mod chain;
pub mod consensus;
pub mod engine;
pub mod ledger;
pub mod network;
pub mod observe;
pub mod protocol;
pub mod report;
pub mod scenario;
pub mod workload;
