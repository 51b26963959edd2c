//! Symmetric keys, and what is known of keys.

use super::GuomiError;
use crate::kernel::guomi::keys as host;
use std::rc::Rc;

/// What a key is used for.
///
/// ```
/// # use weihe_sdk::prelude::*;
/// # fn start(ctx: &mut Context) -> Result<(), Error> {
/// use weihe_sdk::guomi::Uses;
///
/// let archive = ctx.secret("archive", Uses::ENCRYPT | Uses::DECRYPT)?;
/// # Ok(())
/// # }
/// ```
pub use crate::bindings::guomi::weihe::guomi::types::Uses;

/// What may be known of a key: its public key, its certificate.
///
/// ```
/// # use weihe_sdk::prelude::*;
/// # fn start(ctx: &mut Context) -> Result<(), Error> {
/// let meter = ctx.key("meter")?;
/// if let Some(certificate) = meter.certificate {
///     ctx.publish("plugin/demo/certificate", &certificate[..])?;
/// }
/// # Ok(())
/// # }
/// ```
pub use crate::bindings::guomi::weihe::guomi::keys::About as KeyInfo;

/// A symmetric key, which stays in the host. Clones are the same key.
///
/// ```
/// use weihe_sdk::guomi::{Secret, Sm4Gcm};
///
/// let seal = Sm4Gcm::new(Secret::generate()?);
/// let sealed = seal.seal(b"", b"for nobody else")?;
/// assert_eq!(seal.open(b"", &sealed)?, b"for nobody else");
/// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Secret(Rc<host::Secret>);

impl Secret {
    pub(super) fn new(secret: host::Secret) -> Self {
        Secret(Rc::new(secret))
    }

    pub(super) fn host(&self) -> &host::Secret {
        &self.0
    }

    /// A key that the plugin brings itself, of a protocol say: 16 bytes for SM4, 1 to 1024 for HMAC-SM3.
    ///
    /// ```
    /// # use weihe_sdk::guomi::Secret;
    /// assert!(Secret::from_bytes(&[7; 16]).is_ok());
    /// assert!(Secret::from_bytes(&[]).is_err());
    /// ```
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, GuomiError> {
        Ok(Self::new(host::Secret::from_bytes(bytes)?))
    }

    /// A random SM4 key that ends with the last clone of this, and cannot be exported.
    ///
    /// ```
    /// # use weihe_sdk::guomi::Secret;
    /// assert!(Secret::generate()?.export().is_err());
    /// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
    /// ```
    pub fn generate() -> Result<Self, GuomiError> {
        Ok(Self::new(host::Secret::generate()?))
    }

    /// The key itself: only of one that is declared exportable, granted with `export` and opened for it, or that the plugin
    /// has brought.
    ///
    /// ```
    /// # use weihe_sdk::guomi::Secret;
    /// assert_eq!(Secret::from_bytes(&[7; 16])?.export()?, [7; 16]);
    /// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
    /// ```
    pub fn export(&self) -> Result<Vec<u8>, GuomiError> {
        Ok(self.0.export()?)
    }
}
