//! Peers in Python: a private virtual environment with pymodbus, a slave and a client.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};

use crate::{Process, target};

/// What is installed. Pinned: the tests hold our own work against it.
pub const PYMODBUS: &str = "pymodbus[serial]==3.11.4";

/// A coil that no test uses; see `--size` of `peers/slave.py`.
const UNUSED: u16 = 999;

/// The interpreter of a virtual environment with pymodbus.
#[derive(Debug, Clone)]
pub struct Python(PathBuf);

impl Python {
    /// The environment, made once under the target directory. Without `python3`, its `venv` module
    /// or a package index there is none: then the test says so and ends, but where `CI` is set it
    /// fails.
    pub fn find() -> Option<Self> {
        static FOUND: OnceLock<Result<PathBuf, String>> = OnceLock::new();
        match FOUND.get_or_init(make) {
            Ok(program) => Some(Self(program.clone())),
            Err(reason) if std::env::var_os("CI").is_some() => panic!("{reason}"),
            Err(reason) => {
                let thread = std::thread::current();
                let test = thread.name().unwrap_or("a test");
                // Not by a macro: the harness keeps back what those print in a passing test.
                let _ = writeln!(std::io::stderr(), "\nSKIPPED {test}: {reason}\n");
                None
            }
        }
    }

    /// A program, as text.
    pub fn program(&self, text: &str) -> Command {
        let mut command = Command::new(&self.0);
        command.args(["-c", text]);
        command
    }

    /// A script of `tests/peers`.
    pub fn script(&self, name: &str) -> Command {
        let mut command = Command::new(&self.0);
        command
            .arg(peers().join(name))
            .env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }
}

fn peers() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/peers"))
}

fn make() -> Result<PathBuf, String> {
    let folder = target().join("weihe-python");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    // One process makes it, the others wait.
    let lock = File::create(folder.join("lock")).map_err(|error| error.to_string())?;
    lock.lock().map_err(|error| error.to_string())?;
    let program = folder.join("venv/bin/python");
    let done = folder.join("done");
    if fs::read_to_string(&done).is_ok_and(|what| what == PYMODBUS) && runs(&program) {
        return Ok(program);
    }
    let venv = folder.join("venv");
    run(Command::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(&venv))
    .map_err(|error| {
        format!("no virtual environment (on Debian: apt install python3-venv): {error}")
    })?;
    run(Command::new(&program).args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        PYMODBUS,
    ]))
    .map_err(|error| format!("{PYMODBUS} cannot be installed: {error}"))?;
    fs::write(&done, PYMODBUS).map_err(|error| error.to_string())?;
    Ok(program)
}

fn runs(program: &Path) -> bool {
    run(Command::new(program).args(["-c", "import pymodbus, serial"])).is_ok()
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command
        .output()
        .map_err(|error| format!("{:?}: {error}", command.get_program()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or("it said nothing");
    Err(last.to_owned())
}

/// A pymodbus slave in a process of its own.
#[derive(Debug)]
pub struct Slave {
    process: Process,
    port: u16,
    /// Unit and function code of each request that it has reported.
    requests: BTreeSet<(u64, u64)>,
}

impl Slave {
    /// A slave with unit 1 on a port that the system chooses.
    pub fn start(python: &Python) -> Self {
        Self::with(python, &[])
    }

    /// A slave with more arguments; see `peers/slave.py`.
    pub fn with(python: &Python, arguments: &[&str]) -> Self {
        let mut process = Process::start(python.script("slave.py").args(arguments));
        let line = process.line_where(|line| line.contains("port"));
        let said: Value = serde_json::from_str(&line).expect("JSON");
        let port = said["port"]
            .as_u64()
            .and_then(|port| u16::try_from(port).ok())
            .expect("a port");
        Self {
            process,
            port,
            requests: BTreeSet::new(),
        }
    }

    /// The TCP port on which it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Sets contents, `{"table": "input", "address": 0, "values": [1]}`, and waits until they are
    /// set.
    pub fn put(&mut self, order: Value) {
        self.process.tell(&order.to_string());
        let requests = &mut self.requests;
        let line = self.process.line_where(|line| {
            requests.extend(request(line));
            line.contains("put")
        });
        let said: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(said, json!({ "put": order["address"] }));
    }

    /// Makes it take so long for each reply from now on.
    pub fn slow(&mut self, delay: Duration) {
        self.process
            .tell(&json!({ "delay": delay.as_secs_f64() }).to_string());
        let requests = &mut self.requests;
        self.process.line_where(|line| {
            requests.extend(request(line));
            line.contains("delay")
        });
    }

    /// Unit and function code of all requests so far.
    pub fn requests(&mut self) -> &BTreeSet<(u64, u64)> {
        // What it has reported before its answer to this has arrived with it.
        self.put(json!({ "table": "coil", "address": UNUSED, "values": [false] }));
        &self.requests
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) {
        self.process.kill();
    }
}

fn request(line: &str) -> Option<(u64, u64)> {
    let said: Value = serde_json::from_str(line).ok()?;
    Some((said["unit"].as_u64()?, said["function"].as_u64()?))
}

/// A pymodbus client in a process of its own.
#[derive(Debug)]
pub struct Client(Process);

impl Client {
    /// A client of the slave on a port of this machine.
    pub fn start(python: &Python, port: u16) -> Self {
        Self(Process::start(
            python.script("client.py").arg(port.to_string()),
        ))
    }

    /// Reads or writes; see `peers/client.py`.
    pub fn ask(&mut self, order: Value) -> Value {
        self.0.tell(&order.to_string());
        serde_json::from_str(&self.0.line()).expect("JSON")
    }
}
