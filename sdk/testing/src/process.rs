//! `weihe sandbox` as a child process.

use std::io::{BufRead, BufReader, Read as _, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;
use weihe_sdk::testing::Sandbox;

/// The version of the lines that this crate speaks.
const PROTOCOL: u64 = 1;

/// The component does not start.
///
/// ```
/// # fn told(error: weihe_testing::StartError) {
/// eprintln!("{error}");
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The program cannot be started.
    #[error("{program} cannot be started: {source}")]
    Program {
        /// The program.
        program: String,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// It ended at once.
    #[error("the sandbox does not start: {0}")]
    Ended(String),
    /// It speaks another version.
    #[error(
        "{program} speaks version {theirs} of the sandbox's protocol, weihe-testing speaks {PROTOCOL}: take both of \
         one version of Weihe"
    )]
    Protocol {
        /// The program.
        program: String,
        /// Its version; 0 where it has none.
        theirs: u64,
    },
}

/// A component in a `weihe sandbox` of its own, which ends with this.
///
/// ```no_run
/// use weihe_sdk::testing::Sandbox as _;
/// use weihe_testing::Process;
///
/// let mut sandbox = Process::start("weihe".as_ref(), "plugins/rule.wasm".as_ref())?;
/// let start = serde_json::json!({ "do": "start", "device": "alarm", "config": {}, "now": 0 });
/// println!("{}", sandbox.ask(&start).unwrap());
/// # Ok::<(), weihe_testing::StartError>(())
/// ```
#[derive(Debug)]
pub struct Process {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Process {
    /// Starts a program `weihe` with a component.
    ///
    /// ```no_run
    /// let sandbox = weihe_testing::Process::start("weihe".as_ref(), "plugins/rule.wasm".as_ref())?;
    /// # drop(sandbox);
    /// # Ok::<(), weihe_testing::StartError>(())
    /// ```
    pub fn start(program: &Path, component: &Path) -> Result<Self, StartError> {
        let shown = program.display().to_string();
        let failed = |source| StartError::Program {
            program: shown.clone(),
            source,
        };
        let mut child = Command::new(program)
            .arg("sandbox")
            .arg(component)
            .env_remove("WEIHE_DIR")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let missing = || failed(std::io::ErrorKind::BrokenPipe.into());
        let requests = child.stdin.take().ok_or_else(missing)?;
        let answers = child.stdout.take().ok_or_else(missing)?;
        let mut process = Process {
            child,
            requests: Some(requests),
            answers: BufReader::new(answers),
        };
        let hello = process.read().map_err(StartError::Ended)?;
        match hello["ok"]["protocol"].as_u64().unwrap_or(0) {
            PROTOCOL => Ok(process),
            theirs => Err(StartError::Protocol {
                program: shown,
                theirs,
            }),
        }
    }

    fn read(&mut self) -> Result<Value, String> {
        let mut line = String::new();
        let read = self.answers.read_line(&mut line);
        if read.as_ref().is_ok_and(|bytes| *bytes > 0) {
            return serde_json::from_str(&line)
                .map_err(|error| format!("what it says is no JSON ({error}): {line}"));
        }
        let mut words = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            // What it says at its end is all there is to tell.
            let _ = stderr.read_to_string(&mut words);
        }
        Err(match words.trim() {
            "" => "the sandbox has ended without a word".to_owned(),
            words => words.to_owned(),
        })
    }
}

impl Sandbox for Process {
    fn ask(&mut self, request: &Value) -> Result<Value, String> {
        let line = format!("{request}\n");
        let written = match &mut self.requests {
            Some(requests) => requests.write_all(line.as_bytes()),
            None => Err(std::io::ErrorKind::BrokenPipe.into()),
        };
        // Where it cannot be told any more, its last words say why.
        drop(written);
        self.read()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The end of the requests is the end of the sandbox.
        drop(self.requests.take());
        let _ = self.child.wait();
    }
}
