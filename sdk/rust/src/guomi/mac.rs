//! HMAC-SM3.

use super::error::right;
use super::gathered::Gathered;
use super::{DIGEST, GuomiError, Secret, fixed};
use crate::kernel::guomi::mac as host;
use std::io;

/// A code of HMAC-SM3 in the making. It implements [`std::io::Write`], too.
///
/// ```
/// use weihe_sdk::guomi::{Hmac, Secret};
///
/// let key = Secret::from_bytes(b"agreed with the meter")?;
/// let code = Hmac::code(&key, b"valve open")?;
/// Hmac::check(&key, b"valve open", &code)?;
/// assert!(Hmac::check(&key, b"valve shut", &code).is_err());
/// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
/// ```
#[derive(Debug)]
pub struct Hmac {
    data: Gathered,
    key: Secret,
    stream: Option<host::Hasher>,
}

impl Hmac {
    /// A code over nothing yet. The key must be open for [`Uses::MAC`](super::Uses::MAC) where the code is made, and for
    /// [`Uses::VERIFY`](super::Uses::VERIFY) where it is checked.
    ///
    /// ```
    /// # use weihe_sdk::guomi::{Hmac, Secret};
    /// # let key = Secret::from_bytes(&[7; 32])?;
    /// let mut code = Hmac::new(&key);
    /// code.update(b"valve ");
    /// code.update(b"open");
    /// assert_eq!(code.finish()?, Hmac::code(&key, b"valve open")?);
    /// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
    /// ```
    pub fn new(key: &Secret) -> Self {
        Hmac {
            data: Gathered::default(),
            key: key.clone(),
            stream: None,
        }
    }

    /// The code over data.
    ///
    /// ```
    /// # use weihe_sdk::guomi::{Hmac, Secret};
    /// let code: [u8; 32] = Hmac::code(&Secret::from_bytes(&[7; 32])?, b"valve open")?;
    /// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
    /// ```
    pub fn code(key: &Secret, data: impl AsRef<[u8]>) -> Result<[u8; DIGEST], GuomiError> {
        let mut code = Self::new(key);
        code.update(data);
        code.finish()
    }

    /// Whether a code is that over data; [`GuomiError::Mismatch`] where it is not.
    ///
    /// ```
    /// # use weihe_sdk::guomi::{GuomiError, Hmac, Secret};
    /// let wrong = Hmac::check(&Secret::from_bytes(&[7; 32])?, b"valve open", &[0; 32]);
    /// assert_eq!(wrong, Err(GuomiError::Mismatch));
    /// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
    /// ```
    pub fn check(key: &Secret, data: impl AsRef<[u8]>, code: &[u8]) -> Result<(), GuomiError> {
        let mut made = Self::new(key);
        made.update(data);
        made.verify(code)
    }

    /// Takes in more data. What goes wrong is said at the end.
    ///
    /// ```
    /// # use weihe_sdk::guomi::{Hmac, Secret};
    /// # let mut code = Hmac::new(&Secret::from_bytes(&[7; 32])?);
    /// code.update("text or bytes");
    /// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
    /// ```
    pub fn update(&mut self, data: impl AsRef<[u8]>) {
        let (stream, key) = (&mut self.stream, &self.key);
        self.data.take(data.as_ref(), |part| {
            if stream.is_none() {
                *stream = Some(host::Hasher::open(key.host())?);
            }
            match stream {
                Some(hasher) => Ok(hasher.update(part)?),
                None => Ok(()),
            }
        });
    }

    /// The code over all data so far.
    ///
    /// ```
    /// # use weihe_sdk::guomi::{Hmac, Secret};
    /// let code: [u8; 32] = Hmac::new(&Secret::from_bytes(&[7; 32])?).finish()?;
    /// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
    /// ```
    pub fn finish(self) -> Result<[u8; DIGEST], GuomiError> {
        let rest = self.data.rest()?;
        match self.stream {
            None => fixed(host::hmac_sm3(self.key.host(), &rest)?),
            Some(hasher) => {
                hasher.update(&rest)?;
                fixed(hasher.finish()?)
            }
        }
    }

    /// Whether a code is that over all data so far, compared in constant time; [`GuomiError::Mismatch`] where it is not.
    ///
    /// ```
    /// # use weihe_sdk::guomi::{Hmac, Secret};
    /// assert!(Hmac::new(&Secret::from_bytes(&[7; 32])?).verify(&[0; 32]).is_err());
    /// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
    /// ```
    pub fn verify(self, code: &[u8]) -> Result<(), GuomiError> {
        let rest = self.data.rest()?;
        right(match self.stream {
            None => host::verify(self.key.host(), &rest, code)?,
            Some(hasher) => {
                hasher.update(&rest)?;
                hasher.verify(code)?
            }
        })
    }
}

impl io::Write for Hmac {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.update(data);
        self.data.check()?;
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
