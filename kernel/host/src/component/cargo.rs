//! The Rust toolchain on this machine, as far as building plugins needs it.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::keys::without_secrets;

/// The target that plugins are built for.
pub const TARGET: &str = "wasm32-wasip2";

/// cargo's file.
const NAME: &str = "cargo";

/// `cargo` on this machine.
#[derive(Debug, Clone)]
pub struct Cargo {
    program: PathBuf,
}

/// Why nothing can be built here.
#[derive(Debug, thiserror::Error)]
pub enum CargoError {
    /// There is no cargo.
    #[error("cargo, which builds plugins, is not on this machine")]
    Missing,
    /// The target is not installed, and rustup could not add it.
    #[error(
        "the Rust target {TARGET}, which plugins are built for, is not installed, and rustup could not add it: {0}"
    )]
    NoTarget(String),
    /// The target is not installed, and there is no rustup.
    #[error(
        "the Rust target {TARGET}, which plugins are built for, is not installed, and rustup is not here to add it"
    )]
    NoRustup,
    /// A program cannot be run.
    #[error("cannot run `{program}`: {source}")]
    Run {
        /// The program.
        program: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// cargo does not understand the crate.
    #[error("cargo cannot read {}: {reason}", .manifest.display())]
    Metadata {
        /// The crate's Cargo.toml.
        manifest: PathBuf,
        /// cargo's words.
        reason: String,
    },
    /// There is no crate.
    #[error("there is no Cargo.toml in {}", .0.display())]
    NoCrate(PathBuf),
}

impl CargoError {
    /// What to do.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Missing => "install Rust from https://rustup.rs, or copy a built component here",
            Self::NoTarget(_) => {
                "run `rustup target add wasm32-wasip2` in the crate's directory, where there is a network"
            }
            Self::NoRustup => {
                "install Rust from https://rustup.rs, or the package of this target where yours comes from"
            }
            Self::Run { .. } => "check that the Rust toolchain works: `cargo --version`",
            Self::Metadata { .. } => "check the crate with `cargo check`",
            Self::NoCrate(_) => {
                "name the directory of a plugin's crate; `weihe new NAME --template driver` makes one"
            }
        }
    }
}

/// What cargo says of a crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its Cargo.toml, as cargo names it.
    pub manifest: PathBuf,
    /// Where the workspace's artifacts go.
    pub target_directory: PathBuf,
}

/// A crate, and those that it is built from by path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Packages {
    /// Their directories, the crate's own first.
    pub directories: Vec<PathBuf>,
    /// Where the workspace's artifacts go.
    pub target_directory: Option<PathBuf>,
    /// The root of the crate's workspace.
    pub workspace: Option<PathBuf>,
}

/// The most packages that are followed by path: each that lies in a workspace of its own costs a
/// call of cargo.
const MOST_PACKAGES: usize = 64;

impl Cargo {
    /// Finds cargo: on the path, else where rustup puts it.
    pub fn find() -> Result<Self, CargoError> {
        let homes = [
            std::env::var_os("CARGO_HOME").map(PathBuf::from),
            std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")),
        ];
        let path = std::env::var_os("PATH").unwrap_or_default();
        let program = std::env::split_paths(&path)
            .chain(homes.into_iter().flatten().map(|home| home.join("bin")))
            .map(|directory| directory.join(NAME))
            .find(|program| program.is_file())
            .ok_or(CargoError::Missing)?;
        Ok(Self { program })
    }

    /// Finds cargo, or takes its name for it where it is not: building a crate fails then, as
    /// [`CargoError::Missing`], and building C does not need it.
    pub fn find_or_name() -> Self {
        Self::find().unwrap_or_else(|_| Self {
            program: PathBuf::from(NAME),
        })
    }

    /// A tool beside cargo (rustc, rustup), or the one on the path.
    fn sibling(&self, name: &str) -> PathBuf {
        let beside = self.program.with_file_name(name);
        if beside.is_file() {
            beside
        } else {
            PathBuf::from(name)
        }
    }

    /// A cargo command, for the caller to complete.
    pub fn command(&self) -> Command {
        self.started(&self.program)
    }

    fn started(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        without_secrets(&mut command);
        command
    }

    /// cargo's version in one line.
    pub fn version(&self) -> Result<String, CargoError> {
        let output = run(self.command().arg("--version"))?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Whether the target is installed for the toolchain that builds crates in a directory.
    pub fn has_target(&self, directory: &Path) -> Result<bool, CargoError> {
        let output = run(self
            .started(self.sibling("rustc"))
            .current_dir(directory)
            .args(["--print", "target-libdir", "--target", TARGET]))?;
        let library = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
        Ok(output.status.success() && library.is_dir())
    }

    /// Installs the target with rustup, when it is missing.
    pub fn need_target(&self, directory: &Path) -> Result<(), CargoError> {
        if self.has_target(directory)? {
            return Ok(());
        }
        tracing::info!("installing the Rust target {TARGET}");
        let added = run(self
            .started(self.sibling("rustup"))
            .current_dir(directory)
            .args(["target", "add", TARGET]));
        match added {
            Ok(output) if output.status.success() && self.has_target(directory)? => Ok(()),
            Ok(output) => Err(CargoError::NoTarget(last_line(&output.stderr))),
            Err(_) => Err(CargoError::NoRustup),
        }
    }

    /// What cargo says of the crate in a directory.
    pub fn package(&self, directory: &Path) -> Result<Package, CargoError> {
        let (manifest, said) = self.metadata(directory)?;
        let package = said
            .packages
            .into_iter()
            .find(|package| package.manifest_path == manifest)
            .ok_or_else(|| CargoError::Metadata {
                manifest: manifest.clone(),
                reason: "it names no package".to_owned(),
            })?;
        Ok(Package {
            name: package.name,
            manifest,
            target_directory: said.target_directory,
        })
    }

    /// The crate in a directory and the ones that it depends on by path, directly or not.
    pub fn packages(&self, directory: &Path) -> Result<Packages, CargoError> {
        let (manifest, said) = self.metadata(directory)?;
        let mut known = said.packages;
        let mut found = Packages {
            directories: manifest
                .parent()
                .map(Path::to_path_buf)
                .into_iter()
                .collect(),
            target_directory: Some(said.target_directory),
            workspace: Some(said.workspace_root),
        };
        let mut next = 0;
        while let Some(directory) = found.directories.get(next).cloned() {
            next += 1;
            let manifest = directory.join("Cargo.toml");
            let is_it = |package: &&MetadataPackage| package.manifest_path == manifest;
            if !known.iter().any(|package| is_it(&package))
                && let Ok((_, said)) = self.metadata(&directory)
            {
                known.extend(said.packages);
            }
            let package = known.iter().find(is_it);
            let dependencies = package.map(|package| package.dependencies.as_slice());
            for dependency in dependencies.unwrap_or_default() {
                // Tests are not in the component.
                if dependency.kind.as_deref() == Some("dev") {
                    continue;
                }
                let path = dependency.path.as_ref();
                let path = path.map(|path| std::fs::canonicalize(path).unwrap_or(path.clone()));
                if let Some(path) = path
                    && !found.directories.contains(&path)
                    && found.directories.len() < MOST_PACKAGES
                {
                    found.directories.push(path);
                }
            }
        }
        Ok(found)
    }

    /// The manifest in a directory, and what cargo says of it.
    fn metadata(&self, directory: &Path) -> Result<(PathBuf, Metadata), CargoError> {
        let manifest = directory.join("Cargo.toml");
        let manifest = std::fs::canonicalize(&manifest)
            .map_err(|_| CargoError::NoCrate(directory.to_path_buf()))?;
        let output = run(self
            .command()
            .current_dir(directory)
            .args([
                "metadata",
                "--format-version",
                "1",
                "--no-deps",
                "--manifest-path",
            ])
            .arg(&manifest))?;
        let unclear = |reason: String| CargoError::Metadata {
            manifest: manifest.clone(),
            reason,
        };
        if !output.status.success() {
            return Err(unclear(last_line(&output.stderr)));
        }
        let said: Metadata = serde_json::from_slice(&output.stdout)
            .map_err(|error| unclear(format!("its answer is not understood ({error})")))?;
        Ok((manifest, said))
    }
}

#[derive(serde::Deserialize)]
struct Metadata {
    packages: Vec<MetadataPackage>,
    target_directory: PathBuf,
    workspace_root: PathBuf,
}

#[derive(serde::Deserialize)]
struct MetadataPackage {
    name: String,
    manifest_path: PathBuf,
    #[serde(default)]
    dependencies: Vec<MetadataDependency>,
}

#[derive(serde::Deserialize)]
struct MetadataDependency {
    /// None for a usual one, else `dev` or `build`.
    kind: Option<String>,
    path: Option<PathBuf>,
}

fn run(command: &mut Command) -> Result<Output, CargoError> {
    command.stdin(Stdio::null()).output().map_err(|source| {
        let program = command.get_program();
        if source.kind() == io::ErrorKind::NotFound && program == NAME {
            return CargoError::Missing;
        }
        CargoError::Run {
            program: OsString::from(program).to_string_lossy().into_owned(),
            source,
        }
    })
}

fn last_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().rev().find(|line| !line.trim().is_empty());
    line.unwrap_or("it said nothing").trim().to_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_is_followed_to_those_that_it_depends_on_by_path_and_not_to_those_of_its_tests() {
        let root = tempfile::tempdir().unwrap();
        let root = std::fs::canonicalize(root.path()).unwrap();
        let write = |name: &str, dependencies: &str| {
            let directory = root.join(name);
            std::fs::create_dir_all(directory.join("src")).unwrap();
            std::fs::write(directory.join("src/lib.rs"), "").unwrap();
            let manifest = format!("[package]\nname = \"{name}\"\n[workspace]\n{dependencies}");
            std::fs::write(directory.join("Cargo.toml"), manifest).unwrap();
        };
        write(
            "plugin",
            "[dependencies]\ncodec = { path = \"../codec\" }\n\
             [build-dependencies]\nmaker = { path = \"../maker\" }\n\
             [dev-dependencies]\nbench = { path = \"../bench\" }\n",
        );
        write("codec", "[dependencies]\nbits = { path = \"../bits\" }\n");
        for name in ["maker", "bench", "bits"] {
            write(name, "");
        }
        let found = Cargo::find()
            .unwrap()
            .packages(&root.join("plugin"))
            .unwrap();
        let mut names: Vec<_> = found
            .directories
            .iter()
            .map(|directory| directory.strip_prefix(&root).unwrap().to_str().unwrap())
            .collect();
        assert_eq!(names.remove(0), "plugin");
        names.sort_unstable();
        assert_eq!(names, ["bits", "codec", "maker"]);
        assert_eq!(found.workspace, Some(root.join("plugin")));
    }
}
