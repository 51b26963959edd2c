use der::{Decode, Encode, asn1::OctetStringRef};
use pkcs8::PrivateKeyInfoRef;
use sec1::{EcParameters, EcPrivateKey};
use zeroize::Zeroizing;

use super::public::{CURVE, algorithm, expect_sm2};
use crate::{
    Error, pem,
    sm2::{PrivateKey, PublicKey},
};

const WHAT: &str = "a private key of SM2";

/// The most that a file with one key may be, in bytes: such keys have some 150, encrypted ones some 300.
const MOST: usize = 16 * 1024;

impl PrivateKey {
    /// The key in a text: `PRIVATE KEY`, `EC PRIVATE KEY` (or `SM2 PRIVATE KEY`), or `ENCRYPTED PRIVATE KEY` with its
    /// passphrase. Other blocks, such as `EC PARAMETERS` and certificates, may stand beside it.
    ///
    /// # Errors
    /// [`Error::Form`], [`Error::PrivateKey`]; of an encrypted key [`Error::Encrypted`] without a passphrase,
    /// [`Error::Passphrase`], [`Error::Encryption`].
    pub fn from_pem(text: &str, passphrase: Option<&[u8]>) -> Result<Self, Error> {
        let labels = [
            pem::PRIVATE_KEY,
            pem::EC_PRIVATE_KEY,
            pem::SM2_PRIVATE_KEY,
            pem::ENCRYPTED_PRIVATE_KEY,
        ];
        let blocks = pem::blocks(text)?;
        let mut keys = blocks
            .iter()
            .filter(|block| labels.contains(&block.label.as_str()));
        match (keys.next(), keys.next()) {
            (Some(block), None) => Self::from_der(&block.der, passphrase),
            (Some(_), Some(_)) => Err(form("it holds more than one")),
            (None, _) => {
                let found: Vec<_> = blocks.iter().map(|block| block.label.clone()).collect();
                Err(pem::missing(WHAT, pem::PRIVATE_KEY, &found))
            }
        }
    }

    /// The key in DER: PKCS#8, the form of SEC 1, or encrypted PKCS#8 with its passphrase.
    ///
    /// # Errors
    /// As [`from_pem`](Self::from_pem).
    pub fn from_der(der: &[u8], passphrase: Option<&[u8]>) -> Result<Self, Error> {
        if der.len() > MOST {
            return Err(Error::TooLong {
                what: WHAT,
                limit: MOST as u64,
            });
        }
        if let Some(encrypted) = super::encrypted::parse(der) {
            let plain = encrypted.decrypt(passphrase.ok_or(Error::Encrypted)?)?;
            // What is inside says whether the passphrase was right.
            return from_pkcs8(&plain).map_err(|_| Error::Passphrase);
        }
        if let Ok(key) = EcPrivateKey::from_der(der) {
            return from_sec1(&key, true);
        }
        from_pkcs8(der)
    }

    /// The key in PKCS#8 (RFC 5958), in DER: id-ecPublicKey with the curve, as OpenSSL writes it.
    ///
    /// # Errors
    /// None that can come true: the lengths are fixed.
    pub fn to_pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let inner = self.sec1(None)?;
        let key = OctetStringRef::new(&inner)
            .and_then(|inner| PrivateKeyInfoRef::new(algorithm(), inner).to_der());
        Ok(Zeroizing::new(key.map_err(form)?))
    }

    /// The key as text, `-----BEGIN PRIVATE KEY-----`.
    ///
    /// # Errors
    /// None that can come true: the lengths are fixed.
    pub fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>, Error> {
        pem::encode(pem::PRIVATE_KEY, &self.to_pkcs8_der()?)
    }

    /// The key in the form of SEC 1 (RFC 5915), in DER.
    ///
    /// # Errors
    /// None that can come true: the lengths are fixed.
    pub fn to_sec1_der(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.sec1(Some(EcParameters::NamedCurve(CURVE)))
    }

    /// The key as text, `-----BEGIN EC PRIVATE KEY-----`.
    ///
    /// # Errors
    /// None that can come true: the lengths are fixed.
    pub fn to_sec1_pem(&self) -> Result<Zeroizing<String>, Error> {
        pem::encode(pem::EC_PRIVATE_KEY, &self.to_sec1_der()?)
    }

    fn sec1(&self, parameters: Option<EcParameters>) -> Result<Zeroizing<Vec<u8>>, Error> {
        let number = self.to_bytes();
        let public = self.public_key().to_sec1();
        let key = EcPrivateKey {
            private_key: &*number,
            parameters,
            public_key: Some(&public),
        };
        key.to_der().map(Zeroizing::new).map_err(form)
    }
}

fn from_pkcs8(der: &[u8]) -> Result<PrivateKey, Error> {
    let info = PrivateKeyInfoRef::from_der(der).map_err(form)?;
    expect_sm2(&info.algorithm, WHAT)?;
    let inner = EcPrivateKey::from_der(info.private_key.as_bytes()).map_err(form)?;
    let key = from_sec1(&inner, false)?;
    match info.public_key.map(|bits| bits.as_bytes()) {
        Some(public) => expect_public(&key, public.unwrap_or_default()),
        None => Ok(key),
    }
}

/// Alone in a file, a key has to name its curve; inside of PKCS#8 that does.
fn from_sec1(key: &EcPrivateKey<'_>, alone: bool) -> Result<PrivateKey, Error> {
    let curve = key.parameters.map(|EcParameters::NamedCurve(curve)| curve);
    match curve {
        Some(CURVE) => {}
        None if !alone => {}
        Some(other) => return Err(form(format!("it lies on another curve ({other})"))),
        None => return Err(form("it does not say on which curve it lies")),
    }
    let private = PrivateKey::from_bytes(key.private_key)?;
    match key.public_key {
        Some(public) => expect_public(&private, public),
        None => Ok(private),
    }
}

/// Refuses a file whose public key is not that of its private one: somebody has changed it.
fn expect_public(key: &PrivateKey, public: &[u8]) -> Result<PrivateKey, Error> {
    if PublicKey::from_sec1(public)? == key.public_key() {
        Ok(key.clone())
    } else {
        Err(form("the public key beside it belongs to another"))
    }
}

fn form(why: impl ToString) -> Error {
    Error::Form {
        what: WHAT,
        why: why.to_string(),
    }
}
