use std::time::SystemTime;

use der::{
    DateTime, Encode,
    asn1::{BitString, GeneralizedTime, OctetString},
    flagset::FlagSet,
};
use sm2::dsa::signature::Keypair;
use spki::{
    AlgorithmIdentifierOwned, DynSignatureAlgorithmIdentifier, SubjectPublicKeyInfoOwned,
    SubjectPublicKeyInfoRef,
};
use x509_cert::{
    TbsCertificate,
    builder::{Builder, CertificateBuilder, profile::BuilderProfile},
    ext::{
        Extension, ToExtension,
        pkix::{
            AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages,
            SubjectAltName, SubjectKeyIdentifier,
        },
    },
    name::Name,
    serial_number::SerialNumber,
    time::{Time, Validity},
};

use super::{Certificate, Host, Purpose, Refusal, parse::SM2_SM3};
use crate::{
    Error, name, random,
    sm2::{DEFAULT_ID, PublicKey, Signature, Signer},
    sm3,
};

/// What a certificate is issued for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// An authority, which issues others.
    Authority {
        /// How many authorities may be below it; unlimited where there is none.
        path_length: Option<u8>,
    },
    /// A server in TLS.
    Server,
    /// A client in TLS.
    Client,
    /// Who is both, as a broker that connects to others.
    Peer,
    /// Who signs programs.
    CodeSigning,
}

impl Profile {
    fn purposes(self) -> &'static [Purpose] {
        match self {
            Self::Authority { .. } => &[],
            Self::Server => &[Purpose::Server],
            Self::Client => &[Purpose::Client],
            Self::Peer => &[Purpose::Server, Purpose::Client],
            Self::CodeSigning => &[Purpose::CodeSigning],
        }
    }
}

/// What shall stand in a certificate.
#[derive(Clone, Debug)]
pub struct Order {
    /// Whose it is (RFC 4514): `CN=gateway,O=Weihe`.
    pub subject: String,
    /// What it is for.
    pub profile: Profile,
    /// The hosts that it is for, of a server.
    pub hosts: Vec<Host>,
    /// The beginning of its validity.
    pub not_before: SystemTime,
    /// The end of its validity.
    pub not_after: SystemTime,
}

/// Issues a certificate that its own key signs: a root, or one of who is known by it alone.
///
/// # Errors
/// [`Error::Form`] of a subject, a host or a time that cannot stand in a certificate; what the signer says.
pub fn self_signed(signer: &(impl Signer + ?Sized), order: &Order) -> Result<Certificate, Error> {
    let subject = name::parse(&order.subject)?;
    let key = signer.public_key();
    build(
        order,
        &subject,
        &key,
        subject.clone(),
        &identifier(&key),
        signer,
    )
}

/// Issues a certificate for `key`, signed by the authority `issuer`, whose key `signer` is.
///
/// # Errors
/// As [`self_signed`]; [`Error::Form`] where `signer` is not the issuer's key, or the certificate would be valid
/// longer than its issuer; [`Refusal::NotAuthority`], [`Refusal::PathLength`], [`Refusal::Usage`] where the issuer
/// may not issue this.
pub fn issue(
    issuer: &Certificate,
    signer: &(impl Signer + ?Sized),
    key: &PublicKey,
    order: &Order,
) -> Result<Certificate, Error> {
    if signer.public_key() != issuer.public_key() {
        return Err(wrong("the key that signs is not that of the issuer"));
    }
    let Some(path_length) = issuer.extensions.authority else {
        return Err(Refusal::NotAuthority {
            subject: issuer.subject(),
        }
        .into());
    };
    let authority = matches!(order.profile, Profile::Authority { .. });
    if authority && path_length == Some(0) {
        return Err(Refusal::PathLength {
            subject: issuer.subject(),
            limit: 0,
        }
        .into());
    }
    if issuer
        .extensions
        .usage
        .is_some_and(|usage| !usage.key_cert_sign())
    {
        return Err(Refusal::Usage {
            subject: issuer.subject(),
            usage: "sign certificates",
        }
        .into());
    }
    // Certificates know no fractions of a second.
    let end = time(order.not_after)?.to_unix_duration().as_secs();
    let last = issuer.parsed.tbs_certificate().validity().not_after;
    if end > last.to_unix_duration().as_secs() {
        return Err(wrong("it would be valid longer than its issuer"));
    }
    let subject = issuer.parsed.tbs_certificate().subject().clone();
    let by = match &issuer.extensions.subject_key {
        Some(identifier) => identifier.clone(),
        None => identifier(&issuer.public_key()),
    };
    build(
        order,
        &name::parse(&order.subject)?,
        key,
        subject,
        &by,
        signer,
    )
}

fn build(
    order: &Order,
    subject: &Name,
    key: &PublicKey,
    issuer: Name,
    by: &[u8],
    signer: &(impl Signer + ?Sized),
) -> Result<Certificate, Error> {
    if order.not_after < order.not_before {
        return Err(wrong("its validity ends before it begins"));
    }
    let contents = Contents {
        issuer,
        subject: subject.clone(),
        extensions: extensions(order, subject, key, by)?,
    };
    // 126 random bits and a first bit that keeps the length: RFC 5280, 4.1.2.2.
    let mut serial = [0; 16];
    random(&mut serial)?;
    serial[0] = serial[0] & 0x7f | 0x40;
    let serial = SerialNumber::new(&serial).map_err(wrong)?;
    let validity = Validity::new(time(order.not_before)?, time(order.not_after)?);
    let info = SubjectPublicKeyInfoOwned::from_key(&key.0).map_err(wrong)?;
    let holder = Holder(signer.public_key());
    let mut builder = CertificateBuilder::new(contents, serial, validity, info).map_err(wrong)?;
    let signed = builder.finalize(&holder).map_err(wrong)?;
    let signature = bits(&signer.sign(DEFAULT_ID, &signed)?)?;
    let certificate = builder.assemble(signature, &holder).map_err(wrong)?;
    Certificate::from_der(&certificate.to_der().map_err(wrong)?)
}

/// The extensions of RFC 5280, 4.2.1.
fn extensions(
    order: &Order,
    subject: &Name,
    key: &PublicKey,
    by: &[u8],
) -> Result<Vec<Extension>, Error> {
    let (authority, path_length, usage) = match order.profile {
        Profile::Authority { path_length } => (
            true,
            path_length,
            KeyUsages::KeyCertSign | KeyUsages::CRLSign,
        ),
        _ => (false, None, FlagSet::from(KeyUsages::DigitalSignature)),
    };
    let mut list = Vec::new();
    let mut add = |extension: Result<Extension, der::Error>| {
        list.push(extension.map_err(wrong)?);
        Ok::<_, Error>(())
    };
    let constraints = BasicConstraints {
        ca: authority,
        path_len_constraint: path_length,
    };
    add(constraints.to_extension(subject, &[]))?;
    add((&KeyUsage(usage)).to_extension(subject, &[]))?;
    let purposes = order.profile.purposes();
    if !purposes.is_empty() {
        let purposes = purposes.iter().map(|purpose| purpose.oid()).collect();
        add((&ExtendedKeyUsage(purposes)).to_extension(subject, &[]))?;
    }
    if !order.hosts.is_empty() {
        let names = alternative_names(&order.hosts)?;
        add((&names).to_extension(subject, &[]))?;
    }
    let octets = |bytes: &[u8]| OctetString::new(bytes).map_err(wrong);
    let own = SubjectKeyIdentifier(octets(&identifier(key))?);
    add((&own).to_extension(subject, &[]))?;
    let by = AuthorityKeyIdentifier {
        key_identifier: Some(octets(by)?),
        ..Default::default()
    };
    add((&by).to_extension(subject, &[]))?;
    Ok(list)
}

pub(crate) fn alternative_names(hosts: &[Host]) -> Result<SubjectAltName, Error> {
    let names = hosts.iter().map(Host::to_name).collect::<Result<_, _>>()?;
    Ok(SubjectAltName(names))
}

/// The identifier of a key: the first 20 bytes of SM3 of its point (as RFC 7093, 2 with SHA-256).
fn identifier(key: &PublicKey) -> Vec<u8> {
    sm3::digest(&key.to_sec1())[..20].to_vec()
}

fn time(time: SystemTime) -> Result<Time, Error> {
    let time = DateTime::from_system_time(time).map_err(wrong)?;
    // The builder makes UTCTime of it up to 2049 (RFC 5280, 4.1.2.5).
    Ok(Time::GeneralTime(GeneralizedTime::from_date_time(time)))
}

/// A signature as certificates and requests hold it.
pub(crate) fn bits(signature: &Signature) -> Result<BitString, Error> {
    BitString::from_bytes(&signature.to_der()).map_err(wrong)
}

/// What x509-cert's builders want to know of who signs.
pub(crate) struct Holder(pub(crate) PublicKey);

impl Keypair for Holder {
    type VerifyingKey = sm2::PublicKey;

    fn verifying_key(&self) -> sm2::PublicKey {
        self.0.0
    }
}

impl DynSignatureAlgorithmIdentifier for Holder {
    fn signature_algorithm_identifier(&self) -> spki::Result<AlgorithmIdentifierOwned> {
        Ok(AlgorithmIdentifierOwned {
            oid: SM2_SM3,
            parameters: None,
        })
    }
}

/// What x509-cert's builder puts into a certificate.
struct Contents {
    issuer: Name,
    subject: Name,
    extensions: Vec<Extension>,
}

impl BuilderProfile for Contents {
    fn get_issuer(&self, _subject: &Name) -> Name {
        self.issuer.clone()
    }

    fn get_subject(&self) -> Name {
        self.subject.clone()
    }

    fn build_extensions(
        &self,
        _key: SubjectPublicKeyInfoRef<'_>,
        _issuer_key: SubjectPublicKeyInfoRef<'_>,
        _body: &TbsCertificate,
    ) -> x509_cert::builder::Result<Vec<Extension>> {
        Ok(self.extensions.clone())
    }
}

pub(crate) fn wrong(why: impl ToString) -> Error {
    Error::Form {
        what: "a certificate that can be issued",
        why: why.to_string(),
    }
}
