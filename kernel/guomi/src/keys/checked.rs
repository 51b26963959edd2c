//! Keys that check what they are used for, each time, and say so when they are first used so.
//!
//! What was opened is a version as it was then; whether it may still be used depends on how it stands now.

use std::sync::Arc;

use weihe_sm::{
    sm2::{Layout, Signature},
    sm3,
    sm4::TAG,
};
use zeroize::Zeroizing;

use super::{
    About, Aead, AeadMode, Agreed, Direction, Exchange, Key, KeyError, Mac, Mode, Provider, Sealer,
    Secret, Stream, Terms, Use,
};

/// Who is told what a key is used for, and what was refused.
pub(super) trait Witness: Send + Sync {
    fn used(&self, about: &About, wanted: Use);
    fn refused(&self, about: &About, wanted: Use, error: &KeyError);
}

/// A key of a provider, behind the check of its uses.
pub(super) struct Checked {
    key: Arc<dyn Key>,
    pass: Arc<Pass>,
}

/// What uses of a key are checked with.
struct Pass {
    about: About,
    provider: Arc<dyn Provider>,
    witness: Box<dyn Witness>,
}

impl Pass {
    fn check(&self, wanted: Use) -> Result<(), KeyError> {
        let standing = self.provider.standing(&self.about);
        match standing.and_then(|standing| self.about.allow_as(standing, wanted)) {
            Ok(()) => {
                self.witness.used(&self.about, wanted);
                Ok(())
            }
            Err(error) => {
                self.witness.refused(&self.about, wanted, &error);
                Err(error)
            }
        }
    }
}

impl Checked {
    pub(super) fn new(
        key: Arc<dyn Key>,
        provider: Arc<dyn Provider>,
        witness: Box<dyn Witness>,
    ) -> Self {
        let pass = Pass {
            about: key.about().clone(),
            provider,
            witness,
        };
        let pass = Arc::new(pass);
        Self { key, pass }
    }

    fn check(&self, wanted: Use) -> Result<(), KeyError> {
        self.pass.check(wanted)
    }

    fn gate<T: ?Sized>(&self, inner: Box<T>) -> Box<Gate<T>> {
        let pass = self.pass.clone();
        Box::new(Gate { inner, pass })
    }

    /// What was begun for a use, which it takes to its end.
    fn begun<T: ?Sized>(&self, wanted: Use, inner: Box<T>) -> Box<Begun<T>> {
        let pass = self.pass.clone();
        Box::new(Begun {
            inner,
            wanted,
            pass,
        })
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

    fn exchange(&self, terms: &Terms) -> Result<Box<dyn Exchange>, KeyError> {
        self.check(Use::Agree)?;
        Ok(self.begun(Use::Agree, self.key.exchange(terms)?))
    }

    fn aead(&self, mode: AeadMode) -> Result<Box<dyn Aead>, KeyError> {
        Ok(self.gate(self.key.aead(mode)?))
    }

    fn sealer(&self, nonce: &[u8], associated: &[u8]) -> Result<Box<dyn Sealer>, KeyError> {
        self.check(Use::Encrypt)?;
        Ok(self.begun(Use::Encrypt, self.key.sealer(nonce, associated)?))
    }

    fn cipher(
        &self,
        mode: Mode,
        direction: Direction,
        iv: &[u8],
    ) -> Result<Box<dyn Stream>, KeyError> {
        let wanted = match direction {
            Direction::Encrypt => Use::Encrypt,
            Direction::Decrypt => Use::Decrypt,
        };
        self.check(wanted)?;
        Ok(self.begun(wanted, self.key.cipher(mode, direction, iv)?))
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
    pass: Arc<Pass>,
}

impl Aead for Gate<dyn Aead> {
    fn seal(
        &self,
        nonce: &[u8],
        associated: &[u8],
        data: &mut [u8],
    ) -> Result<[u8; TAG], KeyError> {
        self.pass.check(Use::Encrypt)?;
        self.inner.seal(nonce, associated, data)
    }

    fn open(
        &self,
        nonce: &[u8],
        associated: &[u8],
        data: &mut [u8],
        tag: &[u8; TAG],
    ) -> Result<(), KeyError> {
        self.pass.check(Use::Decrypt)?;
        self.inner.open(nonce, associated, data, tag)
    }
}

impl Mac for Gate<dyn Mac> {
    fn update(&mut self, data: &[u8]) -> Result<(), KeyError> {
        self.inner.update(data)
    }

    fn finish(self: Box<Self>) -> Result<[u8; sm3::DIGEST], KeyError> {
        self.pass.check(Use::Mac)?;
        self.inner.finish()
    }

    fn verify(self: Box<Self>, tag: &[u8]) -> Result<(), KeyError> {
        self.pass.check(Use::Verify)?;
        self.inner.verify(tag)
    }
}

/// What does one thing, in pieces.
struct Begun<T: ?Sized> {
    inner: Box<T>,
    wanted: Use,
    pass: Arc<Pass>,
}

impl Sealer for Begun<dyn Sealer> {
    fn apply(&mut self, data: &mut [u8]) -> Result<(), KeyError> {
        self.pass.check(self.wanted)?;
        self.inner.apply(data)
    }

    fn finish(self: Box<Self>) -> Result<[u8; TAG], KeyError> {
        self.pass.check(self.wanted)?;
        self.inner.finish()
    }
}

impl Stream for Begun<dyn Stream> {
    fn update(&mut self, data: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.pass.check(self.wanted)?;
        self.inner.update(data)
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, KeyError> {
        self.pass.check(self.wanted)?;
        self.inner.finish()
    }
}

impl Exchange for Begun<dyn Exchange> {
    fn ephemeral(&self) -> [u8; 65] {
        self.inner.ephemeral()
    }

    fn finish(self: Box<Self>, peer: &[u8]) -> Result<Agreed, KeyError> {
        self.pass.check(self.wanted)?;
        self.inner.finish(peer)
    }
}
