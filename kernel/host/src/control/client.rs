//! A client of a running host: what all commands use.

use std::io;
use std::marker::PhantomData;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader, ReadHalf, WriteHalf};

use super::line::{LineError, LineReader};
use super::protocol::{Body, ErrorBody, Reply, Request, VERSION};
use super::remote::{Remote, RemoteError};
use super::socket::{SocketError, connect};

/// The longest reply that is taken: a retained value of eight megabytes as hexadecimal digits, and
/// room beside it.
const REPLY_LIMIT: usize = 32 << 20;

/// Why a host did not answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is no way to it.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// There is no way to it over the network.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// It answered with an error.
    #[error("{}", .0.message)]
    Refused(ErrorBody),
    /// It went away.
    #[error("the host went away: {0}")]
    Gone(String),
    /// It answered something else.
    #[error("the host's answer is not understood: {0}")]
    Unclear(String),
}

impl ClientError {
    /// What to do.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Socket(error) => Some(error.help()),
            Self::Remote(error) => error.help(),
            Self::Refused(error) => error.help.clone(),
            Self::Gone(_) => Some("look at the host's own output for the reason".to_owned()),
            Self::Unclear(_) => Some("use the `weihe` that belongs to the running host".to_owned()),
        }
    }
}

impl From<io::Error> for ClientError {
    fn from(error: io::Error) -> Self {
        Self::Gone(crate::tls::reason(&error))
    }
}

impl From<LineError> for ClientError {
    fn from(error: LineError) -> Self {
        match error {
            LineError::Io(error) => error.into(),
            LineError::TooLong { .. } => Self::Unclear(error.to_string()),
        }
    }
}

/// What leads to a host.
pub(super) trait Channel: AsyncRead + AsyncWrite + Send + Unpin + std::fmt::Debug {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + std::fmt::Debug> Channel for T {}

/// A connection to a host. One request at a time.
#[derive(Debug)]
pub struct Client {
    reader: LineReader<BufReader<ReadHalf<Box<dyn Channel>>>>,
    writer: WriteHalf<Box<dyn Channel>>,
    last_id: u64,
}

/// A part of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamPiece<T> {
    /// An item.
    Item(T),
    /// So many items were dropped here, because this client was too slow.
    Dropped(u64),
}

impl Client {
    /// Connects to the host of a data directory.
    pub async fn connect(data: &Path) -> Result<Self, ClientError> {
        Ok(Self::over(Box::new(connect(data).await?)))
    }

    /// Connects to the door of a host elsewhere.
    pub async fn connect_to(host: &Remote) -> Result<Self, ClientError> {
        Ok(Self::over(host.connect().await?))
    }

    fn over(channel: Box<dyn Channel>) -> Self {
        let (read, writer) = tokio::io::split(channel);
        Self {
            reader: LineReader::new(BufReader::new(read), REPLY_LIMIT),
            writer,
            last_id: 0,
        }
    }

    /// Asks once.
    pub async fn request<R: DeserializeOwned>(
        &mut self,
        method: &str,
        params: &impl Serialize,
    ) -> Result<R, ClientError> {
        let id = self.send(method, params).await?;
        loop {
            match self.receive(id).await? {
                Body::Ok(value) => return typed(value),
                Body::Error(error) => return Err(ClientError::Refused(error)),
                // Left over from a stream that was not read to its end.
                Body::Item(_) | Body::Dropped(_) => {}
            }
        }
    }

    /// Asks for a stream.
    pub async fn stream<T: DeserializeOwned>(
        &mut self,
        method: &str,
        params: &impl Serialize,
    ) -> Result<Stream<'_, T>, ClientError> {
        let id = self.send(method, params).await?;
        Ok(Stream {
            client: self,
            id,
            ended: false,
            items: PhantomData,
        })
    }

    async fn send(&mut self, method: &str, params: &impl Serialize) -> Result<u64, ClientError> {
        self.last_id += 1;
        let unclear = |error: serde_json::Error| ClientError::Unclear(error.to_string());
        let request = Request {
            id: self.last_id,
            version: VERSION,
            method: method.to_owned(),
            params: serde_json::to_value(params).map_err(unclear)?,
        };
        let mut line = serde_json::to_vec(&request).map_err(unclear)?;
        line.push(b'\n');
        self.writer.write_all(&line).await?;
        self.writer.flush().await?;
        Ok(self.last_id)
    }

    /// The next reply to a request; those to others are left over from what was given up.
    async fn receive(&mut self, id: u64) -> Result<Body, ClientError> {
        loop {
            let Some(line) = self.reader.next().await? else {
                return Err(ClientError::Gone("it closed the connection".to_owned()));
            };
            let reply: Reply = serde_json::from_slice(&line)
                .map_err(|error| ClientError::Unclear(error.to_string()))?;
            match (reply.id, reply.body) {
                (Some(of), body) if of == id => return Ok(body),
                (None, Body::Error(error)) => return Err(ClientError::Refused(error)),
                _ => {}
            }
        }
    }
}

fn typed<R: DeserializeOwned>(value: serde_json::Value) -> Result<R, ClientError> {
    serde_json::from_value(value).map_err(|error| ClientError::Unclear(error.to_string()))
}

/// A stream of items. Ends with its client, or when the host has no more.
#[derive(Debug)]
pub struct Stream<'c, T> {
    client: &'c mut Client,
    id: u64,
    ended: bool,
    items: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Stream<'_, T> {
    /// The next part; none at the end.
    pub async fn next(&mut self) -> Result<Option<StreamPiece<T>>, ClientError> {
        if self.ended {
            return Ok(None);
        }
        match self.client.receive(self.id).await? {
            Body::Item(item) => Ok(Some(StreamPiece::Item(typed(item)?))),
            Body::Dropped(count) => Ok(Some(StreamPiece::Dropped(count))),
            Body::Ok(_) => {
                self.ended = true;
                Ok(None)
            }
            Body::Error(error) => {
                self.ended = true;
                Err(ClientError::Refused(error))
            }
        }
    }
}
