//! The reader's terminals: commands of a page run as they stand there, in a real shell.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use weihe_tests::{DEADLINE, as_typed, signal_group, target, weihe};

use super::shown;

/// How long a command may take that builds, on the slowest shared machine.
const BUILDING: Duration = Duration::from_secs(900);

/// Commands that go on until Ctrl-C.
const STAYING: [&str; 3] = ["weihe dev", "weihe run", "cargo run"];

/// Commands that look at what changes by itself: as a reader does, they are tried again.
const LOOKING: [&str; 6] = ["get", "ps", "logs", "grants", "dead", "plan"];

/// The terminal in whose folder the reader's editor is open.
const EDITOR: char = 'A';

/// Somebody who does what a page says.
#[derive(Debug)]
pub struct Reader {
    home: tempfile::TempDir,
    terminals: BTreeMap<char, Terminal>,
    /// What stands in the page, and what it is here.
    instead: Vec<(String, String)>,
}

/// A terminal, and what runs in its foreground.
#[derive(Debug)]
struct Terminal {
    directory: PathBuf,
    log: PathBuf,
    foreground: Option<Running>,
    /// Lines of the log that the page has shown.
    seen: usize,
}

#[derive(Debug)]
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        signal_group(self.0.id(), libc::SIGKILL);
        let _ = self.0.wait();
    }
}

impl Reader {
    /// Somebody with an empty folder. `addresses` are those of the page, on the machine itself: here
    /// each becomes one with a port that is free.
    pub fn new(addresses: &[&str]) -> Self {
        let instead = addresses.iter().map(|address| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let free = listener.local_addr().unwrap();
            ((*address).to_owned(), free.to_string())
        });
        Self {
            home: tempfile::tempdir().unwrap(),
            terminals: BTreeMap::new(),
            instead: instead.collect(),
        }
    }

    fn terminal(&mut self, name: char) -> &mut Terminal {
        let home = self.home.path();
        self.terminals.entry(name).or_insert_with(|| Terminal {
            directory: home.to_owned(),
            log: home.join(format!(".log-{name}")),
            foreground: None,
            seen: 0,
        })
    }

    fn here(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (page, here) in &self.instead {
            text = text.replace(page, here);
        }
        text
    }

    /// Saves a file, as editors do: a new one in place of the old.
    pub fn save(&mut self, name: &str, text: &str) {
        let text = self.here(text);
        let file = self.terminal(EDITOR).directory.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        let new = file.with_extension("tmp");
        fs::write(&new, text).unwrap();
        fs::rename(&new, file).unwrap();
    }

    /// Copies a file to where the reader has it.
    pub fn put(&mut self, name: &str, from: &Path) {
        let file = self.terminal(EDITOR).directory.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::copy(from, file).unwrap();
    }

    /// Changes a file as a diff says, whose lines are found by what they say.
    pub fn change(&mut self, name: &str, diff: &str) {
        let file = self.terminal(EDITOR).directory.join(name);
        let mut text = fs::read_to_string(&file).unwrap();
        for hunk in self.here(diff).split("@@\n") {
            let side = |sign: char| -> String {
                let lines = hunk.lines().filter(|line| !line.starts_with(sign));
                lines
                    .map(|line| format!("{}\n", line.get(1..).unwrap_or_default()))
                    .collect()
            };
            let (old, new) = (side('+'), side('-'));
            assert_eq!(
                text.matches(&old).count(),
                1,
                "{name}: once in it is not:\n{old}\n{text}"
            );
            text = text.replace(&old, &new);
        }
        self.save(name, &text);
    }

    /// Goes through a block of commands and what they print.
    pub fn console(&mut self, terminal: char, block: &str) {
        let block = self.here(block);
        let mut lines = block.lines().peekable();
        loop {
            let command = lines.next_if(|line| line.starts_with("$ ") || *line == "^C");
            let mut shown = Vec::new();
            while let Some(line) = lines.next_if(|line| !line.starts_with("$ ") && *line != "^C") {
                shown.push(line);
            }
            match command {
                Some("^C") => self.terminal(terminal).interrupt(&shown),
                Some(command) => self.terminal(terminal).run(&command[2..], &shown),
                None if shown.is_empty() => return,
                None => self.terminal(terminal).await_lines(&shown),
            }
        }
    }
}

impl Terminal {
    fn run(&mut self, command: &str, shown: &[&str]) {
        assert!(
            self.foreground.is_none(),
            "`{command}`: the terminal is busy"
        );
        if let Some(folder) = command.strip_prefix("cd ") {
            self.directory = fs::canonicalize(self.directory.join(folder)).unwrap();
            assert!(shown.is_empty());
            return;
        }
        if STAYING.iter().any(|staying| command.starts_with(staying)) {
            self.foreground = Some(self.start(command));
            self.seen = 0;
            return self.await_lines(shown);
        }
        let looks = command
            .strip_prefix("weihe ")
            .and_then(|rest| rest.split(' ').next())
            .is_some_and(|word| LOOKING.contains(&word));
        let began = Instant::now();
        loop {
            let mut running = self.start(command);
            let ended = until(BUILDING, || running.0.try_wait().unwrap().is_some());
            assert!(ended, "`{command}` does not end: {}", self.printed());
            let printed = self.printed();
            let lines: Vec<&str> = printed.lines().collect();
            if shown::equal(shown, &lines) {
                return;
            }
            assert!(
                looks && began.elapsed() < DEADLINE,
                "`{command}` is said to print\n{}\nand printed\n{printed}",
                shown.join("\n")
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn start(&self, command: &str) -> Running {
        let log = File::create(&self.log).unwrap();
        let host = weihe();
        let folder = Path::new(host.get_program()).parent().unwrap().to_owned();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths([folder].into_iter().chain(std::env::split_paths(&path)));
        let mut shell = Command::new("sh");
        for (name, value) in host.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        shell
            .args(["-c", command])
            .current_dir(&self.directory)
            .env("PATH", path.unwrap())
            // Of the crate, its own `rust-toolchain.toml` speaks.
            .env_remove("RUSTUP_TOOLCHAIN")
            .env("CARGO_NET_OFFLINE", "true")
            .env("CARGO_TERM_COLOR", "never")
            // As the pages have it, in both languages.
            .env("LC_ALL", "C");
        if command.starts_with("cargo ") {
            shell.env("CARGO_TARGET_DIR", target().join("weihe-components"));
        }
        shell
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        Running(as_typed(&mut shell).spawn().unwrap())
    }

    fn printed(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until what runs here has printed these lines, in this order, perhaps among others.
    fn await_lines(&mut self, shown: &[&str]) {
        let began = Instant::now();
        loop {
            let printed = self.printed();
            let lines: Vec<&str> = printed.lines().skip(self.seen).collect();
            if let Some(end) = shown::after(shown, &lines) {
                self.seen += end;
                return;
            }
            let running = &mut self.foreground.as_mut().expect("something runs here").0;
            let ended = running.try_wait().unwrap().is_some();
            assert!(
                !ended && began.elapsed() < BUILDING,
                "it is said to print\n{}\nand printed\n{printed}",
                shown.join("\n")
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn interrupt(&mut self, shown: &[&str]) {
        let mut running = self.foreground.take().expect("something runs here");
        signal_group(running.0.id(), libc::SIGINT);
        let ended = until(DEADLINE, || running.0.try_wait().unwrap().is_some());
        let printed = self.printed();
        assert!(ended, "Ctrl-C does not end it: {printed}");
        let lines: Vec<&str> = printed.lines().skip(self.seen).collect();
        let said = shown::after(shown, &lines).is_some();
        assert!(
            said,
            "it is said to print\n{}\nand printed\n{printed}",
            shown.join("\n")
        );
    }
}

/// Waits; returns whether it came true.
fn until(span: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    while !holds() {
        if began.elapsed() > span {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}
