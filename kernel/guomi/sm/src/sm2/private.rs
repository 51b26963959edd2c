use sm2::{
    FieldBytes, NonZeroScalar, ProjectivePoint, Scalar, SecretKey,
    elliptic_curve::{
        Generate, Group, common::getrandom::SysRng, ops::Reduce, point::AffineCoordinates,
    },
};
use zeroize::{Zeroize, Zeroizing};

use super::{PublicKey, Signature, identity::e};
use crate::{Error, random, sm3::Hmac};

/// A private key; erased when it is dropped, and not shown by `Debug`.
#[derive(Clone)]
pub struct PrivateKey {
    secret: SecretKey,
    public: PublicKey,
    /// 1 / (1 + d), which each signature needs (GB/T 32918.2-2016, 6.1, A6).
    inverse: Scalar,
}

impl PrivateKey {
    /// A random key (GB/T 32918.1-2016, 6.1).
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn generate() -> Result<Self, Error> {
        loop {
            let secret = SecretKey::try_generate_from_rng(&mut SysRng)
                .map_err(|error| Error::Random(error.to_string()))?;
            // n - 1 is drawn as likely as any other number, and is not a key.
            if let Ok(key) = Self::new(secret) {
                return Ok(key);
            }
        }
    }

    /// The key whose number is in `bytes`, the highest byte first.
    ///
    /// # Errors
    /// [`Error::PrivateKey`] where it is not a number between 1 and n - 2 in 32 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        // RustCrypto would take 24 bytes and more.
        if bytes.len() != 32 {
            return Err(Error::PrivateKey);
        }
        Self::new(SecretKey::from_slice(bytes).map_err(|_| Error::PrivateKey)?)
    }

    fn new(secret: SecretKey) -> Result<Self, Error> {
        let scalar = Zeroizing::new(*secret.to_nonzero_scalar());
        // n - 1 is a key of no use: 1 + d has no inverse (GB/T 32918.1-2016, 6.1).
        let inverse = Option::<Scalar>::from((*scalar + Scalar::ONE).invert());
        let public = PublicKey(secret.public_key());
        Ok(Self {
            inverse: inverse.ok_or(Error::PrivateKey)?,
            public,
            secret,
        })
    }

    /// The number of the key, the highest byte first.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.secret.to_bytes().into())
    }

    /// The public key that belongs to it.
    pub fn public_key(&self) -> PublicKey {
        self.public
    }

    /// Signs `message` under the identity `id` (GB/T 32918.2-2016, 6.1).
    ///
    /// # Errors
    /// [`Error::Identity`], [`Error::Random`].
    pub fn sign(&self, id: &[u8], message: &[u8]) -> Result<Signature, Error> {
        self.sign_digest(&e(id, &self.public.coordinates(), message)?)
    }

    /// Signs the digest e itself (GB/T 32918.2-2016, 6.1, from A3).
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn sign_digest(&self, digest: &[u8; 32]) -> Result<Signature, Error> {
        loop {
            let k = self.nonce(digest)?;
            if let Some(signature) = self.sign_with(&k, digest) {
                return Ok(signature);
            }
        }
    }

    /// k of a signature: random numbers of the system, bound to the key and to what is signed. So a system that
    /// gives the same numbers twice (a copied image, a machine set back) does not give the key away: two
    /// signatures with one k would.
    fn nonce(&self, digest: &[u8; 32]) -> Result<Zeroizing<Scalar>, Error> {
        let mut seed = Zeroizing::new([0; 32]);
        random(&mut *seed)?;
        let key = self.to_bytes();
        let half = |which: u8| {
            let mut mac = Hmac::new(&*key);
            mac.update(&*seed);
            mac.update(digest);
            mac.update(&[which]);
            let half = Zeroizing::new(mac.finish());
            Zeroizing::new(reduced(&half))
        };
        // 512 bits modulo n, so that no k is likelier than another.
        let mut shift = [0; 32];
        shift[15] = 1; // 2^128
        let shift = reduced(&shift);
        Ok(Zeroizing::new(*half(0) * shift * shift + *half(1)))
    }

    /// The signature with this k, or none where the standard wants another k (A5, A6).
    pub(super) fn sign_with(&self, k: &Scalar, digest: &[u8; 32]) -> Option<Signature> {
        let point = ProjectivePoint::mul_by_generator(k).to_affine();
        let r = reduced(digest) + Scalar::reduce(&point.x());
        if bool::from((r + k).is_zero()) {
            return None;
        }
        let d = self.scalar();
        let s = self.inverse * (*k - r * **d);
        // Neither may be 0: that is checked here.
        sm2::dsa::Signature::from_scalars(r, s).ok().map(Signature)
    }

    /// x of the point that both sides of a Diffie-Hellman exchange come to (RFC 8998, 3.3.3 uses it as it is).
    pub fn agree(&self, peer: &PublicKey) -> Zeroizing<[u8; 32]> {
        let shared = self.multiply(peer);
        let mut x = Zeroizing::new([0; 32]);
        x.copy_from_slice(&shared[..32]);
        x
    }

    /// x and y of the peer's point times d, which is never the point at infinity: the order of the group is prime.
    pub(super) fn multiply(&self, peer: &PublicKey) -> Zeroizing<[u8; 64]> {
        let point = peer.point() * **self.scalar();
        Zeroizing::new(coordinates(&point))
    }

    pub(super) fn scalar(&self) -> Zeroizing<NonZeroScalar> {
        Zeroizing::new(self.secret.to_nonzero_scalar())
    }
}

/// x and y of a point other than the one at infinity.
pub(super) fn coordinates(point: &ProjectivePoint) -> [u8; 64] {
    let point = point.to_affine();
    let mut bytes = [0; 64];
    bytes[..32].copy_from_slice(&point.x());
    bytes[32..].copy_from_slice(&point.y());
    bytes
}

/// A number modulo n.
fn reduced(bytes: &[u8; 32]) -> Scalar {
    Scalar::reduce(&FieldBytes::from(*bytes))
}

impl Drop for PrivateKey {
    fn drop(&mut self) {
        // `secret` erases itself.
        self.inverse.zeroize();
    }
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("sm2::PrivateKey(..)")
    }
}
