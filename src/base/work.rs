//! The cost model: computing as counts of operations ([`Work`]), and the table that turns counts into time ([`CostTable`]).
//!
//! # What is charged, to which node, and when
//!
//! | what | charged | where it is said |
//! |---|---|---|
//! | receiving a message: system call, framing, decoding | each receiver, before the message is handled | [`CostTable::message`] |
//! | signatures and hashes of a message: votes, certificates, headers | each receiver, before it is handled | [`Wire::check`](super::Wire::check) |
//! | the signature of a payment | each node once, when it first meets the payment: on its way into the mempool, or in a block | `Context::validate`, `Context::is_authentic` |
//! | executing a payment | each node, when it validates or executes a block | `Context::validate`, `Context::execute` |
//! | hashing a block or batch | each node that validates it | `Context::validate`, `Context::is_authentic` |
//! | making a signature | who signs, before what it signed leaves | `Context::sign` |
//! | anything else | the node that the protocol names | `Effect::Spend` |
//!
//! What a node has checked costs nothing again: a payment that its mempool checked is not checked in a block, and not when
//! a client hands it in again. Bitcoin Core keeps such a cache (`script/sigcache.cpp`), go-ethereum keeps the sender with
//! the transaction (`core/types/transaction_signing.go`, `SigCache`). It is lost in a crash. Simplified: it never fills.
//!
//! Signatures that are checked together (of a certificate, of the payments of a block) are spread over the cores of the node
//! that are free when the work begins: `n` on `c` cores take the time of `ceil(n / c)`, as the check queues of Bitcoin Core
//! (`checkqueue.h`), the sender recovery of go-ethereum (`core/sender_cacher.go`) and `VeriPool` of libhotstuff do.
//! Everything else of one handler is done on one core, one thing after the other; other messages are checked on the other
//! cores meanwhile. A core counts as busy while it computes.
//!
//! # The prices, and their sources
//!
//! For one core of a reference server. `cpu_speed` of a node divides them, `costs` of a chain replaces them.
//!
//! | price | default | source |
//! |---|---|---|
//! | sign | 14.5 us | Ed25519, measured: ed25519-dalek 2 with AVX2 on one core of a Xeon virtual machine, 10th percentile of batch means. Its authors give 15.6 us on an i9-7900X |
//! | verify | 38.1 us | the same, strict checks. Its authors give 46 us, 33 us with AVX2 |
//! | `hash_kilobyte` | 0.63 us | SHA-256 with SHA-NI (crate sha2), the same machine: 0.633 us for 1,024 bytes |
//! | execute | 8 us | three point look-ups and writes in a warm LSM store, the figure that Fabric's `LevelDB` path implies |
//! | message | 2 us | assumed: one receive call with its share of an interrupt, and decoding some hundred bytes |
//!
//! Not modelled: checking Ed25519 signatures as one batch (16 to 19 us each, measured on the same machine), which few of
//! the originals do; memory bandwidth; cores that share caches.

use super::time::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::Add;

/// Operations that a node must do; what they cost is a [`CostTable`]'s business.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Work {
    /// Messages received.
    pub receive: u32,
    /// Signatures made.
    pub sign: u32,
    /// Signatures checked.
    pub verify: u32,
    /// Transactions executed.
    pub execute: u32,
    /// Bytes hashed.
    pub hash_bytes: u64,
}

impl Work {
    /// Nothing to do.
    pub const NONE: Work = Work { receive: 0, sign: 0, verify: 0, execute: 0, hash_bytes: 0 };
    /// Receives one message.
    pub const RECEIVE: Work = Work { receive: 1, ..Work::NONE };
    /// Makes one signature.
    pub const SIGN: Work = Work { sign: 1, ..Work::NONE };
    /// Checks one signature.
    pub const VERIFY: Work = Work { verify: 1, ..Work::NONE };

    /// Checks `count` signatures.
    #[must_use]
    pub const fn verify(count: u32) -> Work {
        Work { verify: count, ..Work::NONE }
    }
    /// Executes `count` transactions.
    #[must_use]
    pub const fn execute(count: u32) -> Work {
        Work { execute: count, ..Work::NONE }
    }
    /// Hashes `bytes` bytes.
    #[must_use]
    pub const fn hash(bytes: u64) -> Work {
        Work { hash_bytes: bytes, ..Work::NONE }
    }
}

impl Add for Work {
    type Output = Work;
    fn add(self, other: Work) -> Work {
        Work {
            receive: self.receive + other.receive,
            sign: self.sign + other.sign,
            verify: self.verify + other.verify,
            execute: self.execute + other.execute,
            hash_bytes: self.hash_bytes + other.hash_bytes,
        }
    }
}

/// What each operation costs on one core of a reference server.
///
/// Signature and hash figures were measured on one core of a contended Xeon virtual machine with AVX2 and SHA-NI
/// (10th percentile of batch means, ed25519-dalek 2, sha2); the price of executing one simple transaction is that
/// of three point look-ups and writes in a warm LSM store (8 us, the figure that Fabric's `LevelDB` path implies).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CostTable {
    /// Making an Ed25519 signature.
    pub sign: Duration,
    /// Checking an Ed25519 signature.
    pub verify: Duration,
    /// Executing one transaction, without its signature.
    pub execute: Duration,
    /// Hashing 1,000 bytes.
    pub hash_kilobyte: Duration,
    /// Receiving any message: system call, framing, decoding.
    pub message: Duration,
}

impl Default for CostTable {
    fn default() -> CostTable {
        CostTable {
            sign: Duration::from_nanos(14_500),
            verify: Duration::from_nanos(38_100),
            execute: Duration::from_micros(8),
            hash_kilobyte: Duration::from_nanos(630),
            message: Duration::from_micros(2),
        }
    }
}

impl CostTable {
    /// Everything is free: for closed forms and for parity with simulators without CPUs.
    pub const FREE: CostTable = CostTable {
        sign: Duration::ZERO,
        verify: Duration::ZERO,
        execute: Duration::ZERO,
        hash_kilobyte: Duration::ZERO,
        message: Duration::ZERO,
    };

    /// The time that `work` takes on one core.
    #[must_use]
    pub fn time(&self, work: &Work) -> Duration {
        self.time_on(work, 1)
    }
    /// The time that `work` takes where `cores` check signatures at once.
    #[must_use]
    pub fn time_on(&self, work: &Work, cores: u32) -> Duration {
        self.message * u64::from(work.receive)
            + self.sign * u64::from(work.sign)
            + self.verify * u64::from(work.verify.div_ceil(cores.max(1)))
            + self.execute * u64::from(work.execute)
            + self.hash_kilobyte.scale(work.hash_bytes, 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_spread_over_cores_and_nothing_else_is() {
        let costs = CostTable::default();
        let work = Work::verify(1_000) + Work::execute(10) + Work::SIGN + Work::hash(1_000_000) + Work::RECEIVE;
        let rest = Duration::from_nanos(10 * 8_000 + 14_500 + 630_000 + 2_000);
        let took = |cores| costs.time_on(&work, cores);
        assert_eq!(took(1), Duration::from_nanos(1_000 * 38_100) + rest);
        assert_eq!(took(3), Duration::from_nanos(334 * 38_100) + rest, "333, 333 and 334");
        assert_eq!(took(4), Duration::from_nanos(250 * 38_100) + rest);
        assert_eq!(took(5_000), Duration::from_nanos(38_100) + rest);
        assert_eq!(costs.time(&work), took(1));
    }
}
