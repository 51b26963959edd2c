//! Public keys that guests bring, or that belong to a key of the store.

use weihe_sm::sm2::PublicKey;

use crate::error::{GuomiError, within};
use crate::keys::Key;
use crate::limits::CERTIFICATE_BYTES;
use crate::session::Place;

/// A public key that a guest has opened.
pub struct OpenPublic {
    pub key: PublicKey,
    pub _place: Place,
}

/// The point that a guest names.
pub fn of_point(point: &[u8]) -> Result<PublicKey, GuomiError> {
    Ok(PublicKey::from_sec1(point)?)
}

/// The key of a certificate that a guest names.
pub fn of_certificate(certificate: &[u8]) -> Result<PublicKey, GuomiError> {
    let length = certificate.len() as u64;
    within("bytes of a certificate", length, CERTIFICATE_BYTES)?;
    let certificate = weihe_sm::certificate::Certificate::from_der(certificate)?;
    Ok(certificate.public_key())
}

/// The public key that belongs to one of the store.
pub fn of_key(key: &dyn Key) -> Result<PublicKey, GuomiError> {
    let about = key.about();
    about
        .public_key
        .ok_or_else(|| GuomiError::WrongUse(format!("key `{}` has no public key", about.name)))
}
