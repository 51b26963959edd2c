//! Our side: one connection of rustls with our provider.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{
    CipherSuite, ClientConfig, ClientConnection, Connection, HandshakeKind, RootCertStore,
    ServerConfig, ServerConnection, version::TLS13,
};
use rustls_guomi::{
    certified_key_from_pem, client_config, provider, roots_from_pem, server_config,
};

use crate::theirs::LIMIT;
use crate::{pki, text};

pub struct Ours {
    tls: Connection,
    plain: TcpStream,
}

fn roots() -> Result<RootCertStore, String> {
    roots_from_pem(&read("root.pem")?).map_err(text)
}

fn read(name: &str) -> Result<Vec<u8>, String> {
    std::fs::read(pki(name)).map_err(|error| format!("{name}: {error}"))
}

fn identity(name: &str) -> Result<Arc<rustls::sign::CertifiedKey>, String> {
    let (chain, key) = (
        read(&format!("{name}.pem"))?,
        read(&format!("{name}.key.pem"))?,
    );
    certified_key_from_pem(&chain, &key).map_err(text)
}

pub fn client(suite: CipherSuite) -> Result<Arc<ClientConfig>, String> {
    let client = client_config(roots()?)
        .cipher_suites(&[suite])
        .identity(identity("client")?);
    client.build().map(Arc::new).map_err(text)
}

/// A client that begins with a share of P-256, so that a server has to ask again.
pub fn client_that_begins_wrongly(suite: CipherSuite) -> Result<Arc<ClientConfig>, String> {
    let mut provider = provider();
    provider
        .cipher_suites
        .retain(|known| known.suite() == suite);
    provider
        .kx_groups
        .insert(0, rustls::crypto::ring::kx_group::SECP256R1);
    let client = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&TLS13])
        .map_err(text)?
        .with_root_certificates(roots()?)
        .with_no_client_auth();
    Ok(Arc::new(client))
}

pub fn server(suite: CipherSuite, mutual: bool) -> Result<Arc<ServerConfig>, String> {
    let mut server = server_config(identity("server")?).cipher_suites(&[suite]);
    if mutual {
        server = server.clients(roots()?);
    }
    server.build().map(Arc::new).map_err(text)
}

impl Ours {
    pub fn connect(config: &Arc<ClientConfig>, port: u16) -> Result<Self, String> {
        let name = ServerName::try_from("localhost").map_err(text)?;
        let tls = ClientConnection::new(Arc::clone(config), name).map_err(text)?;
        Self::over(
            tls.into(),
            TcpStream::connect(("127.0.0.1", port)).map_err(text)?,
        )
    }

    pub fn accept(config: &Arc<ServerConfig>, listener: &TcpListener) -> Result<Self, String> {
        let tls = ServerConnection::new(Arc::clone(config)).map_err(text)?;
        Self::over(tls.into(), listener.accept().map_err(text)?.0)
    }

    fn over(mut tls: Connection, mut plain: TcpStream) -> Result<Self, String> {
        plain.set_read_timeout(Some(LIMIT)).map_err(text)?;
        while tls.is_handshaking() {
            tls.complete_io(&mut plain).map_err(text)?;
        }
        let mut ours = Self { tls, plain };
        ours.send()?;
        Ok(ours)
    }

    pub fn say(&mut self, line: &str) -> Result<(), String> {
        writeln!(self.tls.writer(), "{line}").map_err(text)?;
        self.send()
    }

    pub fn hear(&mut self, line: &str) -> Result<(), String> {
        let expected = format!("{line}\n");
        let mut heard = Vec::new();
        let mut buffer = [0; 64];
        while heard.len() < expected.len() {
            match self.tls.reader().read(&mut buffer) {
                Ok(0) => return Err("the other side has ended".to_owned()),
                Ok(read) => heard.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.tls.complete_io(&mut self.plain).map_err(text)?;
                }
                Err(error) => return Err(error.to_string()),
            }
        }
        match heard == expected.as_bytes() {
            true => Ok(()),
            false => Err(format!("{:?} was heard", String::from_utf8_lossy(&heard))),
        }
    }

    /// Waits for records that are none of text: what comes next has to be for the connection itself.
    pub fn hear_no_text(&mut self) -> Result<(), String> {
        if self.tls.read_tls(&mut self.plain).map_err(text)? == 0 {
            return Err("the other side has ended".to_owned());
        }
        let state = self.tls.process_new_packets().map_err(text)?;
        match state.plaintext_bytes_to_read() {
            0 => self.send(),
            bytes => Err(format!("{bytes} bytes of text came instead")),
        }
    }

    fn send(&mut self) -> Result<(), String> {
        while self.tls.wants_write() {
            self.tls.write_tls(&mut self.plain).map_err(text)?;
        }
        Ok(())
    }

    pub fn renew_keys(&mut self) -> Result<(), String> {
        self.tls.refresh_traffic_keys().map_err(text)
    }

    pub fn end(&mut self) -> Result<(), String> {
        self.tls.send_close_notify();
        self.send()
    }

    pub fn expect(&self, suite: CipherSuite, kind: HandshakeKind) -> Result<(), String> {
        let found = self
            .tls
            .negotiated_cipher_suite()
            .map(|suite| suite.suite());
        if found != Some(suite) {
            return Err(format!("the suite is {found:?}"));
        }
        let group = self
            .tls
            .negotiated_key_exchange_group()
            .map(|group| group.name());
        if group != Some(rustls_guomi::CURVE_SM2) {
            return Err(format!("the group is {group:?}"));
        }
        match self.tls.handshake_kind() {
            Some(found) if found == kind => Ok(()),
            found => Err(format!("the handshake is {found:?}")),
        }
    }

    pub fn peer_is_known(&self) -> Result<(), String> {
        match self.tls.peer_certificates() {
            Some(_) => Ok(()),
            None => Err("the peer showed no certificate".to_owned()),
        }
    }
}
