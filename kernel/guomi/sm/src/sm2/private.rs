use sm2::{
    ProjectivePoint, SecretKey,
    dsa::{SigningKey, signature::hazmat::RandomizedPrehashSigner},
    elliptic_curve::{Generate, common::getrandom::SysRng, point::AffineCoordinates},
};
use zeroize::Zeroizing;

use super::{
    PublicKey, Signature,
    identity::{DEFAULT_ID, e},
};
use crate::Error;

/// A private key; erased when it is dropped, and not shown by `Debug`.
#[derive(Clone)]
pub struct PrivateKey(SecretKey);

impl PrivateKey {
    /// A random key.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn generate() -> Result<Self, Error> {
        SecretKey::try_generate_from_rng(&mut SysRng)
            .map(Self)
            .map_err(|error| Error::Random(error.to_string()))
    }

    /// The key whose number is in `bytes`, the highest byte first.
    ///
    /// # Errors
    /// [`Error::PrivateKey`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let key = SecretKey::from_slice(bytes)
            .map(Self)
            .map_err(|_| Error::PrivateKey)?;
        // n - 1 is a key of no use: 1 + d has no inverse (GB/T 32918.1-2016, 6.1).
        key.signing_key().map(|_| key)
    }

    /// The number of the key, the highest byte first.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes().into())
    }

    /// The public key that belongs to it.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.public_key())
    }

    /// Signs `message` under the identity `id` (GB/T 32918.2-2016, 6.1).
    ///
    /// # Errors
    /// [`Error::Identity`], [`Error::Random`].
    pub fn sign(&self, id: &[u8], message: &[u8]) -> Result<Signature, Error> {
        self.sign_digest(&e(id, &self.public_key().coordinates(), message)?)
    }

    /// Signs the digest e itself.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn sign_digest(&self, digest: &[u8; 32]) -> Result<Signature, Error> {
        self.signing_key()?
            .sign_prehash_with_rng(&mut SysRng, digest)
            .map(Signature)
            .map_err(|error| Error::Random(error.to_string()))
    }

    /// x of the point that both sides of a Diffie-Hellman exchange come to (RFC 8998, 3.3.3 uses it as it is).
    pub fn agree(&self, peer: &PublicKey) -> Zeroizing<[u8; 32]> {
        let shared = ProjectivePoint::from(*peer.0.as_affine()) * *self.0.to_nonzero_scalar();
        Zeroizing::new(shared.to_affine().x().into())
    }

    fn signing_key(&self) -> Result<SigningKey, Error> {
        let id = std::str::from_utf8(DEFAULT_ID).map_err(|_| Error::PrivateKey)?;
        SigningKey::new(id, &self.0).map_err(|_| Error::PrivateKey)
    }
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("sm2::PrivateKey(..)")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_of_one_message_one_key_and_one_identity() {
        let key = PrivateKey::generate().unwrap();
        let signature = key.sign(DEFAULT_ID, b"open").unwrap();
        let public = key.public_key();
        public.verify(DEFAULT_ID, b"open", &signature).unwrap();
        assert_eq!(
            public.verify(DEFAULT_ID, b"shut", &signature),
            Err(Error::Signature)
        );
        assert_eq!(
            public.verify(b"someone", b"open", &signature),
            Err(Error::Signature)
        );
        let other = PrivateKey::generate().unwrap().public_key();
        assert_eq!(
            other.verify(DEFAULT_ID, b"open", &signature),
            Err(Error::Signature)
        );
    }

    #[test]
    fn both_sides_agree() {
        let (one, two) = (
            PrivateKey::generate().unwrap(),
            PrivateKey::generate().unwrap(),
        );
        assert_eq!(one.agree(&two.public_key()), two.agree(&one.public_key()));
    }
}
