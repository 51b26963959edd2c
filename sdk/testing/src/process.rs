//! `weihe sandbox` as a child process.

use std::io::{BufRead, BufReader, Read as _, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::Value;
use weihe_sdk::testing::Sandbox;

/// The version of the lines that this crate speaks.
const PROTOCOL: u64 = 1;

/// How long an answer is awaited, which takes milliseconds as a rule. The first one waits until a large component is
/// compiled, which takes a minute on a slow machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(300);

/// How long the sandbox may take to end when the test is over: it only stops one device.
const FAREWELL: Duration = Duration::from_secs(10);

/// How often it is looked whether it has ended.
const LOOK: Duration = Duration::from_millis(2);

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
    /// Its lines, until it ends.
    answers: Receiver<std::io::Result<String>>,
    /// What it says on standard error, once it has ended.
    words: Receiver<String>,
    patience: Duration,
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
        let mut stderr = child.stderr.take().ok_or_else(missing)?;
        // What nobody reads would hold it up one day.
        let (say, words) = channel();
        std::thread::spawn(move || {
            let mut words = Vec::new();
            // What was said before an error is all there is to tell.
            let _ = stderr.read_to_end(&mut words);
            // Nobody listens any more when the test is over.
            let _ = say.send(String::from_utf8_lossy(&words).into_owned());
        });
        let mut process = Process {
            child,
            requests: Some(requests),
            answers: lines(answers),
            words,
            patience: PATIENCE,
        };
        let hello = process.read("start").map_err(StartError::Ended)?;
        match hello["ok"]["protocol"].as_u64().unwrap_or(0) {
            PROTOCOL => Ok(process),
            theirs => Err(StartError::Protocol {
                program: shown,
                theirs,
            }),
        }
    }

    /// Awaits answers for another time than five minutes. A sandbox that does not answer in time is ended.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use weihe_testing::Process;
    ///
    /// let sandbox = Process::start("weihe".as_ref(), "plugins/rule.wasm".as_ref())?;
    /// let sandbox = sandbox.patience(Duration::from_secs(20));
    /// # drop(sandbox);
    /// # Ok::<(), weihe_testing::StartError>(())
    /// ```
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The answer to what was asked.
    fn read(&mut self, asked: &str) -> Result<Value, String> {
        match self.answers.recv_timeout(self.patience) {
            Ok(Ok(line)) => serde_json::from_str(&line)
                .map_err(|error| format!("what it says is no JSON ({error}): {line}")),
            Ok(Err(error)) => Err(format!("what it says cannot be read: {error}")),
            Err(RecvTimeoutError::Timeout) => {
                self.kill();
                Err(format!(
                    "the sandbox did not answer `{asked}` within {:?}, and was ended: look for work without an end in \
                     the plugin, or let the test ask for less at once; `weihe_testing::Process::patience` waits longer",
                    self.patience
                ))
            }
            Err(RecvTimeoutError::Disconnected) => {
                // It has ended, as a rule. One that only says nothing any more is not waited for.
                let words = self.words.recv_timeout(FAREWELL);
                Err(match words.unwrap_or_default().trim() {
                    "" => "the sandbox has ended without a word".to_owned(),
                    words => words.to_owned(),
                })
            }
        }
    }

    fn kill(&mut self) {
        self.requests = None;
        // It may just have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines of a stream, which a thread reads until its end.
fn lines(stream: ChildStdout) -> Receiver<std::io::Result<String>> {
    let (line, lines) = channel();
    std::thread::spawn(move || {
        for read in BufReader::new(stream).lines() {
            let is_last = read.is_err();
            if line.send(read).is_err() || is_last {
                break;
            }
        }
    });
    lines
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
        self.read(request["do"].as_str().unwrap_or_default())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The end of the requests is the end of the sandbox.
        self.requests = None;
        let began = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if began.elapsed() > FAREWELL {
                let _ = writeln!(
                    std::io::stderr(),
                    "\nthe sandbox did not end within {FAREWELL:?} of its test, and was ended\n"
                );
                return self.kill();
            }
            std::thread::sleep(LOOK);
        }
    }
}
