use der::{
    Decode, Encode, Sequence,
    asn1::{OctetStringRef, UintRef},
};
use sm2::{
    NonZeroScalar, ProjectivePoint,
    elliptic_curve::{Generate, Group, common::getrandom::SysRng, subtle::ConstantTimeEq},
};
use zeroize::Zeroizing;

use super::{PrivateKey, PublicKey, private::coordinates, signature::pad};
use crate::{
    Error,
    sm3::{DIGEST, Sm3, kdf},
};

/// How the parts of a ciphertext stand: the point C1, the ciphertext C2 and the check value C3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// C1 ‖ C3 ‖ C2, that of GB/T 32918.4-2016; C1 in SEC 1 form with its first byte.
    #[default]
    C1C3C2,
    /// C1 ‖ C2 ‖ C3, that of the first publication of 2010.
    C1C2C3,
    /// SM2Cipher in DER (GM/T 0009-2012, 7.2).
    Der,
}

/// SM2Cipher (GM/T 0009-2012, 7.2).
#[derive(Sequence)]
struct Form<'a> {
    x: UintRef<'a>,
    y: UintRef<'a>,
    hash: &'a OctetStringRef,
    text: &'a OctetStringRef,
}

/// The parts of a ciphertext.
struct Parts<'a> {
    c1: PublicKey,
    c2: &'a [u8],
    c3: &'a [u8],
}

impl PublicKey {
    /// Encrypts `plaintext`, which may not be empty, for who has the private key (GB/T 32918.4-2016, 6.1).
    ///
    /// # Errors
    /// [`Error::Length`] of an empty plaintext, for which the standard has no ciphertext; [`Error::TooLong`];
    /// [`Error::Random`].
    pub fn encrypt(&self, layout: Layout, plaintext: &[u8]) -> Result<Vec<u8>, Error> {
        if plaintext.is_empty() {
            return Err(Error::Length {
                what: "a plaintext for SM2",
                expected: "1 or more",
                found: 0,
            });
        }
        loop {
            let k = NonZeroScalar::try_generate_from_rng(&mut SysRng)
                .map_err(|error| Error::Random(error.to_string()))?;
            if let Some(ciphertext) = self.encrypt_with(&Zeroizing::new(k), layout, plaintext)? {
                return Ok(ciphertext);
            }
        }
    }

    /// The ciphertext with this k, or none where the standard wants another (A5).
    pub(super) fn encrypt_with(
        &self,
        k: &NonZeroScalar,
        layout: Layout,
        plaintext: &[u8],
    ) -> Result<Option<Vec<u8>>, Error> {
        let c1 = coordinates(&ProjectivePoint::mul_by_generator(k));
        let shared = Zeroizing::new(coordinates(&(self.point() * **k)));
        let mut c2 = Zeroizing::new(vec![0; plaintext.len()]);
        kdf(&*shared, &mut c2)?;
        if all_zero(&c2) {
            return Ok(None);
        }
        for (key, text) in c2.iter_mut().zip(plaintext) {
            *key ^= text;
        }
        let c3 = check(&shared, plaintext);
        layout.join(&c1, &c2, &c3).map(Some)
    }
}

impl PrivateKey {
    /// Decrypts what was encrypted for this key (GB/T 32918.4-2016, 7.1). C1 may be compressed.
    ///
    /// # Errors
    /// [`Error::Decrypt`], whatever is wrong.
    pub fn decrypt(&self, layout: Layout, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut point = [0; 65];
        point[0] = 4;
        let parts = layout.split(ciphertext, &mut point).ok_or(Error::Decrypt)?;
        let shared = self.multiply(&parts.c1);
        let mut text = Zeroizing::new(vec![0; parts.c2.len()]);
        kdf(&*shared, &mut text).map_err(|_| Error::Decrypt)?;
        let useless = all_zero(&text);
        for (key, c2) in text.iter_mut().zip(parts.c2) {
            *key ^= c2;
        }
        let same = bool::from(check(&shared, &text).ct_eq(parts.c3));
        if useless || !same {
            return Err(Error::Decrypt);
        }
        Ok(text)
    }
}

/// C3 (GB/T 32918.4-2016, 6.1, A7).
pub(super) fn check(shared: &[u8; 64], plaintext: &[u8]) -> [u8; DIGEST] {
    let (x, y) = shared.split_at(32);
    let mut digest = Sm3::new();
    digest.update(x);
    digest.update(plaintext);
    digest.update(y);
    digest.finish()
}

/// Without a branch on single bytes: they are key.
fn all_zero(bytes: &[u8]) -> bool {
    bytes.iter().fold(0, |or, byte| or | byte) == 0
}

impl Layout {
    fn join(self, c1: &[u8; 64], c2: &[u8], c3: &[u8]) -> Result<Vec<u8>, Error> {
        if self == Self::Der {
            let (x, y) = c1.split_at(32);
            return der(x, y, c2, c3).map_err(|_| Error::TooLong {
                what: "a ciphertext in DER",
                limit: u64::from(u32::from(der::Length::MAX)),
            });
        }
        let (second, third) = match self {
            Self::C1C2C3 => (c2, c3),
            _ => (c3, c2),
        };
        let mut bytes = vec![4];
        bytes.extend_from_slice(c1);
        bytes.extend_from_slice(second);
        bytes.extend_from_slice(third);
        Ok(bytes)
    }

    /// The parts of a ciphertext. `point` is room for C1 where it isn't in SEC 1 form.
    fn split<'a>(self, bytes: &'a [u8], point: &mut [u8; 65]) -> Option<Parts<'a>> {
        let (c1, c2, c3) = match self {
            Self::Der => {
                let form = Form::from_der(bytes).ok()?;
                pad(form.x.as_bytes(), &mut point[1..33])?;
                pad(form.y.as_bytes(), &mut point[33..])?;
                (&point[..], form.text.as_bytes(), form.hash.as_bytes())
            }
            Self::C1C3C2 => {
                let (c1, rest) = split_point(bytes)?;
                let (c3, c2) = rest.split_at_checked(DIGEST)?;
                (c1, c2, c3)
            }
            Self::C1C2C3 => {
                let (c1, rest) = split_point(bytes)?;
                let (c2, c3) = rest.split_at_checked(rest.len().checked_sub(DIGEST)?)?;
                (c1, c2, c3)
            }
        };
        let c1 = PublicKey::from_sec1(c1).ok()?;
        (!c2.is_empty() && c3.len() == DIGEST).then_some(Parts { c1, c2, c3 })
    }
}

/// C1 and the rest.
fn split_point(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    bytes.split_at_checked(match bytes.first()? {
        4 => 65,
        2 | 3 => 33,
        _ => return None,
    })
}

fn der(x: &[u8], y: &[u8], c2: &[u8], c3: &[u8]) -> der::Result<Vec<u8>> {
    Form {
        x: UintRef::new(x)?,
        y: UintRef::new(y)?,
        hash: OctetStringRef::new(c3)?,
        text: OctetStringRef::new(c2)?,
    }
    .to_der()
}
