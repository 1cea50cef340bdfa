//! Signing: real Ed25519, or symbolic tokens of the same size and price.
//!
//! A [`Keyring`] holds the keys of one family of signers (the nodes of a chain, the accounts of a ledger), derived
//! from the seed when first used. Symbolic signatures are keyed digests that only the keyring can make: no node in
//! the simulation can forge one, and making or checking one costs a tenth of real signing.

use super::hash::{Digest, Hash, hex, unhex};
use ed25519_dalek::{Signer, SigningKey, Verifier, VerifyingKey};
use rustc_hash::FxHashSet;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, OnceLock};

/// Which signatures a run makes. Both give the same metrics.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Crypto {
    /// Ed25519 (RFC 8032).
    #[default]
    Real,
    /// Unforgeable tokens of the same size, for model checking and huge sweeps.
    Symbolic,
}

/// Bytes of an Ed25519 public key.
pub const PUBLIC_KEY_BYTES: usize = 32;
/// Bytes of an Ed25519 signature.
pub const SIGNATURE_BYTES: usize = 64;

/// A signature, real or symbolic.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Signature(pub [u8; SIGNATURE_BYTES]);

impl std::hash::Hash for Signature {
    /// By the first eight bytes, which are as good as random.
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write(&self.0[..8]);
    }
}

impl Signature {
    /// A signature that is never genuine.
    pub const NONE: Signature = Signature([0; SIGNATURE_BYTES]);
}

impl Serialize for Signature {
    /// 128 hexadecimal digits.
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let expected = || de::Error::custom("expected 128 hexadecimal digits");
        unhex(&String::deserialize(from)?).map(Signature).ok_or_else(expected)
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x}{:02x}", self.0[0], self.0[1])
    }
}

/// The keys of one family of signers.
pub struct Keyring {
    crypto: Crypto,
    seed: u64,
    family: &'static str,
    /// What keys are derived from, kept where that is all that signing needs; empty for real keys.
    secrets: Vec<OnceLock<Hash>>,
    keys: Vec<OnceLock<Box<SigningKey>>>,
    /// Signatures made here or found genuine, if they are remembered.
    genuine: Option<Mutex<Genuine>>,
    /// Signers of [`Keyring::believing`].
    believed: BTreeSet<u32>,
}

/// A signature: the signer, the statement, and the scheme.
type Claim = (u32, Hash, Signature);

/// Claims that hold, by verification or because the signature was made here. Whether a claim holds is a pure question, and
/// certificates ask it again and again. When as many are known as are remembered at most, those not asked for since the last
/// time are forgotten.
#[derive(Default)]
struct Genuine {
    recent: FxHashSet<Claim>,
    earlier: FxHashSet<Claim>,
}

impl Genuine {
    /// Half of what is remembered at most: about 30 MB in all.
    const HALF: usize = 1 << 17;

    fn holds(&mut self, claim: &Claim) -> bool {
        let known = self.recent.contains(claim) || self.earlier.contains(claim);
        if known {
            self.add(*claim);
        }
        known
    }
    fn add(&mut self, claim: Claim) {
        self.recent.insert(claim);
        if self.recent.len() >= Genuine::HALF {
            self.earlier = std::mem::take(&mut self.recent);
        }
    }
}

impl Keyring {
    /// Keys for signers `0..count` of `family`, derived from `seed` when first used.
    #[must_use]
    pub fn new(crypto: Crypto, seed: u64, family: &'static str, count: usize) -> Keyring {
        let keys = (0..count).map(|_| OnceLock::new()).collect();
        let secrets = vec![OnceLock::new(); if crypto == Crypto::Symbolic { count } else { 0 }];
        Keyring { crypto, seed, family, secrets, keys, genuine: None, believed: BTreeSet::new() }
    }
    /// The same keyring, to which whatever bears the name of one of `signers` is genuine. Byzantine nodes can sign all that they
    /// send: with this, tests need not know what a message's signatures are about to bend it and sign it again.
    #[must_use]
    pub fn believing(self, signers: impl IntoIterator<Item = u32>) -> Keyring {
        Keyring { believed: signers.into_iter().collect(), ..self }
    }
    /// The same keyring, which remembers real signatures: those that it made, which are genuine, and those that it verified
    /// once. Votes come again in certificates. Makes no difference but in time.
    #[must_use]
    pub fn remembering(self) -> Keyring {
        let genuine = (self.crypto == Crypto::Real).then(Mutex::default);
        Keyring { genuine, ..self }
    }
    /// Number of signers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }
    /// Whether there are no signers.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
    /// Which signatures this keyring makes.
    #[must_use]
    pub fn crypto(&self) -> Crypto {
        self.crypto
    }

    fn secret(&self, signer: u32) -> Hash {
        let derive =
            || Digest::new("secret key").u64(self.seed).bytes(self.family.as_bytes()).u64(u64::from(signer)).finish();
        self.secrets.get(signer as usize).map_or_else(derive, |secret| *secret.get_or_init(derive))
    }
    fn key(&self, signer: u32) -> &SigningKey {
        self.keys[signer as usize].get_or_init(|| Box::new(SigningKey::from_bytes(&self.secret(signer).0)))
    }
    fn token(&self, signer: u32, statement: &Hash) -> Signature {
        let mac = Digest::new("symbolic").hash(&self.secret(signer)).hash(statement).finish();
        let mut bytes = [0; SIGNATURE_BYTES];
        bytes[..32].copy_from_slice(&mac.0);
        bytes[32..].copy_from_slice(&statement.0);
        Signature(bytes)
    }

    /// The public key of `signer`, for sizes and addresses. Symbolic keys are digests.
    #[must_use]
    pub fn public(&self, signer: u32) -> [u8; PUBLIC_KEY_BYTES] {
        match self.crypto {
            Crypto::Real => self.key(signer).verifying_key().to_bytes(),
            Crypto::Symbolic => Digest::new("public key").hash(&self.secret(signer)).finish().0,
        }
    }
    /// `signer`'s signature under the statement with this digest.
    #[must_use]
    pub fn sign(&self, signer: u32, statement: &Hash) -> Signature {
        match self.crypto {
            Crypto::Real => {
                let signature = Signature(self.key(signer).sign(&statement.0).to_bytes());
                if let Some(genuine) = &self.genuine {
                    genuine.lock().expect("no panic while it is locked").add((signer, *statement, signature));
                }
                signature
            }
            Crypto::Symbolic => self.token(signer, statement),
        }
    }
    /// Whether `signature` is `signer`'s under the statement with this digest. An unknown signer never signed.
    #[must_use]
    pub fn verify(&self, signer: u32, statement: &Hash, signature: &Signature) -> bool {
        if signer as usize >= self.keys.len() {
            return false;
        }
        if self.believed.contains(&signer) {
            return true;
        }
        match self.crypto {
            Crypto::Real => {
                let claim = (signer, *statement, *signature);
                let mut genuine =
                    self.genuine.as_ref().map(|genuine| genuine.lock().expect("no panic while it is locked"));
                if genuine.as_mut().is_some_and(|genuine| genuine.holds(&claim)) {
                    return true;
                }
                let key: VerifyingKey = self.key(signer).verifying_key();
                let holds = key.verify(&statement.0, &ed25519_dalek::Signature::from_bytes(&signature.0)).is_ok();
                if let Some(genuine) = genuine.as_mut().filter(|_| holds) {
                    genuine.add(claim);
                }
                holds
            }
            Crypto::Symbolic => *signature == self.token(signer, statement),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_its_signer_and_statement_only() {
        for crypto in [Crypto::Real, Crypto::Symbolic] {
            let keys = Keyring::new(crypto, 1, "node", 2);
            let (yes, no) = (Hash::of(b"yes"), Hash::of(b"no"));
            let signature = keys.sign(0, &yes);
            assert!(keys.verify(0, &yes, &signature));
            assert!(!keys.verify(0, &no, &signature));
            assert!(!keys.verify(1, &yes, &signature));
            assert!(!keys.verify(9, &yes, &signature), "an unknown signer never signed");
            assert!(!keys.verify(0, &yes, &Signature::NONE));
        }
    }

    #[test]
    fn who_is_believed_is_believed_anything_and_others_are_not() {
        let keys = Keyring::new(Crypto::Symbolic, 1, "node", 2).believing([1, 7]);
        let holds = |signer| keys.verify(signer, &Hash::ZERO, &Signature::NONE);
        assert_eq!([0, 1, 7].map(holds), [false, true, false], "an unknown signer never signed");
    }

    #[test]
    fn what_is_remembered_makes_no_difference() {
        let keys = Keyring::new(Crypto::Real, 1, "node", 2).remembering();
        let statements: Vec<Hash> = (0..20u8).map(|number| Hash::of(&[number])).collect();
        for round in 0..3 {
            for statement in &statements {
                let signature = keys.sign(0, statement);
                let mut bent = signature;
                bent.0[round] ^= 1;
                assert!(keys.verify(0, statement, &signature));
                assert!(!keys.verify(1, statement, &signature) && !keys.verify(0, statement, &bent));
            }
        }
        let known = keys.genuine.as_ref().unwrap().lock().unwrap();
        assert_eq!((known.recent.len(), known.earlier.len()), (20, 0), "each once, forgeries never");
    }

    #[test]
    fn what_was_asked_for_again_outlives_what_was_not() {
        let mut genuine = Genuine::default();
        let claim = |number: usize| (0, Hash::of(&number.to_le_bytes()), Signature::NONE);
        genuine.add(claim(0));
        (1..=3 * Genuine::HALF).for_each(|number| {
            genuine.add(claim(number));
            if number % 1000 == 0 {
                assert!(genuine.holds(&claim(0)));
            }
        });
        assert!(!genuine.holds(&claim(1)));
        assert!(genuine.recent.len() + genuine.earlier.len() <= 2 * Genuine::HALF);
    }

    #[test]
    fn ed25519_meets_the_first_vector_of_rfc_8032() {
        let secret: [u8; 32] = std::array::from_fn(|i| {
            let hex = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
            u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()
        });
        let signature = SigningKey::from_bytes(&secret).sign(b"").to_bytes();
        assert_eq!(signature[..4], [0xe5, 0x56, 0x43, 0x00]);
    }
}
