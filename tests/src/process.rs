//! Child processes that end with the test, and what they print.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Instant;

use crate::DEADLINE;

/// A child process whose output is read line by line. Killed, by its own id, when it is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    lines: Receiver<String>,
    name: String,
}

impl Process {
    /// Starts a program; what it prints on standard error goes to the test's.
    pub fn start(command: &mut Command) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("`{name}` cannot be started: {error}"));
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, lines) = channel();
        // Ends with the child's output.
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines, name }
    }

    /// The process's id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has come to its end.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// What it still prints until its end.
    pub fn rest(&mut self) -> Vec<String> {
        let mut rest = Vec::new();
        loop {
            match self.lines.recv_timeout(DEADLINE) {
                Ok(line) => rest.push(line),
                Err(RecvTimeoutError::Timeout) => panic!("`{}` does not end", self.name),
                Err(RecvTimeoutError::Disconnected) => return rest,
            }
        }
    }

    /// Writes a line to its standard input.
    pub fn tell(&mut self, line: &str) {
        let input = self.child.stdin.as_mut().expect("a pipe");
        writeln!(input, "{line}")
            .and_then(|()| input.flush())
            .expect("the process reads its input");
    }

    /// The next line that it prints.
    pub fn line(&mut self) -> String {
        match self.lines.recv_timeout(DEADLINE) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => {
                panic!("`{}` said nothing within {DEADLINE:?}", self.name)
            }
            Err(RecvTimeoutError::Disconnected) => panic!("`{}` has ended", self.name),
        }
    }

    /// Lines up to the first that is wanted, which is returned.
    pub fn line_where(&mut self, mut wanted: impl FnMut(&str) -> bool) -> String {
        loop {
            let line = self.line();
            if wanted(&line) {
                return line;
            }
        }
    }

    /// Ends it at once, as `kill -9` does, and waits for its end.
    pub fn kill(&mut self) {
        // Only an ended process cannot be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to end, waits for that, and returns whether it ended without an error.
    pub fn terminate(&mut self) -> bool {
        signal(self.child.id().into(), libc::SIGTERM);
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                return status.success();
            }
            assert!(began.elapsed() < DEADLINE, "`{}` does not end", self.name);
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

/// Sends a signal to a process that this test has started, or that one of those has.
pub fn signal(pid: u64, number: i32) {
    let pid = libc::pid_t::try_from(pid).expect("a process id");
    // SAFETY: a plain system call.
    let sent = unsafe { libc::kill(pid, number) };
    assert_eq!(sent, 0, "{}", std::io::Error::last_os_error());
}

/// Sends a signal to a process that this test has started as the leader of a group, and to all that
/// it has started itself. They may have ended.
pub fn signal_group(leader: u32, number: i32) {
    let group = libc::pid_t::try_from(leader).expect("a process id");
    // SAFETY: a plain system call.
    unsafe { libc::kill(-group, number) };
}

/// Has a command lead a group of its own and heed Ctrl-C, as one that is typed does. What a script runs in the
/// background ignores it, and so would all that it starts.
pub fn as_typed(command: &mut Command) -> &mut Command {
    command.process_group(0);
    // SAFETY: between fork and exec only this is called, which is async-signal-safe.
    unsafe {
        command.pre_exec(|| {
            libc::signal(libc::SIGINT, libc::SIG_DFL);
            Ok(())
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
