use der::{
    Decode, Encode,
    asn1::{AnyRef, BitStringRef, ObjectIdentifier},
};
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};

use crate::{Error, pem, sm2::PublicKey};

/// id-ecPublicKey (RFC 5480, 2.1.1).
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// The curve of SM2 (GM/T 0006-2012).
pub(super) const CURVE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.156.10197.1.301");

const WHAT: &str = "a public key of SM2";

/// What a key of SM2 is called in PKCS#8 and SubjectPublicKeyInfo: id-ecPublicKey with the curve.
pub(super) fn algorithm() -> AlgorithmIdentifierRef<'static> {
    AlgorithmIdentifierRef {
        oid: EC,
        parameters: Some(AnyRef::from(&CURVE)),
    }
}

/// Refuses an algorithm that isn't SM2: id-ecPublicKey with its curve, or its curve alone, as some write it.
pub(super) fn expect_sm2(
    algorithm: &AlgorithmIdentifierRef<'_>,
    what: &'static str,
) -> Result<(), Error> {
    let curve = match algorithm.parameters {
        Some(any) if any.is_null() => None,
        Some(any) => Some(
            any.decode_as::<ObjectIdentifier>()
                .map_err(|_| Error::Form {
                    what,
                    why: "its curve is not given by name".to_owned(),
                })?,
        ),
        None => None,
    };
    match (algorithm.oid, curve) {
        (EC, Some(CURVE)) | (CURVE, None | Some(CURVE)) => Ok(()),
        (EC, Some(curve)) => Err(Error::Form {
            what,
            why: format!("it lies on another curve ({curve})"),
        }),
        (other, _) => Err(Error::Form {
            what,
            why: format!("it is one of another algorithm ({other})"),
        }),
    }
}

/// The key in a SubjectPublicKeyInfo.
pub(crate) fn spki(info: &SubjectPublicKeyInfoRef<'_>) -> Result<PublicKey, Error> {
    expect_sm2(&info.algorithm, WHAT)?;
    PublicKey::from_sec1(info.subject_public_key.as_bytes().ok_or(Error::PublicKey)?)
}

impl PublicKey {
    /// The key in a SubjectPublicKeyInfo in DER.
    ///
    /// # Errors
    /// [`Error::Form`], [`Error::PublicKey`].
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        spki(
            &SubjectPublicKeyInfoRef::from_der(der).map_err(|error| Error::Form {
                what: WHAT,
                why: error.to_string(),
            })?,
        )
    }

    /// The key in the one block `PUBLIC KEY` of a text.
    ///
    /// # Errors
    /// [`Error::Form`], [`Error::PublicKey`].
    pub fn from_pem(text: &str) -> Result<Self, Error> {
        Self::from_der(&pem::only(text, pem::PUBLIC_KEY, WHAT)?.der)
    }

    /// The key as a SubjectPublicKeyInfo in DER, as OpenSSL writes it.
    ///
    /// # Errors
    /// None that can come true: the lengths are fixed.
    pub fn to_der(&self) -> Result<Vec<u8>, Error> {
        let point = self.to_sec1();
        let der = || {
            SubjectPublicKeyInfoRef {
                algorithm: algorithm(),
                subject_public_key: BitStringRef::from_bytes(&point)?,
            }
            .to_der()
        };
        der().map_err(|error| Error::Form {
            what: WHAT,
            why: error.to_string(),
        })
    }

    /// The key as text, `-----BEGIN PUBLIC KEY-----`.
    ///
    /// # Errors
    /// None that can come true: the lengths are fixed.
    pub fn to_pem(&self) -> Result<String, Error> {
        Ok(pem::encode(pem::PUBLIC_KEY, &self.to_der()?)?.to_string())
    }
}
