//! One client: its requests run side by side, their replies share one queue of lines.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader, WriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;

use super::line::{LineError, LineReader};
use super::protocol::{Body, CancelParams, ErrorBody, Reply, Request, code, parse_request};
use super::service::{Answer, Piece, Service};

/// The longest request: a value or arguments of a megabyte are beyond what a command line holds.
pub const REQUEST_LIMIT: usize = 1 << 20;

/// Requests of one client that are under way, streams included.
pub const REQUESTS: usize = 32;

/// Lines that wait for a client to read them. A stream stops to take items when they are full, and
/// what it misses is counted where it comes from.
const LINES: usize = 64;

/// Replies on their way to the client.
type Lines = mpsc::Sender<Reply>;

/// Talks to a client until it leaves or the host stops.
///
/// With a `patience`, a client that asks nothing for so long while nothing is under way is left, be it silent or in
/// the middle of a line; so is one that takes so long to read a reply. It is left, too, when it has to give way.
pub(super) async fn run<S>(
    stream: S,
    service: Arc<dyn Service>,
    mut stopped: watch::Receiver<bool>,
    patience: Option<Duration>,
    gives_way: Option<watch::Receiver<bool>>,
) where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let (read, write) = tokio::io::split(stream);
    let mut reader = LineReader::new(BufReader::new(read), REQUEST_LIMIT);
    let (lines, queue) = mpsc::channel(LINES);
    // Ends with the session, however that ends.
    let mut writer = JoinSet::new();
    writer.spawn(write_lines(write, queue, patience));
    let (hung_up, ends) = watch::channel(false);
    let mut requests = Requests {
        service,
        lines,
        ends,
        running: JoinSet::new(),
        by_id: HashMap::new(),
    };
    let displaced = displaced(gives_way);
    tokio::pin!(displaced);
    let mut is_displaced = false;
    let mut asked = Instant::now();
    loop {
        requests.tidy();
        let idle = patience.filter(|_| requests.by_id.is_empty());
        let idle = idle.map(|patience| asked + patience);
        tokio::select! {
            line = reader.next() => match line {
                Ok(Some(line)) => {
                    asked = Instant::now();
                    requests.take(&line).await;
                }
                Ok(None) | Err(LineError::Io(_)) => break,
                Err(error @ LineError::TooLong { .. }) => {
                    let error = ErrorBody::new(code::TOO_LONG, error.to_string());
                    requests.reply(None, Body::Error(error)).await;
                }
            },
            Some(_) = requests.running.join_next() => asked = Instant::now(),
            () = until(idle) => {
                tracing::debug!("a client that asks nothing is left");
                break;
            }
            // The client no longer reads: the writer has ended, and with it the queue.
            () = requests.lines.closed() => break,
            () = stopping(&mut stopped) => {
                requests.farewell(&ErrorBody::new(code::STOPPING, "the host stops")).await;
                break;
            }
            () = &mut displaced => {
                is_displaced = true;
                let error = ErrorBody::new(code::BUSY, "the host has too many clients, and a higher role needs the place");
                let nothing_asked = requests.farewell(&error).await == 0;
                if nothing_asked {
                    let _ = requests.lines.try_send(Reply { id: None, body: Body::Error(error) });
                }
                break;
            }
        }
    }
    // A client that has said all (`echo … | nc`) still gets its answers. Streams end: whether it
    // still listens shows only when there is something to send, which may be never.
    hung_up.send_replace(true);
    if !is_displaced && !*stopped.borrow() {
        requests.finish().await;
    }
    drop(requests);
    writer.join_next().await;
}

/// Waits until the client has to give way; for ever where it never has to.
async fn displaced(gives_way: Option<watch::Receiver<bool>>) {
    if let Some(mut gives_way) = gives_way
        && gives_way.wait_for(|gives_way| *gives_way).await.is_ok()
    {
        return;
    }
    std::future::pending().await
}

/// Waits for a time; for ever without one.
async fn until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// Waits until the host stops. Its own function, so that the lock on the flag is not held.
async fn stopping(stopped: &mut watch::Receiver<bool>) {
    // Fails when the server is gone, which is the same.
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// What to do where there are too many.
pub(super) const END_SOME: &str = "end some of them, for example `weihe events` in other terminals";

/// Why a client is not served where there are too many.
pub(super) fn too_many() -> ErrorBody {
    ErrorBody::new(code::BUSY, "the host has too many clients").help(END_SOME)
}

/// Tells a client that there are too many.
pub(super) async fn refuse(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    // It may be gone already.
    let _ = say(&mut stream, too_many()).await;
    let _ = stream.shutdown().await;
}

/// Tells a client why it is not served, whatever it asks.
pub(super) async fn say(
    stream: &mut (impl AsyncWrite + Unpin),
    error: ErrorBody,
) -> std::io::Result<()> {
    let reply = Reply {
        id: None,
        body: Body::Error(error),
    };
    write_line(stream, &reply).await
}

async fn write_lines<S: AsyncWrite>(
    mut write: WriteHalf<S>,
    mut queue: mpsc::Receiver<Reply>,
    patience: Option<Duration>,
) {
    while let Some(reply) = queue.recv().await {
        let written = within(patience, write_line(&mut write, &reply)).await;
        if written.is_none_or(|written| written.is_err()) {
            return;
        }
    }
    // TLS says good-bye; a client that no longer reads is not waited for.
    let _ = within(patience, write.shutdown()).await;
}

/// The end of some work; none where it takes longer than it may.
async fn within<T>(patience: Option<Duration>, work: impl Future<Output = T>) -> Option<T> {
    match patience {
        Some(patience) => tokio::time::timeout(patience, work).await.ok(),
        None => Some(work.await),
    }
}

async fn write_line(write: &mut (impl AsyncWrite + Unpin), reply: &Reply) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(reply)?;
    line.push(b'\n');
    write.write_all(&line).await?;
    write.flush().await
}

/// The requests of one client.
struct Requests {
    service: Arc<dyn Service>,
    lines: Lines,
    /// Becomes true when the client has hung up.
    ends: watch::Receiver<bool>,
    running: JoinSet<()>,
    by_id: HashMap<u64, AbortHandle>,
}

impl Requests {
    async fn take(&mut self, line: &[u8]) {
        let request = match parse_request(line) {
            Ok(request) => request,
            Err(reply) => return self.reply(reply.id, reply.body).await,
        };
        self.tidy();
        let id = request.id;
        let refusal = if request.method == "cancel" {
            return self.cancel(request).await;
        } else if self.by_id.contains_key(&id) {
            let message = format!("request {id} is still under way");
            Some(
                ErrorBody::new(code::MALFORMED, message).help("give each request an id of its own"),
            )
        } else if self.by_id.len() >= REQUESTS {
            let message = format!("{REQUESTS} requests are under way");
            Some(ErrorBody::new(code::BUSY, message).help("wait for some of them to end"))
        } else {
            None
        };
        if let Some(error) = refusal {
            return self.reply(Some(id), Body::Error(error)).await;
        }
        let handle = self.running.spawn(carry_out(
            Arc::clone(&self.service),
            request,
            self.lines.clone(),
            self.ends.clone(),
        ));
        self.by_id.insert(id, handle);
    }

    async fn cancel(&mut self, request: Request) {
        let id = request.id;
        let body = match serde_json::from_value::<CancelParams>(request.params) {
            Err(error) => {
                let message = format!("`cancel`: {error}");
                let error = ErrorBody::new(code::PARAMS, message);
                Body::Error(error.help("name a request: {\"id\":3}"))
            }
            Ok(params) => {
                let ended = self.by_id.remove(&params.id).is_some_and(|handle| {
                    let running = !handle.is_finished();
                    handle.abort();
                    running
                });
                if ended {
                    let message = format!("request {} was cancelled", params.id);
                    let error = ErrorBody::new(code::CANCELLED, message);
                    self.reply(Some(params.id), Body::Error(error)).await;
                }
                Body::Ok(serde_json::json!({ "cancelled": ended }))
            }
        };
        self.reply(Some(id), body).await;
    }

    /// Forgets requests that have ended.
    fn tidy(&mut self) {
        while self.running.try_join_next().is_some() {}
        self.by_id.retain(|_, handle| !handle.is_finished());
    }

    async fn reply(&self, id: Option<u64>, body: Body) {
        // The writer is gone when the client is, and the session ends then.
        let _ = self.lines.send(Reply { id, body }).await;
    }

    /// Lets what was asked end, unless the client goes away.
    async fn finish(&mut self) {
        loop {
            tokio::select! {
                ended = self.running.join_next() => if ended.is_none() { return },
                () = self.lines.closed() => return,
            }
        }
    }

    /// Ends everything with a word; how much it was.
    async fn farewell(&mut self, error: &ErrorBody) -> usize {
        self.tidy();
        let open: Vec<u64> = self.by_id.drain().map(|(id, _)| id).collect();
        self.running.shutdown().await;
        for id in &open {
            // A client that does not read is not waited for.
            let _ = self.lines.try_send(Reply {
                id: Some(*id),
                body: Body::Error(error.clone()),
            });
        }
        open.len()
    }
}

/// Carries out one request and sends its replies.
async fn carry_out(
    service: Arc<dyn Service>,
    request: Request,
    lines: Lines,
    mut ends: watch::Receiver<bool>,
) {
    let id = Some(request.id);
    let last = match service.answer(request).await {
        Ok(Answer::Once(value)) => Body::Ok(value),
        Err(error) => Body::Error(error),
        Ok(Answer::Stream(mut source)) => {
            let mut pieces = Vec::new();
            loop {
                // What is there already is still sent.
                let more = tokio::select! {
                    biased;
                    more = source.next(&mut pieces) => more,
                    _ = ends.wait_for(|ended| *ended) => false,
                };
                for piece in pieces.drain(..) {
                    let body = match piece {
                        Piece::Item(item) => Body::Item(item),
                        Piece::Dropped(count) => Body::Dropped(count),
                    };
                    if lines.send(Reply { id, body }).await.is_err() {
                        return;
                    }
                }
                if !more {
                    break Body::Ok(serde_json::Value::Null);
                }
            }
        }
    };
    // Fails only when the client is gone.
    let _ = lines.send(Reply { id, body: last }).await;
}
