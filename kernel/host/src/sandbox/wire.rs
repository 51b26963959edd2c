//! A stream of bytes whose far end is the test.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

#[derive(Debug, Default)]
struct State {
    /// What the test has said and the host has not read.
    incoming: VecDeque<u8>,
    /// Why it is broken; empty: closed by the other side.
    broken: Option<String>,
    reader: Option<Waker>,
}

/// The test's end of a stream.
#[derive(Debug, Clone, Default)]
pub(super) struct FarEnd(Arc<Mutex<State>>);

impl FarEnd {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says something to the host.
    pub(super) fn say(&self, bytes: &[u8]) {
        let mut state = self.lock();
        state.incoming.extend(bytes);
        wake(state);
    }

    /// Breaks the stream.
    pub(super) fn hang_up(&self, reason: &str) {
        let mut state = self.lock();
        state.broken = Some(reason.to_owned());
        wake(state);
    }

    /// The host's end, which tells what is written on it.
    pub(super) fn near(&self, written: Written) -> NearEnd {
        NearEnd {
            far: self.clone(),
            outgoing: Vec::new(),
            written,
        }
    }
}

fn wake(mut state: MutexGuard<'_, State>) {
    let reader = state.reader.take();
    drop(state);
    if let Some(reader) = reader {
        reader.wake();
    }
}

/// Takes what the host has written and flushed.
pub(super) type Written = Box<dyn Fn(Vec<u8>) + Send>;

/// The host's end of a stream.
pub(super) struct NearEnd {
    far: FarEnd,
    outgoing: Vec<u8>,
    written: Written,
}

impl AsyncRead for NearEnd {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut state = self.far.lock();
        if state.incoming.is_empty() {
            return match &state.broken {
                None => {
                    state.reader = Some(context.waker().clone());
                    Poll::Pending
                }
                Some(reason) if reason.is_empty() => Poll::Ready(Ok(())),
                Some(reason) => Poll::Ready(Err(io::Error::other(reason.clone()))),
            };
        }
        let count = buffer.remaining().min(state.incoming.len());
        let bytes: Vec<u8> = state.incoming.drain(..count).collect();
        buffer.put_slice(&bytes);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for NearEnd {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Some(reason) = &self.far.lock().broken {
            return Poll::Ready(Err(io::Error::other(reason.clone())));
        }
        self.outgoing.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let bytes = std::mem::take(&mut self.outgoing);
        if !bytes.is_empty() {
            (self.written)(bytes);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }
}
