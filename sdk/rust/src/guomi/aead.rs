//! SM4 that authenticates what it encrypts.

use super::{GuomiError, Secret, fixed, random};
use crate::bindings::guomi::weihe::guomi::aead::Mode;
use crate::kernel::guomi::aead as host;

/// Bytes of a nonce.
///
/// ```
/// assert_eq!(weihe_sdk::guomi::NONCE, 12);
/// ```
pub const NONCE: usize = 12;

/// Bytes of a tag.
///
/// ```
/// assert_eq!(weihe_sdk::guomi::TAG, 16);
/// ```
pub const TAG: usize = 16;

/// A nonce of random bytes, the ciphertext and the tag, in this order.
fn sealed(key: &Secret, mode: Mode, associated: &[u8], data: &[u8]) -> Result<Vec<u8>, GuomiError> {
    let mut nonce = [0; NONCE];
    random(&mut nonce)?;
    let sealed = host::seal(key.host(), mode, &nonce, associated, data)?;
    Ok([&nonce[..], &sealed].concat())
}

fn opened(
    key: &Secret,
    mode: Mode,
    associated: &[u8],
    sealed: &[u8],
) -> Result<Vec<u8>, GuomiError> {
    let Some((nonce, sealed)) = sealed.split_first_chunk::<NONCE>() else {
        return Err(GuomiError::DecryptFailed);
    };
    Ok(host::open(key.host(), mode, nonce, associated, sealed)?)
}

/// SM4-GCM (RFC 8998): encrypts, and notices every change.
///
/// ```
/// use weihe_sdk::guomi::{GuomiError, Secret, Sm4Gcm};
///
/// let seal = Sm4Gcm::new(Secret::from_bytes(&[7; 16])?);
/// let mut sealed = seal.seal(b"readable", b"secret")?;
/// assert_eq!(seal.open(b"readable", &sealed)?, b"secret");
/// sealed[20] ^= 1;
/// assert_eq!(seal.open(b"readable", &sealed), Err(GuomiError::DecryptFailed));
/// # Ok::<(), GuomiError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Sm4Gcm(Secret);

impl Sm4Gcm {
    /// With a key that is open for `ENCRYPT`, `DECRYPT` or both.
    ///
    /// ```
    /// # use weihe_sdk::guomi::{Secret, Sm4Gcm};
    /// let seal = Sm4Gcm::new(Secret::generate()?);
    /// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
    /// ```
    pub fn new(key: Secret) -> Self {
        Sm4Gcm(key)
    }

    /// Encrypts data with a random nonce; returns nonce, ciphertext and tag in one. `associated` data stays readable, and
    /// must be the same when it is opened.
    ///
    /// ```
    /// # use weihe_sdk::guomi::{NONCE, Secret, Sm4Gcm, TAG};
    /// let sealed = Sm4Gcm::new(Secret::generate()?).seal(b"", b"secret")?;
    /// assert_eq!(sealed.len(), NONCE + 6 + TAG);
    /// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
    /// ```
    pub fn seal(&self, associated: &[u8], data: &[u8]) -> Result<Vec<u8>, GuomiError> {
        sealed(&self.0, Mode::Gcm, associated, data)
    }

    /// Decrypts what [`seal`](Self::seal) has made. Whatever is wrong is [`GuomiError::DecryptFailed`].
    ///
    /// ```
    /// # use weihe_sdk::guomi::{Secret, Sm4Gcm};
    /// assert!(Sm4Gcm::new(Secret::generate()?).open(b"", b"anything").is_err());
    /// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
    /// ```
    pub fn open(&self, associated: &[u8], sealed: &[u8]) -> Result<Vec<u8>, GuomiError> {
        opened(&self.0, Mode::Gcm, associated, sealed)
    }

    /// Encrypts with a nonce that a protocol prescribes; returns ciphertext and tag. It must never serve twice under one
    /// key: two messages that do lay both open.
    ///
    /// ```
    /// # use weihe_sdk::guomi::{Secret, Sm4Gcm};
    /// # let seal = Sm4Gcm::new(Secret::generate()?);
    /// # let (invocation_counter, system_title) = (7_u32, [1; 8]);
    /// let nonce = [&system_title[..], &invocation_counter.to_be_bytes()].concat();
    /// let sealed = seal.seal_with(&nonce, b"", b"secret")?;
    /// assert_eq!(seal.open_with(&nonce, b"", &sealed)?, b"secret");
    /// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
    /// ```
    pub fn seal_with(
        &self,
        nonce: &[u8],
        associated: &[u8],
        data: &[u8],
    ) -> Result<Vec<u8>, GuomiError> {
        Ok(host::seal(
            self.0.host(),
            Mode::Gcm,
            nonce,
            associated,
            data,
        )?)
    }

    /// Decrypts what [`seal_with`](Self::seal_with) has made.
    ///
    /// ```
    /// # use weihe_sdk::guomi::{Secret, Sm4Gcm};
    /// assert!(Sm4Gcm::new(Secret::generate()?).open_with(&[0; 12], b"", &[0; 16]).is_err());
    /// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
    /// ```
    pub fn open_with(
        &self,
        nonce: &[u8],
        associated: &[u8],
        sealed: &[u8],
    ) -> Result<Vec<u8>, GuomiError> {
        Ok(host::open(
            self.0.host(),
            Mode::Gcm,
            nonce,
            associated,
            sealed,
        )?)
    }

    /// Begins a message of any length, in parts.
    ///
    /// ```
    /// # use weihe_sdk::guomi::{Secret, Sm4Gcm};
    /// let seal = Sm4Gcm::new(Secret::generate()?);
    /// let mut sealing = seal.begin(&[1; 12], b"")?;
    /// let mut sealed = sealing.update(b"much ")?;
    /// sealed.extend(sealing.update(b"data")?);
    /// sealed.extend(sealing.finish()?);
    /// assert_eq!(seal.open_with(&[1; 12], b"", &sealed)?, b"much data");
    /// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
    /// ```
    pub fn begin(&self, nonce: &[u8], associated: &[u8]) -> Result<Sealing, GuomiError> {
        let sealing = host::Sealing::begin(self.0.host(), nonce, associated)?;
        Ok(Sealing(sealing))
    }
}

/// A message that is encrypted in parts, from [`Sm4Gcm::begin`].
///
/// ```
/// # use weihe_sdk::guomi::{Sealing, GuomiError};
/// fn encrypt(mut sealing: Sealing, lines: &[&str]) -> Result<Vec<u8>, GuomiError> {
///     let mut sealed = Vec::new();
///     for line in lines {
///         sealed.extend(sealing.update(line.as_bytes())?);
///     }
///     sealed.extend(sealing.finish()?);
///     Ok(sealed)
/// }
/// ```
#[derive(Debug)]
pub struct Sealing(host::Sealing);

impl Sealing {
    /// Encrypts a part; as many bytes come out.
    ///
    /// ```
    /// # use weihe_sdk::guomi::{Secret, Sm4Gcm};
    /// let mut sealing = Sm4Gcm::new(Secret::generate()?).begin(&[1; 12], b"")?;
    /// assert_eq!(sealing.update(b"part")?.len(), 4);
    /// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
    /// ```
    pub fn update(&mut self, data: &[u8]) -> Result<Vec<u8>, GuomiError> {
        Ok(self.0.update(data)?)
    }

    /// The tag, which goes behind the last part.
    ///
    /// ```
    /// # use weihe_sdk::guomi::{Secret, Sm4Gcm};
    /// let tag: [u8; 16] = Sm4Gcm::new(Secret::generate()?).begin(&[1; 12], b"")?.finish()?;
    /// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
    /// ```
    pub fn finish(self) -> Result<[u8; TAG], GuomiError> {
        fixed(self.0.finish()?)
    }
}

/// SM4-CCM (RFC 8998): as [`Sm4Gcm`], for protocols that want it.
///
/// ```
/// use weihe_sdk::guomi::{Secret, Sm4Ccm};
///
/// let seal = Sm4Ccm::new(Secret::from_bytes(&[7; 16])?);
/// let sealed = seal.seal(b"readable", b"secret")?;
/// assert_eq!(seal.open(b"readable", &sealed)?, b"secret");
/// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Sm4Ccm(Secret);

impl Sm4Ccm {
    /// With a key that is open for `ENCRYPT`, `DECRYPT` or both.
    ///
    /// ```
    /// # use weihe_sdk::guomi::{Secret, Sm4Ccm};
    /// let seal = Sm4Ccm::new(Secret::generate()?);
    /// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
    /// ```
    pub fn new(key: Secret) -> Self {
        Sm4Ccm(key)
    }

    /// Encrypts data with a random nonce; as [`Sm4Gcm::seal`].
    ///
    /// ```
    /// # use weihe_sdk::guomi::{Secret, Sm4Ccm};
    /// assert_eq!(Sm4Ccm::new(Secret::generate()?).seal(b"", b"secret")?.len(), 12 + 6 + 16);
    /// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
    /// ```
    pub fn seal(&self, associated: &[u8], data: &[u8]) -> Result<Vec<u8>, GuomiError> {
        sealed(&self.0, Mode::Ccm, associated, data)
    }

    /// Decrypts what [`seal`](Self::seal) has made.
    ///
    /// ```
    /// # use weihe_sdk::guomi::{Secret, Sm4Ccm};
    /// assert!(Sm4Ccm::new(Secret::generate()?).open(b"", b"anything").is_err());
    /// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
    /// ```
    pub fn open(&self, associated: &[u8], sealed: &[u8]) -> Result<Vec<u8>, GuomiError> {
        opened(&self.0, Mode::Ccm, associated, sealed)
    }

    /// Encrypts with a nonce of 7 to 13 bytes that a protocol prescribes; as [`Sm4Gcm::seal_with`].
    ///
    /// ```
    /// # use weihe_sdk::guomi::{Secret, Sm4Ccm};
    /// assert_eq!(Sm4Ccm::new(Secret::generate()?).seal_with(&[1; 13], b"", b"secret")?.len(), 6 + 16);
    /// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
    /// ```
    pub fn seal_with(
        &self,
        nonce: &[u8],
        associated: &[u8],
        data: &[u8],
    ) -> Result<Vec<u8>, GuomiError> {
        Ok(host::seal(
            self.0.host(),
            Mode::Ccm,
            nonce,
            associated,
            data,
        )?)
    }

    /// Decrypts what [`seal_with`](Self::seal_with) has made.
    ///
    /// ```
    /// # use weihe_sdk::guomi::{Secret, Sm4Ccm};
    /// assert!(Sm4Ccm::new(Secret::generate()?).open_with(&[0; 12], b"", &[0; 16]).is_err());
    /// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
    /// ```
    pub fn open_with(
        &self,
        nonce: &[u8],
        associated: &[u8],
        sealed: &[u8],
    ) -> Result<Vec<u8>, GuomiError> {
        Ok(host::open(
            self.0.host(),
            Mode::Ccm,
            nonce,
            associated,
            sealed,
        )?)
    }
}
