//! UART connections over pseudo-terminals: the host opens the slave side as it opens a real port.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::ffi::{CStr, c_char};
use std::fs::File;
use std::future::Future;
use std::io::{Read, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use weihe_hal::Uart;
use weihe_kernel::clock::SystemClock;
use weihe_kernel::connection::*;

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

/// The far end of a serial line.
struct Far {
    master: File,
    port: PathBuf,
}

impl Far {
    fn new() -> Self {
        let (mut master, mut slave) = (-1, -1);
        let mut name: [c_char; 128] = [0; 128];
        // SAFETY: both descriptors and the name are written before they are read; Linux's names of
        // pseudo-terminals (`/dev/pts/N`) fit the buffer; the null pointers ask for defaults.
        let (master, _slave, port) = unsafe {
            let opened = libc::openpty(
                &mut master,
                &mut slave,
                name.as_mut_ptr(),
                std::ptr::null(),
                std::ptr::null(),
            );
            assert_eq!(opened, 0, "{}", std::io::Error::last_os_error());
            (
                File::from_raw_fd(master),
                OwnedFd::from_raw_fd(slave),
                CStr::from_ptr(name.as_ptr()),
            )
        };
        let port = PathBuf::from(port.to_str().unwrap());
        Self { master, port }
    }

    /// Answers one request of so many bytes, on a thread of its own.
    fn serve(&self, length: usize, reply: &'static [u8]) -> std::thread::JoinHandle<Vec<u8>> {
        let mut master = self.master.try_clone().unwrap();
        std::thread::spawn(move || {
            let mut request = vec![0; length];
            master.read_exact(&mut request).unwrap();
            master.write_all(reply).unwrap();
            request
        })
    }
}

struct Under {
    connection: Connection,
    seat: Seat,
    notices: mpsc::UnboundedReceiver<Notice>,
}

fn configure(text: &str) -> Result<Endpoint, ConfigError> {
    Uart.configure("rs485", &text.parse().unwrap())
}

fn open(port: &Path, more: &str) -> Under {
    let port = port.display();
    let text =
        format!("port = \"{port}\"\nreconnect-min = \"5ms\"\nreconnect-max = \"20ms\"\n{more}");
    let endpoint = configure(&text).unwrap();
    let clock = Arc::new(SystemClock::new());
    let connection = Connection::spawn("rs485", endpoint, clock, Handle::current(), |_, _| {});
    let (sender, notices) = mpsc::unbounded_channel();
    let seat = connection
        .attach("meter", Arc::new(Mailbox(sender)), None)
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
}

fn ask(bytes: &'static [u8], reply: ReplyRule) -> Request {
    Request {
        bytes: Bytes::from_static(bytes),
        reply,
        priority: Priority::Poll,
        timeout: 10 * SECOND,
        deadline: 20 * SECOND,
        turnaround: 0,
        peer: None,
    }
}

#[tokio::test]
async fn bytes_pass_unchanged_both_ways() {
    let far = Far::new();
    let mut line = open(&far.port, "baud = 115200");
    line.link(LinkState::Up).await;
    // Everything that a terminal would otherwise treat: ends of line and file, flow control,
    // signals, the mark of parity errors.
    let octets: &[u8] = b"\r\n\x03\x04\x11\x13\x1a\x1c\x7f\xff\xff\x00";
    let server = far.serve(octets.len(), octets);
    let rule = ReplyRule::Length(octets.len() as u32);
    let reply = line.seat.transact(ask(octets, rule)).await.unwrap();
    assert_eq!(&reply.bytes[..], octets);
    assert_eq!(server.join().unwrap(), octets);
    assert!(reply.received >= reply.sent);
    assert_eq!(
        line.connection.stats().endpoint,
        format!("{} 115200 8N1", far.port.display())
    );
}

#[tokio::test]
async fn a_reply_ends_with_silence_and_the_rest_is_unasked() {
    let mut far = Far::new();
    let mut line = open(&far.port, "baud = 115200\nparity = \"even\"");
    line.link(LinkState::Up).await;
    let server = far.serve(2, b"twelve bytes");
    let reply = line
        .seat
        .transact(ask(b"??", ReplyRule::Silence))
        .await
        .unwrap();
    server.join().unwrap();
    assert_eq!(reply.bytes, "twelve bytes");
    far.master.write_all(b"unasked").unwrap();
    let mut received = Vec::new();
    while received.len() < 7 {
        if let Notice::Received { bytes, .. } = line.notices.recv().await.unwrap() {
            received.extend_from_slice(&bytes);
        }
    }
    assert_eq!(received, b"unasked");
}

#[tokio::test]
async fn a_pulled_cable_is_a_link_that_is_down_until_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let port = folder.path().join("ttyUSB0");
    let far = Far::new();
    symlink(&far.port, &port).unwrap();
    let mut line = open(&port, "baud = 19200");
    line.link(LinkState::Up).await;
    std::fs::remove_file(&port).unwrap();
    drop(far);
    line.link(LinkState::Down).await;
    let reason = line.link(LinkState::Down).await;
    assert!(
        reason.contains("ttyUSB0") && reason.contains("plugged in"),
        "{reason}"
    );
    assert!(matches!(
        line.seat.transact(ask(b"?", ReplyRule::Length(1))).await,
        Err(Failure::LinkDown(_))
    ));
    let far = Far::new();
    symlink(&far.port, &port).unwrap();
    line.link(LinkState::Up).await;
    let server = far.serve(1, b"!");
    let reply = line
        .seat
        .transact(ask(b"?", ReplyRule::Length(1)))
        .await
        .unwrap();
    assert_eq!(reply.bytes, "!");
    server.join().unwrap();
    line.connection.close().await;
}

#[tokio::test]
async fn a_port_is_held_by_one_connection() {
    let far = Far::new();
    let mut first = open(&far.port, "");
    first.link(LinkState::Up).await;
    let mut second = open(&far.port, "");
    let reason = second.link(LinkState::Down).await;
    assert!(reason.contains(&*far.port.to_string_lossy()), "{reason}");
    assert!(reason.contains("another program has it open"), "{reason}");
    first.connection.close().await;
    second.link(LinkState::Up).await;
}

#[test]
fn one_port_under_two_names_is_found_before_it_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let far = Far::new();
    let link = folder.path().join("rs485");
    symlink(&far.port, &link).unwrap();
    let endpoint = |path: &Path| configure(&format!("port = \"{}\"", path.display())).unwrap();
    let (one, two, other) = (
        endpoint(&far.port),
        endpoint(&link),
        endpoint("/dev/ttyS99".as_ref()),
    );
    let found = conflicts([("one", &one), ("other", &other), ("two", &two)]);
    assert_eq!(found.len(), 1);
    let text = found[0].to_string();
    let port = far.port.display();
    assert_eq!(
        text,
        format!("connections `one` and `two` both hold port {port}")
    );
}

#[test]
fn tables_are_refused_with_connection_key_and_remedy() {
    let error = |text: &str| configure(text).unwrap_err();
    assert!(error("").message.contains("`port` is missing"));
    assert!(
        error("port = \"ttyS1\"")
            .message
            .contains("not a whole path")
    );
    let with = |text: &str| error(&format!("port = \"/dev/ttyS1\"\n{text}"));
    assert!(with("baud = 0").message.contains("must be 50 to 12000000"));
    assert!(with("data-bits = 9").message.contains("must be 5 to 8"));
    assert!(with("stop-bits = 3").message.contains("must be 1 to 2"));
    assert_eq!(
        with("parity = \"evn\"").help.as_deref(),
        Some("did you mean \"even\"?")
    );
    let unknown = with("boud = 9600");
    assert_eq!(
        unknown.message,
        "connection `rs485`: `boud` is not a key of this kind of connection"
    );
    assert_eq!(unknown.help.as_deref(), Some("did you mean `baud`?"));
}
