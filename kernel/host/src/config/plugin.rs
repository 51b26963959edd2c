//! `[plugin.NAME]`: a component, and the crate it may be built from.

use std::ops::Range;
use std::path::{Path, PathBuf};

use weihe_kernel::grant::Grants;

use super::fault::Fault;
use super::grants::{self, GrantsEntry};
use super::section::Section;

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
    pub(super) fn dropped(directory: &Path, name: &str) -> Self {
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

/// Files in the folder for plugins that no entry names, by name: each is a plugin of its own.
pub(super) fn dropped(directory: &Path, entries: &[PluginEntry]) -> Vec<PluginEntry> {
    let Ok(folder) = std::fs::read_dir(directory.join("plugins")) else {
        return Vec::new();
    };
    let mut dropped: Vec<PluginEntry> = folder
        .filter_map(Result::ok)
        .map(|file| file.path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "wasm"))
        .filter(|path| !entries.iter().any(|entry| entry.file == *path))
        .filter_map(|path| {
            let name = path.file_stem()?.to_str()?;
            let free = !entries.iter().any(|entry| entry.name == name);
            (free && super::is_name(name)).then(|| PluginEntry::dropped(directory, name))
        })
        .collect();
    dropped.sort_by(|one, other| one.name.cmp(&other.name));
    dropped
}

/// Where the component of a plugin is unless its entry says otherwise.
pub(super) fn default_file(directory: &Path, name: &str) -> PathBuf {
    directory.join("plugins").join(format!("{name}.wasm"))
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
