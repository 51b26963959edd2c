//! Keys in memory: those that components bring or agree on, which are in no store, and those of tests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use weihe_sm::sm2::{PrivateKey, PublicKey};
use weihe_sm::sm3::DIGEST;
use weihe_sm::sm4;
use zeroize::Zeroizing;

use crate::capability::Keyring;
use crate::keys::{About, Algorithm, Key, KeyError, NewKey, Secret, SoftKey, Uses};

/// What keeps these keys.
pub const MEMORY: &str = "memory";

/// What a key in no store is called.
const LOOSE: &str = "loose";

/// Where a key in no store comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The component has it already, or may have it.
    Brought,
    /// It was made in the host and stays there.
    Made,
}

/// A symmetric key that is in no store. With 16 bytes it is one for SM4 and for HMAC-SM3, else for HMAC-SM3 alone.
pub(crate) fn loose(bytes: Vec<u8>, origin: Origin) -> SoftKey {
    let bytes = Zeroizing::new(bytes);
    let mac = Algorithm::HmacSm3.uses().iter();
    let (secret, uses) = match sm4::Key::from_bytes(&bytes) {
        Ok(key) => (
            Secret::Sm4(key),
            Algorithm::Sm4.uses().iter().chain(mac).collect(),
        ),
        Err(_) => (Secret::HmacSm3(bytes), mac.collect()),
    };
    let new = NewKey {
        uses,
        exportable: origin == Origin::Brought,
        ..NewKey::new(LOOSE, secret.algorithm())
    };
    SoftKey::new(about(&new, None), secret)
}

fn about(new: &NewKey, public_key: Option<PublicKey>) -> About {
    About {
        name: new.name.clone(),
        algorithm: new.algorithm,
        version: 1,
        id: String::new(),
        current: true,
        created: 0,
        exportable: new.exportable,
        uses: new.uses,
        public_key,
        certificate: None,
        issuers: Vec::new(),
        provider: MEMORY.to_owned(),
    }
}

/// Keys that live as long as this: for tests, in the sandbox and of the house.
#[derive(Debug, Default)]
pub struct MemoryKeys(Mutex<BTreeMap<String, Arc<SoftKey>>>);

impl MemoryKeys {
    /// Makes a key of random numbers, in place of one of that name.
    ///
    /// # Errors
    /// Those of [`NewKey::check`]; [`KeyError::Crypto`].
    pub fn generate(&self, new: &NewKey) -> Result<About, KeyError> {
        let secret = match new.algorithm {
            Algorithm::Sm2 => Secret::Sm2(PrivateKey::generate()?),
            Algorithm::Sm4 => Secret::Sm4(sm4::Key::generate()?),
            Algorithm::HmacSm3 => {
                let mut bytes = Zeroizing::new(vec![0; DIGEST]);
                weihe_sm::random(&mut bytes)?;
                Secret::HmacSm3(bytes)
            }
        };
        self.import(new, &secret)
    }

    /// Takes in a key, in place of one of that name.
    ///
    /// # Errors
    /// Those of [`NewKey::check`]; [`KeyError::Algorithm`] where the secret is not one of its algorithm.
    pub fn import(&self, new: &NewKey, secret: &Secret) -> Result<About, KeyError> {
        new.check()?;
        if secret.algorithm() != new.algorithm {
            return Err(KeyError::Algorithm {
                expected: new.algorithm,
                found: secret.algorithm(),
            });
        }
        let public = match secret {
            Secret::Sm2(key) => Some(key.public_key()),
            Secret::Sm4(_) | Secret::HmacSm3(_) => None,
        };
        let about = about(new, public);
        let key = SoftKey::new(about.clone(), secret.clone());
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.insert(new.name.clone(), Arc::new(key));
        Ok(about)
    }
}

impl Keyring for MemoryKeys {
    fn list(&self) -> Result<Vec<About>, KeyError> {
        let keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(keys.values().map(|key| key.about().clone()).collect())
    }

    fn open(
        &self,
        _device: &str,
        name: &str,
        version: Option<u32>,
        wanted: Uses,
    ) -> Result<Arc<dyn Key>, KeyError> {
        let keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(key) = keys.get(name) else {
            return Err(KeyError::Unknown {
                name: name.to_owned(),
                known: keys.keys().cloned().collect(),
            });
        };
        if let Some(version) = version.filter(|version| *version != key.about().version) {
            let name = name.to_owned();
            return Err(KeyError::UnknownVersion { name, version });
        }
        for wanted in wanted.iter() {
            key.about().allow(wanted)?;
        }
        Ok(key.clone())
    }
}
