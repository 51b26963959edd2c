//! The near side of the agent: commands go in, what they print comes out. The far side is the script `agent`.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// How often a wait looks whether the machine still runs.
const LOOK: Duration = Duration::from_millis(200);

/// What a command did.
#[derive(Debug, Clone)]
pub struct Ran {
    /// Its exit code.
    pub status: i32,
    pub output: String,
    pub errors: String,
}

/// A line to an agent.
#[derive(Debug)]
pub struct Agent {
    line: UnixStream,
    number: u64,
    pending: Vec<u8>,
}

impl Agent {
    /// Waits until it is ready.
    pub fn greet(
        line: UnixStream,
        limit: Duration,
        alive: impl FnMut() -> bool,
    ) -> Result<Self, String> {
        line.set_read_timeout(Some(LOOK))
            .map_err(|error| error.to_string())?;
        let mut agent = Self {
            line,
            number: 0,
            pending: Vec::new(),
        };
        let said = agent.line(Instant::now() + limit, alive)?;
        match said.as_str() {
            "ready" => Ok(agent),
            _ => Err(format!("the agent says `{said}`")),
        }
    }

    /// Has a command carried out by the shell there.
    pub fn run(
        &mut self,
        command: &str,
        input: &[u8],
        limit: Duration,
        mut alive: impl FnMut() -> bool,
    ) -> Result<Ran, String> {
        self.number += 1;
        let number = self.number;
        let mut request = format!("{number} {} {}\n", command.len(), input.len()).into_bytes();
        request.extend(command.bytes());
        request.extend(input);
        self.line
            .write_all(&request)
            .map_err(|error| format!("the agent is gone: {error}"))?;
        let until = Instant::now() + limit;
        let head = self.line(until, &mut alive)?;
        let words: Vec<i64> = head
            .split(' ')
            .filter_map(|word| word.parse().ok())
            .collect();
        let [answered, status, output, errors] = words.as_slice() else {
            return Err(format!("the agent answers `{head}`"));
        };
        if u64::try_from(*answered) != Ok(number) {
            return Err(format!("request {number} got answer {answered}"));
        }
        let mut part = |length: &i64| -> Result<String, String> {
            let length = usize::try_from(*length).map_err(|error| error.to_string())?;
            let bytes = self.bytes(length, until, &mut alive)?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        Ok(Ran {
            status: i32::try_from(*status).unwrap_or(i32::MAX),
            output: part(output)?,
            errors: part(errors)?,
        })
    }

    fn line(&mut self, until: Instant, mut alive: impl FnMut() -> bool) -> Result<String, String> {
        loop {
            if let Some(end) = self.pending.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.pending.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            self.receive(until, &mut alive)?;
        }
    }

    fn bytes(
        &mut self,
        length: usize,
        until: Instant,
        alive: &mut impl FnMut() -> bool,
    ) -> Result<Vec<u8>, String> {
        while self.pending.len() < length {
            self.receive(until, alive)?;
        }
        Ok(self.pending.drain(..length).collect())
    }

    fn receive(&mut self, until: Instant, alive: &mut impl FnMut() -> bool) -> Result<(), String> {
        let mut chunk = [0; 65_536];
        loop {
            match self.line.read(&mut chunk) {
                Ok(0) => return Err("the agent's line is closed".to_owned()),
                Ok(length) => {
                    self.pending.extend(&chunk[..length]);
                    return Ok(());
                }
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    if !alive() {
                        return Err("the machine has ended".to_owned());
                    }
                    if Instant::now() > until {
                        return Err("there was no answer in time".to_owned());
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(format!("the agent's line: {error}")),
            }
        }
    }
}
