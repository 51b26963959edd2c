//! A program at a terminal: what it draws, and keys for it.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::{DEADLINE, Pty};

/// Where a program begins to draw anew.
const HOME: &str = "\u{1b}[H";

/// A program at a terminal of its own. Killed, by its own id, when this is dropped.
#[derive(Debug)]
pub struct Screen {
    pty: Pty,
    child: Child,
    written: Arc<Mutex<Vec<u8>>>,
}

impl Screen {
    /// Starts a program at a terminal of this size, which edits and echoes lines as for a shell.
    pub fn start(command: &mut Command, columns: u16, lines: u16) -> Self {
        let pty = Pty::open();
        pty.cook();
        pty.resize(columns, lines);
        command
            .env("TERM", "xterm")
            .stdin(pty.near())
            .stdout(pty.near())
            .stderr(pty.near());
        // SAFETY: between fork and exec only async-signal-safe functions are called. The program leads
        // a session of its own, whose terminal this becomes: so it is told of another size.
        unsafe {
            command.pre_exec(|| {
                libc::setsid();
                libc::ioctl(0, libc::TIOCSCTTY, 0);
                Ok(())
            });
        }
        let child = command.spawn().expect("the program starts");
        let written: Arc<Mutex<Vec<u8>>> = Arc::default();
        let (mut far, kept) = (pty.far(), written.clone());
        // Ends with the terminal.
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = far.read(&mut buffer) {
                kept.lock().expect("a lock").extend(&buffer[..count]);
            }
        });
        Self {
            pty,
            child,
            written,
        }
    }

    /// Everything that was written so far.
    pub fn written(&self) -> String {
        String::from_utf8_lossy(&self.written.lock().expect("a lock")).into_owned()
    }

    /// Presses keys.
    pub fn press(&self, keys: &str) {
        let mut far = self.pty.far();
        far.write_all(keys.as_bytes()).expect("a terminal");
    }

    /// Makes the terminal another size.
    pub fn resize(&self, columns: u16, lines: u16) {
        self.pty.resize(columns, lines);
    }

    /// Whether the terminal edits and echoes lines, as before the program.
    pub fn is_cooked(&self) -> bool {
        self.pty.is_cooked()
    }

    /// Waits until the last thing drawn is as wanted; returns it without orders to the terminal.
    pub fn until(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let began = Instant::now();
        loop {
            let written = self.written();
            let frame = written.rsplit(HOME).next().unwrap_or_default();
            let frame = plain(frame);
            if wanted(&frame) {
                return frame;
            }
            assert!(began.elapsed() < DEADLINE, "waited for {what}:\n{frame}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Asks it to end, as `kill` does.
    pub fn terminate(&self) {
        let id = libc::pid_t::try_from(self.child.id()).expect("a process id");
        // SAFETY: a plain system call; the id is that of a child that was not waited for yet.
        unsafe { libc::kill(id, libc::SIGTERM) };
    }

    /// Waits for the program's end; returns whether that was in order.
    pub fn has_ended_well(&mut self) -> bool {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status.success();
            }
            assert!(began.elapsed() < DEADLINE, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// A text without orders to the terminal.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut pieces = text.split('\u{1b}');
    plain.extend(pieces.next());
    for piece in pieces {
        // To its last letter.
        let end = piece.find(|c: char| c.is_ascii_alphabetic());
        plain.push_str(end.map_or("", |end| &piece[end + 1..]));
    }
    plain
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Only an ended process cannot be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
