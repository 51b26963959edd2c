//! Certificates and keys as they lie in files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use zeroize::Zeroizing;

use super::Suites;
use crate::private::{PrivateError, read_private};

/// The largest file of certificates: some hundred authorities.
const FILE_LIMIT: u64 = 1 << 20;

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file that cannot be read.
    #[error("cannot read {}: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// A file that holds something else.
    #[error("{} cannot be used: {reason}", .path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A private key that others can get at.
    #[error("{} can be read or written by others (mode {mode:03o}): run `chmod 600 {}`", .path.display(), .path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A suite that is not there.
    #[error("there is no cipher suite {name} here: there are {known}")]
    Suite {
        /// The name.
        name: String,
        /// Those that are there.
        known: String,
    },
    /// The command line leaves nothing.
    #[error("`--cipher-suites` leaves none of its cipher suites")]
    Restricted,
    /// What the library refuses.
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
}

impl From<PrivateError> for TlsError {
    fn from(error: PrivateError) -> Self {
        match error {
            PrivateError::Read { path, source } => Self::Read { path, source },
            PrivateError::Open { path, mode } => Self::Open { path, mode },
            PrivateError::Long { path, longest } => content(
                &path,
                format!("it has more than {longest} bytes, and a key has some hundred"),
            ),
        }
    }
}

/// What is said where the keys of one world are shown to the other.
const NOT_STANDARD: &str = "it is a key of SM2, which standard suites do not know: take `--suites guomi`, or `suites = \"guomi\"`";

fn is_sm2(text: &[u8]) -> bool {
    std::str::from_utf8(text)
        .is_ok_and(|text| weihe_sm::sm2::PrivateKey::from_pem(text, None).is_ok())
}

/// The text of a file of certificates or keys.
fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    let fail = |source| TlsError::Read {
        path: path.to_path_buf(),
        source,
    };
    let size = std::fs::metadata(path).map_err(fail)?.len();
    if size > FILE_LIMIT {
        return Err(content(
            path,
            format!("it has {size} bytes, and a certificate has some thousand"),
        ));
    }
    std::fs::read(path).map(Zeroizing::new).map_err(fail)
}

fn content(path: &Path, reason: impl ToString) -> TlsError {
    TlsError::Content {
        path: path.to_path_buf(),
        reason: reason.to_string(),
    }
}

/// Whom to trust.
pub(super) fn trust(suites: Suites, path: &Path) -> Result<RootCertStore, TlsError> {
    let text = read(path)?;
    if suites == Suites::Guomi {
        return rustls_guomi::roots_from_pem(&text).map_err(|error| content(path, error));
    }
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|error| content(path, error))?;
        roots
            .add(certificate)
            .map_err(|error| content(path, error))?;
    }
    if roots.is_empty() {
        return Err(content(path, "there is no certificate in it"));
    }
    Ok(roots)
}

/// Who one is: a chain of certificates, and the key of the first.
pub(super) fn identity(
    suites: Suites,
    certificate: &Path,
    key: &Path,
    provider: &CryptoProvider,
) -> Result<Arc<CertifiedKey>, TlsError> {
    let chain = read(certificate)?;
    let secret = read_private(key, FILE_LIMIT)?;
    if suites == Suites::Guomi {
        return rustls_guomi::certified_key_from_pem(&chain, &secret).map_err(|error| {
            use rustls_guomi::Error;
            match &error {
                Error::PrivateKey(_) => content(key, error),
                Error::Pem { what, .. } if what.contains("key") => content(key, error),
                _ => content(certificate, error),
            }
        });
    }
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&chain).collect();
    let certificates = certificates.map_err(|error| content(certificate, error))?;
    if certificates.is_empty() {
        return Err(content(certificate, "there is no certificate in it"));
    }
    let text = secret;
    let secret = PrivateKeyDer::from_pem_slice(&text).map_err(|error| content(key, error))?;
    let signing = provider
        .key_provider
        .load_private_key(secret)
        .map_err(|error| match is_sm2(&text) {
            true => content(key, NOT_STANDARD),
            false => content(key, error),
        })?;
    let identity = CertifiedKey::new(certificates, signing);
    identity.keys_match().map_err(|error| {
        content(
            certificate,
            format!("it is not of the key in {}: {error}", key.display()),
        )
    })?;
    Ok(Arc::new(identity))
}
