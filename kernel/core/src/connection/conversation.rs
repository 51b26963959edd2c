//! The talk over one open channel: waits for a turn, keeps the gaps, sends, collects the reply, and
//! hands on what nobody asked for. It holds no lock while it waits, and can be dropped at any point.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::sync::Notify;

use crate::clock::Clock;

use super::framing::{Look, Search};
use super::hub::Hub;
use super::limits::{DRAIN, READ_CHUNK, SEND_TIMEOUT, SILENCE_PATIENCE};
use super::liveness::Liveness;
use super::outlet::Outlet;
use super::overdue::Overdue;
use super::transport::Channel;
use super::types::{Failure, Reply, ReplyRule, Request};
use super::wire::{Measured, Turn, WireId};

/// Why a channel is not used any longer.
type Broken = String;

/// The talk over one open channel.
pub(super) struct Conversation {
    hub: Arc<Hub>,
    wire: WireId,
    channel: Box<dyn Channel>,
    wake: Arc<Notify>,
    /// The device of a listener, whose full mailbox pauses reading.
    reader: Option<Arc<Outlet>>,
    /// Ends after so long without a byte either way.
    idle_timeout: Option<u64>,
    /// When the last byte passed, either way. Monotonic, as all times here.
    last_byte: u64,
    /// No exchange before this.
    hold_until: u64,
    /// Until when the reply to the request at hand is in time, whenever the exchange is given up.
    answer_by: u64,
    /// What ends the hold before its time.
    overdue: Option<Overdue>,
    chunk: Box<[u8]>,
    liveness: Liveness,
    /// It ended because nobody got replies any more.
    given_up: bool,
}

impl Conversation {
    pub(super) fn new(hub: Arc<Hub>, wire: WireId, channel: Box<dyn Channel>) -> Self {
        let now = hub.clock.monotonic();
        Self {
            wake: hub.wake_of(wire),
            hub,
            wire,
            channel,
            reader: None,
            idle_timeout: None,
            last_byte: now,
            hold_until: now,
            answer_by: now,
            overdue: None,
            chunk: vec![0; READ_CHUNK].into(),
            liveness: Liveness::default(),
            given_up: false,
        }
    }

    /// Makes it the talk with a listener's peer.
    pub(super) fn with_peer(mut self, reader: Arc<Outlet>, idle_timeout: Option<u64>) -> Self {
        self.reader = Some(reader);
        self.idle_timeout = idle_timeout;
        self
    }

    /// Keeps the line quiet until then: what was said on the channel before may still be answered.
    pub(super) fn held_until(mut self, at: u64) -> Self {
        self.hold_until = self.hold_until.max(at);
        self
    }

    /// Until when the line has to be quiet.
    pub(super) fn hold(&self) -> u64 {
        self.hold_until
    }

    /// Whether the link itself was sound: a reply came, or the channel did not break but was given
    /// up. Longer pauses would then only punish the devices that do get replies.
    pub(super) fn was_sound(&self) -> bool {
        self.given_up || self.liveness.has_replied()
    }

    /// Talks until the channel breaks; says why.
    pub(super) async fn run(&mut self) -> Broken {
        loop {
            if let Err(broken) = self.turn().await {
                return broken;
            }
            if let Err(broken) = self.exchange().await {
                return broken;
            }
        }
    }

    /// Ends the stream, so that what was written arrives.
    pub(super) async fn shut_down(mut self, within: u64) {
        let clock = Arc::clone(&self.hub.clock);
        let ended = until(
            &*clock,
            clock.monotonic().saturating_add(within),
            self.channel.shutdown(),
        );
        // The peer may be long gone; there is nobody to tell.
        let _ = ended.await;
    }

    fn now(&self) -> u64 {
        self.hub.clock.monotonic()
    }

    /// Waits until a request is there and may be sent.
    async fn turn(&mut self) -> Result<(), Broken> {
        let gap = self.hub.settings.gap;
        let mut queued_since = None;
        loop {
            let now = self.now();
            let pending = self.hub.pending(self.wire);
            let send_at = if pending.queued {
                let since = *queued_since.get_or_insert(now);
                let silent = self.last_byte.saturating_add(gap);
                let patience = SILENCE_PATIENCE.max(gap).saturating_add(since);
                let at = self.hold_until.max(silent.min(patience));
                if at <= now {
                    return Ok(());
                }
                Some(at)
            } else if pending.ending {
                return Err("closed by the device".into());
            } else {
                queued_since = None;
                None
            };
            let idle_at = self
                .idle_timeout
                .map(|span| self.last_byte.saturating_add(span));
            if let (None, Some(at), Some(span)) = (send_at, idle_at, self.idle_timeout)
                && at <= now
            {
                return Err(format!("silent for {} ms", span / 1_000_000));
            }
            let next = send_at.or(idle_at);
            let clear = self.reader.as_ref().is_none_or(|reader| reader.is_clear());
            tokio::select! {
                biased;
                () = self.wake.notified() => {}
                () = cleared(self.reader.as_deref()), if !clear => {}
                () = self.hub.clock.sleep_until(next.unwrap_or(u64::MAX)), if next.is_some() => {}
                read = self.channel.read(&mut self.chunk), if clear => {
                    let length = self.received(read)?;
                    let bytes = self.chunk.get(..length).unwrap_or_default();
                    self.hub.unasked(self.wire, Bytes::copy_from_slice(bytes));
                    if self.overdue.as_mut().is_some_and(|overdue| overdue.ends_with(bytes)) {
                        self.overdue = None;
                        self.hold_until = self.last_byte;
                    }
                }
            }
        }
    }

    /// Notes what a read brought: how many bytes, or why the channel is broken.
    fn received(&mut self, read: io::Result<usize>) -> Result<usize, Broken> {
        match read {
            Ok(0) => Err("closed by the other side".into()),
            Ok(length) => {
                self.last_byte = self.now();
                self.hub.count_in(self.wire, length);
                Ok(length)
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// Takes off the channel what arrived before the request, without waiting.
    async fn drain(&mut self) -> Result<(), Broken> {
        if self
            .reader
            .as_ref()
            .is_some_and(|reader| !reader.is_clear())
        {
            return Ok(());
        }
        let mut drained = 0;
        while drained < DRAIN {
            let Some(read) = read_now(&mut *self.channel, &mut self.chunk).await else {
                break;
            };
            let length = self.received(read)?;
            drained += length;
            let bytes = self.chunk.get(..length).unwrap_or_default();
            self.hub.unasked(self.wire, Bytes::copy_from_slice(bytes));
        }
        Ok(())
    }

    async fn exchange(&mut self) -> Result<(), Broken> {
        self.drain().await?;
        let Some(turn) = self.hub.begin(self.wire) else {
            return Ok(());
        };
        let mut measured = Measured::default();
        let mut bytes = Vec::new();
        let (outcome, broken) = match self.converse(&turn, &mut bytes, &mut measured).await {
            Ok(outcome) => (outcome, None),
            Err(broken) => (Err(Failure::LinkDown(broken.clone())), Some(broken)),
        };
        self.keep_quiet(&turn, &outcome);
        match &outcome {
            Ok(_) if turn.request.reply != ReplyRule::None => {
                self.liveness.replied(turn.device, self.now());
            }
            Err(Failure::Timeout(_)) => self.liveness.timed_out(turn.device),
            _ => {}
        }
        self.hub.finish(self.wire, outcome, &measured);
        if let Some(broken) = broken {
            return Err(broken);
        }
        // What came behind the reply in one piece with it.
        self.hub.unasked(self.wire, Bytes::from(bytes));
        let most = self.hub.settings.max_timeouts;
        match most.and_then(|most| self.liveness.dead(most, self.now())) {
            Some(unanswered) => {
                self.given_up = true;
                Err(format!("{unanswered} requests in a row got no reply"))
            }
            None => Ok(()),
        }
    }

    /// Holds the line after a request that brought no reply: the units carry a broadcast out, or the
    /// reply is late and must not be taken for that of the next request. What arrives meanwhile is
    /// unasked.
    fn keep_quiet(&mut self, turn: &Turn, outcome: &Result<Reply, Failure>) {
        let request = &*turn.request;
        let awaits_reply = request.reply != ReplyRule::None;
        self.overdue = None;
        // What was sent last may still be on its way onto the wire.
        self.hold_until = self.last_byte.max(self.now());
        if request.turnaround == 0 || (awaits_reply && outcome.is_ok()) {
            return;
        }
        if awaits_reply {
            // A deadline or a broken channel ends an exchange earlier than its reply is late.
            self.hold_until = self.hold_until.max(self.answer_by);
            self.overdue = Overdue::after(turn, outcome, self.hub.settings.max_reply);
        }
        self.hold_until = self.hold_until.saturating_add(request.turnaround);
    }

    /// Sends the request and collects its reply; leaves in `bytes` what came behind it.
    async fn converse(
        &mut self,
        turn: &Turn,
        bytes: &mut Vec<u8>,
        measured: &mut Measured,
    ) -> Result<Result<Reply, Failure>, Broken> {
        let request = &*turn.request;
        let on_wire = self.send(request).await?;
        let sent = self.hub.clock.now();
        measured.sent = Some(self.now());
        if request.reply == ReplyRule::None {
            return Ok(Ok(Reply {
                bytes: Bytes::new(),
                sent,
                received: sent,
            }));
        }
        self.answer_by = on_wire.saturating_add(request.timeout);
        let give_up = self.answer_by.min(turn.expires);
        let max_reply = self.hub.settings.max_reply;
        let mut search = Search::new(
            &request.reply,
            &request.bytes,
            turn.framer.clone(),
            max_reply,
        );
        let silence = self.hub.settings.silence;
        // Silence after the newest byte is told once.
        let mut idle_told = true;
        loop {
            let idle_at = (!idle_told && search.wants_idle() && !bytes.is_empty())
                .then(|| self.last_byte.saturating_add(silence));
            let next = idle_at.map_or(give_up, |at| at.min(give_up));
            let clock = Arc::clone(&self.hub.clock);
            let read = until(&*clock, next, self.channel.read(&mut self.chunk)).await;
            let fresh = read.is_some();
            if let Some(read) = read {
                let length = self.received(read)?;
                bytes.extend_from_slice(self.chunk.get(..length).unwrap_or_default());
            }
            let idle = !fresh && idle_at.is_some_and(|at| at <= self.now());
            idle_told = !fresh && (idle_told || idle);
            if fresh || idle {
                match search.look(bytes, idle, &mut measured.skipped) {
                    Ok(Look::Complete(length)) => {
                        let behind = bytes.split_off(length.min(bytes.len()));
                        let frame = std::mem::replace(bytes, behind);
                        measured.received = Some(self.last_byte);
                        let late = self.now().saturating_sub(self.last_byte);
                        return Ok(Ok(Reply {
                            bytes: Bytes::from(frame),
                            sent,
                            received: self.hub.clock.now().saturating_sub(late),
                        }));
                    }
                    Ok(Look::Incomplete) => {}
                    Err(reason) => {
                        measured.skipped += std::mem::take(bytes).len();
                        return Ok(Err(Failure::Framing(reason)));
                    }
                }
            }
            if self.now() >= give_up {
                measured.skipped += bytes.len();
                return Ok(Err(Failure::Timeout(Bytes::from(std::mem::take(bytes)))));
            }
        }
    }

    /// Writes the request; returns when its last byte is on the wire (which may lie ahead).
    async fn send(&mut self, request: &Request) -> Result<u64, Broken> {
        if request.bytes.is_empty() {
            return Ok(self.now());
        }
        let started = self.now();
        let length = request.bytes.len();
        let byte_time = self.hub.settings.byte_time;
        let on_wire = started.saturating_add(byte_time.saturating_mul(length as u64));
        let patience = match (&request.reply, request.timeout) {
            (ReplyRule::None, 0) => SEND_TIMEOUT,
            (_, timeout) => timeout,
        };
        let give_up = on_wire.saturating_add(patience);
        let clock = Arc::clone(&self.hub.clock);
        let channel = &mut self.channel;
        let write = async {
            channel.write_all(&request.bytes).await?;
            channel.flush().await
        };
        match until(&*clock, give_up, write).await {
            Some(Ok(())) => {}
            Some(Err(error)) => return Err(error.to_string()),
            // Part of it may be out: only a new stream starts at the beginning of a frame.
            None => return Err(format!("{length} bytes could not be written in time")),
        }
        self.hub.count_out(self.wire, length);
        self.last_byte = on_wire.max(self.now());
        Ok(self.last_byte)
    }
}

async fn cleared(outlet: Option<&Outlet>) {
    if let Some(outlet) = outlet {
        outlet.cleared().await;
    }
}

/// The future's output, or none when `at` (monotonic) comes first.
pub(super) async fn until<T>(
    clock: &dyn Clock,
    at: u64,
    future: impl Future<Output = T>,
) -> Option<T> {
    tokio::select! {
        biased;
        output = future => Some(output),
        () = clock.sleep_until(at) => None,
    }
}

/// What can be read without waiting; none when there is nothing.
async fn read_now(channel: &mut dyn Channel, buffer: &mut [u8]) -> Option<io::Result<usize>> {
    let mut channel = std::pin::Pin::new(channel);
    std::future::poll_fn(|cx| {
        let mut buffer = ReadBuf::new(buffer);
        Poll::Ready(match channel.as_mut().poll_read(cx, &mut buffer) {
            Poll::Ready(read) => Some(read.map(|()| buffer.filled().len())),
            Poll::Pending => None,
        })
    })
    .await
}
