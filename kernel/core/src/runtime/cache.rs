//! Compiled components on disk, and the compiler in a child process.
//!
//! Loading compiled code is as trusting as running a program: only what this cache wrote itself is
//! loaded. Its directory is private to the host's user, or it is not opened (`directory.rs`); each
//! file is named by what it was compiled from and for, and a checksum beside it tells a torn or
//! altered file.

mod child;
mod directory;

use std::ffi::OsString;
use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::event::hex;

use super::memory::{HostMemory, Short};
use child::{Child, ChildMemory};
use directory::{CODE, SCRATCH, SUM};

pub use child::{COMPILE_MEMORY, COMPILE_TIME, child_environment, compile_child};
pub use directory::Untrusted;

/// The largest component file that is taken in. Real plugins have 0.1 to 3 MiB.
pub const MAX_COMPONENT_SIZE: u64 = 64 << 20;

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
    /// There is no memory left for the compiler.
    #[error("`{file}` cannot be compiled now: {short}")]
    NoMemory {
        /// The file.
        file: PathBuf,
        /// What is missing.
        short: Short,
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

impl Source {
    /// Goes on with other bytes from the same file.
    pub(super) fn take(&mut self, bytes: Vec<u8>) {
        self.sha256 = hex(&Sha256::digest(&bytes));
        self.bytes = bytes;
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
        memory: &Arc<HostMemory>,
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
                let child = Child {
                    program,
                    arguments,
                    memory: ChildMemory::of(source, memory)?,
                };
                child.compile(source, scratch.path(), &compiled).await?;
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
    use crate::runtime::engine::engine;
    use crate::units::Size;

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
        let memory = HostMemory::new(None);
        let cache = Cache::open(&engine, &dir.path().join("cache"), Compiler::InProcess).unwrap();
        let source = Source::read(&file).unwrap();
        cache.component(&engine, &source, &memory).await.unwrap();
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
        cache.component(&engine, &source, &memory).await.unwrap();
        assert_eq!(metadata().ino(), first, "taken from the cache");
        assert!(
            metadata().modified().unwrap() > long_ago,
            "its use is noted"
        );
        let mut bytes = fs::read(&code).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&code, &bytes).unwrap();
        cache.component(&engine, &source, &memory).await.unwrap();
        assert_ne!(fs::read(&code).unwrap(), bytes, "compiled anew");
    }

    #[tokio::test]
    async fn a_compiler_is_out_of_reach_of_the_terminals_signals_and_holds_on_to_its_parent() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x.wasm");
        fs::write(&file, EMPTY_COMPONENT).unwrap();
        let engine = engine().unwrap();
        let memory = HostMemory::new(None);
        // Its process, its group, and what its standard input is.
        let script = "read -r _ _ _ _ group _ < /proc/$$/stat; \
                      echo \"$$ $group $(readlink /proc/$$/fd/0)\" >&2; exit 3";
        let compiler = Compiler::Child {
            program: "/bin/sh".into(),
            arguments: ["-c", script].map(OsString::from).into(),
        };
        let cache = Cache::open(&engine, &dir.path().join("cache"), compiler).unwrap();
        let source = Source::read(&file).unwrap();
        let error = cache
            .component(&engine, &source, &memory)
            .await
            .err()
            .unwrap();
        let CompileError::Environment { reason, .. } = &error else {
            panic!("{error}");
        };
        let words: Vec<&str> = reason.split(' ').collect();
        assert_eq!(words[0], words[1], "{reason}");
        assert!(words[2].starts_with("pipe:"), "{reason}");
    }

    #[tokio::test]
    async fn a_compiler_has_nothing_of_the_hosts_environment_but_what_it_needs() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x.wasm");
        fs::write(&file, EMPTY_COMPONENT).unwrap();
        let engine = engine().unwrap();
        let memory = HostMemory::new(None);
        // Cargo has set a good many for this test.
        assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
        let compiler = Compiler::Child {
            program: "/bin/sh".into(),
            arguments: ["-c", "tr '\\0' '\\n' < /proc/$$/environ >&2; exit 3"]
                .map(OsString::from)
                .into(),
        };
        let cache = Cache::open(&engine, &dir.path().join("cache"), compiler).unwrap();
        let source = Source::read(&file).unwrap();
        let error = cache.component(&engine, &source, &memory).await.err();
        let Some(CompileError::Environment { reason, .. }) = &error else {
            panic!("{error:?}");
        };
        for line in reason.lines() {
            let name = line.split('=').next().unwrap_or_default();
            assert!(child::ENVIRONMENT.contains(&name), "{line}");
        }
        assert!(reason.contains("PATH="), "{reason}");
    }

    #[tokio::test]
    async fn a_compiler_takes_of_the_hosts_memory_what_it_may_have_and_gives_it_back() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x.wasm");
        fs::write(&file, EMPTY_COMPONENT).unwrap();
        let engine = engine().unwrap();
        // The last argument is the memory in bytes.
        let script = "echo \"$3\" >&2; exit 3";
        let compiler = Compiler::Child {
            program: "/bin/sh".into(),
            arguments: ["-c", script, "sh"].map(OsString::from).into(),
        };
        let cache = Cache::open(&engine, &dir.path().join("cache"), compiler).unwrap();
        let source = Source::read(&file).unwrap();
        let said = async |memory: Option<u64>| {
            let memory = HostMemory::new(memory.map(Size));
            let error = cache.component(&engine, &source, &memory).await;
            assert_eq!(memory.status().used, 0, "all is given back");
            error.err().unwrap()
        };
        let reason = |error| match error {
            CompileError::Environment { reason, .. } => reason,
            other => panic!("{other}"),
        };
        const MIB: u64 = 1 << 20;
        assert_eq!(reason(said(None).await), "");
        let half = (132 * MIB - crate::runtime::HOST_RESERVE) / 2;
        assert_eq!(reason(said(Some(132 * MIB)).await), half.to_string());
        let error = said(Some(36 * MIB)).await;
        assert!(matches!(error, CompileError::NoMemory { .. }), "{error}");
        let text = error.to_string();
        assert!(
            text.contains("x.wasm") && text.contains("16.0 MiB"),
            "{text}"
        );
    }

    #[tokio::test]
    async fn a_truncated_component_is_refused_with_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("cut.wasm");
        let mut bytes = EMPTY_COMPONENT.to_vec();
        bytes.extend([1, 200, 1, 0]);
        fs::write(&file, bytes).unwrap();
        let engine = engine().unwrap();
        let memory = HostMemory::new(None);
        let cache = Cache::open(&engine, &dir.path().join("cache"), Compiler::InProcess).unwrap();
        let error = cache
            .component(&engine, &Source::read(&file).unwrap(), &memory)
            .await
            .err()
            .unwrap();
        assert!(matches!(error, CompileError::Invalid { .. }), "{error}");
        assert!(error.to_string().contains("cut.wasm"));
    }
}
