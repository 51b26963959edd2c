//! Sessions that go on.

use std::sync::Arc;

use rustls::{HandshakeKind, ServerConfig};
use rustls_guomi::{TLS_SM4_CCM_SM3, TLS_SM4_GCM_SM3, client_config, server_config, ticketer};

use crate::pipe::Pair;
use crate::pki;

fn server() -> ServerConfig {
    server_config(pki::identity("server")).build().unwrap()
}

#[test]
fn a_session_goes_on_in_the_next_connection() {
    for suite in [TLS_SM4_GCM_SM3, TLS_SM4_CCM_SM3] {
        let client = client_config(pki::roots()).cipher_suites(&[suite]);
        let (client, server) = (Arc::new(client.build().unwrap()), pki::server());
        assert_eq!(
            Pair::connected(&client, &server).kind(),
            HandshakeKind::Full
        );
        let mut second = Pair::connected(&client, &server);
        assert_eq!(second.kind(), HandshakeKind::Resumed);
        assert_eq!(second.suite(), suite);
        second.talk();
        assert_eq!(
            Pair::connected(&client, &server).kind(),
            HandshakeKind::Resumed
        );
    }
}

#[test]
fn a_session_without_tickets_goes_on_from_the_memory_of_the_server() {
    let mut server = server();
    // That is how rustls turns them off: with a ticketer that isn't enabled.
    server.ticketer = Arc::new(NoTickets);
    let (client, server) = (pki::client(), Arc::new(server));
    Pair::connected(&client, &server);
    assert_eq!(
        Pair::connected(&client, &server).kind(),
        HandshakeKind::Resumed
    );
}

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

#[test]
fn servers_that_share_a_ticketer_go_on_with_one_anothers_sessions() {
    let (mut one, mut two) = (server(), server());
    one.ticketer = ticketer().unwrap();
    two.ticketer = Arc::clone(&one.ticketer);
    let client = pki::client();
    Pair::connected(&client, &Arc::new(one));
    assert_eq!(
        Pair::connected(&client, &Arc::new(two)).kind(),
        HandshakeKind::Resumed
    );
}

#[test]
fn a_ticket_of_another_server_costs_a_full_handshake_and_nothing_else() {
    let client = pki::client();
    Pair::connected(&client, &pki::server());
    let mut pair = Pair::connected(&client, &pki::server());
    assert_eq!(pair.kind(), HandshakeKind::Full);
    pair.talk();
}

#[test]
fn a_resumed_session_still_knows_the_client() {
    let client = client_config(pki::roots()).identity(pki::identity("client"));
    let server = server_config(pki::identity("server")).clients(pki::roots());
    let (client, server) = (
        Arc::new(client.build().unwrap()),
        Arc::new(server.build().unwrap()),
    );
    Pair::connected(&client, &server);
    let pair = Pair::connected(&client, &server);
    assert_eq!(pair.kind(), HandshakeKind::Resumed);
    assert_eq!(
        pair.server.peer_certificates(),
        Some(&pki::chain("client.pem")[..])
    );
}
