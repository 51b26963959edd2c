//! Requests for certificates (PKCS#10: RFC 2986), signed with SM2 and SM3 under the identity
//! [`DEFAULT_ID`].
//!
//! ```
//! use weihe_sm::{request::Request, sm2::PrivateKey};
//!
//! let key = PrivateKey::generate()?;
//! let request = Request::new(&key, "CN=gateway,O=Plant", &["gateway.plant".parse()?])?;
//! let read = Request::from_pem(&request.to_pem()?)?;
//! read.verify()?; // whoever asks has the private key
//! assert_eq!(read.subject(), "CN=gateway,O=Plant");
//! # Ok::<(), weihe_sm::Error>(())
//! ```

use der::{
    Decode, Encode, Sequence,
    asn1::{AnyRef, BitStringRef},
    referenced::OwnedToRef,
};
use spki::AlgorithmIdentifierRef;
use x509_cert::{
    builder::Builder,
    ext::Extension,
    request::{CertReq, ExtensionReq, RequestBuilder},
};

use crate::{
    Error,
    certificate::{Extensions, Holder, Host, alternative_names, bits, expect_algorithm},
    keys, name, pem,
    sm2::{DEFAULT_ID, PublicKey, Signature, Signer},
};

const WHAT: &str = "a request for a certificate of SM2";

/// The most that a request may be, in bytes.
const MOST: usize = 64 * 1024;

/// A request for a certificate.
#[derive(Clone)]
pub struct Request {
    der: Vec<u8>,
    /// The part that is signed, as it stands in `der`.
    signed: Vec<u8>,
    parsed: CertReq,
    key: PublicKey,
    hosts: Vec<Host>,
}

/// CertificationRequest (RFC 2986, 4.2), with the bytes of the signed part.
#[derive(Sequence)]
struct Form<'a> {
    signed: AnyRef<'a>,
    algorithm: AlgorithmIdentifierRef<'a>,
    signature: BitStringRef<'a>,
}

impl Request {
    /// Asks for a certificate for the signer's key, for `subject` (RFC 4514: `CN=gateway,O=Weihe`) and, of a server,
    /// its hosts.
    ///
    /// # Errors
    /// [`Error::Form`] of a subject or a host that cannot stand in a certificate; what the signer says.
    pub fn new(
        signer: &(impl Signer + ?Sized),
        subject: &str,
        hosts: &[Host],
    ) -> Result<Self, Error> {
        let mut builder = RequestBuilder::new(name::parse(subject)?).map_err(wrong)?;
        if !hosts.is_empty() {
            let names = alternative_names(hosts)?;
            builder.add_extension(&names).map_err(wrong)?;
        }
        let holder = Holder(signer.public_key());
        let signed = builder.finalize(&holder).map_err(wrong)?;
        let signature = bits(&signer.sign(DEFAULT_ID, &signed)?)?;
        let request = builder.assemble(signature, &holder).map_err(wrong)?;
        Self::from_der(&request.to_der().map_err(wrong)?)
    }

    /// A request in DER, and nothing after it. Its signature is not verified yet.
    ///
    /// # Errors
    /// [`Error::Form`], [`Error::PublicKey`], [`Error::TooLong`].
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        if der.len() > MOST {
            return Err(Error::TooLong {
                what: WHAT,
                limit: MOST as u64,
            });
        }
        let form = Form::from_der(der).map_err(wrong)?;
        let parsed = CertReq::from_der(der).map_err(wrong)?;
        let list = extensions(&parsed)?;
        Ok(Self {
            key: keys::spki(&parsed.info.public_key.owned_to_ref())?,
            hosts: Extensions::read(&list).map_err(wrong)?.hosts,
            signed: form.signed.to_der().map_err(wrong)?,
            der: der.to_vec(),
            parsed,
        })
    }

    /// The request in the one block `CERTIFICATE REQUEST` of a text.
    ///
    /// # Errors
    /// As [`from_der`](Self::from_der).
    pub fn from_pem(text: &str) -> Result<Self, Error> {
        Self::from_der(&pem::only(text, pem::REQUEST, WHAT)?.der)
    }

    /// The request in DER.
    pub fn to_der(&self) -> &[u8] {
        &self.der
    }

    /// The request as text, `-----BEGIN CERTIFICATE REQUEST-----`.
    ///
    /// # Errors
    /// None that can come true.
    pub fn to_pem(&self) -> Result<String, Error> {
        Ok(pem::encode(pem::REQUEST, &self.der)?.to_string())
    }

    /// Who asks, as text (RFC 4514).
    pub fn subject(&self) -> String {
        self.parsed.info.subject.to_string()
    }

    /// The key that the certificate is to be for.
    pub fn public_key(&self) -> PublicKey {
        self.key
    }

    /// The hosts that the certificate is to be for.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// Whether who asks has the private key: the request is signed with it.
    ///
    /// # Errors
    /// [`Error::Signature`]; [`Error::Form`] of another algorithm.
    pub fn verify(&self) -> Result<(), Error> {
        expect_algorithm(&self.parsed.algorithm.owned_to_ref()).map_err(|algorithm| {
            wrong(format!(
                "it is signed with {algorithm}, not with SM2 and SM3"
            ))
        })?;
        let signature = self.parsed.signature.as_bytes().unwrap_or_default();
        let signature = Signature::from_der(signature).map_err(|_| Error::Signature)?;
        self.key.verify(DEFAULT_ID, &self.signed, &signature)
    }
}

/// The extensions that are asked for (RFC 2985, 5.4.2).
fn extensions(request: &CertReq) -> Result<Vec<Extension>, Error> {
    let mut lists = request
        .info
        .attributes
        .iter()
        .filter(|attribute| attribute.oid == <ExtensionReq as const_oid::AssociatedOid>::OID);
    let Some(attribute) = lists.next() else {
        return Ok(Vec::new());
    };
    let values = attribute.values.as_slice();
    let ([value], None) = (values, lists.next()) else {
        return Err(wrong("it has more than one list of extensions"));
    };
    value.decode_as().map_err(wrong)
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Request({})", self.subject())
    }
}

fn wrong(why: impl ToString) -> Error {
    Error::Form {
        what: WHAT,
        why: why.to_string(),
    }
}
