//! `[plugin.NAME]`: a component, and the crate it may be built from.

use std::ops::Range;
use std::path::{Path, PathBuf};

use weihe_kernel::grant::Grants;

use super::fault::Fault;
use super::grants::{self, GrantsEntry};
use super::name;
use super::section::Section;

/// The folder for plugins, in a system's directory.
pub(crate) const PLUGINS: &str = "plugins";

/// A plugin of the system.
#[derive(Debug, Clone)]
pub struct PluginEntry {
    /// Its name here.
    pub name: String,
    /// The crate that `weihe run` builds it from.
    pub source: Option<PathBuf>,
    /// The component.
    pub file: PathBuf,
    /// Grants of all its devices.
    pub grants: Grants,
    pub(super) names: GrantsEntry,
    /// Where its name stands; none for a file without an entry.
    pub span: Option<Range<usize>>,
}

impl PluginEntry {
    /// A plugin without an entry: the file of its name in the folder for plugins.
    pub(crate) fn dropped(directory: &Path, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            source: None,
            file: default_file(directory, name),
            grants: Grants::default(),
            names: GrantsEntry::default(),
            span: None,
        }
    }
}

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

/// Files in the folder for plugins that no entry names, by name: each is a plugin of its own,
/// unless its name is none or is taken.
pub(super) fn dropped(
    directory: &Path,
    entries: &[PluginEntry],
) -> (Vec<PluginEntry>, Vec<IgnoredFile>) {
    let (mut dropped, mut ignored) = (Vec::new(), Vec::new());
    let Ok(folder) = std::fs::read_dir(directory.join(PLUGINS)) else {
        return (dropped, ignored);
    };
    let files = folder.filter_map(Result::ok).map(|file| file.path());
    let mut files: Vec<PathBuf> = files
        .filter(|path| is_component(path) && !entries.iter().any(|entry| entry.file == *path))
        .collect();
    files.sort();
    let mut misnamed = Vec::new();
    for path in files {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let sound = super::is_name(&stem) && path.extension().is_some_and(|kind| kind == "wasm");
        match entries.iter().find(|entry| entry.name == *stem) {
            Some(entry) if sound => ignored.push(IgnoredFile {
                message: format!(
                    "{} is ignored: plugin `{stem}` is made of {}",
                    path.display(),
                    entry.file.display()
                ),
                help: "remove it, or leave out `file`".to_owned(),
                name: None,
                path,
            }),
            None if sound => dropped.push(PluginEntry::dropped(directory, &stem)),
            _ => misnamed.push(path),
        }
    }
    // When all names are known: none is suggested that is taken.
    let taken = |name: &str| {
        let mut all = entries.iter().chain(&dropped);
        all.any(|entry| entry.name == name)
    };
    ignored.extend(misnamed.into_iter().map(|path| misnamed_file(path, taken)));
    ignored.sort_by(|one, other| one.path.cmp(&other.path));
    (dropped, ignored)
}

/// Whether something in a directory's `plugins/` is meant as a component.
pub(crate) fn holds_component(directory: &Path) -> bool {
    let entries = std::fs::read_dir(directory.join(PLUGINS));
    let mut paths = entries.into_iter().flatten().flatten();
    paths.any(|entry| is_component(&entry.path()))
}

/// Whether a file is meant as a component. What begins with a dot is hidden: copies that are under
/// way, and what other systems leave beside each file.
fn is_component(path: &Path) -> bool {
    let hidden = path
        .file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    let kind = path.extension();
    !hidden && kind.is_some_and(|kind| kind.eq_ignore_ascii_case("wasm"))
}

fn misnamed_file(path: PathBuf, taken: impl Fn(&str) -> bool) -> IgnoredFile {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name::suggest(without_version(&stem)).or_else(|| name::suggest(&stem));
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

/// `modbus` of `modbus-0.1.0` and `modbus_v1.2.0-rc.1`: names of releases carry their version.
fn without_version(stem: &str) -> &str {
    let version = |text: &str| {
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        text.starts_with(|first: char| first.is_ascii_digit()) && text.contains('.')
    };
    stem.match_indices(['-', '_'])
        .find(|(at, _)| version(&stem[at + 1..]))
        .map_or(stem, |(at, _)| &stem[..at])
}

/// Where the component of a plugin is unless its entry says otherwise.
pub(super) fn default_file(directory: &Path, name: &str) -> PathBuf {
    directory.join(PLUGINS).join(format!("{name}.wasm"))
}

pub(super) fn read(
    directory: &Path,
    (name, section): &(String, Section<'_>),
    faults: &mut Vec<Fault>,
) -> PluginEntry {
    section.only(&["source", "file", "grants"], faults);
    let mut path = |key: &str| {
        let (text, span) = section.text(key, faults)?;
        if text.is_empty() {
            let message = format!("`{key}` of {} is empty", section.title);
            faults.push(Fault::new(span, message, "no path"));
        }
        Some(directory.join(text))
    };
    let source = path("source");
    let file = path("file").unwrap_or_else(|| default_file(directory, name));
    let names = grants::read(section, faults);
    PluginEntry {
        name: name.clone(),
        source,
        file,
        grants: names.grants.clone(),
        names,
        span: Some(section.span.clone()),
    }
}
