//! A TLS stack built from the source that a crate carries.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A stack: its name, its version, and how its program names things.
pub struct Stack {
    pub name: &'static str,
    pub version: &'static str,
    /// How it names curveSM2.
    pub group: &'static str,
    /// What its client and its server are told besides.
    pub arguments: &'static [&'static str],
    /// The folder that it was built in.
    pub root: PathBuf,
    pub program: PathBuf,
}

pub fn openssl(folder: &Path) -> Result<Stack, String> {
    let root = built(
        "openssl",
        openssl_src::version(),
        &openssl_src::source_dir(),
        // The crate leaves the documentation out, and what the legacy provider is generated from.
        "no-docs no-legacy",
        folder,
    )?;
    Ok(Stack {
        name: "OpenSSL",
        version: of_source(openssl_src::version()),
        group: "curveSM2",
        arguments: &[],
        program: root.join(PROGRAM),
        root,
    })
}

pub fn tongsuo(folder: &Path) -> Result<Stack, String> {
    let version = tongsuo_src::version();
    let root = built("tongsuo", version, &tongsuo_src::source_dir(), "", folder)?;
    Ok(Stack {
        name: "Tongsuo",
        version: of_source(version),
        group: "SM2",
        // SM2 with the SM4 suites and with nothing else, as RFC 8998 asks.
        arguments: &["-enable_sm_tls13_strict"],
        program: root.join(PROGRAM),
        root,
    })
}

/// The version of the source, which the version of its crate has behind it.
fn of_source(version: &str) -> &str {
    version
        .split_once('+')
        .map_or(version, |(_, source)| source)
}

/// The program of a stack, within the folder that it is built in.
const PROGRAM: &str = "apps/openssl";

/// The folder of a stack, built where it isn't yet.
fn built(
    name: &str,
    version: &str,
    source: &Path,
    options: &str,
    folder: &Path,
) -> Result<PathBuf, String> {
    let work = folder.join(format!("{name}-{version}"));
    let done = work.join("built");
    if done.exists() {
        return Ok(work);
    }
    eprintln!(
        "building {name} {version}: some minutes; what it says goes to {}",
        folder.join(format!("{name}.log")).display()
    );
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let log = folder.join(format!("{name}.log"));
    if !work.exists() {
        // By another name first: what has this one is whole.
        let part = folder.join(format!("{name}-part"));
        let _ = fs::remove_dir_all(&part);
        run(Command::new("cp").arg("-r").arg(source).arg(&part), None)?;
        fs::rename(&part, &work).map_err(|error| format!("{}: {error}", work.display()))?;
    }
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    // A build that was interrupted goes on where it was.
    let steps = [
        format!("test -f Makefile || ./config no-shared no-tests {options}"),
        "make build_generated".to_owned(),
        format!("make -j{jobs} {PROGRAM}"),
    ];
    for step in steps {
        run(
            Command::new("sh").args(["-c", &step]).current_dir(&work),
            Some(&log),
        )?;
    }
    fs::write(&done, version).map_err(|error| error.to_string())?;
    Ok(work)
}

fn run(command: &mut Command, log: Option<&Path>) -> Result<(), String> {
    if let Some(log) = log {
        let file = fs::File::options().create(true).append(true).open(log);
        let file = file.map_err(|error| format!("{}: {error}", log.display()))?;
        let errors = file.try_clone().map_err(|error| error.to_string())?;
        command.stdout(file).stderr(errors);
    }
    let status = command.stdin(Stdio::null()).status();
    match status.map_err(|error| format!("{command:?}: {error}"))? {
        status if status.success() => Ok(()),
        status => Err(format!("{command:?}: {status}")),
    }
}
