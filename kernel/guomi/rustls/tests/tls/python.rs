//! A private virtual environment with pyOpenSSL.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// What is installed. Pinned: the tests hold our own work against it. `cryptography` brings OpenSSL 4 along.
const PACKAGES: [&str; 2] = ["pyOpenSSL==26.4.0", "cryptography==50.0.2"];

/// The interpreter of the environment, which is made once under the target directory. Without `python3`, its `venv`
/// module or a package index there is none: then the test says so and ends, but where `CI` is set it fails.
pub fn find() -> Option<Command> {
    static FOUND: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match FOUND.get_or_init(make) {
        Ok(program) => Some(Command::new(program)),
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

fn make() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guomi-python");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    // One process makes it, the others wait.
    let lock = File::create(folder.join("lock")).map_err(|error| error.to_string())?;
    lock.lock().map_err(|error| error.to_string())?;
    let venv = folder.join("venv");
    let (program, done) = (venv.join("bin/python"), folder.join("done"));
    let wanted = PACKAGES.join(" ");
    let usable = || run(Command::new(&program).args(["-c", "import OpenSSL"])).is_ok();
    if fs::read_to_string(&done).is_ok_and(|what| what == wanted) && usable() {
        return Ok(program);
    }
    run(Command::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(&venv))
    .map_err(|error| {
        format!("no virtual environment (on Debian: apt install python3-venv): {error}")
    })?;
    run(Command::new(&program)
        .args(["-m", "pip", "install", "--quiet"])
        .arg("--disable-pip-version-check")
        .args(PACKAGES))
    .map_err(|error| format!("{wanted} cannot be installed: {error}"))?;
    fs::write(&done, wanted).map_err(|error| error.to_string())?;
    Ok(program)
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command
        .output()
        .map_err(|error| format!("{:?}: {error}", command.get_program()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rev().find(|line| !line.trim().is_empty());
    Err(last.unwrap_or("it said nothing").to_owned())
}
