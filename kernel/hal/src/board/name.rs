//! Which name a part gets.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;

use super::file::{Bank, BoardFile, LineName, Named, Origin, named};
use super::hardware::Hardware;
use crate::root::Root;

/// Board files that add to one another, at most: own, SoC, and what siblings share.
const LAYERS: usize = 4;

/// What a board file has said of this board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Fact {
    /// Of what: `uart/1`, or `gpio/A0…A7`.
    pub of: String,
    /// Where it comes from, or what a guess rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Whether there is a source.
    pub verified: bool,
}

impl Fact {
    pub(super) fn new(of: impl Into<String>, origin: &Origin) -> Self {
        Self {
            of: of.into(),
            source: origin.text.clone(),
            verified: origin.verified,
        }
    }
}

/// Gives out logical names: those of the board files, else those of the device tree's aliases (`serial0`), else
/// the device's own on its bus.
pub(super) struct Namer<'f> {
    files: Vec<&'f BoardFile>,
    /// Aliases of the device tree, by node.
    aliases: BTreeMap<String, Vec<String>>,
}

/// A name, and where it comes from.
#[derive(Debug, Clone, Default)]
pub(super) struct Given {
    pub(super) name: String,
    pub(super) aliases: Vec<String>,
    pub(super) origin: Option<Origin>,
}

impl Given {
    pub(super) fn verified(&self) -> bool {
        // What the firmware itself says needs no source.
        self.origin.as_ref().is_none_or(|origin| origin.verified)
    }
}

impl<'f> Namer<'f> {
    /// With a board file and those that it adds to.
    pub(super) fn new(
        root: &Root,
        own: Option<&'f BoardFile>,
        base: Option<&'f BoardFile>,
    ) -> Self {
        let mut files = Vec::new();
        let mut next = own.or(base);
        while let Some(file) = next {
            if files.len() >= LAYERS {
                break;
            }
            files.push(file);
            let extended = file.extends.as_deref().and_then(named);
            // An operator's file adds to the one that fits the machine.
            let fitting = base.filter(|base| !file.embedded && base.name != file.name);
            next = extended.or(fitting);
        }
        let folder = Path::new("/proc/device-tree/aliases");
        let mut aliases: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for name in root.list(folder).unwrap_or_default() {
            if let Some(node) = root.value(folder.join(&name)) {
                aliases.entry(node).or_default().push(name);
            }
        }
        Self { files, aliases }
    }

    /// What the SoC is called.
    pub(super) fn soc(&self) -> Option<String> {
        self.files.iter().find_map(|file| file.soc.clone())
    }

    /// The banks of a chip, those of the operator's file first.
    pub(super) fn banks(
        &self,
        hardware: &Hardware,
        label: Option<&str>,
    ) -> Vec<(&'f Bank, Origin)> {
        let banks = self.files.iter().flat_map(|file| &file.banks);
        banks
            .filter_map(|bank| Some((bank, bank.fits(hardware, label)?)))
            .collect()
    }

    /// Names of the board for lines.
    pub(super) fn lines(&self) -> impl Iterator<Item = &'f LineName> {
        self.files.iter().flat_map(|file| &file.lines)
    }

    /// The name of a part: `word` is what aliases of the device tree begin with, `entries` which tables name it.
    pub(super) fn name(
        &self,
        hardware: &Hardware,
        label: Option<&str>,
        word: &str,
        entries: impl Fn(&'f BoardFile) -> &'f [Named],
    ) -> Given {
        let entries = self.files.iter().flat_map(|file| entries(file));
        let mut fitting = entries.filter_map(|entry| Some((entry, entry.fits(hardware, label)?)));
        if let Some((entry, origin)) = fitting.next() {
            let more = fitting.map(|(other, _)| other.name.clone());
            return Given {
                name: entry.name.clone(),
                aliases: entry.aliases.iter().cloned().chain(more).collect(),
                origin: Some(origin),
            };
        }
        let name = match self.number(hardware, word) {
            Some(number) => number.to_string(),
            None => slug(&hardware.device),
        };
        Given {
            name,
            ..Given::default()
        }
    }

    /// The number of an alias like `serial0` of the device tree for hardware.
    fn number(&self, hardware: &Hardware, word: &str) -> Option<u32> {
        let aliases = self.aliases.get(hardware.node.as_ref()?)?;
        aliases
            .iter()
            .find_map(|alias| alias.strip_prefix(word)?.parse().ok())
    }
}

/// Names that are taken already.
#[derive(Default)]
pub(super) struct Taken(BTreeSet<String>);

impl Taken {
    /// A name that nobody has yet: this one, or with a number behind it.
    pub(super) fn free(&mut self, name: String) -> String {
        let mut free = name.clone();
        let mut number = 2;
        while !self.0.insert(free.clone()) {
            free = format!("{name}~{number}");
            number += 1;
        }
        free
    }
}

/// A name without what would be taken for something else in one: blanks and slashes.
pub(super) fn slug(text: &str) -> String {
    let text = text.trim();
    let slug = text.replace(
        |c: char| c.is_whitespace() || c == '/' || c.is_control(),
        "-",
    );
    if slug.is_empty() {
        "unnamed".to_owned()
    } else {
        slug
    }
}
