//! `weihe.toml`: what a system consists of.
//!
//! The file is read as a whole, and every fault in it is reported with its line, not only the
//! first. What only shows when the system starts (a plugin's file that is missing, a grant that
//! a capability refuses) is kept apart, so that one bad entry does not stop the others; it finds
//! its line through [`Config::problem_at`].
//!
//! A directory whose `plugins/` holds a component needs no file: it is read as an empty one.

mod board;
mod components;
mod connection;
mod control;
mod device;
mod document;
mod fault;
mod grants;
mod host;
mod keys;
mod limits;
mod name;
mod path;
mod place;
mod plugin;
mod schema;
mod section;
mod shape;
mod signatures;

use std::path::{Path, PathBuf};

use miette::Diagnostic;
use sha2::{Digest as _, Sha256};

pub use board::{BoardEntry, BoardFileError, BoardText, board_file};
pub use components::IgnoredFile;
pub(crate) use components::{PLUGINS, holds_component, is_component, listed};
pub use connection::ConnectionEntry;
pub use control::ControlEntry;
pub use device::DeviceEntry;
pub use document::Document;
pub use fault::{Fault, Problem, Source};
pub use grants::CAPABILITIES;
pub use host::{HostEntry, Watching};
pub use keys::{KeysEntry, Pkcs11Entry};
pub(crate) use name::suggest;
pub use name::{NAME_LIMIT, is_name};
pub use path::{KeyPath, Step};
pub use place::Place;
pub use plugin::PluginEntry;
pub use schema::{At, Mismatch, Named, Schema, Use};
pub(crate) use section::nearest;
pub(crate) use shape::{PluginSchema, joined};
pub use shape::{SCHEMA_FILE, schema, schema_comment};
pub use signatures::SignaturesEntry;
pub(crate) use signatures::is_number;

use section::Section;

/// The name of the file.
pub const FILE: &str = "weihe.toml";

/// The longest file that is read: the largest sensible system (ten thousand devices of 200 bytes)
/// is below it, and a device file or a disk image given by mistake is not read into memory.
pub const FILE_LIMIT: u64 = 4 << 20;

/// A system as its `weihe.toml` describes it.
#[derive(Debug, Clone)]
pub struct Config {
    /// The directory that relative paths start from: that of the file.
    pub directory: PathBuf,
    /// `[host]`.
    pub host: HostEntry,
    /// `[board]`.
    pub board: BoardEntry,
    /// `[keys]`.
    pub keys: KeysEntry,
    /// `[control]`: the door on the network, where there is one.
    pub control: Option<ControlEntry>,
    /// `[signatures]`.
    pub signatures: SignaturesEntry,
    /// `[plugin.*]` in the order of the file, then the files in `plugins/` that have no entry.
    pub plugins: Vec<PluginEntry>,
    /// `[connection.*]` in the order of the file.
    pub connections: Vec<ConnectionEntry>,
    /// `[device.*]` in the order of the file.
    pub devices: Vec<DeviceEntry>,
    /// Files in `plugins/` that no plugin is made of, by name.
    pub ignored: Vec<IgnoredFile>,
    /// Devices whose plugin is not there. The others can run without them.
    pub(crate) without_plugin: Vec<(String, Problem)>,
    /// Whether there is a file; without one, the system is what lies in `plugins/`.
    written: bool,
    document: Document,
    source: Source,
}

/// Why a file is no configuration.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum LoadError {
    /// There is none.
    #[error("there is no {FILE} in {}, nor a component in its {PLUGINS} folder", .0.display())]
    #[diagnostic(help(
        "name the directory that holds {FILE} or {PLUGINS}/NAME.wasm: `weihe run DIR`, or `-C DIR`"
    ))]
    Missing(PathBuf),
    /// It cannot be read.
    #[error("cannot read {}: {source}", .path.display())]
    #[diagnostic(help("check its permissions, and that it is a text file"))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// It is too long.
    #[error("{} has {size} bytes; a configuration has at most {FILE_LIMIT}", .path.display())]
    #[diagnostic(help("is this the right file?"))]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Its size.
        size: u64,
    },
    /// It has faults.
    #[error("{} has {}", .0.path.display(), .0.count())]
    Invalid(Invalid),
}

/// All that is wrong with a file.
#[derive(Debug)]
pub struct Invalid {
    path: PathBuf,
    problems: Vec<Problem>,
}

impl Invalid {
    /// In the order of the file.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// In the order of the file.
    pub fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    fn count(&self) -> String {
        match self.problems.len() {
            1 => "1 fault".to_owned(),
            count => format!("{count} faults"),
        }
    }
}

impl Config {
    /// Reads the `weihe.toml` of a directory; where there is none, but a component in `plugins/`,
    /// it is as if there were an empty one.
    pub fn load(directory: &Path) -> Result<Self, LoadError> {
        match Self::read(directory)? {
            None if !holds_component(directory) => Err(LoadError::Missing(directory.to_path_buf())),
            text => Self::of(directory, text.as_deref(), &listed(directory)),
        }
    }

    /// The text of a directory's `weihe.toml`, if it has one.
    pub(crate) fn read(directory: &Path) -> Result<Option<String>, LoadError> {
        let path = directory.join(FILE);
        let unreadable = |source| LoadError::Unreadable {
            path: path.clone(),
            source,
        };
        let size = match std::fs::metadata(&path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        };
        if size > FILE_LIMIT {
            return Err(LoadError::TooLong { path, size });
        }
        std::fs::read_to_string(&path).map(Some).map_err(unreadable)
    }

    /// Reads the text of a `weihe.toml` that stands in a directory.
    pub fn parse(directory: &Path, text: &str) -> Result<Self, LoadError> {
        Self::of(directory, Some(text), &listed(directory))
    }

    /// The system of a text (none: no `weihe.toml`) and of components in `plugins/`.
    pub(crate) fn of(
        directory: &Path,
        text: Option<&str>,
        components: &[PathBuf],
    ) -> Result<Self, LoadError> {
        let path = if directory == Path::new(".") {
            PathBuf::from(FILE)
        } else {
            directory.join(FILE)
        };
        let (document, source, mut faults) = Document::parse(&path, text.unwrap_or_default());
        let read = document.map(|document| {
            let parts = read(directory, &document, components, &mut faults);
            if !faults.is_empty() {
                // Then all that is wrong is said at once.
                let without = parts.without_plugin.iter();
                faults.extend(without.map(|(_, fault)| fault.clone()));
            }
            (document, parts)
        });
        match read {
            Some((document, parts)) if faults.is_empty() && parts.of_board.is_empty() => Ok(Self {
                directory: directory.to_path_buf(),
                host: parts.host,
                board: parts.board,
                keys: parts.keys,
                control: parts.control,
                signatures: parts.signatures,
                plugins: parts.plugins,
                connections: parts.connections,
                devices: parts.devices,
                ignored: parts.ignored,
                without_plugin: parts
                    .without_plugin
                    .into_iter()
                    .map(|(device, fault)| (device, source.problem(fault)))
                    .collect(),
                written: text.is_some(),
                document,
                source,
            }),
            read => {
                faults.sort_by_key(|fault| fault.span.start);
                let faults = faults.into_iter().map(|fault| source.problem(fault));
                let of_board = read.map(|(_, parts)| parts.of_board).unwrap_or_default();
                Err(LoadError::Invalid(Invalid {
                    problems: faults.chain(of_board).collect(),
                    path,
                }))
            }
        }
    }

    /// What was read; none where there is no file.
    pub(crate) fn text(&self) -> Option<&str> {
        self.written.then_some(&*self.source.text)
    }

    /// That there is no file, and what the system consists of instead; none where there is one.
    pub fn unwritten(&self) -> Option<String> {
        let plugins = self.directory.join(PLUGINS);
        (!self.written).then(|| {
            format!(
                "there is no {FILE} in {}: the system is what lies in {}, without grants",
                self.directory.display(),
                plugins.display()
            )
        })
    }

    /// File and line of an entry: `weihe.toml:12`; none when the file has no such entry.
    pub fn line_of(&self, path: &KeyPath) -> Option<String> {
        let place = self.document.place(path);
        (place.found == path.steps().len()).then(|| {
            let (line, _) = self.source.position(place.value.start);
            format!("{}:{line}", self.source.path.display())
        })
    }

    /// SHA-256 of the file, as the audit trail names it; of nothing where there is none.
    pub fn sha256(&self) -> String {
        weihe_kernel::event::hex(&Sha256::digest(self.source.text.as_bytes()))
    }

    /// A plugin by name.
    pub fn plugin(&self, name: &str) -> Option<&PluginEntry> {
        self.plugins.iter().find(|plugin| plugin.name == name)
    }

    /// What is wrong with the entry at a key path (`connection.field.address`,
    /// `device.soil.grants.store.tables`), with its line.
    pub fn problem_at(
        &self,
        path: &str,
        message: impl Into<String>,
        help: Option<String>,
    ) -> Problem {
        let place = self.document.place(&KeyPath::dotted(path));
        // What stands nowhere in the file is about the file as a whole.
        let label = if place.found > 0 { "here" } else { "" };
        self.source
            .problem(Fault::new(place.value, message, label).maybe_help(help))
    }

    /// What is wrong with a key in a device's `config`; none where the file has no such key.
    pub fn problem_in_config(
        &self,
        device: &str,
        path: &KeyPath,
        message: impl Into<String>,
        help: Option<String>,
    ) -> Option<Problem> {
        let path = config_of(device).join(path);
        let place = self.document.place(&path);
        (place.found == path.steps().len()).then(|| {
            let fault = Fault::new(place.key, message, "here").maybe_help(help);
            self.source.problem(fault)
        })
    }

    /// What in a device's `config` does not fit the schema of its plugin, in the order of the
    /// file.
    pub fn config_problems(&self, device: &DeviceEntry, schema: &Schema) -> Vec<Problem> {
        let mismatches = schema.check(&device.config).into_iter();
        let mut problems: Vec<Problem> = mismatches
            .map(|mismatch| {
                let path = config_of(&device.name).join(&mismatch.path);
                let place = self.document.place(&path);
                let span = match mismatch.at {
                    At::Key => place.key,
                    At::Value => place.value,
                };
                let message = format!("device `{}`: {}", device.name, mismatch.message);
                let fault = Fault::new(span, message, mismatch.label).maybe_help(mismatch.help);
                self.source.problem(fault)
            })
            .collect();
        problems.sort_by_key(|problem| problem.fault().span.start);
        problems
    }
}

/// Where the `config` of a device begins.
fn config_of(device: &str) -> KeyPath {
    let path = KeyPath::default().key("device").key(device);
    path.key("config")
}

/// What is read from a document.
struct Parts {
    host: HostEntry,
    board: BoardEntry,
    keys: KeysEntry,
    control: Option<ControlEntry>,
    signatures: SignaturesEntry,
    /// What is wrong in the board file.
    of_board: Vec<Problem>,
    plugins: Vec<PluginEntry>,
    connections: Vec<ConnectionEntry>,
    devices: Vec<DeviceEntry>,
    ignored: Vec<IgnoredFile>,
    without_plugin: Vec<(String, Fault)>,
}

fn read(
    directory: &Path,
    document: &Document,
    components: &[PathBuf],
    faults: &mut Vec<Fault>,
) -> Parts {
    let kinds = crate::system::kinds(directory);
    let top = Section {
        title: FILE.to_owned(),
        table: document.root(),
        span: 0..0,
    };
    top.only(shape::FILE.all(), faults);
    let host = host::read(directory, &top, faults);
    let keys = keys::read(directory, &host.data, &top, faults);
    let control = control::read(directory, &top, faults);
    let signatures = signatures::read(directory, &top, faults);
    let (board, of_board) = board::read(directory, &top, faults);
    let mut plugins = named(&top, "plugin", faults)
        .iter()
        .map(|section| plugin::read(directory, section, faults))
        .collect::<Vec<_>>();
    let ignored = components::sort(directory, components, &mut plugins);
    let connections: Vec<_> = named(&top, "connection", faults)
        .iter()
        .filter_map(|section| connection::read(section, document, &kinds, faults))
        .collect();
    connection::check_holders(&connections, faults);
    let devices: Vec<_> = named(&top, "device", faults)
        .iter()
        .filter_map(|section| device::read(section, faults))
        .collect();
    device::check_references(&devices, &plugins, &connections, faults);
    let without_plugin = device::without_plugin(&devices, &plugins, &ignored);
    device::check_holders(&devices, &connections, faults);
    Parts {
        host,
        board,
        keys,
        control,
        signatures,
        of_board,
        plugins,
        connections,
        devices,
        ignored,
        without_plugin,
    }
}

/// The sections of `[plugin.*]`, `[connection.*]` or `[device.*]`, with their names checked.
fn named<'d>(top: &Section<'d>, kind: &str, faults: &mut Vec<Fault>) -> Vec<(String, Section<'d>)> {
    let Some(section) = top.section(kind, format!("`{kind}`"), faults) else {
        return Vec::new();
    };
    let mut sections = Vec::new();
    for entry in section.table.iter() {
        let titled = Section::of(format!("{kind} `{}`", entry.key), entry, faults);
        if titled.is_some() {
            name::check(kind, &entry.key, entry.key_span.clone(), faults);
        }
        sections.extend(titled.map(|section| (entry.key.clone(), section)));
    }
    sections
}

#[cfg(test)]
mod tests;
