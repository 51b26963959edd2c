//! Reading one table: each key once, each wrong one reported.

use std::ops::Range;

use super::document::{Entries, Entry, Item, Node};
use super::fault::Fault;

/// A table of the file that is being read, and where faults go.
pub(super) struct Section<'d> {
    /// What it is, for messages: "device `soil`".
    pub(super) title: String,
    pub(super) table: &'d Entries,
    /// The key in the header, for what is missing.
    pub(super) span: Range<usize>,
}

impl<'d> Section<'d> {
    /// The table that an entry holds, or a fault that it holds something else.
    pub(super) fn of(title: String, entry: &'d Entry, faults: &mut Vec<Fault>) -> Option<Self> {
        match &entry.item.node {
            Node::Table(table) => Some(Self {
                title,
                table,
                span: entry.key_span.clone(),
            }),
            _ => {
                faults.push(
                    wrong_type(&entry.key, &entry.item, "a table")
                        .help(format!("write it as a table: `[{}]`", entry.key)),
                );
                None
            }
        }
    }

    /// Reports every key that is not among these, with the nearest one that is.
    pub(super) fn only(&self, known: &[String], faults: &mut Vec<Fault>) {
        let known = || known.iter().map(String::as_str);
        for entry in self.table.iter() {
            if known().any(|known| known == entry.key) {
                continue;
            }
            let help = nearest(&entry.key, known()).map_or_else(
                || format!("known keys: {}", list(known())),
                |near| format!("did you mean `{near}`?"),
            );
            let message = format!("unknown key `{}` in {}", entry.key, self.title);
            faults.push(Fault::new(entry.key_span.clone(), message, "unknown key").help(help));
        }
    }

    pub(super) fn text(
        &self,
        key: &str,
        faults: &mut Vec<Fault>,
    ) -> Option<(String, Range<usize>)> {
        self.read(key, "a text", faults, |item| match &item.node {
            Node::Scalar(toml::Value::String(text)) => Some((text.clone(), item.span.clone())),
            _ => None,
        })
    }

    pub(super) fn required_text(
        &self,
        key: &str,
        example: &str,
        faults: &mut Vec<Fault>,
    ) -> Option<(String, Range<usize>)> {
        if self.table.get(key).is_none() {
            let message = format!("{} has no `{key}`", self.title);
            faults.push(
                Fault::new(self.span.clone(), message, format!("`{key}` is missing"))
                    .help(format!("add a line like `{key} = \"{example}\"`")),
            );
        }
        self.text(key, faults)
    }

    pub(super) fn boolean(&self, key: &str, faults: &mut Vec<Fault>) -> Option<bool> {
        self.read(key, "a boolean", faults, |item| match &item.node {
            Node::Scalar(toml::Value::Boolean(boolean)) => Some(*boolean),
            _ => None,
        })
    }

    /// A list of texts, each with its place.
    pub(super) fn texts(&self, key: &str, faults: &mut Vec<Fault>) -> Vec<(String, Range<usize>)> {
        let items = self.read(key, "a list of texts", faults, |item| match &item.node {
            Node::Array(items) => Some(items),
            _ => None,
        });
        let mut texts = Vec::new();
        for item in items.into_iter().flatten() {
            match &item.node {
                Node::Scalar(toml::Value::String(text)) => {
                    texts.push((text.clone(), item.span.clone()));
                }
                _ => faults.push(wrong_type(key, item, "a text")),
            }
        }
        texts
    }

    /// A table within the table.
    pub(super) fn section(
        &self,
        key: &str,
        title: String,
        faults: &mut Vec<Fault>,
    ) -> Option<Section<'d>> {
        self.table
            .get(key)
            .and_then(|entry| Section::of(title, entry, faults))
    }

    fn read<T>(
        &self,
        key: &str,
        expected: &str,
        faults: &mut Vec<Fault>,
        take: impl FnOnce(&'d Item) -> Option<T>,
    ) -> Option<T> {
        let item = &self.table.get(key)?.item;
        let taken = take(item);
        if taken.is_none() {
            faults.push(wrong_type(key, item, expected));
        }
        taken
    }
}

pub(super) fn wrong_type(key: &str, item: &Item, expected: &str) -> Fault {
    let message = format!("`{key}` must be {expected}, but is {}", item.kind());
    Fault::new(item.span.clone(), message, format!("expected {expected}"))
}

/// The candidate that is most like a word, if one is near enough to be meant.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| {
            // A third of the word may be wrong; more is another word.
            *distance * 3 <= word.len().max(candidate.len()).max(3)
                || (word.len() >= 3 && candidate.starts_with(word))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// "`a`, `b`".
pub(crate) fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_the_word_that_was_meant() {
        let known = ["plugin", "connection", "config"];
        assert_eq!(nearest("pluign", known), Some("plugin"));
        assert_eq!(nearest("conection", known), Some("connection"));
        assert_eq!(nearest("conf", known), Some("config"));
        assert_eq!(nearest("colour", known), None);
    }
}
