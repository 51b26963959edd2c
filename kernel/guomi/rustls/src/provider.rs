use std::sync::Arc;

use rustls::crypto::{CryptoProvider, GetRandomFailed, KeyProvider, SecureRandom};
use rustls::pki_types::PrivateKeyDer;
use rustls::sign;

use crate::{SigningKey, group, suite, verify};

/// A provider with what RFC 8998 defines, and nothing else: TLS_SM4_GCM_SM3, then TLS_SM4_CCM_SM3; curveSM2; SM2
/// signatures.
///
/// It serves TLS 1.3 only. Adding standard suites, groups or signatures to it makes combinations that RFC 8998 doesn't
/// know: see the notes on the [crate].
pub fn provider() -> CryptoProvider {
    CryptoProvider {
        cipher_suites: vec![suite::TLS_SM4_GCM_SM3, suite::TLS_SM4_CCM_SM3],
        kx_groups: vec![group::CURVE_SM2],
        signature_verification_algorithms: verify::ALGORITHMS,
        secure_random: &Guomi,
        key_provider: &Guomi,
    }
}

/// Random bytes of the operating system, and private keys for SM2.
#[derive(Debug)]
struct Guomi;

impl SecureRandom for Guomi {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), GetRandomFailed> {
        weihe_sm::random(buffer).map_err(|_| GetRandomFailed)
    }
}

impl KeyProvider for Guomi {
    fn load_private_key(
        &self,
        der: PrivateKeyDer<'static>,
    ) -> Result<Arc<dyn sign::SigningKey>, rustls::Error> {
        Ok(Arc::new(SigningKey::from_der(&der)?))
    }
}
