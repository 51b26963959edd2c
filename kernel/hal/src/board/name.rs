//! Which name a part gets.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::hardware::Hardware;
use crate::root::Root;

/// Gives out logical names: those of the board file, else those of the device tree's aliases (`serial0`), else
/// the device's own on its bus.
pub(super) struct Namer {
    /// Aliases of the device tree, by node.
    aliases: BTreeMap<String, Vec<String>>,
}

impl Namer {
    pub(super) fn new(root: &Root) -> Self {
        let folder = Path::new("/proc/device-tree/aliases");
        let mut aliases: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for name in root.list(folder).unwrap_or_default() {
            if let Some(node) = root.value(folder.join(&name)) {
                aliases.entry(node).or_default().push(name);
            }
        }
        Self { aliases }
    }

    /// The number of an alias like `serial0` of the device tree for hardware.
    pub(super) fn number(&self, hardware: &Hardware, word: &str) -> Option<u32> {
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
