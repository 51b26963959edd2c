//! A host that runs, and what it says.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use super::weihe;

/// A host that is killed when the test ends.
pub(crate) struct Host {
    pub(crate) child: Child,
    lines: Receiver<String>,
    /// What it has said so far.
    pub(crate) said: Vec<String>,
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Host {
    /// Starts a host and waits until it says that it runs.
    pub(crate) fn start(directory: &Path) -> Self {
        Self::of(weihe(directory).arg("run"))
    }

    /// The same, by a command of its own.
    pub(crate) fn of(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let mut host = Self {
            child,
            lines,
            said: Vec::new(),
        };
        host.wait_for("Ctrl-C stops it");
        host
    }

    pub(crate) fn wait_for(&mut self, words: &str) {
        while let Ok(line) = self.lines.recv() {
            let found = line.contains(words);
            self.said.push(line);
            if found {
                return;
            }
        }
        panic!("the host ended without saying `{words}`: {:#?}", self.said);
    }

    pub(crate) fn signal(&self, signal: libc::c_int) {
        let id = libc::pid_t::try_from(self.child.id()).unwrap();
        // SAFETY: a plain system call; the id is that of a child that was not waited for yet.
        let sent = unsafe { libc::kill(id, signal) };
        assert_eq!(sent, 0, "{}", std::io::Error::last_os_error());
    }
}
