//! `[plugin.NAME]`: a component, and the crate it may be built from.

use std::ops::Range;
use std::path::{Path, PathBuf};

use weihe_kernel::grant::Grants;

use super::components::PLUGINS;
use super::fault::Fault;
use super::grants::{self, GrantsEntry};
use super::section::Section;
use super::shape;

/// A plugin of the system.
#[derive(Debug, Clone)]
pub struct PluginEntry {
    /// Its name here.
    pub name: String,
    /// The crate that `weihe run` builds it from.
    pub source: Option<PathBuf>,
    /// The component.
    pub file: PathBuf,
    /// Other components of the same name in the folder for plugins (`NAME-VERSION.wasm`). The
    /// highest version of all runs.
    pub releases: Vec<PathBuf>,
    /// The name under which it was signed, where that is another than the one here.
    pub signed_as: Option<String>,
    /// Grants of all its devices.
    pub grants: Grants,
    pub(super) names: GrantsEntry,
    /// Where its name stands; none for a file without an entry.
    pub span: Option<Range<usize>>,
    /// Whether its entry names the file, which is the only one then.
    pub(super) named: bool,
}

impl PluginEntry {
    /// A plugin without an entry: the file of its name in the folder for plugins.
    pub(crate) fn dropped(directory: &Path, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            source: None,
            file: default_file(directory, name),
            releases: Vec::new(),
            signed_as: None,
            grants: Grants::default(),
            names: GrantsEntry::default(),
            span: None,
            named: false,
        }
    }

    /// All files that it may be made of.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        let others = self.releases.iter().map(PathBuf::as_path);
        std::iter::once(self.file.as_path()).chain(others)
    }

    /// The same plugin, made of one of its files.
    pub(crate) fn made_of(&self, file: &Path) -> Self {
        Self {
            file: file.to_path_buf(),
            ..self.clone()
        }
    }
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
    section.only(shape::PLUGIN.all(), faults);
    let mut path = |key: &str| {
        let (text, span) = section.text(key, faults)?;
        if text.is_empty() {
            let message = format!("`{key}` of {} is empty", section.title);
            faults.push(Fault::new(span, message, "no path"));
        }
        // As it is shown: `.` in `./system` is that, and not `./system/.`.
        Some(directory.join(text).components().collect())
    };
    let source = path("source");
    let file = path("file");
    let signed_as = section.text("signed-as", faults).map(|(name, span)| {
        if name.is_empty() {
            let message = format!("`signed-as` of {} is empty", section.title);
            faults.push(Fault::new(span, message, "no name"));
        }
        name
    });
    let names = grants::read(section, faults);
    PluginEntry {
        name: name.clone(),
        source,
        named: file.is_some(),
        file: file.unwrap_or_else(|| default_file(directory, name)),
        releases: Vec::new(),
        signed_as,
        grants: names.grants.clone(),
        names,
        span: Some(section.span.clone()),
    }
}
