//! OpenSSL 4 on the other side, as pyOpenSSL brings it along.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{
    ClientConfig, ClientConnection, ConnectionCommon, HandshakeKind, ServerConfig,
    ServerConnection, SideData,
};
use rustls_guomi::{client_config, server_config};

use crate::{pki, python};

/// How long a silent peer is waited for. Only a failing test waits for it.
const LIMIT: Duration = Duration::from_secs(60);

struct Peer {
    process: Child,
    reports: BufReader<ChildStdout>,
}

impl Peer {
    /// A peer as `peer.py` describes it, or none where there is no Python for it.
    fn start(order: &str) -> Option<Self> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls/peer.py");
        let mut process = python::find()?
            .args([script, order])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let reports = BufReader::new(process.stdout.take().unwrap());
        Some(Self { process, reports })
    }

    /// What it says next.
    fn report(&mut self) -> String {
        let mut line = String::new();
        self.reports.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the peer has ended");
        line
    }

    #[track_caller]
    fn says(&mut self, expected: &[&str]) {
        let line = self.report();
        for part in expected {
            assert!(line.contains(part), "{part} is not in {line}");
        }
    }

    fn port(&mut self) -> u16 {
        let line = self.report();
        let digits: String = line.chars().filter(char::is_ascii_digit).collect();
        digits.parse().unwrap()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn limited(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.set_write_timeout(Some(LIMIT)).unwrap();
    stream
}

/// As a client: text to and fro, with keys renewed in between, then the end.
fn visit(config: &Arc<ClientConfig>, port: u16) -> std::io::Result<HandshakeKind> {
    let name = ServerName::try_from("localhost").unwrap();
    let mut tls = ClientConnection::new(Arc::clone(config), name).unwrap();
    let mut plain = limited(TcpStream::connect(("127.0.0.1", port)).unwrap());
    for _ in 0..3 {
        let mut stream = rustls::Stream::new(&mut tls, &mut plain);
        let said = [0x5a; 40_000];
        stream.write_all(&said)?;
        let mut heard = [0; 40_000];
        stream.read_exact(&mut heard)?;
        assert_eq!(said, heard);
        tls.refresh_traffic_keys().unwrap();
    }
    tls.send_close_notify();
    let mut stream = rustls::Stream::new(&mut tls, &mut plain);
    assert_eq!(stream.read(&mut [0])?, 0, "the end is said");
    Ok(tls.handshake_kind().unwrap())
}

/// As a server: echoes until the end, with keys renewed on the way.
fn welcome(config: &Arc<ServerConfig>, listener: &TcpListener) -> std::io::Result<HandshakeKind> {
    let mut tls = ServerConnection::new(Arc::clone(config)).unwrap();
    let mut plain = limited(listener.accept().unwrap().0);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let mut stream = rustls::Stream::new(&mut tls, &mut plain);
        let read = match stream.read(&mut buffer) {
            Ok(read) => read,
            Err(error) => {
                // The alert, for the other side to know why.
                flush(&mut tls, &mut plain);
                return Err(error);
            }
        };
        if read == 0 {
            tls.send_close_notify();
            flush(&mut tls, &mut plain);
            return Ok(tls.handshake_kind().unwrap());
        }
        stream.write_all(&buffer[..read])?;
        tls.refresh_traffic_keys().unwrap();
    }
}

fn flush<Data: SideData>(tls: &mut ConnectionCommon<Data>, plain: &mut TcpStream) {
    while tls.wants_write() {
        if tls.write_tls(plain).is_err() {
            return;
        }
    }
}

fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

const SUITES: [&str; 2] = ["TLS_SM4_GCM_SM3", "TLS_SM4_CCM_SM3"];

#[test]
fn our_client_and_its_server_agree_and_go_on() {
    for suite in SUITES {
        let order = format!(
            r#"{{"role": "server", "name": "chained", "verify": false, "connections": 2,
                 "suites": "{suite}", "groups": "curveSM2"}}"#
        );
        let Some(mut peer) = Peer::start(&order) else {
            return;
        };
        let (port, client) = (peer.port(), pki::client());
        for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
            assert_eq!(visit(&client, port).unwrap(), kind);
            peer.says(&[suite, "TLSv1.3", "SM2"]);
            peer.says(&["closed"]);
        }
    }
}

#[test]
fn its_client_and_our_server_agree_and_go_on() {
    for suite in SUITES {
        let (listener, port) = listener();
        let order = format!(
            r#"{{"role": "client", "port": {port}, "connections": 2,
                 "suites": "{suite}", "groups": "curveSM2"}}"#
        );
        let Some(mut peer) = Peer::start(&order) else {
            return;
        };
        let server = server_config(pki::identity("chained")).build().unwrap();
        let server = Arc::new(server);
        for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
            assert_eq!(welcome(&server, &listener).unwrap(), kind);
            peer.says(&[suite, "TLSv1.3", "test server below an intermediate"]);
            peer.says(&[r#""echoed": true"#]);
            peer.says(&["closed"]);
        }
    }
}

#[test]
fn both_know_each_other_by_their_certificates() {
    let order = r#"{"role": "server", "name": "server", "suites": "TLS_SM4_GCM_SM3", "groups": "curveSM2"}"#;
    let Some(mut peer) = Peer::start(order) else {
        return;
    };
    let client = client_config(pki::roots()).identity(pki::identity("client"));
    visit(&Arc::new(client.build().unwrap()), peer.port()).unwrap();
    peer.says(&["test client"]);

    let (listener, port) = listener();
    let order = format!(
        r#"{{"role": "client", "port": {port}, "name": "client",
             "suites": "TLS_SM4_GCM_SM3", "groups": "curveSM2"}}"#
    );
    let mut peer = Peer::start(&order).unwrap();
    let server = server_config(pki::identity("server")).clients(pki::roots());
    welcome(&Arc::new(server.build().unwrap()), &listener).unwrap();
    peer.says(&["test server"]);
    peer.says(&[r#""echoed": true"#]);
}

#[test]
fn a_client_that_begins_with_another_group_is_asked_again() {
    let (listener, port) = listener();
    let order = format!(
        r#"{{"role": "client", "port": {port}, "suites": "TLS_SM4_GCM_SM3", "groups": "P-256:curveSM2"}}"#
    );
    let Some(mut peer) = Peer::start(&order) else {
        return;
    };
    assert_eq!(
        welcome(&pki::server(), &listener).unwrap(),
        HandshakeKind::FullWithHelloRetryRequest
    );
    peer.says(&["TLS_SM4_GCM_SM3", "SM2"]);
    peer.says(&[r#""echoed": true"#]);
}

#[test]
fn each_refuses_what_the_other_should_not_have_shown() {
    // A client without a certificate, at its server.
    let order = r#"{"role": "server", "name": "server", "suites": "TLS_SM4_GCM_SM3", "groups": "curveSM2"}"#;
    let Some(mut peer) = Peer::start(order) else {
        return;
    };
    let error = visit(&pki::client(), peer.port()).unwrap_err();
    assert!(error.to_string().contains("CertificateRequired"), "{error}");
    peer.says(&["peer did not return a certificate"]);
    // A server that nobody vouches for, before our client.
    let order = r#"{"role": "server", "name": "outsider", "verify": false,
                    "suites": "TLS_SM4_GCM_SM3", "groups": "curveSM2"}"#;
    let mut peer = Peer::start(order).unwrap();
    let error = visit(&pki::client(), peer.port()).unwrap_err();
    assert!(error.to_string().contains("UnknownIssuer"), "{error}");
    // Ours before its client.
    let (listener, port) = listener();
    let order = format!(
        r#"{{"role": "client", "port": {port}, "suites": "TLS_SM4_GCM_SM3", "groups": "curveSM2"}}"#
    );
    let mut peer = Peer::start(&order).unwrap();
    let server = server_config(pki::identity("outsider")).build().unwrap();
    let error = welcome(&Arc::new(server), &listener).unwrap_err();
    assert!(error.to_string().contains("UnknownCA"), "{error}");
    peer.says(&["certificate verify failed"]);
    // A client with standard suites only.
    let (listener, port) = self::listener();
    let order = format!(
        r#"{{"role": "client", "port": {port}, "suites": "TLS_AES_128_GCM_SHA256", "groups": "P-256"}}"#
    );
    let mut peer = Peer::start(&order).unwrap();
    let error = welcome(&pki::server(), &listener).unwrap_err();
    assert!(error.to_string().contains("incompatible"), "{error}");
    peer.says(&["handshake failure"]);
}
