//! Computing as counts of operations, and the table that turns counts into time.

use super::time::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::Add;

/// Operations that a node must do; what they cost is a [`CostTable`]'s business.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Work {
    /// Signatures made.
    pub sign: u32,
    /// Signatures checked one by one.
    pub verify: u32,
    /// Transactions executed.
    pub execute: u32,
    /// Bytes hashed.
    pub hash_bytes: u64,
}

impl Work {
    /// Nothing to do.
    pub const NONE: Work = Work { sign: 0, verify: 0, execute: 0, hash_bytes: 0 };
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
        self.sign * u64::from(work.sign)
            + self.verify * u64::from(work.verify)
            + self.execute * u64::from(work.execute)
            + self.hash_kilobyte.scale(work.hash_bytes, 1000)
    }
}
