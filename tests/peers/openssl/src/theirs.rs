//! The other side: `s_client` or `s_server` of a stack.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::pki;
use crate::stack::Stack;

/// How long something is waited for that should come at once.
pub const LIMIT: Duration = Duration::from_secs(30);

pub struct Theirs {
    process: Child,
    input: ChildStdin,
    output: Arc<(Mutex<String>, Condvar)>,
    /// Up to where what it said has been looked at.
    read: usize,
}

impl Theirs {
    pub fn server(stack: &Stack, suite: &str, mutual: bool) -> Result<(Self, u16), String> {
        let mut command = Command::new(&stack.program);
        command
            .args([
                "s_server",
                "-accept",
                "127.0.0.1:0",
                "-tls1_3",
                "-ciphersuites",
                suite,
            ])
            .args(["-groups", stack.group])
            .args(stack.arguments)
            .args(["-cert", &pki("server.pem"), "-key", &pki("server.key.pem")]);
        if mutual {
            command.args([
                "-CAfile",
                &pki("root.pem"),
                "-Verify",
                "3",
                "-verify_return_error",
            ]);
        }
        let mut server = Self::start(command)?;
        server.wait("ACCEPT 127.0.0.1:")?;
        let line = server.line()?;
        let port = line.trim().parse();
        Ok((
            server,
            port.map_err(|error| format!("{line:?} is no port: {error}"))?,
        ))
    }

    pub fn client(
        stack: &Stack,
        suite: &str,
        port: u16,
        groups: &str,
        more: &[&str],
    ) -> Result<Self, String> {
        let mut command = Command::new(&stack.program);
        command
            .args([
                "s_client",
                "-connect",
                &format!("127.0.0.1:{port}"),
                "-tls1_3",
            ])
            .args(["-ciphersuites", suite, "-groups", groups])
            .args(["-CAfile", &pki("root.pem"), "-verify_return_error"])
            .args(["-verify_hostname", "localhost", "-servername", "localhost"])
            .args(more);
        // Strict, a client has no other group to begin with.
        if groups == stack.group {
            command.args(stack.arguments);
        }
        Self::start(command)
    }

    fn start(mut command: Command) -> Result<Self, String> {
        let process = command
            .env_remove("OPENSSL_CONF")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut process = process.map_err(|error| format!("{command:?}: {error}"))?;
        let (Some(input), Some(out), Some(errors)) = (
            process.stdin.take(),
            process.stdout.take(),
            process.stderr.take(),
        ) else {
            return Err("no pipes to the other side".to_owned());
        };
        let output = Arc::default();
        collect(out, &output);
        collect(errors, &output);
        Ok(Self {
            process,
            input,
            output,
            read: 0,
        })
    }

    /// Types a line: text for the peer, or a command such as `K`, which renews keys.
    pub fn type_line(&mut self, line: &str) -> Result<(), String> {
        // In one piece: a command is what one read brings.
        self.input
            .write_all(format!("{line}\n").as_bytes())
            .and_then(|()| self.input.flush())
            .map_err(|error| format!("nothing can be typed: {error}; {}", self.said()))
    }

    /// Waits until it has said something that it hadn't said when it was last waited for.
    pub fn wait(&mut self, text: &str) -> Result<(), String> {
        let (output, changed) = &*self.output;
        let output = output.lock().unwrap_or_else(PoisonError::into_inner);
        let read = self.read;
        let waited =
            changed.wait_timeout_while(output, LIMIT, |output| !output[read..].contains(text));
        let (output, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match output[read..].find(text) {
            Some(at) => {
                self.read = read + at + text.len();
                Ok(())
            }
            None => Err(format!(
                "{text:?} did not come; it said: {}",
                &output[read..]
            )),
        }
    }

    /// What is left of the line that was waited for.
    fn line(&mut self) -> Result<String, String> {
        let from = self.read;
        self.wait("\n")?;
        let output = self.output.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(output[from..self.read].to_owned())
    }

    pub fn said(&self) -> String {
        let output = self.output.0.lock().unwrap_or_else(PoisonError::into_inner);
        output.clone()
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn collect(mut from: impl Read + Send + 'static, output: &Arc<(Mutex<String>, Condvar)>) {
    let output = Arc::clone(output);
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(read) = from.read(&mut buffer) {
            if read == 0 {
                break;
            }
            let text = String::from_utf8_lossy(&buffer[..read]);
            output
                .0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push_str(&text);
            output.1.notify_all();
        }
    });
}
