//! The binary `weihe` in a directory of its own.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::{DEADLINE, Process, cargo, component, components, target, workspace};

/// A directory with a `weihe.toml`, and the host that runs it.
#[derive(Debug)]
pub struct Host {
    directory: PathBuf,
    /// Removes it with the test.
    _kept: TempDir,
    process: Option<Process>,
}

impl Host {
    /// A directory with this `weihe.toml` and the components of `plugins` (file name, package).
    pub fn new(config: &str, plugins: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().expect("a folder");
        fs::write(directory.path().join("weihe.toml"), config).expect("weihe.toml");
        let folder = directory.path().join("plugins");
        fs::create_dir(&folder).expect("a folder");
        for (name, package) in plugins {
            fs::copy(component(package), folder.join(name).with_extension("wasm"))
                .expect("a component");
        }
        Self {
            directory: directory.path().to_owned(),
            _kept: directory,
            process: None,
        }
    }

    /// A directory as `weihe new` makes it for a plugin, within `parent`.
    pub fn made_new(parent: TempDir, plugin: &str, template: &str) -> Self {
        let made = weihe()
            .args(["new", plugin, "--template", template, "--dir"])
            .arg(parent.path())
            .output()
            .expect("weihe runs");
        assert!(made.status.success(), "{made:?}");
        Self {
            directory: parent.path().join(plugin),
            _kept: parent,
            process: None,
        }
    }

    /// Starts the host with the components that are there. Writing beyond a size that its files may
    /// have is an error to it, as on a full disk, not its end.
    pub fn start(&mut self) {
        self.start_with(&["run", "--no-build"]);
    }

    /// The same, with more options of `weihe run`.
    pub fn start_as(&mut self, options: &[&str]) {
        self.start_with(&[&["run", "--no-build"], options].concat());
    }

    /// Starts the host, which builds what its `weihe.toml` names as source.
    pub fn start_building(&mut self) {
        self.start_with(&["run"]);
    }

    /// Starts the host, which builds besides what is saved while it runs.
    pub fn start_developing(&mut self) {
        self.start_with(&["dev"]);
    }

    fn start_with(&mut self, arguments: &[&str]) {
        assert!(self.process.is_none(), "it runs already");
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.path("log"))
            .expect("a log");
        let mut command = weihe();
        command.args(arguments).arg(&self.directory).stderr(log);
        // SAFETY: between fork and exec only an async-signal-safe function is called.
        unsafe {
            command.pre_exec(|| {
                libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
                Ok(())
            });
        }
        self.process = Some(Process::start(&mut command));
    }

    /// Whether it has come to its end by itself.
    pub fn has_ended(&mut self) -> bool {
        self.process.as_mut().is_none_or(Process::has_ended)
    }

    /// A file in its directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Its database.
    pub fn database(&self) -> PathBuf {
        self.path("data/weihe.db")
    }

    /// Waits until the state of a device that is on the disk is what is wanted.
    pub fn until_saved(&self, device: &str, wanted: impl Fn(&[u8]) -> bool) {
        let began = Instant::now();
        let database = rusqlite::Connection::open(self.database()).expect("the database");
        let saved = || -> Option<Vec<u8>> {
            let query = "SELECT bytes FROM weihe_state WHERE device = ?1";
            database.query_row(query, [device], |row| row.get(0)).ok()
        };
        while !saved().is_some_and(|bytes| wanted(&bytes)) {
            assert!(
                began.elapsed() < DEADLINE,
                "the state of {device} was never saved: {:?}",
                saved()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Runs a command of `weihe` in its directory.
    pub fn run(&self, arguments: &[&str]) -> Output {
        let mut command = weihe();
        command.arg("-C").arg(&self.directory).args(arguments);
        command.output().expect("weihe runs")
    }

    /// Runs a command of `weihe` against it; the answer to `--json`, if it is one.
    pub fn ask(&self, arguments: &[&str]) -> Option<Value> {
        let mut with_json = vec!["--json"];
        with_json.extend(arguments);
        serde_json::from_slice(&self.run(&with_json).stdout).ok()
    }

    /// Follows the events of a filter, a line of JSON each.
    pub fn follow(&self, filter: &str) -> Process {
        let mut command = weihe();
        command
            .arg("-C")
            .arg(&self.directory)
            .args(["--json", "events", "--retained", filter]);
        Process::start(&mut command)
    }

    /// What could not be started, when all that can has.
    pub fn failed(&self) -> Vec<Value> {
        let began = Instant::now();
        // The banner is printed when everything was tried.
        while !self.log().contains("Ctrl-C stops it") {
            assert!(
                began.elapsed() < DEADLINE,
                "it never came up: {}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        let ps = self.ask(&["ps"]).expect("a host that answers");
        ps["failed"].as_array().expect("a list").clone()
    }

    /// Ends it as a power failure would.
    pub fn kill(&mut self) {
        self.process.take().expect("it runs").kill();
    }

    /// Asks it to end; returns whether it did so in order.
    pub fn stop(&mut self) -> bool {
        self.process.take().expect("it runs").terminate()
    }

    /// Sets the size that its files may have; `None` lifts the limit.
    pub fn limit_files(&self, bytes: Option<u64>) {
        let process = self.process.as_ref().expect("it runs");
        let id = libc::pid_t::try_from(process.id()).expect("a process id");
        let limit = libc::rlimit {
            rlim_cur: bytes.unwrap_or(libc::RLIM_INFINITY),
            rlim_max: libc::RLIM_INFINITY,
        };
        // SAFETY: the structure outlives the call, and no old limits are asked for.
        let set = unsafe { libc::prlimit(id, libc::RLIMIT_FSIZE, &limit, std::ptr::null_mut()) };
        assert_eq!(set, 0, "{}", std::io::Error::last_os_error());
    }
}

/// The binary, as `cargo run` builds it: with the default members, so that dependencies have the
/// features that they have there. What it builds and compiles goes where the tests' own goes.
pub fn weihe() -> Command {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let program = BUILT.get_or_init(|| {
        let target = target();
        let mut cargo = cargo();
        cargo
            .current_dir(workspace())
            .args(["build", "--quiet", "--bin", "weihe", "--target-dir"])
            .arg(&target);
        let status = cargo.status().expect("cargo");
        assert!(status.success(), "the host does not build");
        Path::new(&target).join("debug/weihe")
    });
    let mut command = Command::new(program);
    command
        .env_remove("WEIHE_DIR")
        .env_remove("WEIHE_LOG")
        .env("WEIHE_LANG", "en")
        .env("CARGO_TARGET_DIR", target())
        // One place for the SDK that `weihe new` writes out, so that it is compiled once.
        .env("XDG_DATA_HOME", components::folder().join("data"))
        .env("XDG_CACHE_HOME", components::folder().join("cache"));
    command
}
