use subtle::ConstantTimeEq;

use super::{Cipher, ccm::Ccm, counter::mix, gcm::Gcm};
use crate::Error;

/// Bytes of the usual nonce.
pub const NONCE: usize = 12;
/// Bytes of the full tag.
pub const TAG: usize = 16;

/// Authenticated encryption with SM4: GCM (NIST SP 800-38D) or CCM (NIST SP 800-38C, RFC 3610); both in
/// GB/T 36624-2018.
///
/// A nonce must never serve twice under one key. GCM takes one of any length but none, CCM one of 7 to 13 bytes,
/// which leave 8 to 2 that count the message's; 12 bytes are usual.
#[derive(Clone)]
pub struct Aead(Mode);

#[derive(Clone)]
enum Mode {
    Gcm(Box<Gcm>),
    Ccm(Box<Cipher>),
}

impl Aead {
    /// SM4-GCM under a key.
    pub fn gcm(key: impl Into<Cipher>) -> Self {
        Self(Mode::Gcm(Box::new(key.into().into())))
    }

    /// SM4-CCM under a key.
    pub fn ccm(key: impl Into<Cipher>) -> Self {
        Self(Mode::Ccm(Box::new(key.into())))
    }

    /// Encrypts `data` where it is, and gives the tag over it and `associated` data.
    ///
    /// # Errors
    /// [`Error::Length`] where the mode takes no such nonce, [`Error::TooLong`] where it cannot take as much in one
    /// message; `data` is left alone then.
    pub fn seal(
        &self,
        nonce: &[u8],
        associated: &[u8],
        data: &mut [u8],
    ) -> Result<[u8; TAG], Error> {
        self.seal_within(TAG, nonce, associated, data)
    }

    /// Decrypts `data` where it is, after checking the tag over it and `associated` data.
    ///
    /// # Errors
    /// [`Error::Decrypt`], or [`Error::Length`] where the mode takes no such nonce; `data` is left alone then.
    pub fn open(
        &self,
        nonce: &[u8],
        associated: &[u8],
        data: &mut [u8],
        tag: &[u8; TAG],
    ) -> Result<(), Error> {
        self.open_within(nonce, associated, data, tag)
    }

    /// [`seal`](Self::seal) with a tag as long as `tag`: 4, 8 or 12 to 16 bytes with GCM (SP 800-38D, 5.2.1.2), an
    /// even number from 4 to 16 with CCM (SP 800-38C, A.1).
    ///
    /// A tag of n bits lets one forgery in 2^n through: short ones are for protocols that prescribe them.
    ///
    /// # Errors
    /// Those of [`seal`](Self::seal), and [`Error::Length`] where there is no such tag.
    pub fn seal_short(
        &self,
        nonce: &[u8],
        associated: &[u8],
        data: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), Error> {
        let length = tag.len();
        let full = self.seal_within(length, nonce, associated, data)?;
        tag.copy_from_slice(&full[..length]);
        Ok(())
    }

    /// [`open`](Self::open) with a tag of `length` bytes, which is what the protocol prescribes: never what was
    /// received.
    ///
    /// # Errors
    /// Those of [`open`](Self::open), and [`Error::Length`] where there is no such tag.
    pub fn open_short(
        &self,
        nonce: &[u8],
        associated: &[u8],
        data: &mut [u8],
        tag: &[u8],
        length: usize,
    ) -> Result<(), Error> {
        self.check_tag(length)?;
        if tag.len() != length {
            return Err(Error::Decrypt);
        }
        self.open_within(nonce, associated, data, tag)
    }

    fn seal_within(
        &self,
        length: usize,
        nonce: &[u8],
        associated: &[u8],
        data: &mut [u8],
    ) -> Result<[u8; TAG], Error> {
        self.check_tag(length)?;
        match &self.0 {
            Mode::Gcm(gcm) => {
                let mut message = gcm.message(&gcm.cipher, nonce, associated)?;
                message.grow(data.len())?;
                message.seal(data);
                Ok(message.finish().0)
            }
            Mode::Ccm(cipher) => {
                let ccm = Ccm::new(cipher, nonce, length)?;
                if data.len() as u64 > ccm.longest() {
                    return Err(Error::TooLong {
                        what: "a message of SM4-CCM with this nonce",
                        limit: ccm.longest(),
                    });
                }
                let mut tag = *ccm.mac(associated, data);
                mix(&mut tag, &*ccm.apply(data));
                Ok(tag)
            }
        }
    }

    /// Opens with a tag of a length that was checked.
    fn open_within(
        &self,
        nonce: &[u8],
        associated: &[u8],
        data: &mut [u8],
        tag: &[u8],
    ) -> Result<(), Error> {
        match &self.0 {
            Mode::Gcm(gcm) => {
                let mut message = gcm.message(&gcm.cipher, nonce, associated)?;
                message.grow(data.len()).map_err(|_| Error::Decrypt)?;
                message.hash(data);
                let (expected, mut stream) = message.finish();
                if !bool::from(expected[..tag.len()].ct_eq(tag)) {
                    return Err(Error::Decrypt);
                }
                stream.apply(data);
            }
            Mode::Ccm(cipher) => {
                let ccm = Ccm::new(cipher, nonce, tag.len())?;
                if data.len() as u64 > ccm.longest() {
                    return Err(Error::Decrypt);
                }
                let mask = ccm.apply(data);
                let mut expected = *ccm.mac(associated, data);
                mix(&mut expected, &*mask);
                if !bool::from(expected[..tag.len()].ct_eq(tag)) {
                    // The MAC is one of the plaintext, so it was decrypted: take that back.
                    ccm.apply(data);
                    return Err(Error::Decrypt);
                }
            }
        }
        Ok(())
    }

    fn check_tag(&self, found: usize) -> Result<(), Error> {
        let (what, right, expected) = match &self.0 {
            Mode::Gcm(_) => (
                "a tag of SM4-GCM",
                matches!(found, 4 | 8 | 12..=TAG),
                "4, 8 or 12 to 16",
            ),
            Mode::Ccm(_) => (
                "a tag of SM4-CCM",
                matches!(found, 4..=TAG) && found.is_multiple_of(2),
                "4, 6, 8, 10, 12, 14 or 16",
            ),
        };
        match right {
            true => Ok(()),
            false => Err(Error::Length {
                what,
                expected,
                found,
            }),
        }
    }
}

impl std::fmt::Debug for Aead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match &self.0 {
            Mode::Gcm(_) => "SM4-GCM(..)",
            Mode::Ccm(_) => "SM4-CCM(..)",
        })
    }
}
