//! Keys that check what they are used for, and say so when they are first used.

use std::sync::Arc;

use weihe_sm::{
    sm2::{Layout, PublicKey, Signature},
    sm3,
    sm4::TAG,
};
use zeroize::Zeroizing;

use super::{
    About, Aead, AeadMode, Direction, Exchange, Key, KeyError, Mac, Mode, Opener, Sealer, Secret,
    Stream, Terms, Use,
};

/// Who is told what a key is used for, and what was refused.
pub(super) trait Witness: Send + Sync {
    fn used(&self, about: &About, wanted: Use);
    fn refused(&self, about: &About, wanted: Use, error: &KeyError);
}

/// A key of a provider, behind the check of its uses.
pub(super) struct Checked {
    key: Arc<dyn Key>,
    witness: Arc<dyn Witness>,
}

impl Checked {
    pub(super) fn new(key: Arc<dyn Key>, witness: Arc<dyn Witness>) -> Self {
        Self { key, witness }
    }

    fn check(&self, wanted: Use) -> Result<(), KeyError> {
        check(self.key.about(), &*self.witness, wanted)
    }

    fn gate<T: ?Sized>(&self, inner: Box<T>) -> Box<Gate<T>> {
        Box::new(Gate {
            inner,
            about: self.key.about().clone(),
            witness: self.witness.clone(),
        })
    }
}

fn check(about: &About, witness: &dyn Witness, wanted: Use) -> Result<(), KeyError> {
    match about.allow(wanted) {
        Ok(()) => {
            witness.used(about, wanted);
            Ok(())
        }
        Err(error) => {
            witness.refused(about, wanted, &error);
            Err(error)
        }
    }
}

impl std::fmt::Debug for Checked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.key.fmt(f)
    }
}

impl Key for Checked {
    fn about(&self) -> &About {
        self.key.about()
    }

    fn sign_digest(&self, digest: &[u8; sm3::DIGEST]) -> Result<Signature, KeyError> {
        self.check(Use::Sign)?;
        self.key.sign_digest(digest)
    }

    fn decrypt(&self, layout: Layout, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        self.check(Use::Decrypt)?;
        self.key.decrypt(layout, ciphertext)
    }

    fn agree(&self, peer: &PublicKey) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        self.check(Use::Agree)?;
        self.key.agree(peer)
    }

    fn exchange(&self, terms: &Terms) -> Result<Box<dyn Exchange>, KeyError> {
        self.check(Use::Agree)?;
        self.key.exchange(terms)
    }

    fn aead(&self, mode: AeadMode) -> Result<Box<dyn Aead>, KeyError> {
        Ok(self.gate(self.key.aead(mode)?))
    }

    fn sealer(&self, nonce: &[u8], associated: &[u8]) -> Result<Box<dyn Sealer>, KeyError> {
        self.check(Use::Encrypt)?;
        self.key.sealer(nonce, associated)
    }

    fn opener(&self, nonce: &[u8], associated: &[u8]) -> Result<Box<dyn Opener>, KeyError> {
        self.check(Use::Decrypt)?;
        self.key.opener(nonce, associated)
    }

    fn cipher(
        &self,
        mode: Mode,
        direction: Direction,
        iv: &[u8],
    ) -> Result<Box<dyn Stream>, KeyError> {
        self.check(match direction {
            Direction::Encrypt => Use::Encrypt,
            Direction::Decrypt => Use::Decrypt,
        })?;
        self.key.cipher(mode, direction, iv)
    }

    fn mac(&self) -> Result<Box<dyn Mac>, KeyError> {
        Ok(self.gate(self.key.mac()?))
    }

    fn export(&self) -> Result<Secret, KeyError> {
        self.check(Use::Export)?;
        self.key.export()
    }
}

/// What does two things, each of which is a use of its own.
struct Gate<T: ?Sized> {
    inner: Box<T>,
    about: About,
    witness: Arc<dyn Witness>,
}

impl Aead for Gate<dyn Aead> {
    fn seal(
        &self,
        nonce: &[u8],
        associated: &[u8],
        data: &mut [u8],
    ) -> Result<[u8; TAG], KeyError> {
        check(&self.about, &*self.witness, Use::Encrypt)?;
        self.inner.seal(nonce, associated, data)
    }

    fn open(
        &self,
        nonce: &[u8],
        associated: &[u8],
        data: &mut [u8],
        tag: &[u8; TAG],
    ) -> Result<(), KeyError> {
        check(&self.about, &*self.witness, Use::Decrypt)?;
        self.inner.open(nonce, associated, data, tag)
    }
}

impl Mac for Gate<dyn Mac> {
    fn update(&mut self, data: &[u8]) -> Result<(), KeyError> {
        self.inner.update(data)
    }

    fn finish(self: Box<Self>) -> Result<[u8; sm3::DIGEST], KeyError> {
        check(&self.about, &*self.witness, Use::Mac)?;
        self.inner.finish()
    }

    fn verify(self: Box<Self>, tag: &[u8]) -> Result<(), KeyError> {
        check(&self.about, &*self.witness, Use::Verify)?;
        self.inner.verify(tag)
    }
}
