//! Why configurations are not mixed: what the documentation says of it is so.

use std::sync::Arc;

use rustls::{ClientConfig, ServerConfig, version::TLS13};
use rustls_guomi::TLS_SM4_GCM_SM3;

use crate::pipe::Pair;
use crate::pki;

#[test]
fn a_mixed_provider_agrees_on_what_rfc_8998_does_not_know() {
    let mut mixed = rustls_guomi::provider();
    let x25519 = rustls::crypto::ring::kx_group::X25519;
    mixed.kx_groups.insert(0, x25519);
    let mixed = Arc::new(mixed);
    let client = ClientConfig::builder_with_provider(Arc::clone(&mixed))
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_root_certificates(pki::roots())
        .with_no_client_auth();
    let server = ServerConfig::builder_with_provider(mixed)
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(
            pki::identity("server"),
        )));
    let pair = Pair::connected(&Arc::new(client), &Arc::new(server));
    let group = pair.client.negotiated_key_exchange_group().unwrap();
    assert_eq!(pair.suite(), TLS_SM4_GCM_SM3);
    assert_eq!(group.name(), x25519.name());
}
