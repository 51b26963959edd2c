use rustls::CipherSuite;
use rustls::server::VerifierBuilderError;

/// Why a key, a certificate or a configuration was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A suite that is not one of RFC 8998.
    #[error("{0:?} is not a suite of RFC 8998: there are TLS_SM4_GCM_SM3 and TLS_SM4_CCM_SM3")]
    Suite(CipherSuite),
    /// A private key that cannot be used. Nothing of it is in the text.
    #[error("the private key cannot be used: {0}")]
    PrivateKey(&'static str),
    /// A public key that is no point of the curve.
    #[error("the public key cannot be used: {0}")]
    PublicKey(#[source] weihe_sm::Error),
    /// PEM that holds nothing usable, or cannot be read.
    #[error("{what}: {reason}")]
    Pem {
        /// What was looked for.
        what: &'static str,
        /// Why it was not found.
        reason: String,
    },
    /// No certificate, one that cannot be parsed, or one of another key.
    #[error("the certificate cannot be used with this key: {0}")]
    Certificate(#[source] rustls::Error),
    /// A root that cannot be trusted, as it cannot be parsed.
    #[error("the root certificate cannot be used: {0}")]
    Root(#[source] rustls::Error),
    /// No roots, or a list of revoked certificates that cannot be parsed.
    #[error("the peer's certificates cannot be verified: {0}")]
    Verifier(#[from] VerifierBuilderError),
    /// What rustls refuses.
    #[error(transparent)]
    Rustls(#[from] rustls::Error),
}

impl From<Error> for rustls::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Rustls(error) | Error::Certificate(error) | Error::Root(error) => error,
            error => Self::General(error.to_string()),
        }
    }
}
