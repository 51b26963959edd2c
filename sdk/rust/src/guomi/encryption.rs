//! SM2 encryption.

use super::GuomiError;
use crate::kernel::guomi::{decrypter, encrypter};

/// How the parts of a ciphertext stand in bytes.
///
/// ```
/// # use weihe_sdk::guomi::CiphertextForm;
/// // What the standard has; older implementations have `C1c2c3`.
/// let form = CiphertextForm::C1c3c2;
/// ```
pub use crate::bindings::guomi::weihe::guomi::types::CiphertextForm;

/// A public key to encrypt for (GB/T 32918.4-2016): what is short, such as a key or a PIN.
///
/// ```
/// use weihe_sdk::guomi::{CiphertextForm, Encrypter, GuomiError};
///
/// fn wrap(point: &[u8], key: &[u8; 16]) -> Result<Vec<u8>, GuomiError> {
///     Encrypter::from_public_key(point)?.encrypt(key, CiphertextForm::C1c3c2)
/// }
/// ```
#[derive(Debug)]
pub struct Encrypter(encrypter::Encrypter);

impl Encrypter {
    pub(super) fn new(key: encrypter::Encrypter) -> Self {
        Encrypter(key)
    }

    /// A public key in SEC 1 form: `04`, x, y, or compressed.
    ///
    /// ```
    /// # use weihe_sdk::guomi::Encrypter;
    /// assert!(Encrypter::from_public_key(&[4; 65]).is_err(), "no point of the curve");
    /// ```
    pub fn from_public_key(point: &[u8]) -> Result<Self, GuomiError> {
        Ok(Self::new(encrypter::Encrypter::from_public_key(point)?))
    }

    /// The key of an X.509 certificate in DER. Neither its chain nor its times are looked at.
    ///
    /// ```
    /// # use weihe_sdk::guomi::Encrypter;
    /// assert!(Encrypter::from_certificate(b"no certificate").is_err());
    /// ```
    pub fn from_certificate(der: &[u8]) -> Result<Self, GuomiError> {
        Ok(Self::new(encrypter::Encrypter::from_certificate(der)?))
    }

    /// Encrypts 1 to 65536 bytes.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// use weihe_sdk::guomi::CiphertextForm;
    ///
    /// let wrapped = ctx.encrypter("gateway")?.encrypt(b"a key", CiphertextForm::Der)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn encrypt(&self, data: &[u8], form: CiphertextForm) -> Result<Vec<u8>, GuomiError> {
        Ok(self.0.encrypt(data, form)?)
    }
}

/// A private key that decrypts (GB/T 32918.4-2016), from [`Context::decrypter`](crate::Context::decrypter).
///
/// ```
/// # use weihe_sdk::prelude::*;
/// # fn start(ctx: &mut Context) -> Result<(), Error> {
/// let decrypter = ctx.decrypter("gateway")?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Decrypter(decrypter::Decrypter);

impl Decrypter {
    pub(super) fn new(key: decrypter::Decrypter) -> Self {
        Decrypter(key)
    }

    /// Decrypts. Whatever is wrong with the ciphertext is [`GuomiError::DecryptFailed`].
    ///
    /// ```
    /// # use weihe_sdk::guomi::{CiphertextForm, Decrypter, GuomiError};
    /// # fn f(decrypter: Decrypter) {
    /// let decrypted = decrypter.decrypt(b"no ciphertext", CiphertextForm::C1c3c2);
    /// assert_eq!(decrypted, Err(GuomiError::DecryptFailed));
    /// # }
    /// ```
    pub fn decrypt(&self, ciphertext: &[u8], form: CiphertextForm) -> Result<Vec<u8>, GuomiError> {
        Ok(self.0.decrypt(ciphertext, form)?)
    }
}
