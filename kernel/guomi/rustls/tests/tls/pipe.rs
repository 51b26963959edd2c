//! A client and a server with two pipes between them.

use std::io::{Read, Write};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{
    CipherSuite, ClientConfig, ClientConnection, HandshakeKind, ServerConfig, ServerConnection,
};

pub struct Pair {
    pub client: ClientConnection,
    pub server: ServerConnection,
}

/// What went wrong, as each side tells it.
#[derive(Debug, Default, PartialEq)]
pub struct Failure {
    pub client: Option<String>,
    pub server: Option<String>,
}

impl Pair {
    pub fn new(client: &Arc<ClientConfig>, server: &Arc<ServerConfig>) -> Self {
        Self::named(client, server, "localhost")
    }

    pub fn named(client: &Arc<ClientConfig>, server: &Arc<ServerConfig>, name: &str) -> Self {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        Self {
            client: ClientConnection::new(Arc::clone(client), name).unwrap(),
            server: ServerConnection::new(Arc::clone(server)).unwrap(),
        }
    }

    /// A pair that has shaken hands.
    pub fn connected(client: &Arc<ClientConfig>, server: &Arc<ServerConfig>) -> Self {
        let mut pair = Self::new(client, server);
        pair.run().unwrap_or_else(|failure| panic!("{failure:?}"));
        assert!(!pair.client.is_handshaking() && !pair.server.is_handshaking());
        pair
    }

    /// Carries bytes to and fro until both have nothing more to say.
    pub fn run(&mut self) -> Result<(), Failure> {
        self.run_through(|_, _| {})
    }

    /// Carries bytes through something on the way: it gets each flight, and whether it is the client's.
    pub fn run_through(
        &mut self,
        mut on_the_way: impl FnMut(bool, &mut Vec<u8>),
    ) -> Result<(), Failure> {
        let mut failure = Failure::default();
        loop {
            let mut flight = Vec::new();
            while self.client.wants_write() {
                self.client.write_tls(&mut flight).unwrap();
            }
            let mut back = Vec::new();
            while self.server.wants_write() {
                self.server.write_tls(&mut back).unwrap();
            }
            if flight.is_empty() && back.is_empty() {
                break;
            }
            on_the_way(true, &mut flight);
            on_the_way(false, &mut back);
            if failure.server.is_none() {
                failure.server = take_in(&mut self.server, &flight).err();
            }
            if failure.client.is_none() {
                failure.client = take_in(&mut self.client, &back).err();
            }
        }
        match failure == Failure::default() {
            true => Ok(()),
            false => Err(failure),
        }
    }

    pub fn suite(&self) -> CipherSuite {
        let suites = [
            self.client.negotiated_cipher_suite().unwrap().suite(),
            self.server.negotiated_cipher_suite().unwrap().suite(),
        ];
        assert_eq!(suites[0], suites[1]);
        suites[0]
    }

    pub fn kind(&self) -> HandshakeKind {
        let kinds = [
            self.client.handshake_kind().unwrap(),
            self.server.handshake_kind().unwrap(),
        ];
        assert_eq!(kinds[0], kinds[1]);
        kinds[0]
    }

    /// Sends text in both directions and expects it to arrive.
    pub fn talk(&mut self) {
        assert_eq!(self.send_to_server(b"open the valve"), b"open the valve");
        assert_eq!(self.send_to_client(b"it is open"), b"it is open");
    }

    pub fn send_to_server(&mut self, data: &[u8]) -> Vec<u8> {
        let mut arrived = Vec::new();
        for part in data.chunks(PART) {
            self.client.writer().write_all(part).unwrap();
            self.run().unwrap();
            arrived.extend(arrivals(&mut self.server.reader()));
        }
        arrived
    }

    pub fn send_to_client(&mut self, data: &[u8]) -> Vec<u8> {
        let mut arrived = Vec::new();
        for part in data.chunks(PART) {
            self.server.writer().write_all(part).unwrap();
            self.run().unwrap();
            arrived.extend(arrivals(&mut self.client.reader()));
        }
        arrived
    }
}

/// Less than rustls keeps for a writer or a reader that doesn't follow.
const PART: usize = 16_000;

fn take_in<Data>(
    connection: &mut rustls::ConnectionCommon<Data>,
    mut bytes: &[u8],
) -> Result<(), String> {
    while !bytes.is_empty() {
        let read = connection.read_tls(&mut bytes);
        read.map_err(|error| error.to_string())?;
        connection
            .process_new_packets()
            .map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// What is there to read, without an end.
fn arrivals(reader: &mut rustls::Reader<'_>) -> Vec<u8> {
    let mut arrived = Vec::new();
    let end = reader.read_to_end(&mut arrived);
    assert_eq!(end.unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    arrived
}
