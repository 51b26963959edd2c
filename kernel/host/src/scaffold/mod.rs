//! A new plugin's crate, from a template: what `weihe new` writes.

mod manifest;
mod name;
mod sdk;
mod template;

use std::io::Write as _;
use std::path::{Path, PathBuf};

pub use name::{NameError, check_name};
pub use sdk::{Sdk, SdkError, contracts};
pub use template::Template;

/// A crate that was made.
#[derive(Debug)]
pub struct Crate {
    /// Where it is.
    pub directory: PathBuf,
    /// Its files, relative to the directory, in the order in which to read them.
    pub files: Vec<&'static str>,
    /// The SDK that it depends on.
    pub sdk: Sdk,
}

/// Why no crate was made.
#[derive(Debug, thiserror::Error)]
pub enum NewError {
    /// The name cannot be one.
    #[error(transparent)]
    Name(#[from] NameError),
    /// There is something already.
    #[error("{} exists already, and nothing in it was touched", .0.display())]
    Exists(PathBuf),
    /// The SDK cannot be put where the crate can find it.
    #[error(transparent)]
    Sdk(#[from] SdkError),
    /// A file cannot be written.
    #[error("cannot write {}: {source}", .path.display())]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
}

impl NewError {
    /// What to do.
    pub fn help(&self) -> String {
        match self {
            Self::Name(error) => error.help(),
            Self::Exists(_) => "take another name, or remove it yourself".to_owned(),
            Self::Sdk(error) => error.help().to_owned(),
            Self::Write { .. } => "check permissions and free space there".to_owned(),
        }
    }
}

/// Makes the crate `name` in the directory `parent`. Nothing that is there is touched: the crate's
/// directory may exist, but must be empty.
pub fn make(parent: &Path, name: &str, template: Template) -> Result<Crate, NewError> {
    check_name(name)?;
    let wanted = parent.join(name);
    let fail = |source| NewError::Write {
        path: wanted.clone(),
        source,
    };
    if is_taken(&wanted).map_err(fail)? {
        return Err(NewError::Exists(wanted));
    }
    // Nothing of the crate is made before the SDK is there.
    std::fs::create_dir_all(parent).map_err(fail)?;
    let around = std::fs::canonicalize(parent).map_err(fail)?;
    let sdk = Sdk::for_crate(&around.join(name))?;
    std::fs::create_dir_all(wanted.join("src")).map_err(fail)?;
    let files = template.files(name, &sdk);
    for (file, text) in &files {
        write_new(&wanted.join(file), text)?;
    }
    Ok(Crate {
        directory: wanted,
        files: files.into_iter().map(|(file, _)| file).collect(),
        sdk,
    })
}

fn is_taken(directory: &Path) -> std::io::Result<bool> {
    match std::fs::read_dir(directory) {
        Ok(mut entries) => Ok(entries.next().is_some()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            // A link that leads nowhere is something, too.
            Ok(std::fs::symlink_metadata(directory).is_ok())
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => Ok(true),
        Err(error) => Err(error),
    }
}

/// Writes a file that must not be there.
fn write_new(path: &Path, text: &str) -> Result<(), NewError> {
    let written =
        std::fs::File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes()));
    match written {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(NewError::Exists(path.to_path_buf()))
        }
        Err(source) => Err(NewError::Write {
            path: path.to_path_buf(),
            source,
        }),
    }
}

#[cfg(test)]
mod tests;
