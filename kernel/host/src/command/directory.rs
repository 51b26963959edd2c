//! Which system a command is about.

use std::path::{Path, PathBuf};

use super::Global;
use crate::config::{FILE, PLUGINS, holds_component};
use crate::language::{Text, say};
use crate::output::Failure;

/// The directory of the system: the one that is named, else the nearest upwards that holds a
/// `weihe.toml`; else this one, if components lie in its `plugins/`.
pub(super) fn find(named: Option<&Path>, global: &Global) -> Result<PathBuf, Failure> {
    if let Some(directory) = named.or(global.directory.as_deref()) {
        return Ok(directory_of(directory));
    }
    let here = std::env::current_dir()
        .map_err(|error| Failure::plain(say::no_directory_here(Text::told(error))))?;
    nearest(&here).ok_or_else(|| {
        Failure::new(
            say::no_system_here(FILE, here.display(), PLUGINS),
            say::no_system_here_help(FILE, PLUGINS),
        )
    })
}

/// A directory, also when its weihe.toml was named.
fn directory_of(path: &Path) -> PathBuf {
    if path.is_file() && path.file_name().is_some_and(|name| name == FILE) {
        return match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
            _ => PathBuf::from("."),
        };
    }
    path.to_path_buf()
}

fn nearest(here: &Path) -> Option<PathBuf> {
    if here.join(FILE).is_file() {
        return Some(PathBuf::from("."));
    }
    here.ancestors()
        .find(|directory| directory.join(FILE).is_file())
        .map(Path::to_path_buf)
        .or_else(|| holds_component(here).then(|| PathBuf::from(".")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_system_upwards_is_taken() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("plugin/src");
        std::fs::create_dir_all(&deep).unwrap();
        assert_eq!(nearest(&deep), None);
        std::fs::write(root.path().join(FILE), "").unwrap();
        assert_eq!(nearest(&deep).as_deref(), Some(root.path()));
        assert_eq!(nearest(root.path()), Some(PathBuf::from(".")));
    }

    #[test]
    fn without_a_system_upwards_a_folder_of_components_is_one() {
        let root = tempfile::tempdir().unwrap();
        let plugins = root.path().join(PLUGINS);
        std::fs::create_dir(&plugins).unwrap();
        assert_eq!(nearest(root.path()), None, "crates may lie there");
        std::fs::write(plugins.join("modbus.wasm"), "").unwrap();
        assert_eq!(nearest(root.path()), Some(PathBuf::from(".")));
    }

    #[test]
    fn naming_the_file_names_its_directory() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join(FILE);
        std::fs::write(&file, "").unwrap();
        assert_eq!(directory_of(&file), root.path());
        assert_eq!(directory_of(root.path()), root.path());
    }
}
