//! TCP connections over real sockets on the loopback interface.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener as Server, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use weihe_kernel::clock::SystemClock;
use weihe_kernel::connection::*;
use weihe_link::{TcpClient, TcpListener};

const SECOND: u64 = 1_000_000_000;

/// A mailbox that always has room.
struct Mailbox(mpsc::UnboundedSender<Notice>);

impl Observer for Mailbox {
    fn notify(&self, _: &Arc<str>, notice: Notice) -> Result<(), Notice> {
        // A test that has seen enough drops its end.
        let _ = self.0.send(notice);
        Ok(())
    }

    fn room(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }
}

struct Under {
    connection: Connection,
    seat: Seat,
    notices: mpsc::UnboundedReceiver<Notice>,
}

fn configure(kind: &dyn ConnectionKind, text: &str) -> Result<Endpoint, ConfigError> {
    kind.configure("net", &text.parse().unwrap())
}

fn open(kind: &dyn ConnectionKind, text: &str) -> Under {
    let text = format!("{text}\nreconnect-min = \"5ms\"\nreconnect-max = \"20ms\"");
    let endpoint = configure(kind, &text).unwrap();
    let clock = Arc::new(SystemClock::new());
    let connection = Connection::spawn("net", endpoint, clock, Handle::current(), |_, _| {});
    let (sender, notices) = mpsc::unbounded_channel();
    let seat = connection
        .attach("device", Arc::new(Mailbox(sender)), None)
        .unwrap();
    Under {
        connection,
        seat,
        notices,
    }
}

impl Under {
    /// Waits for a state of the link; returns its reason.
    async fn link(&mut self, wanted: LinkState) -> String {
        loop {
            if let Notice::Link { state, reason } = self.notices.recv().await.unwrap()
                && state == wanted
            {
                return reason.to_string();
            }
        }
    }

    async fn peer(&mut self) -> (PeerId, bool) {
        loop {
            if let Notice::Peer {
                peer, connected, ..
            } = self.notices.recv().await.unwrap()
            {
                return (peer, connected);
            }
        }
    }

    async fn received(&mut self, length: usize) -> Vec<u8> {
        let mut all = Vec::new();
        while all.len() < length {
            if let Notice::Received { bytes, .. } = self.notices.recv().await.unwrap() {
                all.extend_from_slice(&bytes);
            }
        }
        all
    }
}

fn ask(text: &'static str, length: u32) -> Request {
    Request {
        bytes: Bytes::from_static(text.as_bytes()),
        reply: ReplyRule::Length(length),
        priority: Priority::Poll,
        timeout: 10 * SECOND,
        deadline: 20 * SECOND,
        turnaround: 0,
        peer: None,
    }
}

#[tokio::test]
async fn a_client_asks_and_is_back_when_its_server_is() {
    let server = Server::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap();
    // By name, so that resolution is part of it.
    let text = format!("address = \"localhost:{}\"", address.port());
    let mut client = open(&TcpClient::default(), &text);
    let (mut stream, _) = server.accept().await.unwrap();
    client.link(LinkState::Up).await;

    let seat = client.seat.clone();
    let asking = tokio::spawn(async move { seat.transact(ask("ping", 4)).await });
    let mut request = [0; 4];
    stream.read_exact(&mut request).await.unwrap();
    assert_eq!(&request, b"ping");
    stream.write_all(b"pong").await.unwrap();
    assert_eq!(asking.await.unwrap().unwrap().bytes, "pong");

    drop((stream, server));
    client.link(LinkState::Down).await;
    let refused = client.link(LinkState::Down).await;
    assert!(refused.contains(&address.port().to_string()), "{refused}");
    assert!(refused.contains("refused"), "{refused}");

    let server = Server::bind(address).await.unwrap();
    let (_stream, _) = server.accept().await.unwrap();
    client.link(LinkState::Up).await;
    assert!(client.connection.stats().opened >= 2);
    client.connection.close().await;
}

#[tokio::test]
async fn a_client_can_have_its_sockets_only_end_by_closing() {
    let server = Server::bind("127.0.0.1:0").await.unwrap();
    let client = open(
        &TcpClient::default(),
        &format!("address = \"{}\"", server.local_addr().unwrap()),
    );
    let (mut stream, _) = server.accept().await.unwrap();
    client
        .seat
        .send(None, Bytes::from_static(b"unasked"))
        .unwrap();
    let mut sent = [0; 7];
    stream.read_exact(&mut sent).await.unwrap();
    client.connection.close().await;
    assert_eq!(stream.read(&mut sent).await.unwrap(), 0);
}

#[tokio::test]
async fn a_listener_serves_two_peers_and_tells_them_apart() {
    let mut listener = open(&TcpListener::default(), "address = \"127.0.0.1:0\"");
    listener.link(LinkState::Up).await;
    let address = listener.connection.stats().endpoint;
    let mut one = TcpStream::connect(&address).await.unwrap();
    let (first, _) = listener.peer().await;
    let mut two = TcpStream::connect(&address).await.unwrap();
    let (second, _) = listener.peer().await;
    assert_ne!(first, second);

    two.write_all(b"from two").await.unwrap();
    assert_eq!(listener.received(8).await, b"from two");
    listener
        .seat
        .send(Some(first), Bytes::from_static(b"to one"))
        .unwrap();
    let mut buffer = [0; 6];
    one.read_exact(&mut buffer).await.unwrap();
    assert_eq!(&buffer, b"to one");

    let seat = listener.seat.clone();
    let request = Request {
        peer: Some(second),
        ..ask("state", 2)
    };
    let asking = tokio::spawn(async move { seat.transact(request).await });
    let mut buffer = [0; 5];
    two.read_exact(&mut buffer).await.unwrap();
    two.write_all(b"ok").await.unwrap();
    assert_eq!(asking.await.unwrap().unwrap().bytes, "ok");

    drop(one);
    assert_eq!(listener.peer().await, (first, false));
    listener.seat.disconnect(second);
    assert_eq!(two.read(&mut buffer).await.unwrap(), 0);
    assert_eq!(listener.peer().await, (second, false));
}

#[tokio::test]
async fn what_a_peer_sends_faster_than_it_is_read_arrives_whole() {
    let mut listener = open(&TcpListener::default(), "address = \"127.0.0.1:0\"");
    listener.link(LinkState::Up).await;
    let address = listener.connection.stats().endpoint;
    let expected: Vec<u8> = (0..1_000_000u32).map(|n| (n % 253) as u8).collect();
    let sent = expected.clone();
    let sender = tokio::spawn(async move {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(&sent).await.unwrap();
        stream
    });
    assert!(listener.received(expected.len()).await == expected);
    drop(sender.await.unwrap());
    while listener.peer().await.1 {}
}

#[tokio::test]
async fn a_port_in_use_is_said_and_tried_again() {
    let holder = Server::bind("127.0.0.1:0").await.unwrap();
    let address = holder.local_addr().unwrap();
    let mut listener = open(&TcpListener::default(), &format!("address = \"{address}\""));
    let reason = listener.link(LinkState::Down).await;
    assert!(reason.contains(&address.to_string()), "{reason}");
    assert!(reason.contains("in use"), "{reason}");
    assert!(reason.contains("ss -ltnp"), "how to find who: {reason}");
    drop(holder);
    listener.link(LinkState::Up).await;
    TcpStream::connect(address).await.unwrap();
    assert!(listener.peer().await.1);
}

#[test]
fn tables_are_refused_with_connection_key_and_remedy() {
    let error = |kind: &dyn ConnectionKind, text| configure(kind, text).unwrap_err();
    let missing = error(&TcpClient::default(), "");
    assert_eq!(missing.message, "connection `net`: `address` is missing");
    assert!(
        missing
            .help
            .unwrap()
            .contains("address = \"192.168.1.10:502\"")
    );
    assert!(
        error(&TcpClient::default(), "address = \"gateway\"")
            .message
            .contains("has no port")
    );
    assert!(
        error(&TcpClient::default(), "address = 502")
            .message
            .contains("must be a text")
    );
    let unknown = error(
        &TcpClient::default(),
        "address = \"a:1\"\nkeep-alive = \"5s\"",
    );
    assert_eq!(unknown.help.as_deref(), Some("did you mean `keepalive`?"));
    let name = error(&TcpListener::default(), "address = \"localhost:502\"");
    assert!(name.message.contains("not an IP address"), "{name}");
    let peers = error(
        &TcpListener::default(),
        "address = \"127.0.0.1:1\"\nmax-peers = 0",
    );
    assert!(peers.message.contains("must be 1 to 512"), "{peers}");
}

#[test]
fn two_listeners_on_one_address_are_found_before_they_start() {
    let endpoint = |text| configure(&TcpListener::default(), text).unwrap();
    let one = endpoint("address = \"0.0.0.0:2404\"");
    let two = endpoint("address = \"127.0.0.1:2404\"");
    let client = configure(&TcpClient::default(), "address = \"127.0.0.1:2404\"").unwrap();
    let found = conflicts([("one", &one), ("client", &client), ("two", &two)]);
    assert_eq!(found.len(), 1);
    let text = found[0].to_string();
    assert_eq!(
        text,
        "connections `one` and `two` both hold address 127.0.0.1:2404"
    );
}

#[test]
fn a_kind_that_is_not_known_is_refused_with_a_suggestion() {
    let mut kinds = Kinds::new();
    kinds.register(TcpClient::default());
    kinds.register(TcpListener::default());
    let table = "type = \"tpc\"\naddress = \"a:1\"".parse().unwrap();
    let error = kinds.configure("net", &table).unwrap_err();
    assert_eq!(
        error.message,
        "connection `net`: `type` has the unknown value \"tpc\""
    );
    assert_eq!(error.help.as_deref(), Some("did you mean \"tcp\"?"));
    let table = "type = \"tcp-listen\"\naddress = \"127.0.0.1:0\""
        .parse()
        .unwrap();
    assert_eq!(
        kinds.configure("net", &table).unwrap().describe(),
        "127.0.0.1:0"
    );
}
