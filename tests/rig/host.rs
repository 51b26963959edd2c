//! The host as it runs on the boards: the binary of this workspace, and the libraries that it is linked with.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use weihe_tests::{target, weihe, without_this_package, workspace};

use crate::board::Processor;

/// Files for a board: path there without the leading slash, and contents.
type Files = Vec<(String, Vec<u8>)>;

/// Where the host lies.
pub const PROGRAM: &str = "weihe/weihe";

/// Where the program lies that runs it as on a kernel that lacks calls.
const OLDER: &str = "weihe/older";

/// The host for a processor, and what it needs to start. Built once, by whoever comes first.
pub fn files(processor: Processor) -> Result<&'static Files, String> {
    static BUILT: [OnceLock<Result<Files, String>>; 2] = [const { OnceLock::new() }; 2];
    let place = match processor {
        Processor::X86 => 0,
        Processor::Arm => 1,
    };
    let built = BUILT[place].get_or_init(|| collect(processor));
    built.as_ref().map_err(Clone::clone)
}

fn collect(processor: Processor) -> Result<Files, String> {
    match processor {
        Processor::X86 => {
            let built = || PathBuf::from(weihe().get_program());
            let program = optimised("weihe").unwrap_or_else(built);
            let mut files = vec![
                (PROGRAM.to_owned(), stripped(&program)?),
                (OLDER.to_owned(), older("cc")?),
            ];
            for library in linked(&program)? {
                let to = library.trim_start_matches('/').to_owned();
                files.push((to, read(Path::new(&library))?));
            }
            Ok(files)
        }
        Processor::Arm => {
            let mut files = vec![
                (PROGRAM.to_owned(), read(&built_for_arm()?)?),
                (OLDER.to_owned(), older("aarch64-linux-gnu-gcc")?),
            ];
            let folder = Path::new("/usr/aarch64-linux-gnu/lib");
            for name in ARM_LIBRARIES {
                files.push((format!("lib/{name}"), read(&folder.join(name))?));
            }
            Ok(files)
        }
    }
}

/// What a program in Rust is linked with, and its loader.
const ARM_LIBRARIES: [&str; 4] = [
    "ld-linux-aarch64.so.1",
    "libc.so.6",
    "libgcc_s.so.1",
    "libm.so.6",
];

/// A program that `measure` has built for this machine; none where nothing is measured.
pub fn optimised(program: &str) -> Option<PathBuf> {
    let folder = env::var_os("WEIHE_RIG_PROGRAMS")?;
    Some(Path::new(&folder).join(program))
}

/// The host for aarch64, as this machine has it.
pub fn built_for_arm() -> Result<PathBuf, String> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    BUILT.get_or_init(build_for_arm).clone()
}

fn build_for_arm() -> Result<PathBuf, String> {
    let folder = target().join("weihe-rig");
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let program = folder.join("weihe-aarch64");
    let mut prepare = Command::new(workspace().join("tests/rig/prepare"));
    prepare.arg("host").arg(&program);
    without_this_package(&mut prepare);
    let done = prepare.output().map_err(|error| error.to_string())?;
    if !done.status.success() {
        return Err(format!(
            "the host for aarch64 does not build: {}",
            String::from_utf8_lossy(&done.stderr)
        ));
    }
    Ok(program)
}

/// The program `older`, by this compiler. What it is linked with, the host is, too.
fn older(compiler: &str) -> Result<Vec<u8>, String> {
    let folder = tempfile::tempdir_in(target()).map_err(|error| error.to_string())?;
    let to = folder.path().join("older");
    let output = Command::new(compiler)
        .args(["-O1", "-s", "-Wall", "-Wextra", "-Werror", "-o"])
        .arg(&to)
        .arg(workspace().join("tests/rig/older.c"))
        .output()
        .map_err(|error| format!("`{compiler}`: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("`{compiler}` fails with older.c: {said}"));
    }
    read(&to)
}

/// A program without what only a debugger reads, and names of functions: the first file system lies in memory, and a second of
/// each boot would go into a quarter that nobody looks at.
pub fn stripped(program: &Path) -> Result<Vec<u8>, String> {
    let folder = tempfile::tempdir_in(target()).map_err(|error| error.to_string())?;
    let to = folder.path().join("stripped");
    let status = Command::new("strip")
        .arg("--strip-all")
        .arg("-o")
        .args([&to, program])
        .status()
        .map_err(|error| format!("`strip`: {error}"))?;
    if !status.success() {
        return Err(format!("`strip` fails with {}", program.display()));
    }
    read(&to)
}

/// The libraries of a program of this machine, and its loader.
fn linked(program: &Path) -> Result<Vec<String>, String> {
    let output = Command::new("ldd").arg(program).output();
    let output = output.map_err(|error| format!("`ldd`: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let paths = text
        .lines()
        .flat_map(str::split_whitespace)
        .filter(|word| word.starts_with('/'));
    Ok(paths.map(str::to_owned).collect())
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}
