use std::fmt;
use std::path::Path;

use zeroize::Zeroizing;

use crate::keys::KeyError;

/// A passphrase; erased when it is dropped, and not shown by `Debug`.
#[derive(Clone)]
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// These words.
    ///
    /// # Errors
    /// [`KeyError::EmptyPassphrase`].
    pub fn new(words: impl Into<String>) -> Result<Self, KeyError> {
        let words = Zeroizing::new(words.into());
        match words.is_empty() {
            true => Err(KeyError::EmptyPassphrase),
            false => Ok(Self(words)),
        }
    }

    /// Its bytes in UTF-8.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl PartialEq for Passphrase {
    fn eq(&self, other: &Self) -> bool {
        // Who compares has both of them: a passphrase and its repetition.
        self.0 == other.0
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(..)")
    }
}

/// Where the passphrase of a folder comes from: asked when it is needed, and not before.
pub trait Passphrases: Send + Sync {
    /// The passphrase of the folder.
    ///
    /// # Errors
    /// [`KeyError::NoPassphrase`], and what stood in the way.
    fn passphrase(&self, folder: &Path) -> Result<Passphrase, KeyError>;
}

impl<F> Passphrases for F
where
    F: Fn(&Path) -> Result<Passphrase, KeyError> + Send + Sync,
{
    fn passphrase(&self, folder: &Path) -> Result<Passphrase, KeyError> {
        self(folder)
    }
}
