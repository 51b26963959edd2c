//! The keys of a test.

use weihe_guomi::MemoryKeys;
use weihe_guomi::keys::{Algorithm, NewKey, Secret};
use weihe_guomi::sm::sm2::PrivateKey;
use weihe_guomi::sm::sm4;

use super::read_octets;
use crate::sandbox::protocol::TestKey;

/// Puts a key into the key store of the sandbox.
pub(super) fn put(keys: &MemoryKeys, key: &TestKey) -> Result<(), String> {
    let bytes = read_octets(&key.secret)?;
    let wrong = |error: &dyn std::fmt::Display| format!("key `{}`: {error}", key.name);
    let secret = match key.algorithm {
        Algorithm::Sm2 => PrivateKey::from_bytes(&bytes).map(Secret::Sm2),
        Algorithm::Sm4 => sm4::Key::from_bytes(&bytes).map(Secret::Sm4),
        Algorithm::HmacSm3 => Ok(Secret::HmacSm3(bytes.into())),
    };
    let secret = secret.map_err(|error| wrong(&error))?;
    let new = NewKey {
        exportable: key.exportable,
        ..NewKey::new(&key.name, key.algorithm)
    };
    let imported = keys.import(&new, &secret);
    imported.map(drop).map_err(|error| wrong(&error))
}
