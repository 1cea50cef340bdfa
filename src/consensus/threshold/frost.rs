//! FROST(Ed25519, SHA-512) (Komlo and Goldberg 2020, RFC 9591): `k` signers make one signature of the group.
//!
//! Round one, the commitments, travels with the pre-commits; round two, the shares, answers READY; the creator is the
//! coordinator. A trusted dealer splits the group's key: its randomness is a stream named by the first signer's public
//! key, hence by the seed, so that every node deals itself the same shares. The key itself does not depend on `k`.

use crate::base::{Hash, Keyring, NodeId, Signature, Stream};
use frost_ed25519 as frost;
use frost_ed25519::rand_core::{CryptoRng, Error, RngCore};
use std::collections::BTreeMap;
use std::sync::Arc;

pub use frost::round1::{SigningCommitments, SigningNonces};
pub use frost::round2::SignatureShare;

/// Bytes of the two nonce commitments, each a point.
pub const COMMITMENTS_BYTES: usize = 2 * 32;
/// Bytes of a signature share, a scalar.
pub const SHARE_BYTES: usize = 32;

/// A named stream as FROST wants randomness; nothing comes from anywhere else.
struct Draw<'a>(&'a mut Stream);

impl RngCore for Draw<'_> {
    fn next_u32(&mut self) -> u32 {
        self.0.next_u64() as u32
    }
    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }
    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.0.fill(bytes);
        Ok(())
    }
}

impl CryptoRng for Draw<'_> {}

/// What the dealer gave one signer.
#[derive(Clone, Debug)]
pub struct Dealt {
    key: frost::keys::KeyPackage,
    group: frost::keys::PublicKeyPackage,
}

/// Commitments of the signers chosen for one signature.
pub type Chosen = BTreeMap<NodeId, SigningCommitments>;

fn dealer(keys: &Keyring, purpose: u64) -> Stream {
    Stream::new(Hash(keys.public(0)).short(), "threshold dealer", purpose, 0)
}

fn group_secret(keys: &Keyring) -> frost::SigningKey {
    frost::SigningKey::new(&mut Draw(&mut dealer(keys, 0)))
}

fn identifier(node: NodeId) -> frost::Identifier {
    let number = u16::try_from(node.0 + 1).expect("as many signers as settings allow");
    frost::Identifier::try_from(number).expect("above zero")
}

/// Whether `signature` is the group's under `statement`.
#[must_use]
pub fn is_genuine(keys: &Keyring, statement: &Hash, signature: &Signature) -> bool {
    let group = frost::VerifyingKey::from(group_secret(keys));
    frost::Signature::deserialize(&signature.0).is_ok_and(|signature| group.verify(&statement.0, &signature).is_ok())
}

fn package(chosen: &Chosen, statement: &Hash) -> frost::SigningPackage {
    let commitments = chosen.iter().map(|(node, commitments)| (identifier(*node), *commitments)).collect();
    frost::SigningPackage::new(commitments, &statement.0)
}

impl Dealt {
    /// The shares of `me` among `l` signers of which `k` sign.
    #[must_use]
    pub fn new(keys: &Keyring, me: NodeId, l: usize, k: u64) -> Arc<Dealt> {
        let (l, k) = (u16::try_from(l).expect("checked"), u16::try_from(k).expect("checked"));
        let (mut random, all) = (dealer(keys, 1), frost::keys::IdentifierList::Default);
        let (mut shares, group) = frost::keys::split(&group_secret(keys), l, k, all, &mut Draw(&mut random))
            .expect("from 2 to l of l signers, as settings were checked");
        let share = shares.remove(&identifier(me)).expect("a share for each");
        Arc::new(Dealt { key: share.try_into().expect("the dealer is honest"), group })
    }
    /// Round one: nonces to keep and use once, commitments to send.
    #[must_use]
    pub fn commit(&self, random: &mut Stream) -> (SigningNonces, SigningCommitments) {
        frost::round1::commit(self.key.signing_share(), &mut Draw(random))
    }
    /// Round two; `None` if the package is not one that this signer committed to.
    #[must_use]
    pub fn share(&self, chosen: &Chosen, statement: &Hash, nonces: &SigningNonces) -> Option<SignatureShare> {
        frost::round2::sign(&package(chosen, statement), nonces, &self.key).ok()
    }
    /// The coordinator's part.
    ///
    /// # Errors
    /// The signers whose shares are false.
    pub fn aggregate(
        &self,
        chosen: &Chosen,
        statement: &Hash,
        shares: &BTreeMap<NodeId, SignatureShare>,
    ) -> Result<Signature, Vec<NodeId>> {
        let by_identifier = shares.iter().map(|(node, share)| (identifier(*node), *share)).collect();
        let made = frost::aggregate(&package(chosen, statement), &by_identifier, &self.group);
        let signature = made.map_err(|error| {
            let culprits = error.culprits();
            shares.keys().copied().filter(|node| culprits.contains(&identifier(*node))).collect::<Vec<_>>()
        })?;
        let bytes = signature.serialize().expect("a signature just made is a point and a scalar");
        Ok(Signature(bytes.try_into().expect("64 bytes")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Crypto;
    use ed25519_dalek::{Verifier, VerifyingKey};

    /// Signs with the first three of five.
    fn signed(spoil: bool) -> Result<Signature, Vec<NodeId>> {
        let keys = Keyring::new(Crypto::Symbolic, 1, "node", 5);
        let statement = Hash::of(b"block");
        let mut random = Stream::new(1, "nonces", 0, 0);
        let dealt: Vec<Arc<Dealt>> = (0..3).map(|node| Dealt::new(&keys, NodeId(node), 5, 3)).collect();
        let made: Vec<(SigningNonces, SigningCommitments)> = dealt.iter().map(|d| d.commit(&mut random)).collect();
        let chosen: Chosen =
            made.iter().zip(0..).map(|((_, commitments), node)| (NodeId(node), *commitments)).collect();
        let share = |node: usize, statement: &Hash| dealt[node].share(&chosen, statement, &made[node].0).unwrap();
        let lie = if spoil { Hash::ZERO } else { statement };
        let shares =
            [(NodeId(0), share(0, &statement)), (NodeId(1), share(1, &lie)), (NodeId(2), share(2, &statement))];
        dealt[0].aggregate(&chosen, &statement, &shares.into())
    }

    #[test]
    fn k_shares_make_one_signature_that_plain_ed25519_verifies_and_two_runs_make_the_same() {
        let (keys, signature) = (Keyring::new(Crypto::Symbolic, 1, "node", 5), signed(false).unwrap());
        assert!(is_genuine(&keys, &Hash::of(b"block"), &signature));
        assert!(!is_genuine(&keys, &Hash::of(b"other"), &signature));
        assert!(!is_genuine(&keys, &Hash::of(b"block"), &Signature::NONE));
        let group = frost::VerifyingKey::from(group_secret(&keys)).serialize().unwrap();
        let plain = VerifyingKey::from_bytes(&group.try_into().unwrap()).unwrap();
        assert!(plain.verify(&Hash::of(b"block").0, &ed25519_dalek::Signature::from_bytes(&signature.0)).is_ok());
        assert_eq!(signed(false), Ok(signature));
    }

    #[test]
    fn a_false_share_is_traced_to_its_signer() {
        assert_eq!(signed(true), Err(vec![NodeId(1)]));
    }
}
