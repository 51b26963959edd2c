//! A client and a server of rustls-guomi with what is between them in the caller's hand.

use std::{
    io::{Read, Write},
    sync::{Arc, LazyLock},
};

use rustls::{
    ClientConfig, ClientConnection, ConnectionCommon, ServerConfig, ServerConnection,
    client::Resumption, pki_types::ServerName,
};
use rustls_guomi::{certified_key_from_pem, client_config, roots_from_pem, server_config};

macro_rules! pki {
    ($name:literal) => {
        include_bytes!(concat!("../../../kernel/guomi/rustls/tests/pki/", $name))
    };
}

/// The most flights of a handshake, and some for what an attacker provokes.
const MOST: usize = 12;

/// Both sides show a certificate: so there is more to parse.
static CONFIGS: LazyLock<(Arc<ClientConfig>, Arc<ServerConfig>)> = LazyLock::new(|| {
    let roots = || roots_from_pem(pki!("root.pem")).unwrap();
    let own = |chain, key| certified_key_from_pem(chain, key).unwrap();
    let client = own(pki!("client.pem"), pki!("client.key.pem"));
    let server = own(pki!("server.pem"), pki!("server.key.pem"));
    (
        Arc::new(client_config(roots()).identity(client).build().unwrap()),
        Arc::new(
            server_config(server)
                .clients_or_anyone(roots())
                .build()
                .unwrap(),
        ),
    )
});

/// A client and a server that may not get what the other sent.
pub struct Pair {
    /// Who begins.
    pub client: ClientConnection,
    /// Who answers.
    pub server: ServerConnection,
}

impl Pair {
    /// A pair that is about to shake hands: as strangers, or with a ticket of an earlier time.
    pub fn new(resuming: bool) -> Self {
        let (client, server) = &*CONFIGS;
        // What others have agreed on earlier must not make a difference.
        let mut client = ClientConfig::clone(client);
        client.resumption = Resumption::in_memory_sessions(1);
        let client = Arc::new(client);
        if resuming {
            Self::with(&client, server).shake_hands();
        }
        Self::with(&client, server)
    }

    fn with(client: &Arc<ClientConfig>, server: &Arc<ServerConfig>) -> Self {
        let name = ServerName::try_from("localhost").unwrap();
        Self {
            client: ClientConnection::new(Arc::clone(client), name).unwrap(),
            server: ServerConnection::new(Arc::clone(server)).unwrap(),
        }
    }

    /// Shakes hands without anyone between.
    pub fn shake_hands(&mut self) {
        self.run(|_, _, _| {});
        assert!(self.complete(), "an honest handshake failed");
    }

    /// Whether both sides take the handshake for complete.
    pub fn complete(&self) -> bool {
        !self.client.is_handshaking() && !self.server.is_handshaking()
    }

    /// Carries flights to and fro; what is on the way gets each, with its number and whether it is the client's. Even
    /// numbers are the client's, odd ones the server's, in rounds: of a handshake 0, 3 and 4 are not empty, and 7 are
    /// the tickets. After an error, a side hears no more.
    pub fn run(&mut self, mut on_the_way: impl FnMut(usize, bool, &mut Vec<u8>)) {
        let (mut client_hears, mut server_hears) = (true, true);
        for number in 0..MOST {
            let mut out = sent(&mut self.client);
            let mut back = sent(&mut self.server);
            on_the_way(2 * number, true, &mut out);
            on_the_way(2 * number + 1, false, &mut back);
            if out.is_empty() && back.is_empty() {
                break;
            }
            server_hears = server_hears && hear(&mut self.server, &out);
            client_hears = client_hears && hear(&mut self.client, &back);
        }
    }

    /// Sends something from each side over a way that changes nothing. What arrives is that, or nothing.
    pub fn talk(&mut self) {
        let (question, answer) = (b"is the valve open?", b"it is shut");
        let _ = self.client.writer().write_all(question);
        let _ = self.server.writer().write_all(answer);
        self.run(|_, _, _| {});
        let at_server = arrived(&mut self.server);
        let at_client = arrived(&mut self.client);
        assert!(
            at_server.is_empty() || at_server == question,
            "{at_server:?}"
        );
        assert!(at_client.is_empty() || at_client == answer, "{at_client:?}");
    }
}

fn sent<Data>(side: &mut ConnectionCommon<Data>) -> Vec<u8> {
    let mut flight = Vec::new();
    while side.wants_write() {
        side.write_tls(&mut flight).expect("memory");
    }
    flight
}

/// Whether a side takes it.
fn hear<Data>(side: &mut ConnectionCommon<Data>, mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        match side.read_tls(&mut bytes) {
            Ok(0) | Err(_) => return false,
            Ok(_) => {}
        }
        if let Err(error) = side.process_new_packets() {
            let _ = error.to_string();
            // It stays an error.
            assert!(side.process_new_packets().is_err());
            return false;
        }
    }
    true
}

/// What there is to read.
pub fn arrived<Data>(side: &mut ConnectionCommon<Data>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = side.reader().read_to_end(&mut bytes);
    bytes
}
