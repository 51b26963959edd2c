//! The compiler in a child process, with limits of time and memory.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use crate::runtime::engine::engine;
use crate::runtime::memory::{Held, HostMemory};
use crate::units::Size;

use super::{CompileError, Source, compile};

/// How long one compilation may take. 1.2 MB takes 1.5 s; a component can be built to take hours.
pub const COMPILE_TIME: Duration = Duration::from_secs(60);

/// Address space of the compiling child. 64 MiB of code need about 2 GiB.
pub const COMPILE_MEMORY: u64 = 4 << 30;

/// How much further than the host the compiling child gives way to others: it gets about a tenth of
/// a core that is wanted elsewhere, so that lanes keep theirs, and a large plugin is still compiled
/// within [`COMPILE_TIME`] on a busy board.
const COMPILE_NICENESS: i32 = 10;

/// What any compilation needs: the compiler's own tables. Measured: 8 MiB.
const COMPILE_BASE: u64 = 16 << 20;

/// What it needs for each byte of the component, custom sections left out. Measured: 37, on plugins of 0.2 to 0.5 MiB.
const COMPILE_FACTOR: u64 = 40;

/// What a child has of the host's environment: where libraries are, and what its words look like. All else stays with the
/// host, passphrases and PINs above all: the compiler reads files that nobody has vouched for.
pub(super) const ENVIRONMENT: [&str; 8] = [
    "LANG",
    "LC_ALL",
    "LC_MESSAGES",
    "LD_LIBRARY_PATH",
    "PATH",
    "RUST_BACKTRACE",
    "TMPDIR",
    "WEIHE_LANG",
];

/// What child processes of the host have of its environment: nothing that could be a secret.
pub fn child_environment() -> impl Iterator<Item = (&'static str, OsString)> {
    let value = |name| Some((name, std::env::var_os(name)?));
    ENVIRONMENT.into_iter().filter_map(value)
}

/// Exit code of a child whose input is not a valid component.
const INVALID: u8 = 65;

/// Exit code of a child whose parent is gone.
const ORPHANED: u8 = 75;

/// The memory of one child, taken from the host's as long as it runs.
pub(super) struct ChildMemory(Option<(Held, u64)>);

impl ChildMemory {
    /// What a component needs to be compiled, and half of what is left where that is more: some
    /// components are denser than others, and devices that run meanwhile may want to grow.
    pub(super) fn of(source: &Source, memory: &Arc<HostMemory>) -> Result<Self, CompileError> {
        let Some(left) = memory.left() else {
            return Ok(Self(None));
        };
        let size = size_without_custom_sections(&source.bytes);
        let needed = COMPILE_BASE + size.saturating_mul(COMPILE_FACTOR);
        let bytes = needed.max(left / 2).min(COMPILE_MEMORY);
        let held = memory.hold(bytes).map_err(|short| CompileError::NoMemory {
            file: source.file.clone(),
            short,
        })?;
        Ok(Self(Some((held, bytes))))
    }
}

/// The bytes of a component that are compiled: names of functions, which can be a fifth of it, are not.
fn size_without_custom_sections(bytes: &[u8]) -> u64 {
    let sections = wasmparser::Parser::new(0).parse_all(bytes);
    // What cannot be read is refused by the compiler, in its own words.
    let custom = sections
        .map_while(Result::ok)
        .filter_map(|section| match section {
            wasmparser::Payload::CustomSection(section) => Some(section.data().len()),
            _ => None,
        });
    (bytes.len() as u64).saturating_sub(custom.sum::<usize>() as u64)
}

/// A child process that compiles one component.
pub(super) struct Child<'a> {
    pub(super) program: &'a Path,
    pub(super) arguments: &'a [OsString],
    pub(super) memory: ChildMemory,
}

impl Child<'_> {
    pub(super) async fn compile(
        &self,
        source: &Source,
        scratch: &Path,
        output: &Path,
    ) -> Result<(), CompileError> {
        let environment = |reason: String| CompileError::Environment {
            file: source.file.clone(),
            reason,
        };
        let exhausted = |reason: String| CompileError::Exhausted {
            file: source.file.clone(),
            reason,
        };
        let input = scratch.join("input.wasm");
        fs::write(&input, &source.bytes)
            .map_err(|error| environment(format!("{}: {error}", input.display())))?;
        let memory = self.memory.0.as_ref().map(|(_, bytes)| *bytes);
        let mut child = tokio::process::Command::new(self.program)
            .args(self.arguments)
            .arg(&input)
            .arg(output)
            .args(memory.map(|bytes| bytes.to_string()))
            .env_clear()
            .envs(child_environment())
            // A terminal's Ctrl-C is for the host alone, which stops in order.
            .process_group(0)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| {
                let program = self.program.display();
                environment(format!("cannot start the compiler `{program}`: {error}"))
            })?;
        // Never written to: the child ends when it is closed, however this process ends.
        let _lifeline = child.stdin.take();
        let finished = tokio::time::timeout(COMPILE_TIME, child.wait_with_output()).await;
        let Ok(finished) = finished else {
            let seconds = COMPILE_TIME.as_secs();
            return Err(exhausted(format!("it took longer than {seconds} s")));
        };
        let finished =
            finished.map_err(|error| environment(format!("the compiler was lost: {error}")))?;
        if finished.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&finished.stderr).trim().to_owned();
        match (finished.status.code(), memory) {
            (Some(code), _) if code == i32::from(INVALID) => Err(CompileError::Invalid {
                file: source.file.clone(),
                reason: said,
            }),
            (Some(_), _) => Err(environment(said)),
            (None, memory) => Err(exhausted(format!(
                "the compiler ended with {}; it may use {} s of processor time and {} of memory",
                finished.status,
                COMPILE_TIME.as_secs(),
                Size(memory.unwrap_or(COMPILE_MEMORY))
            ))),
        }
    }
}

/// What the compiling child does: limits itself, compiles `INPUT` and writes `OUTPUT`. Call it from
/// the command that [`Compiler::Child`](super::Compiler::Child) names, with what the parent
/// hands over. The process ends early when its standard input does.
pub fn compile_child(arguments: &[OsString]) -> ExitCode {
    let (input, output, memory) = match arguments {
        [input, output] => (input, output, None),
        [input, output, memory] => {
            let Some(memory) = memory.to_str().and_then(|bytes| bytes.parse().ok()) else {
                eprintln!("the memory is a number of bytes");
                return ExitCode::from(2);
            };
            (input, output, Some(memory))
        }
        _ => {
            eprintln!("two paths are needed, and maybe a number of bytes: INPUT OUTPUT [MEMORY]");
            return ExitCode::from(2);
        }
    };
    limit_self(memory);
    if let Err(error) = std::thread::Builder::new().spawn(end_with_parent) {
        eprintln!("warning: cannot watch the parent process: {error}");
    }
    let compiled = engine()
        .map_err(|error| CompileError::Environment {
            file: input.into(),
            reason: format!("{error:#}"),
        })
        .and_then(|engine| compile(&engine, &Source::read(Path::new(input))?, Path::new(output)));
    match compiled {
        Ok(()) => ExitCode::SUCCESS,
        Err(CompileError::Invalid { reason, .. }) => {
            eprintln!("{reason}");
            ExitCode::from(INVALID)
        }
        // The parent says which file, and that it cannot be compiled.
        Err(CompileError::Environment { reason, .. }) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Ends this process when the one that holds the other end of its standard input is gone. A signal
/// at the parent's death would come with the end of the thread that started this one.
fn end_with_parent() {
    let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
    std::process::exit(i32::from(ORPHANED));
}

/// Makes this process give way to others, and limits its memory and processor time. `memory` bounds what it
/// has allocated, and the address space bounds the rest.
fn limit_self(memory: Option<u64>) {
    // SAFETY: nice takes a number alone. To give way is always allowed.
    unsafe { libc::nice(COMPILE_NICENESS) };
    let cpu = COMPILE_TIME.as_secs();
    for (resource, limit) in [
        (libc::RLIMIT_AS, COMPILE_MEMORY),
        (libc::RLIMIT_DATA, memory.unwrap_or(COMPILE_MEMORY)),
        (libc::RLIMIT_CPU, cpu),
        (libc::RLIMIT_CORE, 0),
    ] {
        let limit = libc::rlimit {
            rlim_cur: limit,
            rlim_max: limit,
        };
        // SAFETY: setrlimit reads the struct it is given and touches nothing else.
        if unsafe { libc::setrlimit(resource, &raw const limit) } != 0 {
            eprintln!(
                "warning: cannot limit resource {resource}: {}",
                io::Error::last_os_error()
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_functions_need_no_memory_to_be_compiled() {
        // A core module: its header, and a custom section `name` of a hundred bytes.
        let mut module = b"\0asm\x01\0\0\0".to_vec();
        let plain = module.len() as u64;
        module.extend([0, 105, 4]);
        module.extend(b"name");
        module.extend([0; 100]);
        assert_eq!(size_without_custom_sections(&module), plain + 7);
        assert_eq!(size_without_custom_sections(b"no module"), 9);
    }
}
