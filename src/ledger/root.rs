//! The root of a state that changes a little with every transaction.
//!
//! Source: incremental multiset hashing (Bellare and Micciancio 1997, AdHash; Clarke et al. 2003). The root is the
//! sum modulo 2^256 of the SHA-256 of every leaf (an account, an unspent output). It depends on the set of leaves
//! alone, so equal states have equal roots whatever way led to them, and taking a leaf back is exact.
//!
//! Limits: it gives no proofs of membership, as a Merkle tree does, and a party that may choose leaves freely can
//! find collisions with some 2^32 of them (Wagner 2002). No node in a simulation grinds leaves; a real chain must not
//! use this modulus.

use crate::base::Hash;
use std::ops::{AddAssign, SubAssign};

/// A sum of hashes modulo 2^256.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Root([u64; 4]);

fn limbs(hash: &Hash) -> [u64; 4] {
    std::array::from_fn(|i| u64::from_le_bytes(hash.0[8 * i..8 * i + 8].try_into().expect("eight bytes")))
}

impl AddAssign<Hash> for Root {
    fn add_assign(&mut self, leaf: Hash) {
        let mut carry = false;
        for (sum, limb) in self.0.iter_mut().zip(limbs(&leaf)) {
            let (part, first) = sum.overflowing_add(limb);
            let (whole, second) = part.overflowing_add(u64::from(carry));
            (*sum, carry) = (whole, first || second);
        }
    }
}

impl SubAssign<Hash> for Root {
    fn sub_assign(&mut self, leaf: Hash) {
        let mut borrow = false;
        for (sum, limb) in self.0.iter_mut().zip(limbs(&leaf)) {
            let (part, first) = sum.overflowing_sub(limb);
            let (whole, second) = part.overflowing_sub(u64::from(borrow));
            (*sum, borrow) = (whole, first || second);
        }
    }
}

impl From<Root> for Hash {
    fn from(root: Root) -> Hash {
        let mut bytes = [0; 32];
        for (eight, limb) in bytes.chunks_exact_mut(8).zip(root.0) {
            eight.copy_from_slice(&limb.to_le_bytes());
        }
        Hash(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_carry_runs_through_all_limbs_and_back() {
        let mut one = [0; 32];
        one[0] = 1;
        let mut root = Root::default();
        root += Hash([0xff; 32]);
        root += Hash(one);
        assert_eq!(root, Root::default());
        root -= Hash(one);
        assert_eq!(Hash::from(root), Hash([0xff; 32]));
    }

    proptest! {
        #[test]
        fn a_root_knows_its_leaves_but_not_their_order(leaves: Vec<[u8; 32]>, extra: [u8; 32], turn: usize) {
            let sum = |leaves: &[[u8; 32]]| leaves.iter().fold(Root::default(), |mut root, leaf| { root += Hash(*leaf); root });
            let mut turned = leaves.clone();
            turned.rotate_left(turn % leaves.len().max(1));
            prop_assert_eq!(sum(&leaves), sum(&turned));
            let mut more = sum(&leaves);
            more += Hash(extra);
            prop_assert_eq!(more == sum(&leaves), extra == [0; 32]);
            more -= Hash(extra);
            prop_assert_eq!(more, sum(&leaves));
        }
    }
}
