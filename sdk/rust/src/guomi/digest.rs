//! SM3.

use super::gathered::{Gathered, PART};
use super::{DIGEST, GuomiError, fixed};
use crate::kernel::guomi::digest as host;
use std::io;

/// An SM3 digest in the making (GB/T 32905-2016). It implements [`std::io::Write`], too.
///
/// ```
/// use weihe_sdk::guomi::Sm3;
///
/// let mut digest = Sm3::new();
/// digest.update(b"a");
/// digest.update(b"bc");
/// assert_eq!(digest.finish()?, Sm3::digest(b"abc")?);
/// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
/// ```
#[derive(Debug, Default)]
pub struct Sm3 {
    data: Gathered,
    stream: Option<host::Hasher>,
}

impl Sm3 {
    /// A digest of nothing yet.
    ///
    /// ```
    /// # use weihe_sdk::guomi::Sm3;
    /// assert_eq!(Sm3::new().finish()?, Sm3::digest(b"")?);
    /// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// The digest of data.
    ///
    /// ```
    /// # use weihe_sdk::guomi::Sm3;
    /// // GB/T 32905-2016, A.1.
    /// assert_eq!(Sm3::digest(b"abc")?[..4], [0x66, 0xc7, 0xf0, 0xf4]);
    /// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
    /// ```
    pub fn digest(data: impl AsRef<[u8]>) -> Result<[u8; DIGEST], GuomiError> {
        let data = data.as_ref();
        // One call, without a handle.
        if data.len() <= 4 * PART {
            return fixed(host::sm3(data)?);
        }
        let mut digest = Self::new();
        digest.update(data);
        digest.finish()
    }

    /// Takes in more data. What goes wrong is said by [`finish`](Self::finish).
    ///
    /// ```
    /// # use weihe_sdk::guomi::Sm3;
    /// let mut digest = Sm3::new();
    /// digest.update("text or bytes");
    /// ```
    pub fn update(&mut self, data: impl AsRef<[u8]>) {
        let stream = &mut self.stream;
        self.data.take(data.as_ref(), |part| {
            if stream.is_none() {
                *stream = Some(host::Hasher::open()?);
            }
            match stream {
                Some(hasher) => Ok(hasher.update(part)?),
                None => Ok(()),
            }
        });
    }

    /// The digest of all data so far.
    ///
    /// ```
    /// # use weihe_sdk::guomi::Sm3;
    /// let digest: [u8; 32] = Sm3::new().finish()?;
    /// # Ok::<(), weihe_sdk::guomi::GuomiError>(())
    /// ```
    pub fn finish(self) -> Result<[u8; DIGEST], GuomiError> {
        let rest = self.data.rest()?;
        match self.stream {
            None => fixed(host::sm3(&rest)?),
            Some(hasher) => {
                if !rest.is_empty() {
                    hasher.update(&rest)?;
                }
                fixed(hasher.finish()?)
            }
        }
    }
}

impl io::Write for Sm3 {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.update(data);
        self.data.check()?;
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
