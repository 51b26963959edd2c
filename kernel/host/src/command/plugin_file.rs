//! A component by its path, or by the name of a plugin of the system at hand.

use std::path::{Path, PathBuf};

use super::{Global, directory};
use crate::config::Config;

/// The file that is meant: the path, when there is one; else that of the plugin of this name in
/// the `weihe.toml` at hand.
pub(super) fn find(named: &Path, global: &Global) -> PathBuf {
    if named.exists() {
        return named.to_path_buf();
    }
    let plugin = named.to_str().filter(|name| crate::config::is_name(name));
    let of_system = plugin.and_then(|name| {
        let config = Config::load(&directory::find(None, global).ok()?).ok()?;
        config.plugin(name).map(|plugin| plugin.file.clone())
    });
    of_system.unwrap_or_else(|| named.to_path_buf())
}
