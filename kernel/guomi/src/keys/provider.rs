use std::fmt::Debug;
use std::sync::Arc;

use super::{About, Algorithm, Key, KeyError, NewKey, Secret};

/// Who keeps keys: a folder of files, or a device.
///
/// The trait has the shape that cryptographic devices have as well (PKCS #11; SDF, GM/T 0018-2012; SKF,
/// GM/T 0016-2012): a provider is a device with its session and its PIN, a key is found by its name, and works
/// without coming out. What opens a device waits for it, so providers are not called from lanes.
pub trait Provider: Send + Sync + Debug {
    /// Its name: `software`, or that of the device.
    fn name(&self) -> &str;

    /// Whether it can keep and use keys of this algorithm.
    ///
    /// # Errors
    /// [`KeyError::Unable`] with the reason; what stands in the way of asking.
    fn can(&self, algorithm: Algorithm) -> Result<(), KeyError>;

    /// All versions of all keys, by name and number; what of it is damaged apart.
    ///
    /// # Errors
    /// What stands in the way of looking at all.
    fn list(&self) -> Result<Listing, KeyError>;

    /// The names of the versions that there are, without opening anything: enough to notice changes.
    ///
    /// # Errors
    /// What stands in the way of looking.
    fn names(&self) -> Result<Vec<(String, u32)>, KeyError>;

    /// Opens a version of a key, the current one where no number is given.
    ///
    /// # Errors
    /// [`KeyError::Unknown`], and what is wrong with that version.
    fn open(&self, name: &str, version: Option<u32>) -> Result<Arc<dyn Key>, KeyError>;

    /// How a version stands that was opened a while ago. It is asked before each use, so it takes microseconds.
    ///
    /// # Errors
    /// What stands in the way of looking.
    fn standing(&self, about: &About) -> Result<Standing, KeyError>;

    /// Makes a key of random numbers.
    ///
    /// # Errors
    /// [`KeyError::Exists`], and those of [`NewKey::check`].
    fn generate(&self, new: &NewKey) -> Result<About, KeyError>;

    /// Takes in a key that was made elsewhere.
    ///
    /// # Errors
    /// Those of [`Provider::generate`]; [`KeyError::Algorithm`] where the secret is not one of its algorithm.
    fn import(&self, new: &NewKey, secret: &Secret) -> Result<About, KeyError>;

    /// Makes the next version of a key, with the uses that the current one has.
    ///
    /// # Errors
    /// [`KeyError::Unknown`].
    fn rotate(&self, name: &str) -> Result<About, KeyError>;

    /// Attaches a certificate to a version, in place of the one before; the current version where no number is given.
    /// In `chain`, those of its issuers follow it. An empty one takes away what was attached.
    ///
    /// # Errors
    /// [`KeyError::Unknown`].
    fn attach(
        &self,
        name: &str,
        version: Option<u32>,
        chain: &[Vec<u8>],
    ) -> Result<About, KeyError>;

    /// Destroys a version, or all of them, and says which ones.
    ///
    /// # Errors
    /// [`KeyError::Unknown`].
    fn destroy(&self, name: &str, version: Option<u32>) -> Result<Vec<u32>, KeyError>;

    /// Fills a buffer with random bytes of its own.
    ///
    /// # Errors
    /// What the source said.
    fn random(&self, buffer: &mut [u8]) -> Result<(), KeyError>;
}

/// How a version of a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is what opens without a number.
    Current,
    /// A newer one is.
    Replaced,
    /// It was destroyed, or another key has its name and number.
    Gone,
}

/// What a provider has.
#[derive(Debug, Default)]
pub struct Listing {
    /// What can be used.
    pub keys: Vec<About>,
    /// What is there, but cannot be used.
    pub damaged: Vec<KeyError>,
}
