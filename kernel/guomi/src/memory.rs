//! Keys in memory: those that components bring or agree on, which are in no store, and those of tests.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use weihe_sm::sm2::{self, PrivateKey, PublicKey, Signature, exchange};
use weihe_sm::sm3::{DIGEST, Hmac};
use weihe_sm::sm4::{self, BLOCK, Cbc, Ctr, Decryptor, Ecb, Encryptor, GcmSealer, TAG};
use zeroize::Zeroizing;

use crate::capability::Keyring;
use crate::keys::{
    About, Aead, AeadMode, Agreed, Algorithm, Direction, Exchange, Key, KeyError, Layout, Mac,
    Mode, NewKey, Padding, Role, Sealer, Secret, Stream, Terms, Uses,
};

/// What keeps these keys.
pub const MEMORY: &str = "memory";

/// What a key in no store is called.
const LOOSE: &str = "loose";

/// Where a key in no store comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The component has it already, or may have it.
    Brought,
    /// It was made in the host and stays there.
    Made,
}

/// A key in memory.
pub struct MemoryKey {
    about: About,
    secret: Held,
}

enum Held {
    Private(PrivateKey),
    /// For SM4, HMAC-SM3 or both.
    Bytes(Zeroizing<Vec<u8>>),
}

impl fmt::Debug for MemoryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryKey({}, ..)", self.about.name)
    }
}

impl MemoryKey {
    /// A symmetric key that is in no store. With 16 bytes it is one for SM4, too.
    pub fn loose(bytes: Vec<u8>, origin: Origin) -> Self {
        let mac = Algorithm::HmacSm3.uses().iter();
        let (algorithm, uses) = match bytes.len() {
            BLOCK => (
                Algorithm::Sm4,
                Algorithm::Sm4.uses().iter().chain(mac).collect(),
            ),
            _ => (Algorithm::HmacSm3, mac.collect()),
        };
        let new = NewKey {
            uses,
            exportable: origin == Origin::Brought,
            ..NewKey::new(LOOSE, algorithm)
        };
        Self {
            about: about(&new, None),
            secret: Held::Bytes(Zeroizing::new(bytes)),
        }
    }

    fn of(new: &NewKey, secret: &Secret) -> Self {
        let (public, secret) = match secret {
            Secret::Sm2(key) => (Some(key.public_key()), Held::Private(key.clone())),
            Secret::Sm4(key) => (None, Held::Bytes(Zeroizing::new(key.as_bytes().to_vec()))),
            Secret::HmacSm3(key) => (None, Held::Bytes(key.clone())),
        };
        Self {
            about: about(new, public),
            secret,
        }
    }

    fn private(&self, what: &'static str) -> Result<&PrivateKey, KeyError> {
        match &self.secret {
            Held::Private(key) => Ok(key),
            Held::Bytes(_) => Err(self.unsuitable(what)),
        }
    }

    fn sm4(&self) -> Result<sm4::Key, KeyError> {
        match &self.secret {
            Held::Bytes(bytes) if self.about.algorithm == Algorithm::Sm4 => {
                Ok(sm4::Key::from_bytes(bytes)?)
            }
            _ => Err(self.unsuitable("encrypt and decrypt with SM4")),
        }
    }
}

fn about(new: &NewKey, public_key: Option<PublicKey>) -> About {
    About {
        name: new.name.clone(),
        algorithm: new.algorithm,
        version: 1,
        current: true,
        created: 0,
        exportable: new.exportable,
        uses: new.uses,
        public_key,
        certificate: None,
        provider: MEMORY.to_owned(),
    }
}

impl Key for MemoryKey {
    fn about(&self) -> &About {
        &self.about
    }

    fn sign_digest(&self, digest: &[u8; DIGEST]) -> Result<Signature, KeyError> {
        Ok(self.private("sign")?.sign_digest(digest)?)
    }

    fn decrypt(&self, layout: Layout, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let layout = match layout {
            Layout::C1C3C2 => sm2::Layout::C1C3C2,
            Layout::C1C2C3 => sm2::Layout::C1C2C3,
            Layout::Der => sm2::Layout::Der,
        };
        Ok(self
            .private("decrypt with SM2")?
            .decrypt(layout, ciphertext)?)
    }

    fn agree(&self, peer: &PublicKey) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        Ok(self.private("agree on keys")?.agree(peer))
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
            AeadMode::Gcm => sm4::Aead::gcm(&key),
            AeadMode::Ccm => sm4::Aead::ccm(&key),
        }))
    }

    fn sealer(&self, nonce: &[u8], associated: &[u8]) -> Result<Box<dyn Sealer>, KeyError> {
        Ok(Box::new(GcmSealer::new(&self.sm4()?, nonce, associated)?))
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
                Box::new(Ecb::new(&key).encryptor(filled(padding)))
            }
            (Mode::Ecb(padding), Direction::Decrypt) => {
                Box::new(Ecb::new(&key).decryptor(filled(padding)))
            }
            (Mode::Cbc(padding), Direction::Encrypt) => {
                Box::new(Cbc::new(&key).encryptor(block(iv)?, filled(padding)))
            }
            (Mode::Cbc(padding), Direction::Decrypt) => {
                Box::new(Cbc::new(&key).decryptor(block(iv)?, filled(padding)))
            }
            (Mode::Ctr, _) => Box::new(Ctr::new(&key, block(iv)?)),
        })
    }

    fn mac(&self) -> Result<Box<dyn Mac>, KeyError> {
        match &self.secret {
            Held::Bytes(bytes) => Ok(Box::new(Hmac::new(bytes))),
            Held::Private(_) => Err(self.unsuitable("make MACs")),
        }
    }

    fn export(&self) -> Result<Secret, KeyError> {
        if !self.about.exportable {
            let name = self.about.name.clone();
            return Err(KeyError::NotExportable { name });
        }
        Ok(match &self.secret {
            Held::Private(key) => Secret::Sm2(key.clone()),
            Held::Bytes(bytes) => Secret::HmacSm3(bytes.clone()),
        })
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

/// Keys that live as long as this: for tests, in the sandbox and of the house.
#[derive(Debug, Default)]
pub struct MemoryKeys(Mutex<BTreeMap<String, Arc<MemoryKey>>>);

impl MemoryKeys {
    /// Makes a key of random numbers, in place of one of that name.
    ///
    /// # Errors
    /// Those of [`NewKey::check`]; [`KeyError::Crypto`].
    pub fn generate(&self, new: &NewKey) -> Result<About, KeyError> {
        let secret = match new.algorithm {
            Algorithm::Sm2 => Secret::Sm2(PrivateKey::generate()?),
            Algorithm::Sm4 => Secret::Sm4(sm4::Key::generate()?),
            Algorithm::HmacSm3 => {
                let mut bytes = Zeroizing::new(vec![0; DIGEST]);
                weihe_sm::random(&mut bytes)?;
                Secret::HmacSm3(bytes)
            }
        };
        self.import(new, &secret)
    }

    /// Takes in a key, in place of one of that name.
    ///
    /// # Errors
    /// Those of [`NewKey::check`]; [`KeyError::Algorithm`] where the secret is not one of its algorithm.
    pub fn import(&self, new: &NewKey, secret: &Secret) -> Result<About, KeyError> {
        new.check()?;
        if secret.algorithm() != new.algorithm {
            return Err(KeyError::Algorithm {
                expected: new.algorithm,
                found: secret.algorithm(),
            });
        }
        let key = MemoryKey::of(new, secret);
        let about = key.about.clone();
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.insert(new.name.clone(), Arc::new(key));
        Ok(about)
    }
}

impl Keyring for MemoryKeys {
    fn list(&self) -> Result<Vec<About>, KeyError> {
        let keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(keys.values().map(|key| key.about.clone()).collect())
    }

    fn open(
        &self,
        _device: &str,
        name: &str,
        version: Option<u32>,
        wanted: Uses,
    ) -> Result<Arc<dyn Key>, KeyError> {
        let keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(key) = keys.get(name) else {
            return Err(KeyError::Unknown {
                name: name.to_owned(),
                known: keys.keys().cloned().collect(),
            });
        };
        if let Some(version) = version.filter(|version| *version != key.about.version) {
            let name = name.to_owned();
            return Err(KeyError::UnknownVersion { name, version });
        }
        for wanted in wanted.iter() {
            key.about.allow(wanted)?;
        }
        Ok(key.clone())
    }
}
