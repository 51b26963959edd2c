use rustls::pki_types::PrivateKeyDer;
use weihe_sm::sm2::PrivateKey;

use crate::Error;

/// The private key in PKCS#8 or SEC 1.
pub(super) fn private_key(der: &PrivateKeyDer<'_>) -> Result<PrivateKey, Error> {
    let (bytes, refused) = match der {
        PrivateKeyDer::Pkcs8(der) => (
            der.secret_pkcs8_der(),
            "this is not PKCS#8 of a private key on the curve of SM2",
        ),
        PrivateKeyDer::Sec1(der) => (
            der.secret_sec1_der(),
            "this is not SEC 1 of a private key on the curve of SM2",
        ),
        _ => {
            return Err(Error::PrivateKey(
                "it has to be a key for SM2, in PKCS#8 or SEC 1",
            ));
        }
    };
    PrivateKey::from_der(bytes, None).map_err(|error| match error {
        weihe_sm::Error::PrivateKey => Error::PrivateKey("its number lies outside 1 to n - 2"),
        _ => Error::PrivateKey(refused),
    })
}
