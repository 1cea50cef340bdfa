//! L0: time, identifiers, hashes, keys, random streams and quorums. Knows nothing of ledgers, networks or the simulator.

pub mod committee;
pub mod hash;
pub mod id;
pub mod intersection;
pub mod key;
pub mod node_set;
pub mod note;
pub mod quantity;
pub mod quorum_set;
pub mod rng;
pub mod setting;
pub mod time;
pub mod wire;
pub mod work;

pub use committee::{Committee, FaultModel, VoterSet};
pub use hash::{Digest, Hash};
pub use id::{AccountId, ClientId, Height, NodeId};
pub use key::{Crypto, Keyring, Signature};
pub use node_set::NodeSet;
pub use quantity::{BitRate, ByteSize};
pub use quorum_set::QuorumSet;
pub use rng::Stream;
pub use setting::{OutOfRange, RangeCheck};
pub use time::{Duration, Time};
pub use wire::Wire;
pub use work::{CostTable, Work};
