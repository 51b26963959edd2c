//! SM4 in modes that do not authenticate.

use super::{GuomiError, Secret};
use crate::bindings::guomi::weihe::guomi::cipher as wit;
use crate::kernel::guomi::cipher as host;

/// The mode of operation, with the 16 bytes that it begins with.
///
/// ```
/// # use weihe_sdk::guomi::Mode;
/// let iv = [0; 16];
/// let mode = Mode::Cbc(&iv);
/// ```
pub use crate::bindings::guomi::weihe::guomi::cipher::Mode;

/// How the last block is filled up.
///
/// ```
/// # use weihe_sdk::guomi::Padding;
/// assert_ne!(Padding::None, Padding::Pkcs7);
/// ```
pub use crate::bindings::guomi::weihe::guomi::cipher::Padding;

/// SM4 in ECB, CBC or CTR (GB/T 32907-2016), for protocols that want it: nothing notices a change of what is encrypted so.
/// Where there is a choice, take [`Sm4Gcm`](super::Sm4Gcm).
///
/// ```
/// use weihe_sdk::guomi::{Mode, Padding, Secret, Sm4};
///
/// let (key, iv) = (Sm4::new(Secret::from_bytes(&[7; 16])?), [9; 16]);
/// let encrypted = key.encrypt(Mode::Cbc(&iv), Padding::Pkcs7, b"a frame")?;
/// assert_eq!(key.decrypt(Mode::Cbc(&iv), Padding::Pkcs7, &encrypted)?, b"a frame");
/// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Sm4(Secret);

impl Sm4 {
    /// With a key that is open for `ENCRYPT`, `DECRYPT` or both.
    ///
    /// ```
    /// # use weihe_sdk::guomi::{Secret, Sm4};
    /// let key = Sm4::new(Secret::generate()?);
    /// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
    /// ```
    pub fn new(key: Secret) -> Self {
        Sm4(key)
    }

    /// Encrypts data.
    ///
    /// ```
    /// # use weihe_sdk::guomi::{Mode, Padding, Secret, Sm4};
    /// // One block, as some protocols want it.
    /// let key = Sm4::new(Secret::from_bytes(&[7; 16])?);
    /// assert_eq!(key.encrypt(Mode::Ecb, Padding::None, &[0; 16])?.len(), 16);
    /// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
    /// ```
    pub fn encrypt(
        &self,
        mode: Mode<'_>,
        padding: Padding,
        data: &[u8],
    ) -> Result<Vec<u8>, GuomiError> {
        Ok(host::encrypt(self.0.host(), mode, padding, data)?)
    }

    /// Decrypts data.
    ///
    /// ```
    /// # use weihe_sdk::guomi::{Mode, Padding, Secret, Sm4};
    /// let key = Sm4::new(Secret::generate()?);
    /// assert!(key.decrypt(Mode::Ecb, Padding::None, b"no block").is_err());
    /// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
    /// ```
    pub fn decrypt(
        &self,
        mode: Mode<'_>,
        padding: Padding,
        data: &[u8],
    ) -> Result<Vec<u8>, GuomiError> {
        Ok(host::decrypt(self.0.host(), mode, padding, data)?)
    }

    /// Begins to encrypt data of any length, in parts.
    ///
    /// ```
    /// # use weihe_sdk::guomi::{Mode, Padding, Secret, Sm4};
    /// let key = Sm4::new(Secret::generate()?);
    /// let mut stream = key.encrypting(Mode::Ctr(&[1; 16]), Padding::None)?;
    /// assert_eq!(stream.update(b"as long as it is")?.len(), 16);
    /// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
    /// ```
    pub fn encrypting(&self, mode: Mode<'_>, padding: Padding) -> Result<Sm4Stream, GuomiError> {
        self.begin(wit::Direction::Encrypt, mode, padding)
    }

    /// Begins to decrypt data of any length, in parts.
    ///
    /// ```
    /// # use weihe_sdk::guomi::{Mode, Padding, Secret, Sm4};
    /// let key = Sm4::new(Secret::generate()?);
    /// let stream = key.decrypting(Mode::Ctr(&[1; 16]), Padding::None)?;
    /// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
    /// ```
    pub fn decrypting(&self, mode: Mode<'_>, padding: Padding) -> Result<Sm4Stream, GuomiError> {
        self.begin(wit::Direction::Decrypt, mode, padding)
    }

    fn begin(
        &self,
        direction: wit::Direction,
        mode: Mode<'_>,
        padding: Padding,
    ) -> Result<Sm4Stream, GuomiError> {
        let stream = host::Stream::open(self.0.host(), direction, mode, padding)?;
        Ok(Sm4Stream(stream))
    }
}

/// Data that is encrypted or decrypted in parts.
///
/// ```
/// # use weihe_sdk::guomi::{Mode, Padding, Secret, Sm4};
/// let key = Sm4::new(Secret::generate()?);
/// let mut stream = key.encrypting(Mode::Cbc(&[1; 16]), Padding::Pkcs7)?;
/// let mut encrypted = stream.update(b"whole blocks come out at once, ")?;
/// encrypted.extend(stream.finish()?);
/// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
/// ```
#[derive(Debug)]
pub struct Sm4Stream(host::Stream);

impl Sm4Stream {
    /// Takes a part; what is ready comes out.
    ///
    /// ```
    /// # use weihe_sdk::guomi::{Mode, Padding, Secret, Sm4};
    /// let mut stream = Sm4::new(Secret::generate()?).encrypting(Mode::Ecb, Padding::Pkcs7)?;
    /// assert_eq!(stream.update(&[0; 20])?.len(), 16);
    /// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
    /// ```
    pub fn update(&mut self, data: &[u8]) -> Result<Vec<u8>, GuomiError> {
        Ok(self.0.update(data)?)
    }

    /// The rest.
    ///
    /// ```
    /// # use weihe_sdk::guomi::{Mode, Padding, Secret, Sm4};
    /// let stream = Sm4::new(Secret::generate()?).encrypting(Mode::Ecb, Padding::Pkcs7)?;
    /// assert_eq!(stream.finish()?.len(), 16);
    /// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
    /// ```
    pub fn finish(self) -> Result<Vec<u8>, GuomiError> {
        Ok(self.0.finish()?)
    }
}
