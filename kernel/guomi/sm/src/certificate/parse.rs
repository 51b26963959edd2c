use std::time::SystemTime;

use der::{
    Decode, Encode, Sequence,
    asn1::{AnyRef, BitStringRef, ObjectIdentifier},
    referenced::OwnedToRef,
};
use spki::AlgorithmIdentifierRef;
use x509_cert::certificate::Version;

use super::{Extensions, Host, Purpose, Refusal};
use crate::{
    Error, keys, pem,
    sm2::{DEFAULT_ID, PublicKey, Signature},
    sm3,
};

/// SM2 with SM3 (GM/T 0006-2012).
pub(super) const SM2_SM3: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.156.10197.1.501");

/// The most that a certificate may be, in bytes: those with many hosts have a few thousand.
const MOST: usize = 64 * 1024;

const WHAT: &str = "a certificate of SM2";

/// A certificate, whose signature is not yet verified.
#[derive(Clone)]
pub struct Certificate {
    der: Vec<u8>,
    /// The part that is signed, as it stands in `der`.
    signed: Vec<u8>,
    pub(super) parsed: x509_cert::Certificate,
    key: PublicKey,
    pub(super) extensions: Extensions,
}

/// Certificate (RFC 5280, 4.1), with the bytes of the signed part.
#[derive(Sequence)]
struct Form<'a> {
    signed: AnyRef<'a>,
    algorithm: AlgorithmIdentifierRef<'a>,
    signature: BitStringRef<'a>,
}

impl Certificate {
    /// A certificate in DER, and nothing after it.
    ///
    /// # Errors
    /// [`Error::Form`], also of a certificate for another key than one of SM2; [`Error::PublicKey`];
    /// [`Error::TooLong`].
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        if der.len() > MOST {
            return Err(Error::TooLong {
                what: WHAT,
                limit: MOST as u64,
            });
        }
        let form = Form::from_der(der).map_err(wrong)?;
        let parsed = x509_cert::Certificate::from_der(der).map_err(wrong)?;
        let body = parsed.tbs_certificate();
        if body.signature() != parsed.signature_algorithm() {
            return Err(wrong("it names two algorithms for its signature"));
        }
        let list = body.extensions().map_or(&[][..], Vec::as_slice);
        if !list.is_empty() && body.version() != Version::V3 {
            return Err(wrong("only version 3 has extensions"));
        }
        Ok(Self {
            key: keys::spki(&body.subject_public_key_info().owned_to_ref())?,
            extensions: Extensions::read(list).map_err(wrong)?,
            signed: form.signed.to_der().map_err(wrong)?,
            der: der.to_vec(),
            parsed,
        })
    }

    /// The certificate in the one block `CERTIFICATE` of a text.
    ///
    /// # Errors
    /// As [`from_der`](Self::from_der).
    pub fn from_pem(text: &str) -> Result<Self, Error> {
        Self::from_der(&pem::only(text, pem::CERTIFICATE, WHAT)?.der)
    }

    /// All certificates of a text, in their order: a chain, or a file of roots.
    ///
    /// # Errors
    /// As [`from_der`](Self::from_der); [`Error::Form`] where there is none.
    pub fn all_from_pem(text: &str) -> Result<Vec<Self>, Error> {
        let blocks = pem::blocks(text)?;
        let all = blocks
            .iter()
            .filter(|block| block.label == pem::CERTIFICATE)
            .map(|block| Self::from_der(&block.der))
            .collect::<Result<Vec<_>, _>>()?;
        if all.is_empty() {
            let found: Vec<_> = blocks.iter().map(|block| block.label.clone()).collect();
            return Err(pem::missing(WHAT, pem::CERTIFICATE, &found));
        }
        Ok(all)
    }

    /// The certificate in DER, as it was read.
    pub fn to_der(&self) -> &[u8] {
        &self.der
    }

    /// The certificate as text, `-----BEGIN CERTIFICATE-----`.
    ///
    /// # Errors
    /// None that can come true.
    pub fn to_pem(&self) -> Result<String, Error> {
        Ok(pem::encode(pem::CERTIFICATE, &self.der)?.to_string())
    }

    /// Whose it is, as text (RFC 4514).
    pub fn subject(&self) -> String {
        self.parsed.tbs_certificate().subject().to_string()
    }

    /// The common name of whose it is, where it has one.
    pub fn common_name(&self) -> Option<String> {
        let name = self.parsed.tbs_certificate().subject().common_name();
        Some(name.ok()??.value().into_owned())
    }

    /// Who issued it, as text (RFC 4514).
    pub fn issuer(&self) -> String {
        self.parsed.tbs_certificate().issuer().to_string()
    }

    /// Its serial number, in hexadecimal digits without leading zeros: `7f03`.
    pub fn serial(&self) -> String {
        let bytes = self.parsed.tbs_certificate().serial_number().as_bytes();
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        hex(&bytes[zeros.min(bytes.len().saturating_sub(1))..])
    }

    /// SM3 of the certificate in DER.
    pub fn fingerprint(&self) -> [u8; sm3::DIGEST] {
        sm3::digest(&self.der)
    }

    /// The beginning of its validity.
    pub fn not_before(&self) -> SystemTime {
        let validity = self.parsed.tbs_certificate().validity();
        validity.not_before.to_system_time()
    }

    /// The end of its validity, which is still part of it.
    pub fn not_after(&self) -> SystemTime {
        let validity = self.parsed.tbs_certificate().validity();
        validity.not_after.to_system_time()
    }

    /// The key that it is for.
    pub fn public_key(&self) -> PublicKey {
        self.key
    }

    /// Whether it may issue others (basic constraints, RFC 5280, 4.2.1.9).
    pub fn is_authority(&self) -> bool {
        self.extensions.authority.is_some()
    }

    /// How many authorities may be below it, where that is limited.
    pub fn path_length(&self) -> Option<u8> {
        self.extensions.authority.flatten()
    }

    /// The hosts that it is for (subject alternative name, RFC 5280, 4.2.1.6).
    pub fn hosts(&self) -> &[Host] {
        &self.extensions.hosts
    }

    /// What it says that it is for; nothing where it doesn't say. Purposes that aren't known here are left out.
    pub fn purposes(&self) -> Vec<Purpose> {
        let named = self.extensions.purposes.as_deref().unwrap_or_default();
        Purpose::NAMED
            .into_iter()
            .chain([Purpose::Any])
            .filter(|purpose| named.contains(&purpose.oid()))
            .collect()
    }

    /// Whether its subject is its issuer too.
    pub fn is_self_issued(&self) -> bool {
        let body = self.parsed.tbs_certificate();
        body.subject() == body.issuer()
    }

    /// Whether `issuer` has signed it, whatever else may be wrong with it; see [`verify`](super::verify).
    ///
    /// # Errors
    /// [`Refusal::Signature`], [`Refusal::Algorithm`].
    pub fn verify_signature(&self, issuer: &PublicKey) -> Result<(), Refusal> {
        let algorithm = self.parsed.signature_algorithm().owned_to_ref();
        expect_algorithm(&algorithm).map_err(|algorithm| Refusal::Algorithm {
            subject: self.subject(),
            algorithm,
        })?;
        let signature = self.parsed.signature().as_bytes().unwrap_or_default();
        Signature::from_der(signature)
            .and_then(|signature| issuer.verify(DEFAULT_ID, &self.signed, &signature))
            .map_err(|_| Refusal::Signature {
                subject: self.subject(),
                issuer: self.issuer(),
            })
    }
}

/// Two certificates are the same where each byte is.
impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Certificate {}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Certificate({}, {})", self.subject(), self.serial())
    }
}

/// SM2 with SM3, without parameters or, as some write it, with NULL. Otherwise what it is.
pub(crate) fn expect_algorithm(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<(), String> {
    let plain = algorithm.parameters.is_none_or(|any| any.is_null());
    if algorithm.oid == SM2_SM3 && plain {
        Ok(())
    } else {
        Err(algorithm.oid.to_string())
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn wrong(why: impl ToString) -> Error {
    Error::Form {
        what: WHAT,
        why: why.to_string(),
    }
}
