//! What two sides that agree can do.

use std::io::{ErrorKind, Read};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{
    CipherSuite, ClientConnection, HandshakeKind, ProtocolVersion, SupportedCipherSuite,
    Tls13CipherSuite, crypto::CipherSuiteCommon, version::TLS13,
};
use rustls_guomi::{
    CURVE_SM2, TLS_SM4_CCM_SM3, TLS_SM4_GCM_SM3, cipher_suite, client_config, provider,
    server_config,
};

use crate::pipe::Pair;
use crate::pki;

const SUITES: [CipherSuite; 2] = [TLS_SM4_GCM_SM3, TLS_SM4_CCM_SM3];

#[test]
fn gcm_is_agreed_on_where_nothing_is_said() {
    let mut pair = Pair::connected(&pki::client(), &pki::server());
    assert_eq!(pair.suite(), TLS_SM4_GCM_SM3);
    assert_eq!(
        pair.client.protocol_version(),
        Some(ProtocolVersion::TLSv1_3)
    );
    let group = pair.server.negotiated_key_exchange_group();
    assert_eq!(group.unwrap().name(), CURVE_SM2);
    assert_eq!(pair.kind(), HandshakeKind::Full);
    assert!(pair.server.peer_certificates().is_none());
    pair.talk();
}

#[test]
fn each_side_can_be_held_to_one_suite() {
    for suite in SUITES {
        let client = client_config(pki::roots()).cipher_suites(&[suite]);
        let mut pair = Pair::connected(&Arc::new(client.build().unwrap()), &pki::server());
        assert_eq!(pair.suite(), suite);
        pair.talk();
        let server = server_config(pki::identity("server")).cipher_suites(&[suite]);
        let mut pair = Pair::connected(&pki::client(), &Arc::new(server.build().unwrap()));
        assert_eq!(pair.suite(), suite);
        pair.talk();
    }
}

#[test]
fn the_order_of_the_client_counts() {
    let client = client_config(pki::roots()).cipher_suites(&[TLS_SM4_CCM_SM3, TLS_SM4_GCM_SM3]);
    let pair = Pair::connected(&Arc::new(client.build().unwrap()), &pki::server());
    assert_eq!(pair.suite(), TLS_SM4_CCM_SM3);
}

#[test]
fn both_sides_know_each_other_by_their_certificates() {
    let client = client_config(pki::roots()).identity(pki::identity("client"));
    let server = server_config(pki::identity("server")).clients(pki::roots());
    let mut pair = Pair::connected(
        &Arc::new(client.build().unwrap()),
        &Arc::new(server.build().unwrap()),
    );
    assert_eq!(
        pair.server.peer_certificates(),
        Some(&pki::chain("client.pem")[..])
    );
    assert_eq!(
        pair.client.peer_certificates(),
        Some(&pki::chain("server.pem")[..])
    );
    pair.talk();
}

#[test]
fn a_client_without_a_certificate_is_let_in_where_that_is_allowed() {
    let server = server_config(pki::identity("server")).clients_or_anyone(pki::roots());
    let server = Arc::new(server.build().unwrap());
    let pair = Pair::connected(&pki::client(), &server);
    assert!(pair.server.peer_certificates().is_none());
    let client = client_config(pki::roots()).identity(pki::identity("client"));
    let pair = Pair::connected(&Arc::new(client.build().unwrap()), &server);
    assert!(pair.server.peer_certificates().is_some());
}

#[test]
fn chains_and_addresses_are_verified_too() {
    let server = server_config(pki::identity("chained")).build().unwrap();
    Pair::connected(&pki::client(), &Arc::new(server)).talk();
    let mut pair = Pair::named(&pki::client(), &pki::server(), "127.0.0.1");
    pair.run().unwrap();
    pair.talk();
}

#[test]
fn a_list_of_revoked_certificates_lets_the_others_pass() {
    let client = client_config(pki::roots()).revoked(pki::revoked());
    Pair::connected(&Arc::new(client.build().unwrap()), &pki::server()).talk();
}

#[test]
fn a_share_of_another_group_is_asked_for_again() {
    // What a client would be that begins with P-256; ours has one group and nothing to begin wrongly with.
    let mut provider = provider();
    let p256 = rustls::crypto::ring::kx_group::SECP256R1;
    provider.kx_groups.insert(0, p256);
    let client = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_root_certificates(pki::roots())
        .with_no_client_auth();
    let mut pair = Pair::connected(&Arc::new(client), &pki::server());
    assert_eq!(pair.kind(), HandshakeKind::FullWithHelloRetryRequest);
    let group = pair.client.negotiated_key_exchange_group();
    assert_eq!(group.unwrap().name(), CURVE_SM2);
    pair.talk();
}

#[test]
fn megabytes_arrive_as_they_were_sent() {
    let data: Vec<u8> = (0u32..600_000).flat_map(u32::to_be_bytes).collect();
    for suite in SUITES {
        let client = client_config(pki::roots()).cipher_suites(&[suite]);
        let mut pair = Pair::connected(&Arc::new(client.build().unwrap()), &pki::server());
        assert!(
            pair.send_to_server(&data) == data,
            "{suite:?}, to the server"
        );
        assert!(
            pair.send_to_client(&data) == data,
            "{suite:?}, to the client"
        );
    }
}

#[test]
fn keys_are_renewed_when_either_side_asks() {
    for suite in SUITES {
        let client = client_config(pki::roots()).cipher_suites(&[suite]);
        let mut pair = Pair::connected(&Arc::new(client.build().unwrap()), &pki::server());
        for _ in 0..3 {
            pair.client.refresh_traffic_keys().unwrap();
            pair.talk();
            pair.server.refresh_traffic_keys().unwrap();
            pair.talk();
        }
    }
}

#[test]
fn keys_are_renewed_on_their_own_before_they_have_served_too_long() {
    // The suite with a limit that a test reaches. A key that went on beyond it would close the connection.
    const RECORDS: u64 = 8;
    let SupportedCipherSuite::Tls13(suite) = cipher_suite::TLS_SM4_GCM_SM3 else {
        panic!("a suite of TLS 1.3");
    };
    let mut provider = provider();
    provider.cipher_suites = vec![SupportedCipherSuite::Tls13(Box::leak(Box::new(
        Tls13CipherSuite {
            common: CipherSuiteCommon {
                suite: suite.common.suite,
                hash_provider: suite.common.hash_provider,
                confidentiality_limit: RECORDS,
            },
            hkdf_provider: suite.hkdf_provider,
            aead_alg: suite.aead_alg,
            quic: None,
        },
    )))];
    let client = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_root_certificates(pki::roots())
        .with_no_client_auth();
    let mut pair = Pair::connected(&Arc::new(client), &pki::server());
    for _ in 0..10 * RECORDS {
        pair.talk();
    }
}

#[test]
fn an_end_that_was_said_is_told_from_one_that_was_not() {
    let mut pair = Pair::connected(&pki::client(), &pki::server());
    pair.client.send_close_notify();
    pair.run().unwrap();
    let mut rest = Vec::new();
    assert_eq!(
        pair.server.reader().read_to_end(&mut rest).unwrap(),
        0,
        "said"
    );

    let mut pair = Pair::connected(&pki::client(), &pki::server());
    pair.server.read_tls(&mut &[][..]).unwrap();
    pair.server.process_new_packets().unwrap();
    let error = pair.server.reader().read_to_end(&mut rest).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    assert!(error.to_string().contains("close_notify"), "{error}");
}

#[test]
fn a_peer_that_leaves_in_the_middle_of_the_handshake_is_an_error() {
    let name = ServerName::try_from("localhost").unwrap();
    let mut client = ClientConnection::new(pki::client(), name).unwrap();
    let mut stream = Gone;
    let error = client.complete_io(&mut stream).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
}

/// Takes everything and gives nothing.
struct Gone;

impl Read for Gone {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Ok(0)
    }
}

impl std::io::Write for Gone {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        Ok(data.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn keying_material_for_others_is_the_same_on_both_sides() {
    let pair = Pair::connected(&pki::client(), &pki::server());
    let export = |output: &mut [u8; 32], client: bool| {
        let context = Some(&b"context"[..]);
        match client {
            true => pair
                .client
                .export_keying_material(output, b"label", context)
                .map(|_| ()),
            false => pair
                .server
                .export_keying_material(output, b"label", context)
                .map(|_| ()),
        }
        .unwrap();
    };
    let (mut one, mut two) = ([0; 32], [0; 32]);
    export(&mut one, true);
    export(&mut two, false);
    assert_eq!(one, two);
}

#[test]
fn secrets_for_the_kernel_are_refused_and_not_mistaken_for_another_cipher() {
    let mut client = client_config(pki::roots()).build().unwrap();
    client.enable_secret_extraction = true;
    let pair = Pair::connected(&Arc::new(client), &pki::server());
    let error = pair.client.dangerous_extract_secrets().err().unwrap();
    assert!(error.to_string().contains("not supported"), "{error}");
}
