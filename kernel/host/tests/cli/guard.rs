//! The guard as a process: what it does when the other end of its standard input is closed, and when it
//! was told that nothing is to be done. Its outputs here are pipes, as lines are descriptors too.

use std::io::{IoSlice, PipeReader, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
    sendmsg, socketpair,
};
use serde_json::{Value, json};
use weihe::guard::GuardProcess;
use weihe_kernel::failsafe::guard::{Action, Change, Charge};
use weihe_kernel::failsafe::{Guard, GuardState, GuardStatus};

use super::{text, weihe};

/// The order to write bytes to a file, which a pipe is here; both in hexadecimal.
fn file(bytes: &str) -> String {
    let empty = weihe_hal::guarded::Setting::File(Vec::new()).encode();
    let digits: String = empty.iter().map(|byte| format!("{byte:02x}")).collect();
    digits + bytes
}

/// The host's end of a guard's socket.
struct Post {
    socket: Option<OwnedFd>,
    guard: Child,
}

impl Post {
    fn start() -> Self {
        let (near, far) = socketpair(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC,
            None,
        )
        .unwrap();
        let guard = weihe(std::path::Path::new("."))
            .arg("guard-outputs")
            .stdin(Stdio::from(far))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            socket: Some(near),
            guard,
        }
    }

    fn say(&self, message: &Value, descriptor: Option<BorrowedFd<'_>>) {
        let text = message.to_string();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if let Some(descriptor) = descriptor.as_ref() {
            let list = std::slice::from_ref(descriptor);
            assert!(control.push(SendAncillaryMessage::ScmRights(list)));
        }
        let packet = [IoSlice::new(text.as_bytes())];
        let socket = self.socket.as_ref().unwrap();
        sendmsg(socket, &packet, &mut control, SendFlags::empty()).unwrap();
    }

    /// Lines, each with what is written to it.
    fn entrust(&self, lines: &[(BorrowedFd<'_>, &str)]) {
        for (number, (descriptor, bytes)) in lines.iter().enumerate() {
            self.charge(number, *descriptor, bytes);
        }
        self.say(&json!("commit"), None);
    }

    /// One line, which is not in force yet.
    fn charge(&self, number: usize, descriptor: BorrowedFd<'_>, bytes: &str) {
        let order = json!({
            "device": "pump",
            "on": format!("line {number}"),
            "action": { "order": {
                "by": "hal",
                "bytes": file(bytes),
                "what": format!("line {number} = off"),
            } },
        });
        self.say(&json!({ "charge": [number, order] }), Some(descriptor));
    }

    /// The host is gone. Whether the guard could do everything, and what it said.
    fn die(mut self) -> (bool, String) {
        drop(self.socket.take());
        let output = self.guard.wait_with_output().unwrap();
        (output.status.success(), text(&output.stderr))
    }
}

/// A frame of two bytes that the unit repeats, as it is sent.
fn frame(what: &str) -> Value {
    let digits: String = what.bytes().map(|byte| format!("{byte:02x}")).collect();
    json!({
        "label": what,
        "bytes": digits,
        "awaits_reply": true,
        "expects": digits,
        "timeout": 60_000_000_000_u64,
        "turnaround": 0,
    })
}

#[test]
fn frames_of_all_devices_on_a_line_go_one_after_the_other() {
    let (near, mut far) = UnixStream::pair().unwrap();
    near.set_nonblocking(true).unwrap();
    let post = Post::start();
    for (number, (device, frames)) in [("soil", ["a0", "b0"]), ("tank", ["c0", "d0"])]
        .into_iter()
        .enumerate()
    {
        let order = json!({
            "device": device,
            "on": "field",
            "action": { "exchange": {
                "line": { "gap": 1_000_000, "silence": 1_000_000, "byte_time": 0 },
                "frames": frames.map(frame),
            } },
        });
        post.say(&json!({ "charge": [number, order] }), Some(near.as_fd()));
    }
    post.say(&json!("commit"), None);
    drop(near);
    let unit = std::thread::spawn(move || {
        let mut heard = String::new();
        let mut request = [0; 2];
        while far.read_exact(&mut request).is_ok() {
            heard.extend(request.map(char::from));
            far.write_all(&request).unwrap();
        }
        heard
    });
    let (done, said) = post.die();
    assert!(done, "{said}");
    assert_eq!(unit.join().unwrap(), "a0b0c0d0");
}

/// Waits until the guard is so.
fn until(guard: &GuardProcess, wanted: impl Fn(&GuardStatus) -> bool) -> GuardStatus {
    let began = Instant::now();
    loop {
        let status = guard.status();
        if wanted(&status) {
            return status;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{status:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_guard_that_cannot_be_told_is_replaced_and_has_moved_nothing() {
    let (reader, writer) = std::io::pipe().unwrap();
    let line: Arc<OwnedFd> = Arc::new(writer.into());
    let charge = |bytes: Vec<u8>| Charge {
        device: "pump".into(),
        on: "line".into(),
        descriptor: line.clone(),
        action: Action::Order {
            by: weihe_hal::HAL,
            order: bytes.into(),
            what: "pump = off".into(),
        },
    };
    let program = env!("CARGO_BIN_EXE_weihe").into();
    let guard = GuardProcess::new(program, vec!["guard-outputs".into()]);
    assert_eq!(guard.status().state, GuardState::Idle);
    guard.watch(vec![Change::Put(1, charge(b"0".to_vec()))]);
    let first = until(&guard, |guard| guard.pid.is_some()).pid;
    // More than a packet holds: the first is told, the second cannot be.
    guard.watch(vec![Change::Put(2, charge(vec![b'1'; 1 << 20]))]);
    let failed = until(&guard, |guard| guard.state == GuardState::Failed);
    assert!(failed.error.contains("one packet"), "{failed:?}");
    guard.watch(vec![Change::Drop(2)]);
    until(&guard, |guard| {
        guard.pid.is_some_and(|pid| Some(pid) != first)
    });
    guard.watch(vec![Change::Drop(1)]);
    guard.dismiss();
    drop(line);
    assert_eq!(written(reader), "");
}

fn written(mut reader: PipeReader) -> String {
    let mut bytes = String::new();
    reader.read_to_string(&mut bytes).unwrap();
    bytes
}

#[test]
fn lines_get_their_safe_values_when_the_host_dies() {
    let (first, one) = std::io::pipe().unwrap();
    let (second, two) = std::io::pipe().unwrap();
    let post = Post::start();
    // "old" is replaced by what comes for its number.
    post.entrust(&[(one.as_fd(), "6f6c64")]);
    post.entrust(&[(one.as_fd(), "30"), (two.as_fd(), "31")]);
    drop((one, two));
    let (done, said) = post.die();
    assert!(done, "{said}");
    assert!(
        said.contains("safe: line 1 = off of device pump on line 1"),
        "{said}"
    );
    assert_eq!((written(first), written(second)), ("0".into(), "1".into()));
}

/// What the process below does, and the file that is its line.
const DIES: &str = "WEIHE_TEST_GUARDED_HOST";

/// Is nothing by itself: the process of a host with one line, which ends as the variable says.
#[test]
fn a_guarded_host() {
    let Ok(dies) = std::env::var(DIES) else {
        return;
    };
    let (how, line) = dies.split_once(' ').unwrap();
    let line: Arc<OwnedFd> = Arc::new(std::fs::File::create(line).unwrap().into());
    let guard = GuardProcess::new(
        env!("CARGO_BIN_EXE_weihe").into(),
        vec!["guard-outputs".into()],
    );
    let charge = Charge {
        device: "pump".into(),
        on: "gpio/A3".into(),
        descriptor: line.clone(),
        action: Action::Order {
            by: weihe_hal::HAL,
            order: weihe_hal::guarded::Setting::File(b"0".to_vec())
                .encode()
                .into(),
            what: "pump = inactive".into(),
        },
    };
    guard.watch(vec![Change::Put(1, charge)]);
    // The copy that is being told is gone when that is done.
    until(&guard, |guard| {
        guard.pid.is_some() && Arc::strong_count(&line) == 2
    });
    match how {
        "panic" => panic!("a bug of the host, on purpose"),
        _ => std::process::abort(),
    }
}

#[test]
fn a_host_that_panics_or_aborts_leaves_its_lines_safe() {
    for how in ["panic", "abort"] {
        let folder = tempfile::tempdir().unwrap();
        let line = folder.path().join("value");
        let mut host = std::process::Command::new(std::env::current_exe().unwrap());
        host.args(["--exact", "guard::a_guarded_host"])
            .env(DIES, format!("{how} {}", line.display()))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        assert!(!host.status().unwrap().success());
        let began = Instant::now();
        while std::fs::read_to_string(&line).unwrap() != "0" {
            assert!(began.elapsed() < Duration::from_secs(60), "{how}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn changes_that_are_not_complete_leave_what_was_before_in_force() {
    let (reader, writer) = std::io::pipe().unwrap();
    let (other, more) = std::io::pipe().unwrap();
    let post = Post::start();
    post.entrust(&[(writer.as_fd(), "30")]);
    post.charge(1, more.as_fd(), "31");
    post.say(&json!({ "forget": 0 }), None);
    drop((writer, more));
    assert!(post.die().0);
    assert_eq!(
        (written(reader), written(other)),
        ("0".into(), String::new())
    );
}

#[test]
fn what_is_forgotten_is_left_alone() {
    let (first, one) = std::io::pipe().unwrap();
    let (second, two) = std::io::pipe().unwrap();
    let post = Post::start();
    post.entrust(&[(one.as_fd(), "30"), (two.as_fd(), "31")]);
    post.say(&json!({ "forget": 0 }), None);
    post.say(&json!("commit"), None);
    drop((one, two));
    let (done, said) = post.die();
    assert!(done, "{said}");
    assert_eq!(
        (written(first), written(second)),
        (String::new(), "1".into())
    );
}

#[test]
fn nothing_is_done_for_a_host_that_ends_in_order() {
    let (reader, writer) = std::io::pipe().unwrap();
    let post = Post::start();
    post.entrust(&[(writer.as_fd(), "30")]);
    post.say(&json!("done"), None);
    drop(writer);
    assert_eq!(post.die(), (true, String::new()));
    assert_eq!(written(reader), "");
}

#[test]
fn an_output_that_cannot_be_set_is_told_and_does_not_keep_others_from_being_set() {
    let (gone, broken) = std::io::pipe().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(gone);
    let post = Post::start();
    post.entrust(&[(broken.as_fd(), "30"), (writer.as_fd(), "30")]);
    drop((broken, writer));
    let (done, said) = post.die();
    assert!(!done);
    assert!(
        said.contains("NOT safe: line 0 = off of device pump"),
        "{said}"
    );
    assert_eq!(written(reader), "0");
}
