//! Compiled components on disk, and the compiler in a child process.
//!
//! Loading compiled code is as trusting as running a program: only what this cache wrote itself is
//! loaded. Its directory is private to the host's user, or it is not opened (`directory.rs`); each
//! file is named by what it was compiled from and for, and a checksum beside it tells a torn or
//! altered file.

mod directory;

use std::ffi::OsString;
use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::event::hex;

use super::engine::engine;
use directory::{CODE, SCRATCH, SUM};

pub use directory::Untrusted;

/// The largest component file that is taken in. Real plugins have 0.1 to 3 MiB.
pub const MAX_COMPONENT_SIZE: u64 = 64 << 20;

/// How long one compilation may take. 1.2 MB takes 1.5 s; a component can be built to take hours.
pub const COMPILE_TIME: Duration = Duration::from_secs(60);

/// Address space of the compiling child. 64 MiB of code need about 2 GiB.
pub const COMPILE_MEMORY: u64 = 4 << 30;

/// How much further than the host the compiling child gives way to others: it gets about a tenth of
/// a core that is wanted elsewhere, so that lanes keep theirs, and a large plugin is still compiled
/// within [`COMPILE_TIME`] on a busy board.
const COMPILE_NICENESS: i32 = 10;

/// Who compiles.
#[derive(Debug, Clone)]
pub enum Compiler {
    /// This process. For tests and tools: a component can be built to exhaust its compiler.
    InProcess,
    /// A child process that ends up in [`compile_child`]: `program arguments… INPUT OUTPUT`.
    Child {
        /// The program, usually the host's own file.
        program: PathBuf,
        /// What stands before the two paths.
        arguments: Vec<OsString>,
    },
}

/// Why a file did not become a component.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The file cannot be read.
    #[error("cannot read `{file}`: {source}")]
    Read {
        /// The file.
        file: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The file is larger than [`MAX_COMPONENT_SIZE`].
    #[error("`{file}` has {size} bytes; a plugin may have {MAX_COMPONENT_SIZE}")]
    TooLarge {
        /// The file.
        file: PathBuf,
        /// Its size in bytes.
        size: u64,
    },
    /// The file is not WebAssembly at all.
    #[error("`{file}` is not a WebAssembly file: {reason}")]
    NotWasm {
        /// The file.
        file: PathBuf,
        /// What is there instead.
        reason: String,
    },
    /// The file is a core module.
    #[error(
        "`{file}` is a core module, not a component; build it for wasm32-wasip2, or with `weihe build`"
    )]
    CoreModule {
        /// The file.
        file: PathBuf,
    },
    /// The file is damaged or uses features that the host lacks.
    #[error("`{file}` is not a valid component: {reason}")]
    Invalid {
        /// The file.
        file: PathBuf,
        /// The compiler's own words.
        reason: String,
    },
    /// The compiler used more time or memory than it may.
    #[error("compiling `{file}` was stopped: {reason}")]
    Exhausted {
        /// The file.
        file: PathBuf,
        /// Which limit.
        reason: String,
    },
    /// The cache directory or the child process does not work.
    #[error("cannot compile `{file}`: {reason}")]
    Environment {
        /// The file.
        file: PathBuf,
        /// What failed.
        reason: String,
    },
}

/// A component's bytes, read once, so that what is hashed is what is compiled.
#[derive(Debug)]
pub struct Source {
    /// Where it was read.
    pub file: PathBuf,
    /// Its contents.
    pub bytes: Vec<u8>,
    /// SHA-256 of the contents, lower-case hexadecimal.
    pub sha256: String,
}

impl Source {
    /// Reads a file and looks at its first bytes.
    pub fn read(file: &Path) -> Result<Self, CompileError> {
        let fail = |source| CompileError::Read {
            file: file.to_owned(),
            source,
        };
        let size = fs::metadata(file).map_err(fail)?.len();
        if size > MAX_COMPONENT_SIZE {
            return Err(CompileError::TooLarge {
                file: file.to_owned(),
                size,
            });
        }
        let bytes = fs::read(file).map_err(fail)?;
        check_preamble(file, &bytes)?;
        let sha256 = hex(&Sha256::digest(&bytes));
        Ok(Self {
            file: file.to_owned(),
            bytes,
            sha256,
        })
    }
}

/// WebAssembly's first eight bytes: magic, version, layer.
fn check_preamble(file: &Path, bytes: &[u8]) -> Result<(), CompileError> {
    let not_wasm = |reason: &str| CompileError::NotWasm {
        file: file.to_owned(),
        reason: reason.to_owned(),
    };
    match bytes {
        [] => Err(not_wasm("it is empty")),
        [0, b'a', b's', b'm', _, _, 1, 0, ..] => Ok(()),
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => Err(CompileError::CoreModule {
            file: file.to_owned(),
        }),
        [0, b'a', b's', b'm', ..] => Err(not_wasm(
            "it ends within its first eight bytes, or has an unknown version",
        )),
        _ => Err(not_wasm(
            "it does not start with the magic number 00 61 73 6D",
        )),
    }
}

/// The compile cache of one engine.
#[derive(Debug)]
pub struct Cache {
    directory: PathBuf,
    compiler: Compiler,
    compatibility: String,
}

impl Cache {
    /// A cache in a directory of its own, which is made when it is not there. One that another user
    /// owns or may write to is refused with [`Untrusted`] as the inner error. What was left behind by
    /// a killed host or was not used for long is removed.
    pub fn open(engine: &Engine, directory: &Path, compiler: Compiler) -> io::Result<Self> {
        directory::open(directory)?;
        Ok(Self {
            directory: directory.to_owned(),
            compiler,
            compatibility: compatibility(engine),
        })
    }

    /// The component of a source: from the cache, or compiled and put there.
    pub async fn component(
        &self,
        engine: &Engine,
        source: &Source,
    ) -> Result<Component, CompileError> {
        let stem = format!("{}-{}", source.sha256, self.compatibility);
        let code = self.directory.join(format!("{stem}.{CODE}"));
        if let Some(component) = self.load(engine, &code) {
            return Ok(component);
        }
        let environment = |error: io::Error| CompileError::Environment {
            file: source.file.clone(),
            reason: format!("{}: {error}", self.directory.display()),
        };
        let scratch = tempfile::Builder::new()
            .prefix(SCRATCH)
            .tempdir_in(&self.directory)
            .map_err(environment)?;
        let compiled = scratch.path().join("code.cwasm");
        match &self.compiler {
            Compiler::InProcess => compile(engine, source, &compiled)?,
            Compiler::Child { program, arguments } => {
                self.compile_in_child(source, program, arguments, scratch.path(), &compiled)
                    .await?;
            }
        }
        let bytes = fs::read(&compiled).map_err(environment)?;
        let sum = scratch.path().join("sum");
        write_durably(&sum, hex(&Sha256::digest(&bytes)).as_bytes()).map_err(environment)?;
        // The sum first: code without its sum is never loaded.
        fs::rename(&sum, code.with_extension(SUM)).map_err(environment)?;
        fs::rename(&compiled, &code).map_err(environment)?;
        self.load(engine, &code)
            .ok_or_else(|| CompileError::Environment {
                file: source.file.clone(),
                reason: format!(
                    "the compiled code in `{}` cannot be loaded back",
                    code.display()
                ),
            })
    }

    /// Loads compiled code if it is there and whole; removes it when it is not whole.
    fn load(&self, engine: &Engine, code: &Path) -> Option<Component> {
        let bytes = fs::read(code).ok()?;
        let sum = fs::read_to_string(code.with_extension(SUM)).unwrap_or_default();
        if sum != hex(&Sha256::digest(&bytes)) {
            tracing::warn!(file = %code.display(), "compiled code does not match its checksum; compiling anew");
            let _ = fs::remove_file(code);
            return None;
        }
        drop(bytes);
        // SAFETY: `directory::open` made sure that nobody but the host's user can write to the
        // directory, and the file is what this cache wrote with the same engine configuration: its
        // name holds the compatibility hash, and its checksum was just compared.
        match unsafe { Component::deserialize_file(engine, code) } {
            Ok(component) => {
                directory::touch(&self.directory, code);
                Some(component)
            }
            Err(error) => {
                tracing::warn!(file = %code.display(), %error, "compiled code cannot be loaded; compiling anew");
                let _ = fs::remove_file(code);
                None
            }
        }
    }

    async fn compile_in_child(
        &self,
        source: &Source,
        program: &Path,
        arguments: &[OsString],
        scratch: &Path,
        output: &Path,
    ) -> Result<(), CompileError> {
        let environment = |reason: String| CompileError::Environment {
            file: source.file.clone(),
            reason,
        };
        let input = scratch.join("input.wasm");
        fs::write(&input, &source.bytes)
            .map_err(|error| environment(format!("{}: {error}", input.display())))?;
        let mut child = tokio::process::Command::new(program)
            .args(arguments)
            .arg(&input)
            .arg(output)
            // A terminal's Ctrl-C is for the host alone, which stops in order.
            .process_group(0)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| {
                environment(format!(
                    "cannot start the compiler `{}`: {error}",
                    program.display()
                ))
            })?;
        // Never written to: the child ends when it is closed, however this process ends.
        let _lifeline = child.stdin.take();
        let finished = tokio::time::timeout(COMPILE_TIME, child.wait_with_output()).await;
        let Ok(finished) = finished else {
            return Err(CompileError::Exhausted {
                file: source.file.clone(),
                reason: format!("it took longer than {} s", COMPILE_TIME.as_secs()),
            });
        };
        let finished =
            finished.map_err(|error| environment(format!("the compiler was lost: {error}")))?;
        if finished.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&finished.stderr).trim().to_owned();
        match finished.status.code() {
            Some(code) if code == i32::from(INVALID) => Err(CompileError::Invalid {
                file: source.file.clone(),
                reason: said,
            }),
            Some(_) => Err(environment(said)),
            None => Err(CompileError::Exhausted {
                file: source.file.clone(),
                reason: format!("the compiler ended with {}", finished.status),
            }),
        }
    }
}

/// Exit code of a child whose input is not a valid component.
const INVALID: u8 = 65;

/// Exit code of a child whose parent is gone.
const ORPHANED: u8 = 75;

/// What the compiling child does: limits itself, compiles `INPUT` and writes `OUTPUT`. Call it from
/// the command that [`Compiler::Child`] names, with the two paths. The process ends early when its
/// standard input does.
pub fn compile_child(arguments: &[OsString]) -> ExitCode {
    let [input, output] = arguments else {
        eprintln!("two paths are needed: INPUT OUTPUT");
        return ExitCode::from(2);
    };
    limit_self();
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

/// Makes this process give way to others, and limits its memory and processor time.
fn limit_self() {
    // SAFETY: nice takes a number alone. To give way is always allowed.
    unsafe { libc::nice(COMPILE_NICENESS) };
    let cpu = COMPILE_TIME.as_secs();
    for (resource, limit) in [
        (libc::RLIMIT_AS, COMPILE_MEMORY),
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

fn compile(engine: &Engine, source: &Source, output: &Path) -> Result<(), CompileError> {
    let code = engine
        .precompile_component(&source.bytes)
        .map_err(|error| CompileError::Invalid {
            file: source.file.clone(),
            reason: format!("{error:#}"),
        })?;
    write_durably(output, &code).map_err(|error| CompileError::Environment {
        file: source.file.clone(),
        reason: format!("{}: {error}", output.display()),
    })
}

fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// What compiled code depends on besides its source: engine version, tunables, processor features.
fn compatibility(engine: &Engine) -> String {
    struct Sha(Sha256);
    impl Hasher for Sha {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            0
        }
    }
    let mut sha = Sha(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut sha);
    std::env::consts::ARCH.hash(&mut sha);
    // Half of the digest names the configuration surely enough and keeps file names short.
    hex(&sha.0.finalize()[..16])
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;
    use std::time::SystemTime;

    use super::*;

    const EMPTY_COMPONENT: &[u8] = &[0, b'a', b's', b'm', 0x0d, 0, 1, 0];

    fn refused(bytes: &[u8]) -> CompileError {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x.wasm");
        fs::write(&file, bytes).unwrap();
        match Source::read(&file) {
            Ok(_) => panic!("taken"),
            Err(error) => error,
        }
    }

    #[test]
    fn files_that_are_no_components_are_told_apart() {
        assert!(matches!(refused(b""), CompileError::NotWasm { .. }));
        assert!(matches!(refused(b"\0asm"), CompileError::NotWasm { .. }));
        assert!(matches!(
            refused(b"#!/bin/sh"),
            CompileError::NotWasm { .. }
        ));
        assert!(matches!(
            refused(b"\0asm\x01\0\0\0"),
            CompileError::CoreModule { .. }
        ));
        assert!(
            refused(b"\0asm\x01\0\0\0")
                .to_string()
                .contains("wasm32-wasip2")
        );
    }

    #[tokio::test]
    async fn a_component_is_compiled_once_and_damage_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x.wasm");
        fs::write(&file, EMPTY_COMPONENT).unwrap();
        let engine = engine().unwrap();
        let cache = Cache::open(&engine, &dir.path().join("cache"), Compiler::InProcess).unwrap();
        let source = Source::read(&file).unwrap();
        cache.component(&engine, &source).await.unwrap();
        let code = fs::read_dir(dir.path().join("cache"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| path.extension().is_some_and(|e| e == "cwasm"))
            .unwrap();
        let metadata = || fs::metadata(&code).unwrap();
        let (first, long_ago) = (metadata().ino(), SystemTime::UNIX_EPOCH);
        fs::File::open(&code)
            .unwrap()
            .set_modified(long_ago)
            .unwrap();
        cache.component(&engine, &source).await.unwrap();
        assert_eq!(metadata().ino(), first, "taken from the cache");
        assert!(
            metadata().modified().unwrap() > long_ago,
            "its use is noted"
        );
        let mut bytes = fs::read(&code).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&code, &bytes).unwrap();
        cache.component(&engine, &source).await.unwrap();
        assert_ne!(fs::read(&code).unwrap(), bytes, "compiled anew");
    }

    #[tokio::test]
    async fn a_compiler_is_out_of_reach_of_the_terminals_signals_and_holds_on_to_its_parent() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x.wasm");
        fs::write(&file, EMPTY_COMPONENT).unwrap();
        let engine = engine().unwrap();
        // Its process, its group, and what its standard input is.
        let script = "read -r _ _ _ _ group _ < /proc/$$/stat; \
                      echo \"$$ $group $(readlink /proc/$$/fd/0)\" >&2; exit 3";
        let compiler = Compiler::Child {
            program: "/bin/sh".into(),
            arguments: ["-c", script].map(OsString::from).into(),
        };
        let cache = Cache::open(&engine, &dir.path().join("cache"), compiler).unwrap();
        let source = Source::read(&file).unwrap();
        let error = cache.component(&engine, &source).await.err().unwrap();
        let CompileError::Environment { reason, .. } = &error else {
            panic!("{error}");
        };
        let words: Vec<&str> = reason.split(' ').collect();
        assert_eq!(words[0], words[1], "{reason}");
        assert!(words[2].starts_with("pipe:"), "{reason}");
    }

    #[tokio::test]
    async fn a_truncated_component_is_refused_with_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("cut.wasm");
        let mut bytes = EMPTY_COMPONENT.to_vec();
        bytes.extend([1, 200, 1, 0]);
        fs::write(&file, bytes).unwrap();
        let engine = engine().unwrap();
        let cache = Cache::open(&engine, &dir.path().join("cache"), Compiler::InProcess).unwrap();
        let error = cache
            .component(&engine, &Source::read(&file).unwrap())
            .await
            .err()
            .unwrap();
        assert!(matches!(error, CompileError::Invalid { .. }), "{error}");
        assert!(error.to_string().contains("cut.wasm"));
    }
}
