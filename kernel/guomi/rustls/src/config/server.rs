use std::sync::Arc;

use rustls::pki_types::CertificateRevocationListDer;
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{CipherSuite, RootCertStore, ServerConfig, version::TLS13};

use super::with_suites;
use crate::{Error, ticketer};

/// A server with one certificate, that lets every client in until [`clients`](ServerBuilder::clients) says otherwise.
///
/// It speaks TLS 1.3 with the suites of RFC 8998 only, and lets sessions be resumed by tickets ([`ticketer`]).
/// [`ServerBuilder::build`] gives rustls' own configuration, so all that rustls can set (ALPN, another resolver of
/// certificates, ...) can be set afterwards.
pub fn server_config(identity: Arc<CertifiedKey>) -> ServerBuilder {
    ServerBuilder {
        identity,
        clients: None,
        anonymous: false,
        suites: Vec::new(),
        revoked: Vec::new(),
    }
}

/// What a server is made of; see [`server_config`].
#[derive(Debug)]
#[must_use]
pub struct ServerBuilder {
    identity: Arc<CertifiedKey>,
    clients: Option<Arc<RootCertStore>>,
    anonymous: bool,
    suites: Vec<CipherSuite>,
    revoked: Vec<CertificateRevocationListDer<'static>>,
}

impl ServerBuilder {
    /// Asks clients for a certificate from one of `roots`, and turns away who has none.
    pub fn clients(mut self, roots: impl Into<Arc<RootCertStore>>) -> Self {
        self.clients = Some(roots.into());
        self.anonymous = false;
        self
    }

    /// Asks clients for a certificate from one of `roots`, and lets in who has none. One that cannot be verified is
    /// turned away.
    pub fn clients_or_anyone(mut self, roots: impl Into<Arc<RootCertStore>>) -> Self {
        self.clients = Some(roots.into());
        self.anonymous = true;
        self
    }

    /// The suites to accept. Without it both. The client's order counts.
    pub fn cipher_suites(mut self, suites: &[CipherSuite]) -> Self {
        self.suites = suites.to_vec();
        self
    }

    /// Lists of revoked certificates. With any, the whole chain of a client has to be covered by them; where clients
    /// aren't asked for a certificate, they have nothing to say.
    pub fn revoked(mut self, lists: Vec<CertificateRevocationListDer<'static>>) -> Self {
        self.revoked = lists;
        self
    }

    /// The configuration.
    ///
    /// # Errors
    /// [`Error::Suite`], [`Error::Verifier`]; [`Error::Rustls`] where the system has no random bytes.
    pub fn build(self) -> Result<ServerConfig, Error> {
        let provider = with_suites(&self.suites)?;
        let verifier = match self.clients {
            Some(roots) => {
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider))
                        .with_crls(self.revoked);
                if self.anonymous {
                    verifier.allow_unauthenticated().build()?
                } else {
                    verifier.build()?
                }
            }
            None => WebPkiClientVerifier::no_client_auth(),
        };
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(self.identity)));
        config.ticketer = ticketer()?;
        Ok(config)
    }
}
