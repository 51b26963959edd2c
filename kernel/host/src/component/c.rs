//! From C to a component: bindings made of the world, clang, and the wrapping.
//!
//! The source of a plugin in C is a directory with its world in `wit/` and its C files in `src/`.
//! What the world declares becomes a header and its other half, made anew by each build from the
//! packages in this binary, so that nothing generated lies in the author's folder.

mod bindings;
mod compiler;
mod error;
mod made;
mod read;

pub use error::CError;

use std::collections::BTreeSet;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::build::{BuildError, Built};
use super::componentise::componentise;
use super::contracts::FOLDER;
use super::layout::Layout;
use super::stop::Stop;
use bindings::Bindings;
use compiler::Compiler;

/// Where the C files are.
const SOURCES: &str = "src";

/// Where what is built goes, below the source; `weihe dev` does not look there.
const BUILT: &str = "target/weihe-components";

/// The generated half, compiled, and what is linked before it is wrapped. No world has a name with `_`.
const GLUE: &str = "_bindings.o";
const MODULE: &str = "_core.wasm";

/// The folder of the author's half, compiled file by file.
const OBJECTS: &str = "_objects";

/// How deep `src` is looked into.
const DEPTH: usize = 16;

const TARGET: &str = "--target=wasm32-wasi";

/// For both halves: optimised for size, since what a C plugin does is seldom more than arithmetic;
/// no assumption that processors beyond the first version of WebAssembly are there.
const COMPILE: [&str; 4] = [TARGET, "-Os", "-std=gnu11", "-fno-common"];

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
    let half = Half::compile(&directory, &folder, &compiler, &name, &mut run)?;
    let module = folder.join(MODULE);
    run(compiler
        .command()
        .arg(TARGET)
        .args(LINK)
        .arg("-o")
        .arg(&module)
        .args(&half.objects)
        .args([&glue, &bindings.world_object]))?;
    let core = std::fs::read(&module).map_err(fail("read", &module))?;
    let component = componentise(&module, &core, &[]).map_err(CError::from)?;
    let artifact = folder.join(&name).with_extension("wasm");
    let fresh = std::fs::read(&artifact).is_ok_and(|old| old == component);
    std::fs::write(&artifact, &component).map_err(fail("write", &artifact))?;
    let built = Built {
        name,
        layout: Layout::read(&artifact)?,
        artifact,
        fresh,
    };
    let list = built.read_files();
    let read = read::listed(&built.artifact, &half.read);
    std::fs::write(&list, read).map_err(fail("write", &list))?;
    Ok(built)
}

/// What goes wrong with a file.
fn fail(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> CError {
    let path = path.to_path_buf();
    move |source| CError::Io { what, path, source }
}

/// The author's half, compiled.
struct Half {
    objects: Vec<PathBuf>,
    /// The files it is made of, but for the C library's headers and what the build makes itself.
    read: BTreeSet<PathBuf>,
}

impl Half {
    /// Compiles file by file: only so the compiler says of each what it has read.
    fn compile(
        directory: &Path,
        folder: &Path,
        compiler: &Compiler,
        name: &str,
        run: &mut impl FnMut(&mut Command) -> Result<(), BuildError>,
    ) -> Result<Self, BuildError> {
        let sources = directory.join(SOURCES);
        let mut half = Self {
            objects: Vec::new(),
            read: BTreeSet::new(),
        };
        let mut faults = Vec::new();
        for source in files(&sources, DEPTH) {
            let below = source.strip_prefix(&sources).unwrap_or(&source);
            let mut object = folder.join(OBJECTS).join(below);
            object.as_mut_os_string().push(".o");
            let rule = object.with_extension("d");
            let parent = object.parent().unwrap_or(folder);
            std::fs::create_dir_all(parent).map_err(fail("make", parent))?;
            let compiled = run(compiler
                .command()
                .args(COMPILE)
                .args(WARN)
                .arg("-I")
                .arg(folder)
                .arg("-I")
                .arg(&sources)
                .args(["-MMD", "-MF"])
                .arg(&rule)
                .args(["-c", "-o"])
                .arg(&object)
                .arg(&source));
            match compiled {
                Ok(()) => {}
                // The faults of all files are shown, as those of a crate are.
                Err(BuildError::C(CError::Compile { output, .. })) => {
                    faults.push(output);
                    continue;
                }
                Err(other) => return Err(other),
            }
            let rule = std::fs::read(&rule).map_err(fail("read", &rule))?;
            let named = read::read_by_clang(&String::from_utf8_lossy(&rule));
            let named = named
                .into_iter()
                .filter_map(|file| std::fs::canonicalize(file).ok());
            half.read
                .extend(named.filter(|file| !file.starts_with(folder)));
            half.objects.push(object);
        }
        if faults.is_empty() {
            return Ok(half);
        }
        Err(BuildError::C(CError::Compile {
            name: name.to_owned(),
            output: faults.join("\n"),
        }))
    }
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
}
