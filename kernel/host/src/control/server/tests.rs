#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::{Notify, mpsc};

use super::*;
use crate::control::{
    Answer, Client, ClientError, ErrorBody, Piece, Request, Source, bind, code, connect,
};

/// Echoes; counts; waits for ever.
struct Fake {
    /// A stream was dropped.
    dropped: Arc<Notify>,
    /// What the stream `feed` gives.
    feed: std::sync::Mutex<Option<mpsc::Receiver<u64>>>,
}

struct Feed(mpsc::Receiver<u64>, Arc<Notify>);

impl Drop for Feed {
    fn drop(&mut self) {
        self.1.notify_one();
    }
}

#[async_trait]
impl Source for Feed {
    async fn next(&mut self, pieces: &mut Vec<Piece>) -> bool {
        match self.0.recv().await {
            Some(0) => pieces.push(Piece::Dropped(5)),
            Some(number) => pieces.push(Piece::Item(number.into())),
            None => return false,
        }
        true
    }
}

#[async_trait]
impl Service for Fake {
    fn for_peer(self: Arc<Self>, _: Peer) -> Arc<dyn Service> {
        self
    }

    async fn answer(&self, request: Request) -> Result<Answer, ErrorBody> {
        match request.method.as_str() {
            "echo" => Ok(Answer::Once(request.params)),
            "never" => std::future::pending().await,
            "feed" => {
                let feed = self.feed.lock().unwrap().take().unwrap();
                Ok(Answer::Stream(Box::new(Feed(feed, self.dropped.clone()))))
            }
            other => Err(ErrorBody::new(code::METHOD, format!("no method `{other}`"))),
        }
    }
}

struct Rig {
    directory: tempfile::TempDir,
    server: Server,
    feed: mpsc::Sender<u64>,
    dropped: Arc<Notify>,
}

async fn rig() -> Rig {
    let directory = tempfile::tempdir().unwrap();
    let (feed, receiver) = mpsc::channel(1);
    let dropped = Arc::new(Notify::new());
    let fake = Fake {
        dropped: dropped.clone(),
        feed: std::sync::Mutex::new(Some(receiver)),
    };
    let listener = bind(directory.path()).await.unwrap();
    Rig {
        server: serve(listener, Arc::new(fake)),
        directory,
        feed,
        dropped,
    }
}

async fn client(directory: &Path) -> Client {
    Client::connect(directory).await.unwrap()
}

/// Sends lines as they are, hangs up, and returns the lines that come back.
async fn raw(directory: &Path, input: &[u8]) -> Vec<Value> {
    let mut stream: UnixStream = connect(directory).await.unwrap();
    stream.write_all(input).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn a_request_is_answered_and_errors_keep_their_text() {
    let rig = rig().await;
    let mut client = client(rig.directory.path()).await;
    let value: Value = client.request("echo", &json!({"a": "温\n"})).await.unwrap();
    assert_eq!(value, json!({"a": "温\n"}));
    let error = client
        .request::<Value>("nothing", &Value::Null)
        .await
        .unwrap_err();
    match error {
        ClientError::Refused(error) => assert_eq!(error.message, "no method `nothing`"),
        other => panic!("{other}"),
    }
    let value: Value = client.request("echo", &json!(1)).await.unwrap();
    assert_eq!(value, json!(1), "the session goes on after an error");
}

#[tokio::test]
async fn bad_lines_are_answered_and_the_rest_goes_on() {
    let rig = rig().await;
    let long = "x".repeat(session::REQUEST_LIMIT + 1);
    let input =
        format!("nonsense\n\n{long}\n{{\"id\":1,\"method\":\"echo\",\"params\":7}}\n{{\"id\":2}}");
    let replies = raw(rig.directory.path(), input.as_bytes()).await;
    let code_of = |index: usize| replies[index]["error"]["code"].clone();
    assert_eq!(code_of(0), code::MALFORMED);
    assert_eq!(code_of(1), code::MALFORMED);
    assert_eq!(code_of(2), code::TOO_LONG);
    let rest = &replies[3..];
    assert!(rest.contains(&json!({"id": 1, "ok": 7})), "{rest:?}");
    assert!(
        rest.iter()
            .any(|reply| reply["id"] == 2 && reply["error"]["code"] == "malformed")
    );
}

#[tokio::test]
async fn a_request_under_way_does_not_hold_up_others_and_can_be_cancelled() {
    let rig = rig().await;
    let mut stream = connect(rig.directory.path()).await.unwrap();
    let input = concat!(
        "{\"id\":1,\"method\":\"never\"}\n",
        "{\"id\":1,\"method\":\"echo\"}\n",
        "{\"id\":2,\"method\":\"echo\",\"params\":true}\n",
        "{\"id\":3,\"method\":\"cancel\",\"params\":{\"id\":1}}\n",
        "{\"id\":4,\"method\":\"cancel\",\"params\":{\"id\":1}}\n",
    );
    stream.write_all(input.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let replies: Vec<Value> = text
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    let of = |id: u64| replies.iter().filter(move |reply| reply["id"] == id);
    assert_eq!(of(2).next().unwrap()["ok"], true);
    assert_eq!(of(3).next().unwrap()["ok"]["cancelled"], true);
    assert_eq!(of(4).next().unwrap()["ok"]["cancelled"], false);
    let codes: Vec<&Value> = of(1).map(|reply| &reply["error"]["code"]).collect();
    assert_eq!(
        codes,
        ["malformed", "cancelled"],
        "an id in use, then the cancelled one"
    );
}

#[tokio::test]
async fn a_stream_carries_items_and_what_was_dropped_until_it_ends() {
    let rig = rig().await;
    let mut client = client(rig.directory.path()).await;
    let mut stream = client.stream::<u64>("feed", &Value::Null).await.unwrap();
    for number in [7, 0, 8] {
        rig.feed.send(number).await.unwrap();
    }
    drop(rig.feed);
    let mut seen = Vec::new();
    while let Some(piece) = stream.next().await.unwrap() {
        seen.push(piece);
    }
    use crate::control::StreamPiece::{Dropped, Item};
    assert_eq!(seen, [Item(7), Dropped(5), Item(8)]);
}

#[tokio::test]
async fn a_client_that_vanishes_or_never_reads_leaves_nothing_behind() {
    let rig = rig().await;
    let mut stream = connect(rig.directory.path()).await.unwrap();
    stream
        .write_all(b"{\"id\":1,\"method\":\"feed\"}\n")
        .await
        .unwrap();
    // Far more than socket buffers hold: the stream waits for the client, and nobody else does.
    let feed = rig.feed.clone();
    let flood = tokio::spawn(async move { while feed.send(u64::MAX).await.is_ok() {} });
    let mut other = client(rig.directory.path()).await;
    let value: Value = other.request("echo", &json!(1)).await.unwrap();
    assert_eq!(value, json!(1));
    drop(stream);
    rig.dropped.notified().await;
    drop(rig.feed);
    flood.await.unwrap();
}

#[tokio::test]
async fn a_session_ends_in_order_however_its_client_leaves() {
    for (input, items) in [
        ("{\"id\":1,\"method\":\"feed\"}\n", 3),
        ("{\"id\":1,\"method\":\"feed\"}\n", 0),
        ("{\"id\":1,\"method\":\"ec", 0),
        ("", 0),
    ] {
        let (feed, receiver) = mpsc::channel(8);
        let fake = Fake {
            dropped: Arc::new(Notify::new()),
            feed: std::sync::Mutex::new(Some(receiver)),
        };
        let (mut client, host) = UnixStream::pair().unwrap();
        let (_stop, stopped) = watch::channel(false);
        let session = tokio::spawn(session::run(host, Arc::new(fake), stopped, None, None));
        client.write_all(input.as_bytes()).await.unwrap();
        if items > 0 {
            // The client is there for the first item, and gone for the others.
            feed.send(1).await.unwrap();
            client.readable().await.unwrap();
        }
        drop(client);
        for _ in 1..items {
            // The session may have ended already.
            let _ = feed.send(2).await;
        }
        let ended = tokio::time::timeout(Duration::from_secs(10), session)
            .await
            .unwrap();
        ended.unwrap();
    }
}

#[tokio::test]
async fn a_host_that_stops_says_so_to_those_who_wait() {
    let rig = rig().await;
    let mut client = client(rig.directory.path()).await;
    let mut stream = client.stream::<u64>("feed", &Value::Null).await.unwrap();
    rig.feed.send(1).await.unwrap();
    assert!(stream.next().await.unwrap().is_some());
    tokio::time::timeout(Duration::from_secs(10), rig.server.stop())
        .await
        .unwrap();
    match stream.next().await {
        Err(ClientError::Refused(error)) => assert_eq!(error.code, code::STOPPING),
        other => panic!("{other:?}"),
    }
    assert!(Client::connect(rig.directory.path()).await.is_err());
}

#[tokio::test]
async fn one_client_too_many_is_told_so() {
    let rig = rig().await;
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let mut client = client(rig.directory.path()).await;
        let _: Value = client.request("echo", &Value::Null).await.unwrap();
        clients.push(client);
    }
    let replies = raw(rig.directory.path(), b"").await;
    assert_eq!(replies[0]["error"]["code"], code::BUSY);
}
