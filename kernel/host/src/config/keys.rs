//! `[keys]`: where the key store is, and what opens it.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use weihe_guomi::keys::folder::{FEWEST_ROUNDS, MOST_ROUNDS, ROUNDS};

use super::document::Node;
use super::fault::Fault;
use super::section::Section;
use super::shape;

/// The folder of the key store in the system's data.
const KEYS: &str = "keys";

/// `[keys]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeysEntry {
    /// The folder of the key store.
    pub directory: PathBuf,
    /// The file whose first line is the passphrase.
    pub passphrase_file: Option<PathBuf>,
    /// How often PBKDF2 goes round in a new store.
    pub rounds: NonZeroU32,
    /// The device that keeps keys, too.
    pub pkcs11: Option<Pkcs11Entry>,
}

/// `[keys.pkcs11]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pkcs11Entry {
    /// The maker's library.
    pub module: PathBuf,
    /// The label of the token.
    pub token: Option<String>,
    /// The number of the slot.
    pub slot: Option<u64>,
    /// The file whose first line is the PIN.
    pub pin_file: Option<PathBuf>,
}

impl KeysEntry {
    /// Keys in the folder `keys` of a system's data.
    pub fn within(data: &Path) -> Self {
        Self {
            directory: data.join(KEYS),
            passphrase_file: None,
            rounds: ROUNDS,
            pkcs11: None,
        }
    }
}

pub(super) fn read(
    directory: &Path,
    data: &Path,
    top: &Section<'_>,
    faults: &mut Vec<Fault>,
) -> KeysEntry {
    let mut entry = KeysEntry::within(data);
    let Some(section) = top.section("keys", "`[keys]`".to_owned(), faults) else {
        return entry;
    };
    section.only(shape::KEYS.all(), faults);
    if let Some(folder) = path(directory, &section, "directory", faults) {
        entry.directory = folder;
    }
    entry.passphrase_file = path(directory, &section, "passphrase-file", faults);
    let (least, most) = (FEWEST_ROUNDS.into(), MOST_ROUNDS.into());
    if let Some(rounds) = number(&section, "rounds", least, most, faults) {
        entry.rounds = u32::try_from(rounds)
            .ok()
            .and_then(NonZeroU32::new)
            .unwrap_or(ROUNDS);
    }
    if let Some(section) = section.section("pkcs11", "`[keys.pkcs11]`".to_owned(), faults) {
        section.only(shape::PKCS11.all(), faults);
        let module = section.required_text("module", "/usr/lib/softhsm/libsofthsm2.so", faults);
        let pkcs11 = Pkcs11Entry {
            module: module
                .map(|(module, _)| directory.join(module))
                .unwrap_or_default(),
            token: section.text("token", faults).map(|(token, _)| token),
            slot: number(&section, "slot", 0, u32::MAX.into(), faults),
            pin_file: path(directory, &section, "pin-file", faults),
        };
        entry.pkcs11 = Some(pkcs11);
    }
    entry
}

fn path(
    directory: &Path,
    section: &Section<'_>,
    key: &str,
    faults: &mut Vec<Fault>,
) -> Option<PathBuf> {
    let (name, span) = section.text(key, faults)?;
    if name.is_empty() {
        let message = format!("`{key}` in {} is empty", section.title);
        faults.push(Fault::new(span, message, "no path").help("name it, relative to this file"));
        return None;
    }
    Some(directory.join(name))
}

fn number(
    section: &Section<'_>,
    key: &str,
    least: u64,
    most: u64,
    faults: &mut Vec<Fault>,
) -> Option<u64> {
    let item = &section.table.get(key)?.item;
    let number = match &item.node {
        Node::Scalar(toml::Value::Integer(number)) => u64::try_from(*number).ok(),
        _ => None,
    };
    let right = number.filter(|number| (least..=most).contains(number));
    if right.is_none() {
        let message = format!("`{key}` in {} is out of range", section.title);
        let help = format!("a whole number from {least} to {most}");
        faults.push(Fault::new(item.span.clone(), message, "not possible").help(help));
    }
    right
}
