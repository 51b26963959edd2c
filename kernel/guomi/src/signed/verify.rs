//! Making signatures, and verifying them.
//!
//! Whether a signature holds does not depend on the clock of the machine: certificates have to be valid when it says
//! that it was made. A machine whose clock stands at 1970 starts the same plugins, and one whose signer's certificate
//! has expired since goes on. Who no longer trusts a signer revokes its certificate.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use weihe_sm::certificate::{Certificate, Check, Purpose, Revoked, has_issued, path, verify};
use weihe_sm::sm2::{DEFAULT_ID, Signature, Signer};

use super::{Envelope, Fault, Statement, join, part};

/// Why a plugin cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The file or the statement is not in order, or the certificate may not sign.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// There is no certificate.
    #[error("there is no certificate to sign with")]
    NoCertificate,
    /// The certificate is for another key.
    #[error("the certificate of `{subject}` is not for this key")]
    OtherKey {
        /// Whose certificate.
        subject: String,
    },
    /// What signs does not.
    #[error(transparent)]
    Key(#[from] weihe_sm::Error),
}

/// A signature that is sound in itself: it is on this file, by the key in the certificate. Whether that is trusted is
/// another question ([`Sound::trusted`]).
#[derive(Clone, Debug)]
pub struct Sound {
    statement: Statement,
    signer: Certificate,
    issuers: Vec<Certificate>,
    covered: usize,
}

impl Sound {
    /// Reads the signature of a file.
    ///
    /// # Errors
    /// [`Fault`]; [`Fault::Unsigned`] where it has none.
    pub fn read(file: &[u8]) -> Result<Self, Fault> {
        let signed = part(file)?;
        let content = signed.content.ok_or(Fault::Unsigned)?;
        let envelope = Envelope::read(content)?;
        envelope.statement().is_on(signed.covered)?;
        let written = envelope.certificates()?;
        let mut certificates = Vec::new();
        for der in &written {
            let certificate = Certificate::from_der(der);
            certificates.push(certificate.map_err(|error| Fault::Certificate(error.to_string()))?);
        }
        let signer = certificates.remove(0);
        let subject = || signer.subject();
        let bytes = Envelope::to_be_signed(envelope.statement(), &written)?;
        Signature::from_bytes(envelope.signature())
            .and_then(|signature| signer.public_key().verify(DEFAULT_ID, &bytes, &signature))
            .map_err(|_| Fault::Signature { signer: subject() })?;
        let mut last = &signer;
        for issuer in &certificates {
            if !has_issued(issuer, last) {
                return Err(Fault::Chain {
                    other: issuer.subject(),
                    subject: last.subject(),
                });
            }
            last = issuer;
        }
        Ok(Self {
            statement: envelope.statement().clone(),
            signer,
            issuers: certificates,
            covered: signed.covered.len(),
        })
    }

    /// Verifies the signer's certificate up to one of `roots`, for signing programs, at the time of the signature.
    /// Gives the chain: the signer first.
    ///
    /// # Errors
    /// [`Fault::Refused`], [`Fault::Nobody`].
    pub fn trusted(
        &self,
        roots: &[Certificate],
        revoked: &Revoked,
    ) -> Result<Vec<Certificate>, Fault> {
        if roots.is_empty() {
            return Err(Fault::Nobody {
                signer: self.signer.subject(),
            });
        }
        let check = Check::new(self.time(), Purpose::CodeSigning).revoked(revoked);
        Ok(verify(&self.signer, &self.issuers, roots, &check)?)
    }

    /// What was signed.
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// Who has signed.
    pub fn signer(&self) -> &Certificate {
        &self.signer
    }

    /// Who has issued the last certificate that comes with it: whom, at least, a host has to trust.
    pub fn issuer(&self) -> String {
        self.issuers.last().unwrap_or(&self.signer).issuer()
    }

    /// When it was signed, as the signer says.
    pub fn time(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.statement.time())
    }

    /// How many bytes of the file are covered, from its beginning.
    pub fn covered(&self) -> usize {
        self.covered
    }
}

/// Signs a component that calls itself `name` in version `release`. A signature that it has is replaced. The
/// certificates are the signer's, and those of its issuers: of them, the chain comes with the signature, without a root,
/// which hosts have.
///
/// # Errors
/// [`SignError`], also where nobody would take the signature: the certificate has to be for signing programs, and
/// valid at `time`.
pub fn sign(
    file: &[u8],
    (name, release): (&str, &str),
    time: SystemTime,
    signer: &(impl Signer + ?Sized),
    certificates: &[Certificate],
) -> Result<Vec<u8>, SignError> {
    let first = certificates.first().ok_or(SignError::NoCertificate)?;
    if first.public_key() != signer.public_key() {
        return Err(SignError::OtherKey {
            subject: first.subject(),
        });
    }
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    // Whole seconds, as they are signed.
    let time = UNIX_EPOCH + Duration::from_secs(seconds.as_secs());
    let own = std::slice::from_ref(first);
    verify(first, &[], own, &Check::new(time, Purpose::CodeSigning)).map_err(Fault::from)?;
    let covered = part(file).map_err(Fault::from)?.covered;
    let statement =
        Statement::new(covered, name, release, seconds.as_secs()).map_err(Fault::from)?;
    let mut chain = path(first, certificates);
    if chain.len() > 1 && chain.last().is_some_and(|last| has_issued(last, last)) {
        chain.pop();
    }
    let certificates: Vec<Vec<u8>> = chain
        .iter()
        .map(|certificate| certificate.to_der().to_vec())
        .collect();
    let bytes = Envelope::to_be_signed(&statement, &certificates).map_err(Fault::from)?;
    let signature = signer.sign(DEFAULT_ID, &bytes)?;
    let envelope =
        Envelope::new(statement, &certificates, signature.to_bytes()).map_err(Fault::from)?;
    let content = envelope.write().map_err(Fault::from)?;
    let signed = join(covered, &content);
    // What nobody could read is not handed out: a key in a device may have signed something else.
    Sound::read(&signed)?;
    Ok(signed)
}
