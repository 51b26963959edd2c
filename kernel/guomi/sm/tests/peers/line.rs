//! A peer: a process that answers a line with a line.
//!
//! A line is the name of what is asked for and its arguments in hexadecimal digits, `-` for an empty one. The answer is
//! digits as well, `yes` or `no`, or `error` with words.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

pub struct Peer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Peer {
    pub fn start(mut command: Command) -> Result<Self, String> {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| format!("{:?}: {error}", command.get_program()))?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        Ok(Self {
            input: input.ok_or("no input")?,
            output: BufReader::new(output.ok_or("no output")?),
            child,
        })
    }

    /// What the peer answers.
    pub fn ask(&mut self, what: &str, arguments: &[&[u8]]) -> Result<String, String> {
        let mut line = what.to_owned();
        for argument in arguments {
            line.push(' ');
            match argument {
                [] => line.push('-'),
                bytes => line.extend(bytes.iter().map(|byte| format!("{byte:02x}"))),
            }
        }
        line.push('\n');
        let sent = self.input.write_all(line.as_bytes());
        sent.and_then(|()| self.input.flush())
            .map_err(|error| format!("{line}: {error}"))?;
        let mut answer = String::new();
        let read = self.output.read_line(&mut answer);
        match (read, answer.trim_end()) {
            (Err(error), _) => Err(format!("{line}: {error}")),
            (Ok(0), _) => Err(format!("{line}: the peer has ended")),
            (Ok(_), answer) => Ok(answer.to_owned()),
        }
    }

    /// The bytes that the peer answers.
    pub fn bytes(&mut self, what: &str, arguments: &[&[u8]]) -> Result<Vec<u8>, String> {
        let answer = self.ask(what, arguments)?;
        let digit = |at: usize| answer.get(at..at + 2);
        let pairs = (0..answer.len()).step_by(2).map(digit);
        match answer.as_str() {
            "-" => Ok(Vec::new()),
            _ => pairs
                .map(|pair| u8::from_str_radix(pair?, 16).ok())
                .collect::<Option<_>>()
                .ok_or_else(|| format!("{what}: {answer}")),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
