//! `[signatures]`: whose plugins run.

use std::path::{Path, PathBuf};

use weihe_guomi::signed::{Allowed, Mode, Who};

use super::document::{Entries, Item, Node};
use super::fault::Fault;
use super::section::Section;
use super::shape;

/// `[signatures]`, but for what is in the files that it names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignaturesEntry {
    /// What becomes of plugins that nobody who is trusted has signed.
    pub mode: Mode,
    /// Files with the certificates of those who are trusted.
    pub trust: Vec<PathBuf>,
    /// Serial numbers, fingerprints, and files.
    pub revoked: Vec<String>,
    /// Who may sign what.
    pub signers: Vec<Allowed>,
    /// Plugins whose older versions may run.
    pub older: Vec<String>,
}

pub(super) fn read(
    directory: &Path,
    top: &Section<'_>,
    faults: &mut Vec<Fault>,
) -> SignaturesEntry {
    let mut entry = SignaturesEntry::default();
    let Some(section) = top.section("signatures", "`[signatures]`".to_owned(), faults) else {
        return entry;
    };
    section.only(shape::SIGNATURES.all(), faults);
    if let Some((policy, span)) = section.text("policy", faults) {
        match policy.as_str() {
            "off" => entry.mode = Mode::Off,
            "warn" => entry.mode = Mode::Warn,
            "require" => entry.mode = Mode::Require,
            other => {
                let message = format!("`policy` in {} cannot be `{other}`", section.title);
                let help = "one of: `off`, `warn`, `require`";
                faults.push(Fault::new(span, message, "not possible").help(help));
            }
        }
    }
    let texts = |key: &str, faults: &mut Vec<Fault>| -> Vec<String> {
        let texts = section.texts(key, faults).into_iter();
        texts.map(|(text, _)| text).collect()
    };
    let trust = texts("trust", faults).into_iter();
    entry.trust = trust.map(|file| directory.join(file)).collect();
    entry.revoked = texts("revoked", faults);
    entry.older = texts("older", faults);
    if let Some(found) = section.table.get("signer") {
        match &found.item.node {
            Node::Array(items) => {
                for item in items {
                    entry.signers.extend(signer(item, faults));
                }
            }
            _ => faults.push(wrong(&found.item)),
        }
    }
    entry
}

fn wrong(item: &Item) -> Fault {
    Fault::new(
        item.span.clone(),
        "`signer` must be a list of tables",
        "expected tables",
    )
    .help("write each as `[[signatures.signer]]`")
}

fn signer(item: &Item, faults: &mut Vec<Fault>) -> Option<Allowed> {
    let table: &Entries = match &item.node {
        Node::Table(table) => table,
        _ => {
            faults.push(wrong(item));
            return None;
        }
    };
    let section = Section {
        title: "`[[signatures.signer]]`".to_owned(),
        table,
        span: item.span.clone(),
    };
    section.only(shape::SIGNER.all(), faults);
    let subject = section.text("subject", faults);
    let certificate = section.text("certificate", faults);
    let names = section.texts("names", faults);
    if names.is_empty() {
        let message = format!("{} has no `names`", section.title);
        let help = "name the plugins that it may sign: `names = [\"modbus\", \"sensor-*\"]`";
        faults.push(Fault::new(item.span.clone(), message, "nothing to sign").help(help));
    }
    let who = match (subject, certificate) {
        (Some((name, _)), None) => Who::Name(name),
        (None, Some((text, span))) => {
            let Ok(fingerprint) = text.parse() else {
                let message = format!("`{text}` is no fingerprint of a certificate");
                let help = "`sm3:` or `sha256:`, and 64 hexadecimal digits, as `weihe verify` and `weihe tls` show them";
                faults.push(Fault::new(span, message, "not a fingerprint").help(help));
                return None;
            };
            Who::Certificate(fingerprint)
        }
        _ => {
            let message = format!("{} needs `subject` or `certificate`", section.title);
            let help = "`subject` is the common name in the signer's certificate, `certificate` its fingerprint";
            faults.push(Fault::new(item.span.clone(), message, "one of both").help(help));
            return None;
        }
    };
    let names = names.into_iter().map(|(name, _)| name).collect();
    Some(Allowed { who, names })
}

/// Whether a text means a certificate by its serial number or fingerprint, and no file.
pub(crate) fn is_number(text: &str) -> bool {
    let is_digit = |c: char| c.is_ascii_hexdigit() || c == ':' || c == ' ';
    let has_word = |word: &str| {
        let before = text.get(..word.len());
        before.is_some_and(|before| before.eq_ignore_ascii_case(word))
    };
    has_word("sm3:") || has_word("sha256:") || (text.chars().all(is_digit) && !text.is_empty())
}
