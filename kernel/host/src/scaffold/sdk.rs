//! The SDK's sources in this binary, and where a crate finds them.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::manifest;

/// Files of the clone, by their path in it; made by `build.rs`.
static SOURCES: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/sdk.rs"));

/// The crate, in the clone and in what is written out.
const CRATE: &str = "sdk/rust";

/// The manifest of the algorithms that native tests compute with, in the clone and in what is written out.
const ALGORITHMS: &str = "kernel/guomi/sm/Cargo.toml";

/// How much of the hash stands in a folder's name: enough to tell versions apart.
const HASH_LENGTH: usize = 12;

/// The SDK that a crate depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sdk {
    /// Its crate, absolute or relative to the new one.
    pub path: PathBuf,
    /// Whether it was written out of this binary; else it is that of the clone around the new crate.
    pub embedded: bool,
}

/// Why there is no SDK for a crate.
#[derive(Debug, thiserror::Error)]
pub enum SdkError {
    /// There is no folder for a user's files.
    #[error("there is no place for the SDK: neither XDG_DATA_HOME nor HOME is set")]
    NoHome,
    /// It cannot be written.
    #[error("cannot write the SDK to {}: {source}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The manifest that was embedded is none.
    #[error("the SDK in this binary is damaged: {0}")]
    Damaged(#[from] toml::de::Error),
}

impl SdkError {
    /// What to do.
    pub fn help(&self) -> &'static str {
        match self {
            Self::NoHome => "set XDG_DATA_HOME to a folder that may be written to",
            Self::Write { .. } => {
                "check permissions and free space there, or set XDG_DATA_HOME to another folder"
            }
            Self::Damaged(_) => "install weihe anew",
        }
    }
}

/// The text of a file of the clone that is embedded.
pub(super) fn embedded(path: &str) -> Option<&'static str> {
    let found = SOURCES.iter().find(|(name, _)| *name == path);
    found.map(|(_, text)| *text)
}

/// The contracts (`wit/`): path below that folder, and text.
pub fn contracts() -> impl Iterator<Item = (&'static str, &'static str)> {
    let files = SOURCES.iter();
    files.filter_map(|(name, text)| Some((name.strip_prefix("wit/")?, *text)))
}

impl Sdk {
    /// The crate for tests in the sandbox, beside that of the SDK.
    pub(super) fn testing(&self) -> PathBuf {
        self.path.with_file_name("testing")
    }

    /// The SDK for a crate in this directory, whose path has no links in it: that of the clone of
    /// Weihe around it, else the one in this binary, which is written to the user's data.
    pub fn for_crate(directory: &Path) -> Result<Self, SdkError> {
        if let Some(levels) = levels_to_clone(directory) {
            let up: PathBuf = std::iter::repeat_n("..", levels).collect();
            return Ok(Self {
                path: up.join(CRATE),
                embedded: false,
            });
        }
        let data = data_home().ok_or(SdkError::NoHome)?;
        Ok(Self {
            path: write_to(&data.join("weihe"))?.join(CRATE),
            embedded: true,
        })
    }
}

/// How far above a directory a clone of Weihe is.
fn levels_to_clone(directory: &Path) -> Option<usize> {
    directory.ancestors().position(is_clone)
}

fn is_clone(directory: &Path) -> bool {
    let manifest = std::fs::read_to_string(directory.join(CRATE).join("Cargo.toml"));
    let name = manifest.ok().and_then(|text| {
        let manifest: toml::Table = toml::from_str(&text).ok()?;
        Some(manifest.get("package")?.get("name")?.as_str()? == "weihe-sdk")
    });
    name == Some(true) && directory.join("wit/plugin").is_dir()
}

/// Where a user's programs keep data (XDG Base Directory Specification).
fn data_home() -> Option<PathBuf> {
    let named = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from);
    // The specification: paths that are not absolute are to be ignored.
    named.filter(|path| path.is_absolute()).or_else(|| {
        let home = PathBuf::from(std::env::var_os("HOME")?);
        home.is_absolute().then(|| home.join(".local/share"))
    })
}

/// Writes the SDK below a folder, to one that carries its version and its hash: crates that were
/// made by another version keep theirs. What is there already is only written when it differs.
fn write_to(folder: &Path) -> Result<PathBuf, SdkError> {
    let mut hash = Sha256::new();
    for (name, text) in SOURCES {
        for part in [name.as_bytes(), text.as_bytes()] {
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        }
    }
    let hash: String = hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let version = env!("CARGO_PKG_VERSION");
    let root = folder.join(format!("sdk-{version}-{}", &hash[..HASH_LENGTH]));
    for (name, text) in SOURCES {
        match *name {
            "Cargo.toml" => write(&root.join(name), &manifest::workspace(text)?)?,
            ALGORITHMS => write(&root.join(name), &manifest::library(text)?)?,
            // For the new crate alone.
            "Cargo.lock" | "rust-toolchain.toml" => {}
            _ => write(&root.join(name), text)?,
        }
    }
    Ok(root)
}

/// Writes a file in one step, so that two commands at once do no harm. Nothing is done where it is as
/// it should be: cargo goes by the time of files.
fn write(path: &Path, text: &str) -> Result<(), SdkError> {
    let fail = |source| SdkError::Write {
        path: path.to_path_buf(),
        source,
    };
    if std::fs::read(path).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(fail)?;
    let mut file = tempfile::Builder::new()
        .prefix(".weihe-")
        .tempfile_in(folder)
        .map_err(fail)?;
    file.write_all(text.as_bytes()).map_err(fail)?;
    file.persist(path).map_err(|error| fail(error.error))?;
    Ok(())
}
