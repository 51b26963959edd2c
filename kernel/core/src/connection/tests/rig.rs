//! Test doubles: a mailbox, a framer, and transports over streams in memory.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc};

use super::super::*;
use crate::clock::VirtualClock;

pub const MS: u64 = 1_000_000;
pub const SECOND: u64 = 1_000 * MS;
/// When virtual time begins, so that times of day and spans cannot be confused.
pub const EPOCH: u64 = 1_700_000_000 * SECOND;

/// A device's mailbox.
pub struct Mailbox {
    notices: Mutex<VecDeque<Notice>>,
    capacity: Mutex<usize>,
    room: Notify,
}

impl Mailbox {
    pub fn new() -> Arc<Self> {
        Self::with_capacity(usize::MAX)
    }

    pub fn with_capacity(capacity: usize) -> Arc<Self> {
        Arc::new(Self {
            notices: Mutex::default(),
            capacity: Mutex::new(capacity),
            room: Notify::new(),
        })
    }

    pub fn set_capacity(&self, capacity: usize) {
        *self.capacity.lock().unwrap() = capacity;
        self.room.notify_waiters();
    }

    fn is_full(&self) -> bool {
        self.notices.lock().unwrap().len() >= *self.capacity.lock().unwrap()
    }

    /// Everything that has arrived.
    pub fn take(&self) -> Vec<Notice> {
        let notices = self.notices.lock().unwrap().drain(..).collect();
        self.room.notify_waiters();
        notices
    }

    /// The outcomes that have arrived; other notices are dropped.
    pub fn replies(&self) -> Vec<(Ticket, Result<Reply, Failure>)> {
        let replied = |notice| match notice {
            Notice::Replied { ticket, outcome } => Some((ticket, outcome)),
            _ => None,
        };
        self.take().into_iter().filter_map(replied).collect()
    }

    /// The unasked bytes that have arrived, joined; other notices are dropped.
    pub fn received(&self) -> Vec<u8> {
        let received = |notice| match notice {
            Notice::Received { bytes, .. } => Some(bytes),
            _ => None,
        };
        self.take()
            .into_iter()
            .filter_map(received)
            .flatten()
            .collect()
    }
}

impl Observer for Mailbox {
    fn notify(&self, _: &Arc<str>, notice: Notice) -> Result<(), Notice> {
        if self.is_full() {
            return Err(notice);
        }
        self.notices.lock().unwrap().push_back(notice);
        Ok(())
    }

    fn room(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {
            loop {
                let mut room = std::pin::pin!(self.room.notified());
                room.as_mut().enable();
                if !self.is_full() {
                    return;
                }
                room.await;
            }
        })
    }
}

/// Frames of this double: `#`, a digit that says how many bytes follow, and these. `?` fails, `#!` panics.
pub struct Hash;

impl Framer for Hash {
    fn scan(&mut self, _: &str, _: &[u8], bytes: &[u8], idle: bool) -> Result<Scan, String> {
        let skip = bytes.iter().take_while(|byte| **byte != b'#').count();
        if bytes.contains(&b'?') {
            return Err("a question is no answer".into());
        }
        let digit = bytes.get(skip + 1).copied();
        assert!(digit != Some(b'!'), "a bug in the codec");
        let length = digit.map(|digit| usize::from(digit.saturating_sub(b'0')) + 2);
        match length.filter(|length| skip + length <= bytes.len()) {
            None if idle => Ok(Scan {
                skip: bytes.len(),
                frame: None,
            }),
            frame => Ok(Scan { skip, frame }),
        }
    }
}

/// Opens streams in memory and hands their far ends to the test.
pub struct Plug {
    far: mpsc::UnboundedSender<DuplexStream>,
    refusing: Mutex<Option<String>>,
    stuck: Mutex<bool>,
    buffer: usize,
    attempts: Mutex<Vec<u64>>,
    clock: VirtualClock,
}

#[async_trait]
impl Opener for Arc<Plug> {
    async fn open(&self) -> Result<Opened, String> {
        use crate::clock::Clock;
        self.attempts.lock().unwrap().push(self.clock.monotonic());
        if *self.stuck.lock().unwrap() {
            std::future::pending::<()>().await;
        }
        if let Some(reason) = self.refusing.lock().unwrap().clone() {
            return Err(reason);
        }
        let (near, far) = duplex(self.buffer);
        self.far.send(far).unwrap();
        Ok(Opened::new(near))
    }

    fn describe(&self) -> String {
        "plug".into()
    }
}

/// A line under test.
pub struct Rig {
    pub clock: VirtualClock,
    pub connection: Connection,
    pub far: DuplexStream,
    pub links: Arc<Mutex<Vec<String>>>,
    plug: Arc<Plug>,
    opened: mpsc::UnboundedReceiver<DuplexStream>,
}

impl Rig {
    pub async fn new(settings: Settings) -> Self {
        Self::with_buffer(settings, 64 * 1024).await
    }

    pub async fn with_buffer(settings: Settings, buffer: usize) -> Self {
        let clock = VirtualClock::new(EPOCH);
        let (sender, mut opened) = mpsc::unbounded_channel();
        let plug = Arc::new(Plug {
            far: sender,
            refusing: Mutex::default(),
            stuck: Mutex::default(),
            buffer,
            attempts: Mutex::default(),
            clock: clock.clone(),
        });
        let links: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&links);
        let endpoint = Endpoint::Line(Line {
            opener: Box::new(Arc::clone(&plug)),
            settings,
        });
        let connection = Connection::spawn(
            "field",
            endpoint,
            Arc::new(clock.clone()),
            Handle::current(),
            move |state, reason| {
                let text = format!("{state} {reason}");
                seen.lock().unwrap().push(text.trim_end().to_owned());
            },
        );
        clock.run(0).await;
        let far = opened.try_recv().unwrap();
        Self {
            clock,
            connection,
            far,
            links,
            plug,
            opened,
        }
    }

    /// A device with a roomy mailbox, its first notice (the link's state) taken.
    pub fn device(&self, name: &str) -> (Seat, Arc<Mailbox>) {
        let mailbox = Mailbox::new();
        let observer: Arc<Mailbox> = Arc::clone(&mailbox);
        let seat = self
            .connection
            .attach(name, observer, Some(Box::new(Hash)))
            .unwrap();
        assert!(matches!(mailbox.take()[..], [Notice::Link { .. }]));
        (seat, mailbox)
    }

    pub async fn run(&self, span: u64) {
        self.clock.run(span).await;
    }

    /// The monotonic time.
    pub fn now(&self) -> u64 {
        use crate::clock::Clock;
        self.clock.monotonic()
    }

    /// What the far side has received and not read.
    pub async fn sent(&mut self) -> String {
        self.run(0).await;
        read_now(&mut self.far).await
    }

    pub async fn answer(&mut self, text: &str) {
        self.far.write_all(text.as_bytes()).await.unwrap();
        self.run(0).await;
    }

    /// Makes attempts to open fail from now on, or succeed again.
    pub fn refuse(&self, reason: Option<&str>) {
        *self.plug.refusing.lock().unwrap() = reason.map(str::to_owned);
    }

    pub fn stick(&self) {
        *self.plug.stuck.lock().unwrap() = true;
    }

    /// When it was tried to open, in virtual nanoseconds.
    pub fn attempts(&self) -> Vec<u64> {
        self.plug.attempts.lock().unwrap().clone()
    }

    /// Pulls the cable.
    pub async fn unplug(&mut self) {
        self.far = duplex(1).0;
        self.run(0).await;
    }

    /// Takes the far end of the stream that was opened last.
    pub fn plug_in(&mut self) {
        while let Ok(far) = self.opened.try_recv() {
            self.far = far;
        }
    }
}

/// What can be read from a stream now; `<eof>` at its end.
pub async fn read_now(far: &mut DuplexStream) -> String {
    let mut all = String::new();
    let mut buffer = [0; 4096];
    loop {
        tokio::select! {
            biased;
            read = far.read(&mut buffer) => match read.unwrap() {
                0 => return all + "<eof>",
                length => all += std::str::from_utf8(&buffer[..length]).unwrap(),
            },
            () = std::future::ready(()) => return all,
        }
    }
}

/// A poll for a frame of [`Hash`], a second for the reply and ten for everything.
pub fn poll(text: &'static str) -> Request {
    Request {
        bytes: Bytes::from_static(text.as_bytes()),
        reply: ReplyRule::Codec("{}".into()),
        priority: Priority::Poll,
        timeout: SECOND,
        deadline: 10 * SECOND,
        turnaround: 0,
        peer: None,
    }
}

/// A request that awaits no reply.
pub fn broadcast(text: &'static str) -> Request {
    Request {
        reply: ReplyRule::None,
        ..poll(text)
    }
}

pub fn text_of(outcome: &Result<Reply, Failure>) -> String {
    match outcome {
        Ok(reply) => String::from_utf8(reply.bytes.to_vec()).unwrap(),
        Err(failure) => failure.to_string(),
    }
}
