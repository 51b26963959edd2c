//! The installed `weihe`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Names the program, before all else.
const VARIABLE: &str = "WEIHE";

/// There is no `weihe`.
///
/// ```
/// # fn told(error: weihe_testing::Missing) {
/// eprintln!("{error}");
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Missing(String);

/// The program `weihe` for the tests of the crate in a directory: what the environment variable `WEIHE` names, else the
/// one that was built in the clone of Weihe around the crate, else the one on the `PATH`.
///
/// ```no_run
/// let program = weihe_testing::weihe(env!("CARGO_MANIFEST_DIR").as_ref())?;
/// println!("{}", program.display());
/// # Ok::<(), weihe_testing::Missing>(())
/// ```
pub fn weihe(directory: &Path) -> Result<PathBuf, Missing> {
    find(
        directory,
        std::env::var_os(VARIABLE),
        std::env::var_os("CARGO_TARGET_DIR"),
        std::env::var_os("PATH"),
    )
}

fn find(
    directory: &Path,
    named: Option<OsString>,
    target: Option<OsString>,
    path: Option<OsString>,
) -> Result<PathBuf, Missing> {
    if let Some(named) = named.filter(|named| !named.is_empty()) {
        let program = PathBuf::from(named);
        return match program.is_file() {
            true => Ok(program),
            false => Err(Missing(format!(
                "the environment variable {VARIABLE} names {}, which is no file",
                program.display()
            ))),
        };
    }
    let clone = directory.ancestors().find(|parent| is_clone(parent));
    let file = format!("weihe{}", std::env::consts::EXE_SUFFIX);
    if let Some(clone) = clone {
        let target = target.map_or_else(|| clone.join("target"), PathBuf::from);
        let built = ["debug", "release"].map(|profile| target.join(profile).join(&file));
        let newest = built
            .into_iter()
            .filter_map(|file| Some((file.metadata().ok()?.modified().ok()?, file)))
            .max();
        if let Some((_, program)) = newest {
            return Ok(program);
        }
    }
    let folders = path.as_deref().map(std::env::split_paths);
    let mut installed = folders.into_iter().flatten().map(|dir| dir.join(&file));
    installed.find(|program| program.is_file()).ok_or_else(|| {
        let build = match clone {
            Some(clone) => format!(
                "build it (`cargo build -p weihe` in {})",
                clone.display()
            ),
            None => "install it, so that it is on the PATH".to_owned(),
        };
        Missing(format!(
            "the sandbox is `weihe`, which is not here: {build}, or name it in the environment variable {VARIABLE}. \
             Without the feature `sandbox` tests run natively alone"
        ))
    })
}

/// Whether a directory is a clone of Weihe.
fn is_clone(directory: &Path) -> bool {
    directory.join("kernel/host/Cargo.toml").is_file() && directory.join("wit/plugin").is_dir()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_wins_and_says_when_it_is_wrong() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let program = std::env::current_exe().unwrap();
        let named = Some(program.clone().into_os_string());
        assert_eq!(find(here, named, None, None).unwrap(), program);
        let error = find(here, Some("/no/such/weihe".into()), None, None).unwrap_err();
        assert!(error.to_string().contains("/no/such/weihe"), "{error}");
    }

    #[test]
    fn without_a_program_it_is_said_what_to_do() {
        let error = find(Path::new("/"), None, None, None).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("WEIHE") && text.contains("install"), "{text}");
    }
}
