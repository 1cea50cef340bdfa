//! SHA-256, digests of structured values, and Merkle trees as Bitcoin builds them.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// A SHA-256 value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Hash(pub [u8; 32]);

impl std::hash::Hash for Hash {
    /// By the first eight bytes: they are uniform already, and tables are asked for names at every arrival.
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_u64(self.short());
    }
}

impl Hash {
    /// All zero: the parent of genesis, the root of nothing.
    pub const ZERO: Hash = Hash([0; 32]);

    /// SHA-256 of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Hash {
        Hash(Sha256::digest(bytes).into())
    }
    /// SHA-256 of SHA-256 of `bytes`, as Bitcoin identifies blocks and transactions.
    #[must_use]
    pub fn double(bytes: &[u8]) -> Hash {
        Hash::of(&Sha256::digest(bytes))
    }
    /// The first eight bytes as a number: a short name, not a proof.
    #[must_use]
    #[inline]
    pub fn short(&self) -> u64 {
        u64::from_le_bytes(self.0[..8].try_into().expect("eight of 32 bytes"))
    }
    /// The 64 hexadecimal digits.
    #[must_use]
    pub fn hex(&self) -> String {
        hex(&self.0)
    }
}

/// Two hexadecimal digits per byte.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])).collect()
}

/// The bytes of exactly `2 * N` hexadecimal digits.
pub(super) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = text.get(2 * at..2 * at + 2).and_then(|two| u8::from_str_radix(two, 16).ok())?;
    }
    (text.len() == 2 * N).then_some(bytes)
}

impl fmt::Display for Hash {
    /// The first eight hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&self.hex())
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let expected = || de::Error::custom("expected 64 hexadecimal digits");
        unhex(&String::deserialize(from)?).map(Hash).ok_or_else(expected)
    }
}

/// A digest of fields. Variable-length fields carry their length, so that different values never meet.
pub struct Digest(Sha256);

impl Digest {
    /// Starts a digest; `domain` separates kinds of values from each other.
    #[must_use]
    pub fn new(domain: &str) -> Digest {
        Digest(Sha256::new()).bytes(domain.as_bytes())
    }
    /// Adds a number.
    #[must_use]
    pub fn u64(mut self, value: u64) -> Digest {
        self.0.update(value.to_le_bytes());
        self
    }
    /// Adds a hash.
    #[must_use]
    pub fn hash(mut self, value: &Hash) -> Digest {
        self.0.update(value.0);
        self
    }
    /// Adds bytes, preceded by their number.
    #[must_use]
    pub fn bytes(mut self, value: &[u8]) -> Digest {
        self.0.update((value.len() as u64).to_le_bytes());
        self.0.update(value);
        self
    }
    /// The digest.
    #[must_use]
    pub fn finish(self) -> Hash {
        Hash(self.0.finalize().into())
    }
}

/// A Merkle root, and whether another list of leaves has the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MerkleRoot {
    /// The root as in Bitcoin: double SHA-256, an odd last node paired with itself; zero for no leaves.
    pub root: Hash,
    /// Whether some level has two equal neighbours that form a pair: the mark of a list that was lengthened without
    /// changing its root (CVE-2012-2459). An honest list of distinct leaves never has it.
    pub is_ambiguous: bool,
}

impl MerkleRoot {
    /// The root of the tree over `leaves`.
    #[must_use]
    pub fn of(leaves: &[Hash]) -> MerkleRoot {
        let mut level = leaves.to_vec();
        let mut is_ambiguous = false;
        while level.len() > 1 {
            is_ambiguous |= level.chunks_exact(2).any(|pair| pair[0] == pair[1]);
            level = level.chunks(2).map(|pair| merkle_parent(&pair[0], pair.last().expect("chunk"))).collect();
        }
        MerkleRoot { root: level.first().copied().unwrap_or(Hash::ZERO), is_ambiguous }
    }
}

fn merkle_parent(left: &Hash, right: &Hash) -> Hash {
    let mut both = [0; 64];
    both[..32].copy_from_slice(&left.0);
    both[32..].copy_from_slice(&right.0);
    Hash::double(&both)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sha256_meets_its_published_vectors() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; // FIPS 180-4
        assert_eq!(Hash::of(b"abc").hex(), abc);
        let hello = "9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50"; // hash256("hello")
        assert_eq!(Hash::double(b"hello").hex(), hello);
    }

    #[test]
    fn a_lengthened_list_keeps_its_root_and_is_recognized_by_its_repeated_pair() {
        let leaf = |n: u8| Hash::of(&[n]);
        let honest = MerkleRoot::of(&[leaf(1), leaf(2), leaf(3)]);
        let lengthened = MerkleRoot::of(&[leaf(1), leaf(2), leaf(3), leaf(3)]);
        assert_eq!(honest.root, lengthened.root);
        assert!(!honest.is_ambiguous && lengthened.is_ambiguous);
    }

    #[test]
    fn fields_do_not_run_into_each_other() {
        let one = Digest::new("t").bytes(b"ab").bytes(b"c").finish();
        let two = Digest::new("t").bytes(b"a").bytes(b"bc").finish();
        assert_ne!(one, two);
    }
}
