//! Keys whose numbers are in this process.

use std::fmt;

use weihe_sm::sm2::{Layout, PrivateKey, Signature, exchange};
use weihe_sm::sm3::{DIGEST, Hmac};
use weihe_sm::sm4::{self, BLOCK, Cbc, Ctr, Decryptor, Ecb, Encryptor, GcmSealer, TAG};
use zeroize::Zeroizing;

use super::{
    About, Aead, AeadMode, Agreed, Direction, Exchange, Key, KeyError, Mac, Mode, Padding, Role,
    Sealer, Secret, Stream, Terms,
};

/// A key that works in this process: read from where it is kept, brought by a component, or agreed on.
pub(crate) struct SoftKey {
    pub(in crate::keys) about: About,
    pub(in crate::keys) secret: Secret,
}

impl fmt::Debug for SoftKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let About { name, version, .. } = &self.about;
        write!(f, "SoftKey({name}, version {version}, ..)")
    }
}

impl SoftKey {
    /// `secret`, which is what `about` says.
    pub(crate) fn new(about: About, secret: Secret) -> Self {
        Self { about, secret }
    }

    fn private(&self, what: &'static str) -> Result<&PrivateKey, KeyError> {
        match &self.secret {
            Secret::Sm2(key) => Ok(key),
            _ => Err(self.unsuitable(what)),
        }
    }

    fn sm4(&self) -> Result<&sm4::Key, KeyError> {
        match &self.secret {
            Secret::Sm4(key) => Ok(key),
            _ => Err(self.unsuitable("encrypt and decrypt with SM4")),
        }
    }
}

impl Key for SoftKey {
    fn about(&self) -> &About {
        &self.about
    }

    fn sign_digest(&self, digest: &[u8; DIGEST]) -> Result<Signature, KeyError> {
        Ok(self.private("sign")?.sign_digest(digest)?)
    }

    fn decrypt(&self, layout: Layout, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        Ok(self
            .private("decrypt with SM2")?
            .decrypt(layout, ciphertext)?)
    }

    fn exchange(&self, terms: &Terms) -> Result<Box<dyn Exchange>, KeyError> {
        let key = self.private("agree on keys")?;
        let peer = exchange::Party {
            key: terms.peer,
            id: &terms.peer_id,
        };
        let side = match terms.role {
            Role::Initiator => Side::One(exchange::Initiator::new(key, &terms.own_id, peer)?),
            Role::Responder => Side::Other(exchange::Responder::new(key, &terms.own_id, peer)?),
        };
        Ok(Box::new(Begun(side, terms.length)))
    }

    fn aead(&self, mode: AeadMode) -> Result<Box<dyn Aead>, KeyError> {
        let key = self.sm4()?;
        Ok(Box::new(match mode {
            AeadMode::Gcm => sm4::Aead::gcm(key),
            AeadMode::Ccm => sm4::Aead::ccm(key),
        }))
    }

    fn sealer(&self, nonce: &[u8], associated: &[u8]) -> Result<Box<dyn Sealer>, KeyError> {
        Ok(Box::new(GcmSealer::new(self.sm4()?, nonce, associated)?))
    }

    fn cipher(
        &self,
        mode: Mode,
        direction: Direction,
        iv: &[u8],
    ) -> Result<Box<dyn Stream>, KeyError> {
        let key = self.sm4()?;
        Ok(match (mode, direction) {
            (Mode::Ecb(_), _) if !iv.is_empty() => return Err(no_block(iv.len())),
            (Mode::Ecb(padding), Direction::Encrypt) => {
                Box::new(Ecb::new(key).encryptor(filled(padding)))
            }
            (Mode::Ecb(padding), Direction::Decrypt) => {
                Box::new(Ecb::new(key).decryptor(filled(padding)))
            }
            (Mode::Cbc(padding), Direction::Encrypt) => {
                Box::new(Cbc::new(key).encryptor(block(iv)?, filled(padding)))
            }
            (Mode::Cbc(padding), Direction::Decrypt) => {
                Box::new(Cbc::new(key).decryptor(block(iv)?, filled(padding)))
            }
            (Mode::Ctr, _) => Box::new(Ctr::new(key, block(iv)?)),
        })
    }

    fn mac(&self) -> Result<Box<dyn Mac>, KeyError> {
        match &self.secret {
            Secret::HmacSm3(key) => Ok(Box::new(Hmac::new(key))),
            // 16 bytes that a component brought serve for both; of a key that is kept the uses say that they do not.
            Secret::Sm4(key) => Ok(Box::new(Hmac::new(key.as_bytes()))),
            Secret::Sm2(_) => Err(self.unsuitable("make MACs")),
        }
    }

    fn export(&self) -> Result<Secret, KeyError> {
        if !self.about.exportable {
            let name = self.about.name.clone();
            return Err(KeyError::NotExportable { name });
        }
        Ok(self.secret.clone())
    }
}

fn filled(padding: Padding) -> sm4::Padding {
    match padding {
        Padding::None => sm4::Padding::None,
        Padding::Pkcs7 => sm4::Padding::Pkcs7,
    }
}

/// The block that a mode begins with.
fn block(iv: &[u8]) -> Result<&[u8; BLOCK], KeyError> {
    iv.try_into().map_err(|_| no_block(iv.len()))
}

fn no_block(found: usize) -> KeyError {
    KeyError::Crypto(weihe_sm::Error::Length {
        what: "what a mode of SM4 begins with",
        expected: "16, and none with ECB",
        found,
    })
}

enum Side {
    One(exchange::Initiator),
    Other(exchange::Responder),
}

/// An exchange, and how many bytes are agreed on.
struct Begun(Side, usize);

impl Exchange for Begun {
    fn ephemeral(&self) -> [u8; 65] {
        match &self.0 {
            Side::One(side) => side.point(),
            Side::Other(side) => side.point(),
        }
    }

    fn finish(self: Box<Self>, peer: &[u8]) -> Result<Agreed, KeyError> {
        let agreed = match self.0 {
            Side::One(side) => side.finish(peer, self.1),
            Side::Other(side) => side.finish(peer, self.1),
        }?;
        let (key, confirmation, expected) = agreed.into_parts();
        Ok(Agreed {
            key,
            confirmation,
            expected,
        })
    }
}

impl Aead for sm4::Aead {
    fn seal(
        &self,
        nonce: &[u8],
        associated: &[u8],
        data: &mut [u8],
    ) -> Result<[u8; TAG], KeyError> {
        Ok(Self::seal(self, nonce, associated, data)?)
    }

    fn open(
        &self,
        nonce: &[u8],
        associated: &[u8],
        data: &mut [u8],
        tag: &[u8; TAG],
    ) -> Result<(), KeyError> {
        Ok(Self::open(self, nonce, associated, data, tag)?)
    }
}

impl Sealer for GcmSealer {
    fn apply(&mut self, data: &mut [u8]) -> Result<(), KeyError> {
        Ok(Self::apply(self, data)?)
    }

    fn finish(self: Box<Self>) -> Result<[u8; TAG], KeyError> {
        Ok(Self::finish(*self))
    }
}

impl Stream for Encryptor {
    fn update(&mut self, data: &[u8]) -> Result<Vec<u8>, KeyError> {
        Ok(Self::update(self, data))
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, KeyError> {
        Ok(Self::finish(*self)?)
    }
}

impl Stream for Decryptor {
    fn update(&mut self, data: &[u8]) -> Result<Vec<u8>, KeyError> {
        Ok(Self::update(self, data))
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, KeyError> {
        Ok(Self::finish(*self)?)
    }
}

impl Stream for Ctr {
    fn update(&mut self, data: &[u8]) -> Result<Vec<u8>, KeyError> {
        Ok(Self::update(self, data))
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, KeyError> {
        Ok(Vec::new())
    }
}

impl Mac for Hmac {
    fn update(&mut self, data: &[u8]) -> Result<(), KeyError> {
        Self::update(self, data);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<[u8; DIGEST], KeyError> {
        Ok(Self::finish(*self))
    }

    fn verify(self: Box<Self>, tag: &[u8]) -> Result<(), KeyError> {
        Ok(Self::verify(*self, tag)?)
    }
}
