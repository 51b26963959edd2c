//! Configurations that hold nothing but RFC 8998.

mod client;
mod server;

use std::sync::Arc;

use rustls::{CipherSuite, SupportedCipherSuite, crypto::CryptoProvider};

pub use client::{ClientBuilder, client_config};
pub use server::{ServerBuilder, server_config};

use crate::{Error, provider, suite};

/// The provider with some of the suites, in their order; with none named, with all.
fn with_suites(suites: &[CipherSuite]) -> Result<Arc<CryptoProvider>, Error> {
    let mut provider = provider();
    if !suites.is_empty() {
        provider.cipher_suites = suites
            .iter()
            .map(|suite| named(*suite))
            .collect::<Result<_, _>>()?;
    }
    Ok(Arc::new(provider))
}

fn named(suite: CipherSuite) -> Result<SupportedCipherSuite, Error> {
    [suite::TLS_SM4_GCM_SM3, suite::TLS_SM4_CCM_SM3]
        .into_iter()
        .find(|known| known.suite() == suite)
        .ok_or(Error::Suite(suite))
}
