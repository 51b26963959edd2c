//! TLS with both ends of ours in memory.

use std::io::{Read, Write};
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, ServerConfig, ServerConnection};
use rustls_guomi::{TLS_SM4_GCM_SM3, cipher_suite};

use super::works::{Work, data};
use crate::ours::{client, server};
use crate::text;

/// What both ends need for a handshake.
struct Ends {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    name: ServerName<'static>,
}

impl Ends {
    /// Neither side gives tickets or keeps sessions: each handshake is a full one.
    fn new(mutual: bool) -> Result<Self, String> {
        let mut client = Arc::unwrap_or_clone(client(TLS_SM4_GCM_SM3)?);
        client.resumption = Resumption::disabled();
        let mut server = Arc::unwrap_or_clone(server(TLS_SM4_GCM_SM3, mutual)?);
        server.send_tls13_tickets = 0;
        Ok(Self {
            client: Arc::new(client),
            server: Arc::new(server),
            name: ServerName::try_from("localhost").map_err(text)?,
        })
    }
}

struct Pair {
    client: ClientConnection,
    server: ServerConnection,
    /// What is on its way.
    wire: Vec<u8>,
}

impl Pair {
    fn shake(ends: &Ends) -> Result<Self, String> {
        let mut pair = Self {
            client: ClientConnection::new(Arc::clone(&ends.client), ends.name.clone())
                .map_err(text)?,
            server: ServerConnection::new(Arc::clone(&ends.server)).map_err(text)?,
            wire: Vec::with_capacity(1 << 15),
        };
        while pair.client.is_handshaking() || pair.server.is_handshaking() {
            let there = pass(&mut pair.client, &mut pair.server, &mut pair.wire)?;
            let back = pass(&mut pair.server, &mut pair.client, &mut pair.wire)?;
            if there + back == 0 {
                return Err("the handshake got stuck".to_owned());
            }
        }
        Ok(pair)
    }
}

/// Carries what one side has to say to the other.
fn pass<A, B, C, D>(from: &mut A, to: &mut B, wire: &mut Vec<u8>) -> Result<usize, String>
where
    A: std::ops::DerefMut<Target = rustls::ConnectionCommon<C>>,
    B: std::ops::DerefMut<Target = rustls::ConnectionCommon<D>>,
    C: rustls::SideData,
    D: rustls::SideData,
{
    wire.clear();
    while from.wants_write() {
        from.write_tls(wire).map_err(text)?;
    }
    let mut rest = &wire[..];
    while !rest.is_empty() {
        to.read_tls(&mut rest).map_err(text)?;
        to.process_new_packets().map_err(text)?;
    }
    Ok(wire.len())
}

/// Full handshakes.
pub fn handshake(mutual: bool) -> Result<Box<dyn Work>, String> {
    Ok(Box::new(Handshake {
        ends: Ends::new(mutual)?,
        last: None,
    }))
}

struct Handshake {
    ends: Ends,
    last: Option<Pair>,
}

impl Work for Handshake {
    fn once(&mut self) -> Result<(), String> {
        self.last = Some(Pair::shake(&self.ends)?);
        Ok(())
    }

    fn result(&self) -> Vec<u8> {
        let Some(Pair { client, server, .. }) = &self.last else {
            return Vec::new();
        };
        let version = match client.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_3) => "TLSv1.3",
            _ => "another version",
        };
        let suite = client
            .negotiated_cipher_suite()
            .and_then(|suite| cipher_suite::name(suite.suite()));
        let group = client.negotiated_key_exchange_group();
        let group = match group.map(|group| group.name()) {
            Some(rustls_guomi::CURVE_SM2) => "curveSM2",
            _ => "another group",
        };
        let sides = match server.peer_certificates() {
            Some(_) => "mutual",
            None => "one-sided",
        };
        let suite = suite.unwrap_or("another suite");
        format!("{version} {suite} {group} {sides}").into_bytes()
    }
}

/// Records from the client to the server, each with so many bytes.
pub fn bulk(size: usize) -> Result<Box<dyn Work>, String> {
    Ok(Box::new(Bulk {
        pair: Pair::shake(&Ends::new(false)?)?,
        data: data(size),
        arrived: vec![0; size],
    }))
}

struct Bulk {
    pair: Pair,
    data: Vec<u8>,
    arrived: Vec<u8>,
}

impl Work for Bulk {
    fn once(&mut self) -> Result<(), String> {
        let Pair {
            client,
            server,
            wire,
        } = &mut self.pair;
        client.writer().write_all(&self.data).map_err(text)?;
        pass(client, server, wire)?;
        server.reader().read_exact(&mut self.arrived).map_err(text)
    }

    fn result(&self) -> Vec<u8> {
        self.arrived.clone()
    }
}
