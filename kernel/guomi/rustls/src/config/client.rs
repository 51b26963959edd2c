use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::CertificateRevocationListDer;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{CipherSuite, ClientConfig, RootCertStore, version::TLS13};

use super::with_suites;
use crate::Error;

/// A client that trusts servers whose certificates come from one of `roots`.
///
/// It speaks TLS 1.3 with the suites of RFC 8998 only, and resumes sessions. [`ClientBuilder::build`] gives rustls'
/// own configuration, so all that rustls can set (ALPN, SNI, fragments, ...) can be set afterwards.
pub fn client_config(roots: impl Into<Arc<RootCertStore>>) -> ClientBuilder {
    ClientBuilder {
        roots: roots.into(),
        identity: None,
        suites: Vec::new(),
        revoked: Vec::new(),
    }
}

/// What a client is made of; see [`client_config`].
#[derive(Debug)]
#[must_use]
pub struct ClientBuilder {
    roots: Arc<RootCertStore>,
    identity: Option<Arc<CertifiedKey>>,
    suites: Vec<CipherSuite>,
    revoked: Vec<CertificateRevocationListDer<'static>>,
}

impl ClientBuilder {
    /// The certificate to show to servers that ask for one. Without it none is shown.
    pub fn identity(mut self, identity: Arc<CertifiedKey>) -> Self {
        self.identity = Some(identity);
        self
    }

    /// The suites to offer, best first. Without it both, GCM first.
    pub fn cipher_suites(mut self, suites: &[CipherSuite]) -> Self {
        self.suites = suites.to_vec();
        self
    }

    /// Lists of revoked certificates. With any, the whole chain has to be covered by them.
    pub fn revoked(mut self, lists: Vec<CertificateRevocationListDer<'static>>) -> Self {
        self.revoked = lists;
        self
    }

    /// The configuration.
    ///
    /// # Errors
    /// [`Error::Suite`], [`Error::Verifier`].
    pub fn build(self) -> Result<ClientConfig, Error> {
        let provider = with_suites(&self.suites)?;
        let verifier =
            WebPkiServerVerifier::builder_with_provider(self.roots, Arc::clone(&provider))
                .with_crls(self.revoked)
                .build()?;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])?
            .with_webpki_verifier(verifier);
        Ok(match self.identity {
            Some(identity) => {
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity)))
            }
            None => builder.with_no_client_auth(),
        })
    }
}
