use rustls::pki_types::PrivateKeyDer;
use sm2::{SecretKey, pkcs8::DecodePrivateKey};
use weihe_sm::sm2::PrivateKey;

use crate::Error;

/// The private key in PKCS#8 or SEC 1.
pub(super) fn private_key(der: &PrivateKeyDer<'_>) -> Result<PrivateKey, Error> {
    let key = match der {
        PrivateKeyDer::Pkcs8(der) => {
            SecretKey::from_pkcs8_der(der.secret_pkcs8_der()).map_err(|_| {
                Error::PrivateKey("this is not PKCS#8 of a private key on the curve of SM2")
            })
        }
        PrivateKeyDer::Sec1(der) => SecretKey::from_sec1_der(der.secret_sec1_der()).map_err(|_| {
            Error::PrivateKey("this is not SEC 1 of a private key on the curve of SM2")
        }),
        _ => Err(Error::PrivateKey(
            "it has to be a key for SM2, in PKCS#8 or SEC 1",
        )),
    }?;
    let bytes = zeroize::Zeroizing::new(<[u8; 32]>::from(key.to_bytes()));
    PrivateKey::from_bytes(&*bytes)
        .map_err(|_| Error::PrivateKey("its number lies outside 1 to n - 2"))
}
