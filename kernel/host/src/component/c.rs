//! From C to a component: bindings made of the world, clang, and the wrapping.
//!
//! The source of a plugin in C is a directory with its world in `wit/` and its C files in `src/`.
//! What the world declares becomes a header and its other half, made anew by each build from the
//! packages in this binary, so that nothing generated lies in the author's folder.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::build::{BuildError, Built, printed};
use super::componentise::{Adapter, ComponentiseError, componentise};
use super::contracts::{ContractError, FOLDER, resolve};
use super::layout::Layout;
use super::stop::Stop;

/// Where the C files are.
const SOURCES: &str = "src";

/// Where what is built goes, below the source; `weihe dev` does not look there.
const BUILT: &str = "target/weihe-components";

/// The generated half, compiled, and what is linked before it is wrapped. No world has a name with `_`.
const GLUE: &str = "_bindings.o";
const MODULE: &str = "_core.wasm";

/// Names the folder of a WASI SDK, as that SDK's own documentation does.
const WASI_SDK: &str = "WASI_SDK_PATH";

/// How deep `src` is looked into.
const DEPTH: usize = 16;

/// For both halves: optimised for size, since what a C plugin does is seldom more than arithmetic;
/// no assumption that processors beyond the first version of WebAssembly are there.
const COMPILE: [&str; 4] = ["--target=wasm32-wasi", "-Os", "-std=gnu11", "-fno-common"];

/// For the author's half. What can only be a mistake, and goes wrong far from its place, is one: a call of
/// what was never declared, a pointer to another type, a function that returns nothing.
const WARN: [&str; 8] = [
    "-Wall",
    "-Wextra",
    "-Werror=implicit-function-declaration",
    "-Werror=incompatible-pointer-types",
    "-Werror=int-conversion",
    "-Werror=return-type",
    "-Werror=format",
    "-Werror=uninitialized",
];

/// Bytes of the stack. It lies before the data, so that one that overflows traps instead of writing
/// over variables.
const STACK: &str = "-Wl,-z,stack-size=65536";

/// For the whole: a library without `main`. Names of functions stay: a backtrace without them is
/// of no use at night.
const LINK: [&str; 4] = [
    "-mexec-model=reactor",
    "-Wl,--stack-first",
    STACK,
    "-Wl,--strip-debug",
];

/// Why no component comes of C.
#[derive(Debug, thiserror::Error)]
pub enum CError {
    /// There is no compiler.
    #[error("{}, which compiles plugins in C, is not on this machine", .0.display())]
    NoCompiler(PathBuf),
    /// The compiler cannot link for WebAssembly.
    #[error("{name} cannot be linked: {missing}\n{output}")]
    NoLibrary {
        /// The plugin.
        name: String,
        /// What is not there.
        missing: &'static str,
        /// What the compiler said.
        output: String,
    },
    /// It does not compile.
    #[error("{name} does not compile\n{output}")]
    Compile {
        /// The plugin.
        name: String,
        /// What the compiler said.
        output: String,
    },
    /// The compiler cannot be run, or a file cannot be read or written.
    #[error("cannot {what} {}: {source}", .path.display())]
    Io {
        /// What was to be done.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// Its world is wrong.
    #[error(transparent)]
    Contract(#[from] ContractError),
    /// No bindings can be made of its world.
    #[error("no C can be made of the world in {}: {reason}", .path.display())]
    Bindings {
        /// The folder.
        path: PathBuf,
        /// The generator's words.
        reason: String,
    },
    /// What the compiler left is not the plugin that the world declares.
    #[error(transparent)]
    Componentise(#[from] ComponentiseError),
}

impl CError {
    /// What to do.
    pub fn help(&self) -> &'static str {
        match self {
            Self::NoCompiler(_) | Self::NoLibrary { .. } => {
                "on Debian and Ubuntu: `apt-get install clang lld wasi-libc libclang-rt-dev-wasm32`; elsewhere \
                 unpack a WASI SDK and set WASI_SDK_PATH to its folder"
            }
            Self::Compile { output, .. } if output.contains("undefined symbol: exports_") => {
                "define every function that its world exports, as target/weihe-components declares them \
                 in the header, or take the hook out of the world"
            }
            Self::Compile { .. } => "mend what the compiler names, and build again",
            Self::Io { .. } => "check permissions and free space there",
            Self::Contract(error) => error.help(),
            Self::Bindings { .. } => {
                "declare one world there, with the hooks that the plugin exports"
            }
            Self::Componentise(error) => error.help(),
        }
    }
}

/// Whether a directory holds the source of a plugin in C.
pub fn is_c(directory: &Path) -> bool {
    !directory.join("Cargo.toml").is_file()
        && directory.join(FOLDER).is_dir()
        && !files(&directory.join(SOURCES), DEPTH).is_empty()
}

/// The C files in a folder and those below, in a fixed order.
fn files(folder: &Path, depth: usize) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && depth > 0 {
            found.extend(files(&path, depth - 1));
        } else if path.extension().is_some_and(|kind| kind == "c") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Builds the plugin in a directory, which [`is_c`].
pub(super) fn build(
    directory: &Path,
    mut said: impl FnMut(&str) + Send,
    stop: Option<&Stop>,
) -> Result<Built, BuildError> {
    let fail = |what, path: &Path| {
        let path = path.to_path_buf();
        move |source| CError::Io { what, path, source }
    };
    let directory = std::fs::canonicalize(directory).map_err(fail("find", directory))?;
    let folder = directory.join(BUILT);
    std::fs::create_dir_all(&folder).map_err(fail("make", &folder))?;
    said("making the bindings");
    let bindings = Bindings::make(&directory, &folder)?;
    let name = bindings.world.clone();
    let compiler = Compiler::find();
    let group = stop.is_some();
    let stop = stop.cloned().unwrap_or_default();
    let mut run = |command: &mut Command| {
        if group {
            command.process_group(0);
        }
        compiler.run(command, &name, &mut said, &stop)
    };
    let glue = folder.join(GLUE);
    run(compiler
        .command()
        .args(COMPILE)
        // The generator's code is not the author's to mend.
        .args(["-w", "-c", "-o"])
        .arg(&glue)
        .arg(&bindings.source))?;
    let module = folder.join(MODULE);
    run(compiler
        .command()
        .args(COMPILE)
        .args(WARN)
        .args(LINK)
        .arg("-I")
        .arg(&folder)
        .arg("-I")
        .arg(directory.join(SOURCES))
        .arg("-o")
        .arg(&module)
        .args(files(&directory.join(SOURCES), DEPTH))
        .args([&glue, &bindings.world_object]))?;
    let core = std::fs::read(&module).map_err(fail("read", &module))?;
    let component = componentise(&module, &core, &[preview_1()]).map_err(CError::from)?;
    let artifact = folder.join(&name).with_extension("wasm");
    let fresh = std::fs::read(&artifact).is_ok_and(|old| old == component);
    std::fs::write(&artifact, &component).map_err(fail("write", &artifact))?;
    Ok(Built {
        name,
        layout: Layout::read(&artifact)?,
        artifact,
        fresh,
    })
}

/// WASI as C libraries import it, in terms of what hosts of components have.
fn preview_1() -> Adapter {
    use wasi_preview1_component_adapter_provider as provider;
    Adapter {
        name: provider::WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME.to_owned(),
        bytes: provider::WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER.to_vec(),
    }
}

/// What the generator made of the world.
struct Bindings {
    /// The world's name, which is the plugin's.
    world: String,
    source: PathBuf,
    /// Tells the wrapping which world it is.
    world_object: PathBuf,
}

impl Bindings {
    fn make(directory: &Path, folder: &Path) -> Result<Self, CError> {
        let (mut resolve, package) = resolve(directory)?;
        let fail = |error: &dyn std::fmt::Display| CError::Bindings {
            path: directory.join(FOLDER),
            reason: format!("{error:#}"),
        };
        let world = resolve
            .select_world(&[package], None)
            .map_err(|error| fail(&error))?;
        let name = resolve.worlds[world].name.clone();
        let mut made = Default::default();
        wit_bindgen_c::Opts::default()
            .build()
            .generate(&mut resolve, world, &mut made)
            .map_err(|error| fail(&error))?;
        for (file, content) in made.iter() {
            let path = folder.join(file);
            // Unchanged files keep their time.
            if std::fs::read(&path).is_ok_and(|old| old == content) {
                continue;
            }
            std::fs::write(&path, content).map_err(|source| CError::Io {
                what: "write",
                path,
                source,
            })?;
        }
        let snake = name.replace('-', "_");
        Ok(Self {
            world: name,
            source: folder.join(format!("{snake}.c")),
            world_object: folder.join(format!("{snake}_component_type.o")),
        })
    }
}

/// clang on this machine.
struct Compiler {
    program: PathBuf,
}

impl Compiler {
    /// That of a WASI SDK, when one is named; else the one on the path.
    fn find() -> Self {
        let named = std::env::var_os(WASI_SDK).map(PathBuf::from);
        Self {
            program: named.map_or_else(|| PathBuf::from("clang"), |sdk| sdk.join("bin/clang")),
        }
    }

    fn command(&self) -> Command {
        Command::new(&self.program)
    }

    fn run(
        &self,
        command: &mut Command,
        name: &str,
        said: &mut (impl FnMut(&str) + Send),
        stop: &Stop,
    ) -> Result<(), BuildError> {
        let fail = |source: io::Error| {
            if source.kind() == io::ErrorKind::NotFound {
                return CError::NoCompiler(self.program.clone());
            }
            CError::Io {
                what: "run",
                path: self.program.clone(),
                source,
            }
        };
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let started = stop.start(command).map_err(fail)?;
        let mut child = started.ok_or(BuildError::Stopped)?;
        let output = printed(child.stderr.take(), said);
        let status = stop.wait(&mut child).map_err(fail)?;
        if stop.is_said() {
            return Err(BuildError::Stopped);
        }
        if status.success() {
            return Ok(());
        }
        let name = name.to_owned();
        Err(match missing(&output) {
            Some(missing) => CError::NoLibrary {
                name,
                missing,
                output,
            },
            None => CError::Compile { name, output },
        }
        .into())
    }
}

/// What a compiler lacks, when that is why it failed: its own words name a file that means nothing
/// to who wrote the plugin.
fn missing(output: &str) -> Option<&'static str> {
    const SIGNS: [(&str, &str); 5] = [
        (
            "unable to create target",
            "this clang does not know WebAssembly",
        ),
        (
            "No available targets are compatible",
            "this clang does not know WebAssembly",
        ),
        (
            "unable to execute command: Executable \"wasm-ld\"",
            "the linker wasm-ld is missing",
        ),
        (
            "crt1-reactor.o",
            "the C library for WebAssembly (wasi-libc) is missing",
        ),
        (
            "libclang_rt.builtins",
            "clang's runtime for WebAssembly is missing",
        ),
    ];
    let known = SIGNS.iter().find(|(sign, _)| output.contains(sign));
    // Headers of the C library that only it has.
    let header = ["stdlib.h", "stdint.h", "string.h"]
        .iter()
        .any(|header| output.contains(&format!("'{header}' file not found")));
    known
        .map(|(_, what)| *what)
        .or(header.then_some("the C library for WebAssembly (wasi-libc) is missing"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn c_is_told_from_crates_and_from_folders_with_neither() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path();
        assert!(!is_c(directory));
        std::fs::create_dir_all(directory.join("src/line")).unwrap();
        std::fs::write(directory.join("src/line/crc.c"), "").unwrap();
        assert!(!is_c(directory), "it has no world");
        std::fs::create_dir(directory.join("wit")).unwrap();
        assert!(is_c(directory));
        std::fs::write(directory.join("Cargo.toml"), "").unwrap();
        assert!(!is_c(directory), "a crate may have C in it");
    }

    #[test]
    fn what_a_machine_lacks_is_told_from_what_the_source_lacks() {
        let told = |output| missing(output);
        assert_eq!(told("meter.c:3:1: error: expected ';'"), None);
        assert_eq!(
            told("meter.c:1:10: fatal error: 'meter.h' file not found"),
            None
        );
        assert!(
            told("wasm-ld: error: cannot open crt1-reactor.o: No such file")
                .unwrap()
                .contains("wasi-libc")
        );
        assert!(
            told("x.h:7:10: fatal error: 'stdlib.h' file not found")
                .unwrap()
                .contains("wasi-libc")
        );
        assert!(
            told("error: unable to execute command: Executable \"wasm-ld\" doesn't exist!")
                .unwrap()
                .contains("linker")
        );
        assert!(told("wasm-ld: error: cannot open /usr/lib/llvm-14/lib/clang/14.0.6/lib/wasi/libclang_rt.builtins-wasm32.a").unwrap().contains("runtime"));
    }
}
