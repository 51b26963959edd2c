//! `[host]`: the system as a whole.

use std::path::{Path, PathBuf};

use weihe_kernel::units::Size;

use super::document::Node;
use super::fault::Fault;
use super::name;
use super::section::Section;
use super::shape;
use crate::audit::TrailOptions;

/// The size of a file of the audit trail: ten thousand records, which are read in a moment at a start.
const TRAIL_FILE: Size = Size(4 << 20);

/// The smallest file of the trail: some records, so that files are not made for each.
const LEAST_TRAIL_FILE: Size = Size(64 << 10);

/// The largest file of the trail: the last one is read at each start.
const MOST_TRAIL_FILE: Size = Size(256 << 20);

/// The most files of the trail that can be asked for.
const MOST_TRAIL_FILES: i64 = 1_000_000;

/// The least memory of a host: its database, its caches and one plugin.
const LEAST_MEMORY: Size = Size(48 << 20);

/// The most memory of a host.
const MOST_MEMORY: Size = Size(1 << 40);

/// How changes of files are noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Watching {
    /// The kernel tells; folders for which it cannot (network file systems) are looked at once a
    /// second.
    #[default]
    Auto,
    /// All are looked at once a second.
    Poll,
    /// Not at all: `weihe reload` makes the host look.
    Off,
}

/// `[host]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostEntry {
    /// The name of the system.
    pub name: String,
    /// Where database, compile cache, boot counter and socket are; absolute or relative to the
    /// working directory.
    pub data: PathBuf,
    /// How changes of `weihe.toml` and components are noticed while the host runs.
    pub watch: Watching,
    /// Whether a process of its own sets outputs to their safe values when the host dies.
    pub guard: bool,
    /// The memory that the host keeps within; what its control group says when none is named.
    pub memory: Option<Size>,
    /// How the audit trail is kept.
    pub audit: TrailOptions,
}

pub(super) fn read(directory: &Path, top: &Section<'_>, faults: &mut Vec<Fault>) -> HostEntry {
    let mut entry = HostEntry {
        name: directory_name(directory),
        data: directory.join("data"),
        watch: Watching::default(),
        guard: true,
        memory: None,
        audit: TrailOptions {
            file_size: TRAIL_FILE.0,
            keep: None,
        },
    };
    let Some(section) = top.section("host", "`[host]`".to_owned(), faults) else {
        return entry;
    };
    section.only(shape::HOST.all(), faults);
    if let Some((name, span)) = section.text("name", faults) {
        name::check("host", &name, span, faults);
        entry.name = name;
    }
    if let Some((data, span)) = section.text("data", faults) {
        if data.is_empty() {
            faults.push(
                Fault::new(span, "`data` is empty", "no directory")
                    .help("name a directory, relative to this file: `data = \"data\"`"),
            );
        }
        entry.data = directory.join(data);
    }
    entry.watch = watching(&section, faults);
    if let Some(guard) = section.boolean("guard", faults) {
        entry.guard = guard;
    }
    entry.memory = size(&section, "memory", LEAST_MEMORY, MOST_MEMORY, faults);
    if let Some(section) = section.section("audit", "`[host.audit]`".to_owned(), faults) {
        section.only(shape::AUDIT.all(), faults);
        let given = size(
            &section,
            "file-size",
            LEAST_TRAIL_FILE,
            MOST_TRAIL_FILE,
            faults,
        );
        entry.audit.file_size = given.map_or(entry.audit.file_size, |size| size.0);
        entry.audit.keep = keep(&section, faults);
    }
    entry
}

fn watching(section: &Section<'_>, faults: &mut Vec<Fault>) -> Watching {
    let Some((watch, span)) = section.text("watch", faults) else {
        return Watching::default();
    };
    match watch.as_str() {
        "auto" => Watching::Auto,
        "poll" => Watching::Poll,
        "off" => Watching::Off,
        _ => {
            let message = format!("`watch` of `[host]` is \"{watch}\"");
            let help = "take \"auto\", \"poll\" or \"off\"";
            faults.push(Fault::new(span, message, "unknown").help(help));
            Watching::default()
        }
    }
}

fn size(
    section: &Section<'_>,
    key: &str,
    least: Size,
    most: Size,
    faults: &mut Vec<Fault>,
) -> Option<Size> {
    let (text, span) = section.text(key, faults)?;
    let help = format!("a size from \"{least}\" to \"{most}\"");
    match text.parse::<Size>() {
        Ok(size) if (least..=most).contains(&size) => Some(size),
        Ok(size) => {
            let message = format!("`{key}` in {}: {size} is out of range", section.title);
            faults.push(Fault::new(span, message, "not possible").help(help));
            None
        }
        Err(error) => {
            let message = format!("`{key}` in {}: {error}", section.title);
            faults.push(Fault::new(span, message, "no size").help(help));
            None
        }
    }
}

fn keep(section: &Section<'_>, faults: &mut Vec<Fault>) -> Option<u32> {
    let item = &section.table.get("keep")?.item;
    let number = match &item.node {
        Node::Scalar(toml::Value::Integer(number)) => *number,
        _ => 0,
    };
    match u32::try_from(number) {
        Ok(keep) if (1..=MOST_TRAIL_FILES).contains(&number) => Some(keep),
        _ => {
            let message = format!("`keep` in {} is no number of files", section.title);
            let help = format!(
                "a whole number from 1 to {MOST_TRAIL_FILES}; without `keep`, no file is ever removed"
            );
            faults.push(Fault::new(item.span.clone(), message, "not possible").help(help));
            None
        }
    }
}

/// The name of a system that names none: that of its directory.
fn directory_name(directory: &Path) -> String {
    std::fs::canonicalize(directory)
        .ok()
        .and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .and_then(|text| name::suggest(&text))
        .unwrap_or_else(|| "weihe".to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::config::{Config, LoadError};

    fn parse(text: &str) -> Result<HostEntry, Vec<String>> {
        match Config::parse(Path::new("/nowhere"), text) {
            Ok(config) => Ok(config.host),
            Err(LoadError::Invalid(invalid)) => {
                let problems = invalid.problems().iter();
                Err(problems.map(ToString::to_string).collect())
            }
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn memory_and_trail_are_read_and_have_defaults() {
        let host = parse("").unwrap();
        assert_eq!((host.memory, host.audit.keep), (None, None));
        let text = "[host]\nmemory = \"256 MiB\"\n[host.audit]\nkeep = 10\nfile-size = \"1 MiB\"";
        let host = parse(text).unwrap();
        assert_eq!(host.memory, Some(Size(256 << 20)));
        let audit = TrailOptions {
            file_size: 1 << 20,
            keep: Some(10),
        };
        assert_eq!(host.audit, audit);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (text, words) in [
            ("[host]\nmemory = \"1 MiB\"", "out of range"),
            ("[host]\nmemory = \"much\"", "`memory` in `[host]`"),
            ("[host]\nmemory = 5", "must be a text"),
            ("[host]\nwatch = \"on\"", "`watch` of `[host]`"),
            ("[host.audit]\nkeep = 0", "no number of files"),
            ("[host.audit]\nkeep = \"all\"", "no number of files"),
            ("[host.audit]\nfile-size = \"1 B\"", "out of range"),
            ("[host.audit]\nsize = 1", "unknown key `size`"),
        ] {
            let faults = parse(text).unwrap_err();
            assert_eq!(faults.len(), 1, "{faults:?}");
            assert!(faults[0].contains(words), "{faults:?}");
        }
    }
}
