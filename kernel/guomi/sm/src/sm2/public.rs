use sm2::{
    FieldBytes, ProjectivePoint, Scalar,
    elliptic_curve::{ops::Reduce, sec1::ToSec1Point},
};

use super::{Signature, identity::e, verification::comes_to};
use crate::Error;

/// A public key: a point of the curve that is not the one at infinity.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(pub(crate) sm2::PublicKey);

impl PublicKey {
    /// The point in SEC 1 form: `04 x y`, or compressed (`02 x`, `03 x`).
    ///
    /// # Errors
    /// [`Error::PublicKey`] where it is not on the curve, or has another form.
    pub fn from_sec1(bytes: &[u8]) -> Result<Self, Error> {
        // The compact form, 05, is not one of GB/T 32918.1-2016, 4.2.9.
        if !matches!(bytes.first(), Some(2..=4)) {
            return Err(Error::PublicKey);
        }
        sm2::PublicKey::from_sec1_bytes(bytes)
            .map(Self)
            .map_err(|_| Error::PublicKey)
    }

    /// The point in SEC 1 form, uncompressed: `04 x y`.
    pub fn to_sec1(&self) -> [u8; 65] {
        let mut bytes = [4; 65];
        let point = self.0.to_sec1_point(false);
        for (to, from) in bytes.iter_mut().zip(point.as_bytes()) {
            *to = *from;
        }
        bytes
    }

    /// The point in SEC 1 form, compressed: `02 x` or `03 x`.
    pub fn to_compressed(&self) -> [u8; 33] {
        let mut bytes = [0; 33];
        let point = self.0.to_sec1_point(true);
        for (to, from) in bytes.iter_mut().zip(point.as_bytes()) {
            *to = *from;
        }
        bytes
    }

    /// x and y.
    pub(super) fn coordinates(&self) -> [u8; 64] {
        let mut bytes = [0; 64];
        bytes.copy_from_slice(&self.to_sec1()[1..]);
        bytes
    }

    pub(super) fn point(&self) -> ProjectivePoint {
        ProjectivePoint::from(*self.0.as_affine())
    }

    /// e, the digest of `message` by a signer with this key and the identity `id`: what is signed
    /// (GB/T 32918.2-2016, 6.1, A1 and A2).
    ///
    /// # Errors
    /// [`Error::Identity`].
    pub fn digest(&self, id: &[u8], message: &[u8]) -> Result<[u8; 32], Error> {
        e(id, &self.coordinates(), message)
    }

    /// Whether `signature` is one of `message` by this key under the identity `id` (GB/T 32918.2-2016, 7.1).
    ///
    /// # Errors
    /// [`Error::Signature`] where it is not; [`Error::Identity`].
    pub fn verify(&self, id: &[u8], message: &[u8], signature: &Signature) -> Result<(), Error> {
        self.verify_digest(&e(id, &self.coordinates(), message)?, signature)
    }

    /// Whether `signature` is one of the digest e by this key (GB/T 32918.2-2016, 7.1, from B4).
    ///
    /// # Errors
    /// [`Error::Signature`] where it is not.
    pub fn verify_digest(&self, digest: &[u8; 32], signature: &Signature) -> Result<(), Error> {
        // r and s lie between 1 and n - 1 in every signature (B1, B2).
        let (r, s) = (*signature.0.r(), *signature.0.s());
        let t = r + s;
        // B5 to B7, with e + x = r as x = r - e.
        let x = r - Scalar::reduce(&FieldBytes::from(*digest));
        match !bool::from(t.is_zero()) && comes_to(&s, &t, self.0.as_affine(), &x) {
            true => Ok(()),
            false => Err(Error::Signature),
        }
    }
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("sm2::PublicKey(")?;
        for byte in self.to_sec1() {
            write!(f, "{byte:02x}")?;
        }
        f.write_str(")")
    }
}
