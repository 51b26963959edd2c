use std::fmt;

use weihe_sm::{
    sm2::{self, PublicKey, Signature},
    sm3::{self, Hmac},
    sm4::{self, TAG},
};
use zeroize::Zeroizing;

use crate::keys::{About, Aead, AeadMode, Key, KeyError, Layout, Mac, Secret, Use};

/// A key that was read from its file and works in this process.
pub(in crate::keys) struct SoftKey {
    pub about: About,
    pub secret: Secret,
}

impl fmt::Debug for SoftKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "SoftKey({}, version {}, ..)",
            self.about.name, self.about.version
        )
    }
}

impl Key for SoftKey {
    fn about(&self) -> &About {
        &self.about
    }

    fn sign_digest(&self, digest: &[u8; sm3::DIGEST]) -> Result<Signature, KeyError> {
        match &self.secret {
            Secret::Sm2(key) => Ok(key.sign_digest(digest)?),
            _ => Err(self.unsuitable("sign")),
        }
    }

    fn decrypt(&self, layout: Layout, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let layout = match layout {
            Layout::C1C3C2 => sm2::Layout::C1C3C2,
            Layout::C1C2C3 => sm2::Layout::C1C2C3,
            Layout::Der => sm2::Layout::Der,
        };
        match &self.secret {
            Secret::Sm2(key) => Ok(key.decrypt(layout, ciphertext)?),
            _ => Err(self.unsuitable("decrypt with SM2")),
        }
    }

    fn agree(&self, peer: &PublicKey) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        match &self.secret {
            Secret::Sm2(key) => Ok(key.agree(peer)),
            _ => Err(self.unsuitable("agree on keys")),
        }
    }

    fn aead(&self, mode: AeadMode) -> Result<Box<dyn Aead>, KeyError> {
        match (&self.secret, mode) {
            (Secret::Sm4(key), AeadMode::Gcm) => Ok(Box::new(SoftAead(sm4::Aead::gcm(key)))),
            (Secret::Sm4(key), AeadMode::Ccm) => Ok(Box::new(SoftAead(sm4::Aead::ccm(key)))),
            _ => Err(self.unsuitable("encrypt and decrypt with SM4")),
        }
    }

    fn mac(&self) -> Result<Box<dyn Mac>, KeyError> {
        match &self.secret {
            Secret::HmacSm3(key) => Ok(Box::new(SoftMac(Hmac::new(key)))),
            _ => Err(self.unsuitable("make MACs")),
        }
    }

    fn export(&self) -> Result<Secret, KeyError> {
        self.about.allow(Use::Export)?;
        Ok(self.secret.clone())
    }
}

struct SoftAead(sm4::Aead);

/// The nonce, in the length that the mode takes.
fn nonce(bytes: &[u8]) -> Result<&[u8; sm4::NONCE], KeyError> {
    bytes.try_into().map_err(|_| {
        KeyError::Crypto(weihe_sm::Error::Length {
            what: "a nonce",
            expected: "12",
            found: bytes.len(),
        })
    })
}

impl Aead for SoftAead {
    fn seal(
        &self,
        bytes: &[u8],
        associated: &[u8],
        data: &mut [u8],
    ) -> Result<[u8; TAG], KeyError> {
        Ok(self.0.seal(nonce(bytes)?, associated, data)?)
    }

    fn open(
        &self,
        bytes: &[u8],
        associated: &[u8],
        data: &mut [u8],
        tag: &[u8; TAG],
    ) -> Result<(), KeyError> {
        Ok(self.0.open(nonce(bytes)?, associated, data, tag)?)
    }
}

struct SoftMac(Hmac);

impl Mac for SoftMac {
    fn update(&mut self, data: &[u8]) -> Result<(), KeyError> {
        self.0.update(data);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<[u8; sm3::DIGEST], KeyError> {
        Ok(self.0.finish())
    }

    fn verify(self: Box<Self>, tag: &[u8]) -> Result<(), KeyError> {
        Ok(self.0.verify(tag)?)
    }
}
