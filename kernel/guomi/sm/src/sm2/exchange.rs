//! Key exchange (GB/T 32918.3-2016): two sides that know each other's public keys and identities come to one key,
//! and each may prove to the other that it has it.
//!
//! ```
//! use weihe_sm::sm2::{DEFAULT_ID, PrivateKey, exchange::{Initiator, Party, respond}};
//!
//! let (meter, gateway) = (PrivateKey::generate()?, PrivateKey::generate()?);
//! let (meter_point, gateway_point) = (meter.public_key(), gateway.public_key());
//!
//! // The gateway begins and sends its point R_A.
//! let begun = Initiator::new(&gateway, DEFAULT_ID, Party { key: meter_point, id: DEFAULT_ID })?;
//! // The meter answers with its own, R_B, and with its confirmation S_B.
//! let peer = Party { key: gateway_point, id: DEFAULT_ID };
//! let (point, answered) = respond(&meter, DEFAULT_ID, peer, &begun.point(), 16)?;
//! // Each side gives its key only against the other's confirmation.
//! let agreed = begun.finish(&point, 16)?;
//! let (proof, to_meter) = (answered.confirmation(), agreed.confirmation());
//! assert_eq!(agreed.confirm(&proof)?, answered.confirm(&to_meter)?);
//! # Ok::<(), weihe_sm::Error>(())
//! ```

use sm2::{
    FieldBytes, Scalar,
    elliptic_curve::{Group, ops::Reduce, subtle::ConstantTimeEq},
};
use zeroize::Zeroizing;

use super::{PrivateKey, PublicKey, identity::z, private::coordinates};
use crate::{
    Error,
    sm3::{DIGEST, Sm3, kdf_of_parts},
};

/// The other side, as it is known beforehand.
#[derive(Clone, Copy, Debug)]
pub struct Party<'a> {
    /// Its public key.
    pub key: PublicKey,
    /// Its identity; [`DEFAULT_ID`](super::DEFAULT_ID) where nothing else was agreed on.
    pub id: &'a [u8],
}

/// The side that begins (user A of the standard), waiting for the other's answer.
#[derive(Debug)]
pub struct Initiator {
    key: PrivateKey,
    ephemeral: PrivateKey,
    z: [u8; DIGEST],
    peer: PublicKey,
    peer_z: [u8; DIGEST],
}

impl Initiator {
    /// Begins an exchange of `key`, known as `id`, with `peer` (6.1, A1 to A3).
    ///
    /// # Errors
    /// [`Error::Random`], [`Error::Identity`].
    pub fn new(key: &PrivateKey, id: &[u8], peer: Party<'_>) -> Result<Self, Error> {
        Self::with(key, id, peer, PrivateKey::generate()?)
    }

    fn with(
        key: &PrivateKey,
        id: &[u8],
        peer: Party<'_>,
        ephemeral: PrivateKey,
    ) -> Result<Self, Error> {
        Ok(Self {
            z: z(id, &key.public_key().coordinates())?,
            peer_z: z(peer.id, &peer.key.coordinates())?,
            peer: peer.key,
            key: key.clone(),
            ephemeral,
        })
    }

    /// R_A, which is sent to the other side, as `04 x y`.
    pub fn point(&self) -> [u8; 65] {
        self.ephemeral.public_key().to_sec1()
    }

    /// Comes to a key of `length` bytes with the other side's point R_B (6.1, A4 to A10).
    ///
    /// # Errors
    /// [`Error::PublicKey`] of a point that is not on the curve, [`Error::Exchange`], [`Error::TooLong`].
    pub fn finish(self, point: &[u8], length: usize) -> Result<Agreed, Error> {
        let point = PublicKey::from_sec1(point)?;
        let shared = shared(&self.key, &self.ephemeral, &self.peer, &point)?;
        let (one, two) = (self.ephemeral.public_key(), point);
        let [responder, initiator] = confirmations(&shared, &self.z, &self.peer_z, &one, &two);
        Ok(Agreed {
            key: derived(&[&*shared, &self.z, &self.peer_z], length)?,
            own: initiator,
            expected: responder,
        })
    }
}

/// The side that answers (user B of the standard), before the other's point is there.
#[derive(Debug)]
pub struct Responder(Initiator);

impl Responder {
    /// Makes ready to answer as `key`, known as `id` (6.1, B1 and B2).
    ///
    /// # Errors
    /// [`Error::Random`], [`Error::Identity`].
    pub fn new(key: &PrivateKey, id: &[u8], peer: Party<'_>) -> Result<Self, Error> {
        Initiator::new(key, id, peer).map(Self)
    }

    /// R_B, which is sent to the other side, as `04 x y`.
    pub fn point(&self) -> [u8; 65] {
        self.0.point()
    }

    /// Comes to a key of `length` bytes with the other side's point R_A (6.1, B3 to B8).
    ///
    /// # Errors
    /// [`Error::PublicKey`] of a point that is not on the curve, [`Error::Exchange`], [`Error::TooLong`].
    pub fn finish(self, point: &[u8], length: usize) -> Result<Agreed, Error> {
        let Initiator {
            key,
            ephemeral,
            z,
            peer,
            peer_z,
        } = self.0;
        let point = PublicKey::from_sec1(point)?;
        let shared = shared(&key, &ephemeral, &peer, &point)?;
        let own = ephemeral.public_key();
        let [responder, initiator] = confirmations(&shared, &peer_z, &z, &point, &own);
        Ok(Agreed {
            key: derived(&[&*shared, &peer_z, &z], length)?,
            own: responder,
            expected: initiator,
        })
    }
}

/// What both sides come to from the secret that they share (6.1, A7 and B6).
fn derived(secret: &[&[u8]], length: usize) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut key = Zeroizing::new(vec![0; length]);
    kdf_of_parts(secret, &mut key)?;
    Ok(key)
}

/// Answers an exchange that the other side began with `point`, R_A, as `key`, known as `id` (6.1, B1 to B8). Gives
/// R_B, which is sent back, and the key of `length` bytes.
///
/// # Errors
/// [`Error::PublicKey`] of a point that is not on the curve, [`Error::Exchange`], [`Error::TooLong`],
/// [`Error::Random`], [`Error::Identity`].
pub fn respond(
    key: &PrivateKey,
    id: &[u8],
    peer: Party<'_>,
    point: &[u8],
    length: usize,
) -> Result<([u8; 65], Agreed), Error> {
    let responder = Responder::new(key, id, peer)?;
    Ok((responder.point(), responder.finish(point, length)?))
}

/// A key that both sides should have come to.
pub struct Agreed {
    key: Zeroizing<Vec<u8>>,
    own: [u8; DIGEST],
    expected: [u8; DIGEST],
}

impl Agreed {
    /// What proves to the other side that this one has the key: S_A of who began, S_B of who answered.
    pub fn confirmation(&self) -> [u8; DIGEST] {
        self.own
    }

    /// The key, once the other side has proved that it has it.
    ///
    /// # Errors
    /// [`Error::Exchange`] where the confirmation is not that of the other side.
    pub fn confirm(self, confirmation: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        if bool::from(self.expected.as_slice().ct_eq(confirmation)) {
            Ok(self.key)
        } else {
            Err(Error::Exchange)
        }
    }

    /// The key, the confirmation of this side and the one that is awaited, for who compares by other means: in constant
    /// time.
    pub fn into_parts(self) -> (Zeroizing<Vec<u8>>, [u8; DIGEST], [u8; DIGEST]) {
        (self.key, self.own, self.expected)
    }

    /// The key without a proof, where the protocol has none: confirmation is optional in the standard.
    pub fn unconfirmed(self) -> Zeroizing<Vec<u8>> {
        self.key
    }
}

impl std::fmt::Debug for Agreed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("sm2::exchange::Agreed(..)")
    }
}

/// x and y of U, which is V on the other side (6.1, A5 to A7 and B3 to B6). The cofactor h is 1.
fn shared(
    key: &PrivateKey,
    ephemeral: &PrivateKey,
    peer: &PublicKey,
    peer_point: &PublicKey,
) -> Result<Zeroizing<[u8; 64]>, Error> {
    let t = Zeroizing::new(**key.scalar() + halved(&ephemeral.public_key()) * **ephemeral.scalar());
    let point = (peer.point() + peer_point.point() * halved(peer_point)) * *t;
    if bool::from(point.is_identity()) {
        return Err(Error::Exchange);
    }
    Ok(Zeroizing::new(coordinates(&point)))
}

/// 2^w + (x & (2^w - 1)) with w = 127 (6.1, A4).
fn halved(point: &PublicKey) -> Scalar {
    let mut number = [0; 32];
    number[16..].copy_from_slice(&point.coordinates()[16..32]);
    number[16] |= 0x80;
    Scalar::reduce(&FieldBytes::from(number))
}

/// S_B and S_A, in this order (6.1, A9, B7 and A10, B9).
fn confirmations(
    shared: &[u8; 64],
    initiator: &[u8; DIGEST],
    responder: &[u8; DIGEST],
    one: &PublicKey,
    two: &PublicKey,
) -> [[u8; DIGEST]; 2] {
    let (x, y) = shared.split_at(32);
    let mut inner = Sm3::new();
    inner.update(x);
    inner.update(initiator);
    inner.update(responder);
    inner.update(&one.coordinates());
    inner.update(&two.coordinates());
    let inner = inner.finish();
    [2, 3].map(|side| {
        let mut digest = Sm3::new();
        digest.update(&[side]);
        digest.update(y);
        digest.update(&inner);
        digest.finish()
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{super::DEFAULT_ID, super::tests::hex, *};

    fn key(digits: &str) -> PrivateKey {
        PrivateKey::from_bytes(&hex(digits)).unwrap()
    }

    fn party(key: &PrivateKey) -> Party<'static> {
        Party {
            key: key.public_key(),
            id: DEFAULT_ID,
        }
    }

    /// GB/T 32918.5-2017, B.2.
    #[test]
    fn the_exchange_is_that_of_the_standard() {
        let a = key("81EB26E9 41BB5AF1 6DF11649 5F906952 72AE2CD6 3D6C4AE1 678418BE 48230029");
        let b = key("78512991 7D45A9EA 5437A593 56B82338 EAADDA6C EB199088 F14AE10D EFA229B5");
        let r_a = key("D4DE1547 4DB74D06 491C440D 305E0124 00990F3E 390C7E87 153C12DB 2EA60BB3");
        let r_b = key("7E071248 14B30948 9125EAED 10111316 4EBF0F34 58C5BD88 335C1F9D 596243D6");

        let begun = Initiator::with(&a, DEFAULT_ID, party(&b), r_a).unwrap();
        let responder = Responder(Initiator::with(&b, DEFAULT_ID, party(&a), r_b).unwrap());
        let point = responder.point();
        let answered = responder.finish(&begun.point(), 16).unwrap();
        let agreed = begun.finish(&point, 16).unwrap();
        let s_b = "D3A0FE15 DEE185CE AE907A6B 595CC32A 266ED7B3 367E9983 A896DC32 FA20F8EB";
        let s_a = "18C7894B 3816DF16 CF07B05C 5EC0BEF5 D655D58F 779CC1B4 00A4F388 4644DB88";
        assert_eq!(answered.confirmation().to_vec(), hex(s_b));
        assert_eq!(agreed.confirmation().to_vec(), hex(s_a));
        let expected = hex("6C893473 54DE2484 C60B4AB1 FDE4C6E5");
        assert_eq!(*answered.confirm(&agreed.confirmation()).unwrap(), expected);
        assert_eq!(*agreed.confirm(&hex(s_b)).unwrap(), expected);
    }

    /// Who chooses R so that P + x R is the point at infinity would know the key without having one (6.1, A7).
    #[test]
    fn a_point_that_leaves_no_key_is_refused() {
        let (a, b) = (
            PrivateKey::generate().unwrap(),
            PrivateKey::generate().unwrap(),
        );
        let begun = Initiator::new(&a, DEFAULT_ID, party(&b)).unwrap();
        // P = -x R, with an R of which the x is known beforehand.
        let r = PrivateKey::generate().unwrap();
        let evil = -(r.public_key().point() * halved(&r.public_key()));
        let evil = [&[4][..], &coordinates(&evil)].concat();
        let begun = Initiator {
            peer: PublicKey::from_sec1(&evil).unwrap(),
            ..begun
        };
        let refused = begun.finish(&r.public_key().to_sec1(), 16);
        assert!(matches!(refused, Err(Error::Exchange)));
    }
}
