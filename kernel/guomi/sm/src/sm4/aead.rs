use aes_gcm::{
    AesGcm, KeyInit,
    aead::{AeadInOut, consts::U12, consts::U16},
};
use ccm::Ccm;
use sm4::Sm4;

use super::Key;
use crate::Error;

/// Bytes of a nonce.
pub const NONCE: usize = 12;
/// Bytes of a tag.
pub const TAG: usize = 16;

/// Authenticated encryption with SM4: GCM (NIST SP 800-38D) or CCM (RFC 3610), with nonces of 12 bytes and tags of 16.
///
/// A nonce must never serve twice under one key.
#[derive(Clone)]
pub struct Aead(Mode);

#[derive(Clone)]
enum Mode {
    Gcm(Box<AesGcm<Sm4, U12>>),
    Ccm(Box<Ccm<Sm4, U16, U12>>),
}

impl Aead {
    /// SM4-GCM under `key`.
    pub fn gcm(key: &Key) -> Self {
        Self(Mode::Gcm(Box::new(AesGcm::new(key.as_bytes().into()))))
    }

    /// SM4-CCM under `key`.
    pub fn ccm(key: &Key) -> Self {
        Self(Mode::Ccm(Box::new(Ccm::new(key.as_bytes().into()))))
    }

    /// Encrypts `data` where it is, and gives the tag over it and `associated` data.
    ///
    /// # Errors
    /// [`Error::TooLong`] where the mode cannot take as much in one message.
    pub fn seal(
        &self,
        nonce: &[u8; NONCE],
        associated: &[u8],
        data: &mut [u8],
    ) -> Result<[u8; TAG], Error> {
        let (tag, limit) = match &self.0 {
            Mode::Gcm(gcm) => (
                gcm.encrypt_inout_detached(nonce.into(), associated, data.into()),
                (1 << 36) - 32,
            ),
            Mode::Ccm(ccm) => (
                ccm.encrypt_inout_detached(nonce.into(), associated, data.into()),
                (1 << 24) - 1,
            ),
        };
        match tag {
            Ok(tag) => Ok(tag.into()),
            Err(_) => Err(Error::TooLong {
                what: "a message",
                limit,
            }),
        }
    }

    /// Decrypts `data` where it is, after checking the tag over it and `associated` data.
    ///
    /// # Errors
    /// [`Error::Decrypt`]; nothing of `data` is plaintext then.
    pub fn open(
        &self,
        nonce: &[u8; NONCE],
        associated: &[u8],
        data: &mut [u8],
        tag: &[u8; TAG],
    ) -> Result<(), Error> {
        match &self.0 {
            Mode::Gcm(gcm) => {
                gcm.decrypt_inout_detached(nonce.into(), associated, data.into(), tag.into())
            }
            Mode::Ccm(ccm) => {
                ccm.decrypt_inout_detached(nonce.into(), associated, data.into(), tag.into())
            }
        }
        .map_err(|_| Error::Decrypt)
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_was_tampered_with_is_refused() {
        let key = Key::generate().unwrap();
        for aead in [Aead::gcm(&key), Aead::ccm(&key)] {
            let mut data = *b"a secret of some length";
            let tag = aead.seal(&[7; NONCE], b"head", &mut data).unwrap();
            let mut tampered = data;
            tampered[3] ^= 1;
            assert_eq!(
                aead.open(&[7; NONCE], b"head", &mut tampered, &tag),
                Err(Error::Decrypt)
            );
            assert_eq!(
                aead.open(&[7; NONCE], b"Head", &mut data.clone(), &tag),
                Err(Error::Decrypt)
            );
            aead.open(&[7; NONCE], b"head", &mut data, &tag).unwrap();
            assert_eq!(&data, b"a secret of some length");
        }
    }
}
