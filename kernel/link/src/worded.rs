//! What a server says of a client once the client takes the handshake for done.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::rustls;

use crate::tls::ClientTls;

/// A stream whose errors of TLS are in words.
///
/// In TLS 1.3 a server looks at a client's certificate when the client has nothing left to do but to wait: what it refuses, it
/// says by an alert that arrives with the first read.
pub(crate) struct Worded<S> {
    stream: S,
    tls: Arc<dyn ClientTls>,
}

impl<S> Worded<S> {
    pub(crate) fn new(stream: S, tls: Arc<dyn ClientTls>) -> Self {
        Self { stream, tls }
    }

    fn word(&self, error: io::Error) -> io::Error {
        let inner = error.get_ref();
        match inner.is_some_and(|inner| inner.is::<rustls::Error>()) {
            true => io::Error::new(error.kind(), self.tls.reason(&error)),
            false => error,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Worded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        polled.map_err(|error| self.word(error))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Worded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        polled.map_err(|error| self.word(error))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(context);
        polled.map_err(|error| self.word(error))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_shutdown(context);
        polled.map_err(|error| self.word(error))
    }
}
