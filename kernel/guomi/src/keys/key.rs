//! What can be done with a key.

use std::fmt::{self, Debug};

use weihe_sm::{
    sm2::{Layout, PrivateKey, PublicKey, Signature},
    sm3,
    sm4::{self, TAG},
};
use zeroize::Zeroizing;

use super::{About, Algorithm, KeyError};

/// A version of a key that was opened.
///
/// What its algorithm cannot do, [`KeyError::Unsuitable`] says. [`KeyStore`](super::KeyStore) hands out keys that check
/// their uses first. All of it computes, and in a device it waits for that: call it where that may take its time.
pub trait Key: Send + Sync + Debug {
    /// What it is.
    fn about(&self) -> &About;

    /// Signs the digest e with SM2 (GB/T 32918.2-2016, 6.1).
    ///
    /// # Errors
    /// [`KeyError::Unsuitable`]; [`KeyError::Use`], [`KeyError::Replaced`]; [`KeyError::Crypto`].
    fn sign_digest(&self, _digest: &[u8; sm3::DIGEST]) -> Result<Signature, KeyError> {
        Err(self.unsuitable("sign"))
    }

    /// Decrypts with SM2 (GB/T 32918.4-2016, 7.1).
    ///
    /// # Errors
    /// As [`Key::sign_digest`]; whatever is wrong with the ciphertext is one error.
    fn decrypt(&self, _layout: Layout, _ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        Err(self.unsuitable("decrypt with SM2"))
    }

    /// Begins a key exchange with confirmation (GB/T 32918.3-2016, 6).
    ///
    /// # Errors
    /// As [`Key::sign_digest`].
    fn exchange(&self, _terms: &Terms) -> Result<Box<dyn Exchange>, KeyError> {
        Err(self.unsuitable("agree on keys"))
    }

    /// Authenticated encryption with SM4, a message a call.
    ///
    /// # Errors
    /// As [`Key::sign_digest`].
    fn aead(&self, _mode: AeadMode) -> Result<Box<dyn Aead>, KeyError> {
        Err(self.unsuitable("encrypt and decrypt with SM4"))
    }

    /// SM4-GCM of one message that comes in pieces.
    ///
    /// # Errors
    /// As [`Key::sign_digest`].
    fn sealer(&self, _nonce: &[u8], _associated: &[u8]) -> Result<Box<dyn Sealer>, KeyError> {
        Err(self.unsuitable("encrypt with SM4"))
    }

    /// SM4 in a mode without authentication, over data that comes in pieces. `iv` is one block: the initialisation
    /// vector of CBC, the first counter of CTR, empty with ECB.
    ///
    /// # Errors
    /// As [`Key::sign_digest`].
    fn cipher(
        &self,
        _mode: Mode,
        _direction: Direction,
        _iv: &[u8],
    ) -> Result<Box<dyn Stream>, KeyError> {
        Err(self.unsuitable("encrypt and decrypt with SM4"))
    }

    /// A MAC of data that comes in pieces.
    ///
    /// # Errors
    /// As [`Key::sign_digest`].
    fn mac(&self) -> Result<Box<dyn Mac>, KeyError> {
        Err(self.unsuitable("make MACs"))
    }

    /// The key itself.
    ///
    /// # Errors
    /// [`KeyError::NotExportable`] where it was not declared exportable when it was made.
    fn export(&self) -> Result<Secret, KeyError>;

    /// The error that says that its algorithm, or its device, cannot do this.
    fn unsuitable(&self, what: &'static str) -> KeyError {
        let about = self.about();
        KeyError::Unsuitable {
            name: about.name.clone(),
            algorithm: about.algorithm,
            provider: about.provider.clone(),
            what,
        }
    }
}

/// What a key consists of; erased when it is dropped, and not shown by `Debug`.
#[derive(Clone)]
pub enum Secret {
    /// The private key of SM2.
    Sm2(PrivateKey),
    /// The key of SM4.
    Sm4(sm4::Key),
    /// The key of HMAC-SM3.
    HmacSm3(Zeroizing<Vec<u8>>),
}

impl Secret {
    /// The algorithm that it is one of.
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Sm2(_) => Algorithm::Sm2,
            Self::Sm4(_) => Algorithm::Sm4,
            Self::HmacSm3(_) => Algorithm::HmacSm3,
        }
    }
}

impl Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({}, ..)", self.algorithm())
    }
}

/// Modes with authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AeadMode {
    /// Galois counter mode.
    Gcm,
    /// Counter with CBC-MAC.
    Ccm,
}

/// Modes without authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Each block for itself.
    Ecb(Padding),
    /// Cipher block chaining.
    Cbc(Padding),
    /// Counter mode.
    Ctr,
}

/// What stands after the last byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// Nothing: the data are whole blocks.
    None,
    /// PKCS #7 (RFC 5652, 6.3).
    Pkcs7,
}

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To ciphertext.
    Encrypt,
    /// To plaintext.
    Decrypt,
}

/// Authenticated encryption, a message a call. A nonce must never serve twice under one key.
pub trait Aead: Send + Sync {
    /// Encrypts `data` where it is, and gives the tag.
    ///
    /// # Errors
    /// [`KeyError::Use`], [`KeyError::Replaced`]; [`KeyError::Crypto`].
    fn seal(&self, nonce: &[u8], associated: &[u8], data: &mut [u8])
    -> Result<[u8; TAG], KeyError>;

    /// Decrypts `data` where it is, after checking the tag.
    ///
    /// # Errors
    /// [`KeyError::Use`]; [`KeyError::Crypto`], and nothing of `data` is plaintext then.
    fn open(
        &self,
        nonce: &[u8],
        associated: &[u8],
        data: &mut [u8],
        tag: &[u8; TAG],
    ) -> Result<(), KeyError>;
}

/// One message, sealed in pieces.
pub trait Sealer: Send {
    /// Encrypts the next piece where it is.
    ///
    /// # Errors
    /// [`KeyError::Crypto`].
    fn apply(&mut self, data: &mut [u8]) -> Result<(), KeyError>;

    /// The tag of the message.
    ///
    /// # Errors
    /// [`KeyError::Crypto`].
    fn finish(self: Box<Self>) -> Result<[u8; TAG], KeyError>;
}

/// Encryption or decryption in pieces, without authentication.
pub trait Stream: Send {
    /// What comes out for the next piece.
    ///
    /// # Errors
    /// [`KeyError::Crypto`].
    fn update(&mut self, data: &[u8]) -> Result<Vec<u8>, KeyError>;

    /// What comes out at the end.
    ///
    /// # Errors
    /// [`KeyError::Crypto`].
    fn finish(self: Box<Self>) -> Result<Vec<u8>, KeyError>;
}

/// A MAC in the making.
pub trait Mac: Send {
    /// Takes in more data.
    ///
    /// # Errors
    /// What a device said.
    fn update(&mut self, data: &[u8]) -> Result<(), KeyError>;

    /// The MAC of all data so far.
    ///
    /// # Errors
    /// [`KeyError::Use`], [`KeyError::Replaced`].
    fn finish(self: Box<Self>) -> Result<[u8; sm3::DIGEST], KeyError>;

    /// Whether `tag` is the MAC of all data so far, in constant time.
    ///
    /// # Errors
    /// [`KeyError::Crypto`] where it is not; [`KeyError::Use`].
    fn verify(self: Box<Self>, tag: &[u8]) -> Result<(), KeyError>;
}

/// Which side of a key exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A in the standard: it began.
    Initiator,
    /// B: it answers.
    Responder,
}

/// What both sides of a key exchange know beforehand.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Which side this key is.
    pub role: Role,
    /// The identity of this side.
    pub own_id: Vec<u8>,
    /// The identity of the other side.
    pub peer_id: Vec<u8>,
    /// The public key of the other side.
    pub peer: PublicKey,
    /// How many bytes to agree on.
    pub length: usize,
}

/// A key exchange under way.
pub trait Exchange: Send {
    /// R, the point for the other side, `04 x y`.
    fn ephemeral(&self) -> [u8; 65];

    /// What both sides have agreed on, from the point of the other side.
    ///
    /// # Errors
    /// [`KeyError::Crypto`].
    fn finish(self: Box<Self>, peer: &[u8]) -> Result<Agreed, KeyError>;
}

/// What a key exchange came to.
pub struct Agreed {
    /// The key.
    pub key: Zeroizing<Vec<u8>>,
    /// What this side sends for the other to compare.
    pub confirmation: [u8; sm3::DIGEST],
    /// What the other side has to send. Compare it in constant time.
    pub expected: [u8; sm3::DIGEST],
}

impl Debug for Agreed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Agreed(..)")
    }
}
