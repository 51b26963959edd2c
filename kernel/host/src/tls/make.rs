//! Configurations for rustls, read from files anew each time: a renewed certificate counts from the next one on.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::server::WebPkiClientVerifier;
use rustls::sign::SingleCertAndKey;
use rustls::version::TLS13;
use rustls::{ClientConfig, ServerConfig};

use super::files::{identity, trust};
use super::{Suites, TlsError};

/// One who connects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Which algorithms.
    pub suites: Suites,
    /// Which of their suites; none stands for all.
    pub cipher_suites: Vec<String>,
    /// The authorities that servers are to come from.
    pub trust: PathBuf,
    /// Certificate and key to show to servers that ask.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// One who is connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Which algorithms.
    pub suites: Suites,
    /// Which of their suites; none stands for all.
    pub cipher_suites: Vec<String>,
    /// The authorities that clients are to come from; none lets everybody in.
    pub clients: Option<PathBuf>,
    /// Whether clients may also show no certificate.
    pub anonymous: bool,
    /// Certificate and key.
    pub identity: (PathBuf, PathBuf),
}

fn setup(error: impl ToString) -> TlsError {
    TlsError::Setup(error.to_string())
}

impl Client {
    /// Reads the files.
    pub fn read(&self) -> Result<Arc<ClientConfig>, TlsError> {
        let suites = self.suites.named(&self.cipher_suites)?;
        let roots = trust(self.suites, &self.trust)?;
        let standard = Suites::standard(&suites);
        let own = self.identity.as_ref();
        let own = own.map(|(certificate, key)| identity(self.suites, certificate, key, &standard));
        let own = own.transpose()?;
        let config = match self.suites {
            Suites::Guomi => {
                let mut builder = rustls_guomi::client_config(roots).cipher_suites(&suites);
                if let Some(own) = own {
                    builder = builder.identity(own);
                }
                builder.build().map_err(setup)?
            }
            Suites::Standard => {
                let verifier =
                    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), standard.clone())
                        .build()
                        .map_err(setup)?;
                let builder = ClientConfig::builder_with_provider(standard)
                    .with_protocol_versions(rustls::ALL_VERSIONS)
                    .map_err(setup)?
                    .with_webpki_verifier(verifier);
                match own {
                    Some(own) => {
                        builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(own)))
                    }
                    None => builder.with_no_client_auth(),
                }
            }
        };
        Ok(Arc::new(config))
    }
}

impl Server {
    /// Reads the files.
    pub fn read(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let suites = self.suites.of_listener(&self.cipher_suites)?;
        let standard = Suites::standard(&suites);
        let (certificate, key) = &self.identity;
        let own = identity(self.suites, certificate, key, &standard)?;
        let clients = self.clients.as_ref();
        let clients = clients.map(|path| trust(self.suites, path)).transpose()?;
        let mut config = match self.suites {
            Suites::Guomi => {
                let builder = rustls_guomi::server_config(own).cipher_suites(&suites);
                let builder = match clients {
                    Some(roots) if self.anonymous => builder.clients_or_anyone(roots),
                    Some(roots) => builder.clients(roots),
                    None => builder,
                };
                builder.build().map_err(setup)?
            }
            Suites::Standard => {
                let verifier = match clients {
                    Some(roots) => {
                        let verifier = WebPkiClientVerifier::builder_with_provider(
                            Arc::new(roots),
                            standard.clone(),
                        );
                        match self.anonymous {
                            true => verifier.allow_unauthenticated().build(),
                            false => verifier.build(),
                        }
                        .map_err(setup)?
                    }
                    None => WebPkiClientVerifier::no_client_auth(),
                };
                ServerConfig::builder_with_provider(standard)
                    .with_protocol_versions(&[&TLS13])
                    .map_err(setup)?
                    .with_client_cert_verifier(verifier)
                    .with_cert_resolver(Arc::new(SingleCertAndKey::from(own)))
            }
        };
        // Whoever is let in shows a certificate each time: one that has expired since opens nothing.
        if self.clients.is_some() {
            config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
            config.ticketer = Arc::new(NoTickets);
            config.send_tls13_tickets = 0;
        }
        Ok(Arc::new(config))
    }
}

/// No session is taken up again.
#[derive(Debug)]
struct NoTickets;

impl rustls::server::ProducesTickets for NoTickets {
    fn enabled(&self) -> bool {
        false
    }

    fn lifetime(&self) -> u32 {
        0
    }

    fn encrypt(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn decrypt(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }
}
