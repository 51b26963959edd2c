//! `weihe doctor`: what would work here, and why not.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde_json::json;
use weihe_hal::CharacterDevices;
use weihe_hal::board::{BoardFile, ChipReader, FilesOnly};
use weihe_kernel::units::Size;

use super::{Global, Result, directory, remote};
use crate::config::{BoardEntry, Config, KeysEntry, board_file};
use crate::control::{Client, ClientError, SocketError};
use crate::doctor::{Finding, Root, Sm4, Verdict, board, group_limit, machine, toolchain};
use crate::language::{Text, say};
use crate::output::{Failure, Outcome, Style, print, print_json, width};

/// Columns of the longest verdict.
const VERDICT: usize = 4;

/// Look at this machine: what would work, and why not
///
/// Says which board it is, and what GPIO lines, serial ports, I2C and SPI buses, PWM outputs and analogue inputs it
/// has, under the names that plugins are granted them by. No device is opened.
///
/// --root looks at a copy of a board's /proc, /sys, /dev and /etc, so that an engineer elsewhere sees what is there;
/// docs/boards.md says how to make one.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  weihe doctor\n  weihe doctor --root board-copy\n  weihe doctor --board my-board.toml"
)]
pub(super) struct Doctor {
    /// Where /proc, /sys, /dev and /etc are
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
    /// Try a board file
    #[arg(long, value_name = "FILE")]
    board: Option<PathBuf>,
}

impl Doctor {
    pub(super) fn run(self, global: &Global) -> Result {
        let root = Root::new(&self.root);
        if !self.root.is_dir() {
            let root = self.root.display().to_string();
            return Err(Failure::plain(say::doctor_no_root(root)));
        }
        let file = match &self.board {
            Some(path) => Some(Arc::new(board_file(path)?)),
            None if root.is_machine() => configured(global),
            None => None,
        };
        let entry = BoardEntry {
            file,
            root: root.clone(),
            virtual_board: None,
        };
        // Device files of a copy lead to no devices.
        let reader: &dyn ChipReader = match root.is_machine() {
            true => &CharacterDevices,
            false => &FilesOnly,
        };
        let found = entry.detect(reader);
        // The processor of a copy is elsewhere.
        let sm4 = root.is_machine().then(Sm4::here);
        let mut findings = machine(&found, &root);
        findings.extend(sm4.as_ref().map(Sm4::finding));
        findings.extend(board(&found, &root));
        // A copy says nothing of the system that is here.
        if root.is_machine() {
            findings.extend(toolchain(Path::new(".")));
            findings.extend(system(global, &root));
        }
        let worst = findings.iter().map(|finding| finding.verdict).max();
        if global.json {
            let mut answer = json!({ "board": found, "findings": findings });
            if let Some(sm4) = sm4 {
                answer["sm4"] = json!(sm4);
            }
            print_json(&answer);
        } else {
            print(&render(&findings, Style::stdout()));
        }
        Ok(match worst {
            Some(Verdict::Fail) => Outcome::Failed,
            _ => Outcome::Done,
        })
    }
}

/// The board file of the system at hand, where it can be read; what is wrong with it is said with the rest of its
/// configuration.
fn configured(global: &Global) -> Option<Arc<BoardFile>> {
    let directory = directory::find(None, global).ok()?;
    Config::load(&directory).ok()?.board.file
}

/// The system at hand, where there is one.
fn system(global: &Global, root: &Root) -> Vec<Finding> {
    let Ok(directory) = directory::find(None, global) else {
        return vec![Finding::ok("system here", "none; name one with `-C DIR`")];
    };
    let config = match Config::load(&directory) {
        Ok(config) => config,
        Err(error) => {
            let advice = format!("`weihe check {}` shows where", directory.display());
            return vec![Finding::fail("configuration", error.to_string(), advice)];
        }
    };
    let count = config.devices.len();
    let found = format!(
        "{}: {count} devices",
        directory.join(crate::config::FILE).display()
    );
    let data = &config.host.data;
    vec![
        Finding::ok("configuration", found),
        memory(config.host.memory, root),
        writable(data),
        keys(&config.keys),
        socket(data),
    ]
}

/// The memory that a host here keeps within.
fn memory(configured: Option<Size>, root: &Root) -> Finding {
    const WHAT: &str = "memory of the host";
    match (configured, group_limit(root)) {
        (None, None) => Finding::ok(WHAT, "not limited"),
        (None, Some(group)) => Finding::ok(WHAT, format!("{} (cgroup)", Size(group.bytes))),
        (Some(memory), Some(group)) if memory.0 > group.bytes => Finding::warn(
            WHAT,
            format!(
                "{memory} (weihe.toml), beyond the {} of its cgroup",
                Size(group.bytes)
            ),
            "lower `[host] memory`, or raise the service's limit (MemoryMax=)",
        ),
        (Some(memory), _) => Finding::ok(WHAT, format!("{memory} (weihe.toml)")),
    }
}

/// Whether the key store can be looked at, and what a token cannot do. Nothing of it is opened with a passphrase.
fn keys(entry: &KeysEntry) -> Finding {
    const WHAT: &str = "key store";
    let store = crate::keys::unattended(entry);
    let names = store.providers().iter().map(|provider| provider.names());
    let names = names.collect::<std::result::Result<Vec<_>, _>>();
    match (names, store.notices()) {
        (Err(error), _) => Finding::fail(
            WHAT,
            error.to_string(),
            "docs/keys.md says what the key store needs",
        ),
        (Ok(_), [notice, ..]) => {
            Finding::warn(WHAT, notice, "docs/keys.md says what that is worth")
        }
        (Ok(names), []) => {
            let count: usize = names.iter().map(Vec::len).sum();
            let folder = crate::keys::folder(entry);
            Finding::ok(
                WHAT,
                format!("{}: {count} versions of keys", folder.display()),
            )
        }
    }
}

/// Whether the data directory, or the nearest one above it that is there, can be written to.
fn writable(data: &Path) -> Finding {
    let existing = data.ancestors().find(|path| path.is_dir());
    let folder = match existing {
        Some(path) if !path.as_os_str().is_empty() => path,
        _ => Path::new("."),
    };
    match tempfile::NamedTempFile::new_in(folder) {
        Ok(_) => Finding::ok(
            "data directory",
            format!("{} can be written", data.display()),
        ),
        Err(error) => Finding::fail(
            "data directory",
            format!("{} cannot be written: {error}", data.display()),
            "change its owner, free space, or name another with `[host] data`",
        ),
    }
}

fn socket(data: &Path) -> Finding {
    const WHAT: &str = "host";
    let hello = remote::converse(async {
        Ok(async {
            let mut client = Client::connect(data).await?;
            client
                .request::<crate::control::Hello>("hello", &serde_json::Value::Null)
                .await
        }
        .await)
    });
    match hello {
        Ok(Ok(hello)) => Finding::ok(
            WHAT,
            format!("weihe {} runs, process {}", hello.version, hello.pid),
        ),
        Ok(Err(ClientError::Socket(SocketError::NotRunning(_)))) => {
            Finding::ok(WHAT, "not running")
        }
        Ok(Err(error)) => Finding::warn(WHAT, error.to_string(), error.help().unwrap_or_default()),
        Err(failure) => Finding::warn(WHAT, failure.message.english(), ""),
    }
}

fn render(findings: &[Finding], style: Style) -> String {
    let told = |words: &str| Text::told(words).to_string();
    let widest = findings.iter().map(|finding| width(&told(&finding.what)));
    let widest = widest.max().unwrap_or(0);
    let mut text = String::new();
    for finding in findings {
        let verdict = match finding.verdict {
            Verdict::Ok => style.good(say::doctor_ok()),
            Verdict::Warn => style.warn(say::doctor_warn()),
            Verdict::Fail => style.bad(say::doctor_fail()),
        };
        let fill = " ".repeat(VERDICT.saturating_sub(width(&verdict)));
        let what = told(&finding.what);
        let pad = " ".repeat(widest - width(&what));
        let found = told(&finding.found);
        text.push_str(&format!("{verdict}{fill}  {what}{pad}  {found}\n"));
        if !finding.advice.is_empty() {
            let indent = " ".repeat(widest + 8);
            let advice = told(&finding.advice);
            text.push_str(&format!("{indent}{} {advice}\n", style.code("→")));
        }
    }
    text
}
