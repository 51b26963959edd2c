//! What lies in the folder for plugins: components by their file names.
//!
//! `NAME.wasm` is a plugin of that name, and so is `NAME-VERSION.wasm`: releases of one plugin may
//! lie side by side.

use std::path::{Path, PathBuf};

use super::name;
use super::plugin::PluginEntry;

/// The folder for plugins, in a system's directory.
pub(crate) const PLUGINS: &str = "plugins";

/// A file in the folder for plugins that no plugin is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoredFile {
    /// The file.
    pub path: PathBuf,
    /// The name that it could have.
    pub name: Option<String>,
    /// Why it is ignored.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// The components in a directory's `plugins/`, by name. A folder that cannot be read holds none.
pub(crate) fn listed(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory.join(PLUGINS));
    let entries = entries.into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| is_component(path))
        .collect();
    files.sort();
    files
}

/// Gives the files that no entry names to the plugins whose names they bear; those of new names
/// are plugins of their own. Returns what no plugin is made of.
pub(super) fn sort(
    directory: &Path,
    files: &[PathBuf],
    plugins: &mut Vec<PluginEntry>,
) -> Vec<IgnoredFile> {
    let (mut ignored, mut misnamed) = (Vec::new(), Vec::new());
    let entries = plugins.len();
    let named: Vec<PathBuf> = plugins.iter().map(|plugin| plugin.file.clone()).collect();
    for path in files.iter().filter(|path| !named.contains(path)) {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let (name, version) = release(&stem);
        if !super::is_name(name) || path.extension().is_none_or(|kind| kind != "wasm") {
            misnamed.push(path.clone());
            continue;
        }
        let known = plugins.iter_mut().position(|plugin| plugin.name == name);
        match known.map(|known| &mut plugins[known]) {
            Some(entry) if entry.named => ignored.push(IgnoredFile {
                message: format!(
                    "{} is ignored: plugin `{name}` is made of {}",
                    path.display(),
                    entry.file.display()
                ),
                help: "remove it, or leave out `file`".to_owned(),
                name: None,
                path: path.clone(),
            }),
            Some(entry) => entry.releases.push(path.clone()),
            None => {
                let mut entry = PluginEntry::dropped(directory, name);
                if version.is_some() {
                    entry.file.clone_from(path);
                }
                plugins.push(entry);
            }
        }
    }
    // A plugin that is there only as releases is made of one of them.
    for entry in &mut plugins[..entries] {
        if !entry.named
            && entry.source.is_none()
            && !files.contains(&entry.file)
            && let Some(release) = entry.releases.pop()
        {
            entry.file = release;
        }
    }
    // When all names are known: none is suggested that is taken.
    let taken = |name: &str| plugins.iter().any(|entry| entry.name == name);
    ignored.extend(misnamed.into_iter().map(|path| misnamed_file(path, taken)));
    ignored.sort_by(|one, other| one.path.cmp(&other.path));
    ignored
}

/// Whether something in a directory's `plugins/` is meant as a component.
pub(crate) fn holds_component(directory: &Path) -> bool {
    !listed(directory).is_empty()
}

/// Whether a file is meant as a component. What begins with a dot is hidden: copies that are under
/// way, and what other systems leave beside each file.
pub(crate) fn is_component(path: &Path) -> bool {
    let hidden = path
        .file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    let kind = path.extension();
    !hidden && kind.is_some_and(|kind| kind.eq_ignore_ascii_case("wasm"))
}

fn misnamed_file(path: PathBuf, taken: impl Fn(&str) -> bool) -> IgnoredFile {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name::suggest(release(&stem).0).or_else(|| name::suggest(&stem));
    let help = match &name {
        Some(name) if taken(name) => {
            format!("there is a plugin `{name}` already: remove one of them, or rename this one")
        }
        Some(name) => format!(
            "rename it to {name}.wasm, or add `[plugin.{name}]` with `file = \"plugins/{file}\"`"
        ),
        None => format!("rename it, or add `[plugin.NAME]` with `file = \"plugins/{file}\"`"),
    };
    let message = if super::is_name(&stem) {
        format!("{} is ignored: components end in .wasm", path.display())
    } else {
        format!(
            "{} is ignored: `{stem}` cannot be the name of a plugin",
            path.display()
        )
    };
    IgnoredFile {
        name,
        message,
        help,
        path,
    }
}

/// The name and the version in `modbus-0.1.0` and `modbus_v1.2.0-rc.1`.
fn release(stem: &str) -> (&str, Option<&str>) {
    let version = |text: &str| {
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        text.starts_with(|first: char| first.is_ascii_digit()) && text.contains('.')
    };
    let split = stem.match_indices(['-', '_', '@']);
    let split = split.map(|(at, _)| at).find(|at| version(&stem[at + 1..]));
    match split {
        Some(at) => (&stem[..at], Some(&stem[at + 1..])),
        None => (stem, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_carry_their_version_in_their_name() {
        for (stem, name, version) in [
            ("modbus", "modbus", None),
            ("modbus-0.1.0", "modbus", Some("0.1.0")),
            ("modbus_v1.2.0-rc.1", "modbus", Some("v1.2.0-rc.1")),
            ("rule-hysteresis@2.0", "rule-hysteresis", Some("2.0")),
            ("iec-104", "iec-104", None),
            ("dlt645-2007", "dlt645-2007", None),
        ] {
            assert_eq!(release(stem), (name, version), "{stem}");
        }
    }

    #[test]
    fn files_go_to_the_plugins_whose_names_they_bear() {
        let directory = Path::new("/s");
        let files: Vec<PathBuf> = [
            "Big.wasm",
            "alone-1.0.0.wasm",
            "modbus-0.2.0.wasm",
            "modbus.wasm",
            "pinned-2.0.0.wasm",
            "rule-1.1.0.wasm",
        ]
        .iter()
        .map(|file| directory.join(PLUGINS).join(file))
        .collect();
        let mut pinned = PluginEntry::dropped(directory, "pinned");
        pinned.named = true;
        let rule = PluginEntry::dropped(directory, "rule");
        let mut plugins = vec![pinned, rule];
        let ignored = sort(directory, &files, &mut plugins);
        let made_of = |name: &str| -> Vec<String> {
            let plugin = plugins.iter().find(|plugin| plugin.name == name);
            let files = plugin.into_iter().flat_map(PluginEntry::files);
            let name = |file: &Path| {
                file.file_name()
                    .map(|name| name.to_string_lossy().into_owned())
            };
            files.filter_map(name).collect()
        };
        assert_eq!(made_of("alone"), ["alone-1.0.0.wasm"]);
        assert_eq!(made_of("modbus"), ["modbus-0.2.0.wasm", "modbus.wasm"]);
        assert_eq!(
            made_of("rule"),
            ["rule-1.1.0.wasm"],
            "no file without a version is needed"
        );
        assert_eq!(made_of("pinned"), ["pinned.wasm"]);
        let messages: Vec<&str> = ignored.iter().map(|file| file.message.as_str()).collect();
        assert!(
            messages[0].contains("`Big` cannot be the name"),
            "{messages:?}"
        );
        assert!(
            messages[1].contains("plugin `pinned` is made of"),
            "{messages:?}"
        );
        assert_eq!(messages.len(), 2);
    }
}
