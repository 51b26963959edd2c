//! From a plugin's source to a component: crates here, C in `c.rs`.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::c::{self, CError};
use super::cargo::{Cargo, CargoError, Package, TARGET};
use super::componentise::{ComponentiseError, componentise, is_core_module};
use super::layout::{Layout, LayoutError};
use super::profile;
use super::stop::Stop;

/// The folder, within the workspace's target directory, that plugins are built in. One of its own,
/// so that a build started from a test or from `cargo run` never waits for the lock of the outer
/// cargo, which waits for it.
pub const TARGET_FOLDER: &str = "weihe-components";

/// The part of a package's name that says only that it is a plugin.
const PREFIX: &str = "weihe-plugin-";

/// What the name of a component ends with that was made of a core module of the name before.
const MADE_COMPONENT: &str = ".component.wasm";

/// Lines of cargo's output that are kept for the error: the first faults matter most, and a
/// template gone wrong can print thousands.
const OUTPUT_LINES: usize = 200;

/// A built component.
#[derive(Debug, Clone)]
pub struct Built {
    /// The plugin's name: the package's without `weihe-plugin-`.
    pub name: String,
    /// Where cargo left it.
    pub artifact: PathBuf,
    /// What is in it.
    pub layout: Layout,
    /// Whether cargo had anything to do.
    pub fresh: bool,
}

impl Built {
    /// Where the compiler says which files it has read.
    pub fn read_files(&self) -> PathBuf {
        let name = self
            .artifact
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        let name = name.strip_suffix(MADE_COMPONENT).unwrap_or(&name);
        self.artifact.with_file_name(name).with_extension("d")
    }
}

/// Why there is no component.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The toolchain is not in order.
    #[error(transparent)]
    Cargo(#[from] CargoError),
    /// The crate does not compile.
    #[error("{package} does not compile\n{output}")]
    Compile {
        /// The package.
        package: String,
        /// What the compiler said.
        output: String,
    },
    /// It is C, and no component comes of it.
    #[error(transparent)]
    C(#[from] CError),
    /// Somebody said stop.
    #[error("the build was stopped")]
    Stopped,
    /// It compiles, but to no component.
    #[error("{package} is not a plugin: it builds no `cdylib`")]
    NoLibrary {
        /// The package.
        package: String,
    },
    /// What it builds is not a plugin.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// It builds a core module that cannot be made a component.
    #[error(transparent)]
    Componentise(#[from] ComponentiseError),
    /// It cannot be put where it belongs.
    #[error("cannot write {}: {source}", .path.display())]
    Place {
        /// The destination.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
}

impl BuildError {
    /// What to do.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Cargo(error) => error.help(),
            Self::C(error) => error.help(),
            Self::Compile { .. } => "mend what the compiler names, and build again",
            Self::Stopped => "build again",
            Self::NoLibrary { .. } => {
                "add `[lib]` with `crate-type = [\"cdylib\", \"rlib\"]` to its Cargo.toml"
            }
            Self::Layout(error) => error.help(),
            Self::Componentise(error) => error.help(),
            Self::Place { .. } => "check permissions and free space there",
        }
    }
}

/// Builds the plugin in a directory: a crate, or C. `said` is told each line that the compiler prints
/// for people.
pub fn build_crate(
    cargo: &Cargo,
    directory: &Path,
    said: impl FnMut(&str) + Send,
) -> Result<Built, BuildError> {
    build(cargo, directory, said, None)
}

/// The same, until somebody says stop: cargo and all that it has started end then. A terminal's
/// Ctrl-C does not reach them by itself.
pub fn build_crate_until(
    stop: &Stop,
    cargo: &Cargo,
    directory: &Path,
    said: impl FnMut(&str) + Send,
) -> Result<Built, BuildError> {
    build(cargo, directory, said, Some(stop))
}

fn build(
    cargo: &Cargo,
    directory: &Path,
    mut said: impl FnMut(&str) + Send,
    stop: Option<&Stop>,
) -> Result<Built, BuildError> {
    if c::is_c(directory) {
        return c::build(directory, said, stop);
    }
    let package = cargo.package(directory)?;
    cargo.need_target(directory)?;
    let mut command = cargo.command();
    command
        .current_dir(directory)
        .args(["build", "--release", "--lib", "--target", TARGET])
        .args([
            "--message-format",
            "json-render-diagnostics",
            "--manifest-path",
        ])
        .arg(&package.manifest)
        .arg("--target-dir")
        .arg(package.target_directory.join(TARGET_FOLDER))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    profile::apply(&mut command);
    let run = |source| CargoError::Run {
        program: "cargo build".to_owned(),
        source,
    };
    if stop.is_some() {
        command.process_group(0);
    }
    let stop = stop.cloned().unwrap_or_default();
    let started = stop.start(&mut command).map_err(run)?;
    let mut child = started.ok_or(BuildError::Stopped)?;
    let stdout = child.stdout.take();
    let stderr = child.stderr.take();
    let (messages, output) = std::thread::scope(|scope| {
        let printed = scope.spawn(move || printed(stderr, &mut said));
        let messages = read_messages(stdout);
        (messages, printed.join().unwrap_or_default())
    });
    let status = stop.wait(&mut child).map_err(run)?;
    if stop.is_said() {
        return Err(BuildError::Stopped);
    }
    if !status.success() {
        return Err(BuildError::Compile {
            package: package.name,
            output,
        });
    }
    finish(package, &messages)
}

/// What cargo said of one artifact.
#[derive(Debug, serde::Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    manifest_path: PathBuf,
    #[serde(default)]
    filenames: Vec<PathBuf>,
    #[serde(default)]
    fresh: bool,
    target: Option<Target>,
}

#[derive(Debug, serde::Deserialize)]
struct Target {
    #[serde(default)]
    crate_types: Vec<String>,
}

fn read_messages(stdout: Option<impl Read>) -> Vec<Message> {
    let Some(stdout) = stdout else {
        return Vec::new();
    };
    BufReader::new(stdout)
        .lines()
        .map_while(Result::ok)
        // Build scripts and macros may print what they like in between.
        .filter_map(|line| serde_json::from_str::<Message>(&line).ok())
        .filter(|message| message.reason == "compiler-artifact")
        .collect()
}

/// Passes on what cargo prints for people, and keeps its beginning for the error: progress is left
/// out of it.
pub(super) fn printed(stderr: Option<impl Read>, said: &mut impl FnMut(&str)) -> String {
    let mut kept = VecDeque::new();
    let lines = stderr
        .into_iter()
        .flat_map(|stderr| BufReader::new(stderr).lines());
    for line in lines.map_while(Result::ok) {
        said(&line);
        let progress = [
            "Compiling",
            "Downloaded",
            "Downloading",
            "Updating",
            "Locking",
            "Blocking",
        ]
        .iter()
        .any(|word| line.trim_start().starts_with(word));
        if !progress && kept.len() < OUTPUT_LINES {
            kept.push_back(line);
        }
    }
    Vec::from(kept).join("\n")
}

fn finish(package: Package, messages: &[Message]) -> Result<Built, BuildError> {
    let library = messages.iter().find(|message| {
        let kinds = message.target.as_ref().map(|target| &target.crate_types);
        message.manifest_path == package.manifest
            && kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "cdylib"))
    });
    let artifact = library.and_then(|message| {
        let wasm = |file: &&PathBuf| file.extension().is_some_and(|kind| kind == "wasm");
        Some((message.fresh, message.filenames.iter().find(wasm)?.clone()))
    });
    let Some((fresh, artifact)) = artifact else {
        return Err(BuildError::NoLibrary {
            package: package.name,
        });
    };
    let name = package.name.strip_prefix(PREFIX).unwrap_or(&package.name);
    let artifact = as_component(artifact)?;
    Ok(Built {
        name: name.to_owned(),
        layout: Layout::read(&artifact)?,
        artifact,
        fresh,
    })
}

/// The component of what a compiler has left: beside a core module, and only written when it differs.
fn as_component(artifact: PathBuf) -> Result<PathBuf, BuildError> {
    let bytes = std::fs::read(&artifact).map_err(|source| ComponentiseError::Read {
        path: artifact.clone(),
        source,
    })?;
    if !is_core_module(&bytes) {
        return Ok(artifact);
    }
    let mut component = artifact.clone().into_os_string();
    component.push(MADE_COMPONENT);
    let component = PathBuf::from(component);
    place_bytes(&componentise(&artifact, &bytes, &[])?, &component)?;
    Ok(component)
}

/// Copies a component to where a host looks for it, in one step: a host that watches the folder
/// sees the old file or the new one, never a half. Does nothing when it is there already; returns
/// whether it did.
pub fn place(artifact: &Path, destination: &Path) -> Result<bool, BuildError> {
    let fail = |source| BuildError::Place {
        path: destination.to_path_buf(),
        source,
    };
    let bytes = std::fs::read(artifact).map_err(fail)?;
    place_bytes(&bytes, destination)
}

/// The same, with the component's bytes.
pub fn place_bytes(bytes: &[u8], destination: &Path) -> Result<bool, BuildError> {
    let fail = |source| BuildError::Place {
        path: destination.to_path_buf(),
        source,
    };
    if std::fs::read(destination).is_ok_and(|old| old == bytes) {
        return Ok(false);
    }
    let folder = match destination.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder).map_err(fail)?;
    let mut file = tempfile::Builder::new()
        .prefix(".weihe-")
        .tempfile_in(folder)
        .map_err(fail)?;
    file.write_all(bytes).map_err(fail)?;
    file.as_file().sync_all().map_err(fail)?;
    readable(file.as_file()).map_err(fail)?;
    file.persist(destination)
        .map_err(|error| fail(error.error))?;
    Ok(true)
}

/// Temporary files are for their owner alone; components are for everyone to read.
fn readable(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_component_is_placed_once_and_whole() {
        let directory = tempfile::tempdir().unwrap();
        let artifact = directory.path().join("a.wasm");
        let destination = directory.path().join("plugins/a.wasm");
        std::fs::write(&artifact, "one").unwrap();
        assert!(place(&artifact, &destination).unwrap());
        assert!(!place(&artifact, &destination).unwrap());
        std::fs::write(&artifact, "two").unwrap();
        assert!(place(&artifact, &destination).unwrap());
        assert_eq!(std::fs::read_to_string(&destination).unwrap(), "two");
        let left = std::fs::read_dir(destination.parent().unwrap())
            .unwrap()
            .count();
        assert_eq!(left, 1, "no temporary file is left");
    }

    #[test]
    fn only_the_crates_own_library_is_taken_from_what_cargo_says() {
        let line = |manifest: &str, kind: &str, file: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","manifest_path":"{manifest}","fresh":true,"target":{{"crate_types":["{kind}"]}},"filenames":["{file}"]}}"#
            )
        };
        let said = [
            "Hello from a build script".to_owned(),
            line("/a/Cargo.toml", "rlib", "/t/liba.rlib"),
            line("/b/Cargo.toml", "cdylib", "/t/b.wasm"),
            r#"{"reason":"build-finished","success":true}"#.to_owned(),
        ]
        .join("\n");
        let messages = read_messages(Some(said.as_bytes()));
        assert_eq!(messages.len(), 2);
        let package = |manifest: &str| Package {
            name: "weihe-plugin-a".into(),
            manifest: manifest.into(),
            target_directory: "/t".into(),
        };
        let error = finish(package("/a/Cargo.toml"), &messages).unwrap_err();
        assert!(matches!(error, BuildError::NoLibrary { .. }), "{error}");
        let error = finish(package("/b/Cargo.toml"), &messages).unwrap_err();
        assert!(error.to_string().contains("/t/b.wasm"), "{error}");
    }

    #[test]
    fn the_files_that_were_read_stand_beside_what_the_compiler_made() {
        let built = |artifact: &str| Built {
            name: "a".to_owned(),
            artifact: artifact.into(),
            layout: Layout::of(Path::new("a"), &crate::component::fixture::plugin()).unwrap(),
            fresh: false,
        };
        for artifact in ["/t/a.wasm", "/t/a.wasm.component.wasm"] {
            assert_eq!(built(artifact).read_files(), Path::new("/t/a.d"));
        }
    }

    #[test]
    fn the_error_of_a_build_keeps_what_matters() {
        let text = "   Compiling a v1\nerror: x\n --> src/lib.rs\n";
        let mut lines = Vec::new();
        let kept = printed(Some(text.as_bytes()), &mut |line: &str| {
            lines.push(line.to_owned())
        });
        assert_eq!(kept, "error: x\n --> src/lib.rs");
        assert_eq!(lines.len(), 3);
    }
}
