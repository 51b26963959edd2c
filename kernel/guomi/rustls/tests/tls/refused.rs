//! What is refused, and the reason that is given.

use std::sync::Arc;

use rustls::sign::CertifiedKey;
use rustls::{CipherSuite, ClientConfig, ServerConfig, version::TLS13};
use rustls_guomi::{
    Error, SigningKey, TLS_SM4_CCM_SM3, TLS_SM4_GCM_SM3, client_config, roots_from_pem,
    server_config,
};
use weihe_sm::sm2::PrivateKey;

use crate::pipe::{Failure, Pair};
use crate::pki;

fn failure(client: &Arc<ClientConfig>, server: &Arc<ServerConfig>) -> Failure {
    Pair::new(client, server).run().unwrap_err()
}

/// The client refuses the server for a reason that holds `reason`, and the server hears `alert`.
#[track_caller]
fn client_refuses(
    client: &Arc<ClientConfig>,
    server: &Arc<ServerConfig>,
    reason: &str,
    alert: &str,
) {
    let failure = failure(client, server);
    let said = failure.client.expect("the client refuses");
    assert!(said.contains(reason), "{said}");
    let heard = failure.server.expect("the server hears of it");
    assert!(heard.contains(alert), "{heard}");
}

#[track_caller]
fn server_refuses(
    client: &Arc<ClientConfig>,
    server: &Arc<ServerConfig>,
    reason: &str,
    alert: &str,
) {
    let failure = failure(client, server);
    let said = failure.server.expect("the server refuses");
    assert!(said.contains(reason), "{said}");
    let heard = failure.client.expect("the client hears of it");
    assert!(heard.contains(alert), "{heard}");
}

fn server(name: &str) -> Arc<ServerConfig> {
    Arc::new(server_config(pki::identity(name)).build().unwrap())
}

#[test]
fn a_certificate_of_the_past() {
    client_refuses(
        &pki::client(),
        &server("expired"),
        "certificate expired",
        "CertificateExpired",
    );
}

#[test]
fn a_certificate_of_another_host() {
    let failure = Pair::named(&pki::client(), &pki::server(), "pump.example").run();
    let said = failure.unwrap_err().client.unwrap();
    assert!(said.contains("not valid for name"), "{said}");
    assert!(
        said.contains("pump.example") && said.contains("localhost"),
        "{said}"
    );
}

#[test]
fn a_certificate_of_an_issuer_that_is_not_trusted() {
    client_refuses(
        &pki::client(),
        &server("outsider"),
        "UnknownIssuer",
        "UnknownCA",
    );
}

#[test]
fn a_certificate_that_is_no_servers() {
    client_refuses(
        &pki::client(),
        &server("client"),
        "does not allow extended key usage for server authentication",
        "",
    );
}

#[test]
fn a_certificate_that_was_revoked() {
    let client = client_config(pki::roots()).revoked(pki::revoked());
    client_refuses(
        &Arc::new(client.build().unwrap()),
        &server("revoked"),
        "Revoked",
        "CertificateRevoked",
    );
}

#[test]
fn a_server_that_has_not_the_key_of_its_certificate() {
    let key = SigningKey::from(PrivateKey::generate().unwrap());
    let impostor = CertifiedKey::new(pki::chain("server.pem"), Arc::new(key));
    let server = server_config(Arc::new(impostor)).build().unwrap();
    client_refuses(
        &pki::client(),
        &Arc::new(server),
        "BadSignature",
        "DecryptError",
    );
}

#[test]
fn a_server_whose_certificate_is_of_another_curve() {
    // It signs with SM2 as it was asked to, but its certificate is one of P-256.
    let key = SigningKey::from(PrivateKey::generate().unwrap());
    let p256 = CertifiedKey::new(pki::chain("p256.pem"), Arc::new(key));
    let server = Arc::new(server_config(Arc::new(p256)).build().unwrap());
    client_refuses(&pki::client(), &server, "UnknownIssuer", "UnknownCA");
    // Even where its root is trusted.
    let roots = roots_from_pem(&pki::read("p256-root.pem")).unwrap();
    let client = Arc::new(client_config(roots).build().unwrap());
    client_refuses(&client, &server, "UnsupportedSignatureAlgorithm", "");
}

/// A server as there are many: standard suites, P-256.
fn standard_server() -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = rustls::pki_types::pem::PemObject::from_pem_slice(&pki::read("p256.key.pem"));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(pki::chain("p256.pem"), key.unwrap());
    Arc::new(config.unwrap())
}

#[test]
fn a_server_with_standard_suites() {
    server_refuses(
        &pki::client(),
        &standard_server(),
        "peer is incompatible",
        "HandshakeFailure",
    );
}

#[test]
fn a_client_with_standard_suites() {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(pki::roots())
        .with_no_client_auth();
    server_refuses(
        &Arc::new(client),
        &pki::server(),
        "peer is incompatible",
        "HandshakeFailure",
    );
}

#[test]
fn a_client_with_tls_1_2() {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_root_certificates(pki::roots())
        .with_no_client_auth();
    server_refuses(
        &Arc::new(client),
        &pki::server(),
        "Tls12NotOfferedOrEnabled",
        "ProtocolVersion",
    );
}

#[test]
fn sides_that_are_held_to_different_suites() {
    let client = client_config(pki::roots()).cipher_suites(&[TLS_SM4_GCM_SM3]);
    let server = server_config(pki::identity("server")).cipher_suites(&[TLS_SM4_CCM_SM3]);
    server_refuses(
        &Arc::new(client.build().unwrap()),
        &Arc::new(server.build().unwrap()),
        "NoCipherSuitesInCommon",
        "HandshakeFailure",
    );
}

#[test]
fn a_client_with_the_right_suites_and_another_group() {
    let mut provider = rustls_guomi::provider();
    provider.kx_groups = vec![rustls::crypto::ring::kx_group::X25519];
    let client = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_root_certificates(pki::roots())
        .with_no_client_auth();
    server_refuses(
        &Arc::new(client),
        &pki::server(),
        "NoKxGroupsInCommon",
        "HandshakeFailure",
    );
}

#[test]
fn clients_without_a_certificate_or_with_that_of_a_stranger() {
    let server = server_config(pki::identity("server")).clients(pki::roots());
    let server = Arc::new(server.build().unwrap());
    server_refuses(
        &pki::client(),
        &server,
        "peer sent no certificates",
        "CertificateRequired",
    );
    let stranger = |name| {
        let client = client_config(pki::roots()).identity(pki::identity(name));
        Arc::new(client.build().unwrap())
    };
    server_refuses(
        &stranger("outsider-client"),
        &server,
        "UnknownIssuer",
        "UnknownCA",
    );
    // A certificate of a server is none of a client.
    server_refuses(&stranger("server"), &server, "extended key usage", "");
    // Neither is it let in as a client without one.
    let lenient = server_config(pki::identity("server")).clients_or_anyone(pki::roots());
    let lenient = Arc::new(lenient.build().unwrap());
    server_refuses(
        &stranger("outsider-client"),
        &lenient,
        "UnknownIssuer",
        "UnknownCA",
    );
}

#[test]
fn a_record_that_was_tampered_with() {
    let mut pair = Pair::connected(&pki::client(), &pki::server());
    std::io::Write::write_all(&mut pair.client.writer(), b"open the valve").unwrap();
    let failure = pair.run_through(|of_client, flight| {
        if let (true, Some(byte)) = (of_client, flight.get_mut(7)) {
            *byte ^= 1;
        }
    });
    let failure = failure.unwrap_err();
    assert_eq!(
        failure.server.as_deref(),
        Some("cannot decrypt peer's message")
    );
    assert!(failure.client.unwrap().contains("BadRecordMac"));
}

#[test]
fn configurations_that_could_never_work() {
    let refused = |error: Option<Error>| error.expect("an error").to_string();
    let suite = CipherSuite::TLS13_AES_128_GCM_SHA256;
    let said = refused(
        client_config(pki::roots())
            .cipher_suites(&[TLS_SM4_GCM_SM3, suite])
            .build()
            .err(),
    );
    assert_eq!(
        said,
        "TLS13_AES_128_GCM_SHA256 is not a suite of RFC 8998: there are TLS_SM4_GCM_SM3 and \
         TLS_SM4_CCM_SM3"
    );
    let said = refused(client_config(rustls::RootCertStore::empty()).build().err());
    assert!(said.contains("no root trust anchors"), "{said}");
    let said = refused(
        server_config(pki::identity("server"))
            .clients(rustls::RootCertStore::empty())
            .build()
            .err(),
    );
    assert!(said.contains("no root trust anchors"), "{said}");
    let nonsense = vec![vec![1, 2, 3].into()];
    let said = refused(
        server_config(pki::identity("server"))
            .clients(pki::roots())
            .revoked(nonsense)
            .build()
            .err(),
    );
    assert!(said.contains("CRL could not be parsed"), "{said}");
}
