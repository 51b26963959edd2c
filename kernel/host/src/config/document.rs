//! A TOML file with the places of its keys and values.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{Fault, Source};

/// A value with its place in the file.
#[derive(Debug, Clone)]
pub struct Item {
    /// The bytes of the value; of a table, of the key in its header.
    pub span: Range<usize>,
    /// The value.
    pub node: Node,
}

/// A value.
#[derive(Debug, Clone)]
pub enum Node {
    /// Everything that has no items of its own.
    Scalar(toml::Value),
    /// `[a, b]`, also of tables.
    Array(Vec<Item>),
    /// A table, inline or with a header.
    Table(Entries),
}

/// A key with its value.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The bytes of the key.
    pub key_span: Range<usize>,
    /// What it is set to.
    pub item: Item,
}

impl Entry {
    pub(super) fn both(&self) -> (&Range<usize>, &Item) {
        (&self.key_span, &self.item)
    }
}

/// The entries of a table in the order of the file.
#[derive(Debug, Clone, Default)]
pub struct Entries(Vec<Entry>);

impl Entries {
    /// The entry of a key.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.key == key)
    }

    /// All entries in the order of the file.
    pub fn iter(&self) -> std::slice::Iter<'_, Entry> {
        self.0.iter()
    }

    /// The table without its places.
    pub fn to_toml(&self) -> toml::Table {
        self.0
            .iter()
            .map(|entry| (entry.key.clone(), entry.item.to_toml()))
            .collect()
    }
}

impl Item {
    /// The value without its places.
    pub fn to_toml(&self) -> toml::Value {
        match &self.node {
            Node::Scalar(value) => value.clone(),
            Node::Array(items) => toml::Value::Array(items.iter().map(Self::to_toml).collect()),
            Node::Table(entries) => toml::Value::Table(entries.to_toml()),
        }
    }

    /// What it is, with an article: for "expected a text, found an integer".
    pub fn kind(&self) -> &'static str {
        match &self.node {
            Node::Scalar(toml::Value::String(_)) => "a text",
            Node::Scalar(toml::Value::Integer(_)) => "an integer",
            Node::Scalar(toml::Value::Float(_)) => "a float",
            Node::Scalar(toml::Value::Boolean(_)) => "a boolean",
            Node::Scalar(toml::Value::Datetime(_)) => "a date or time",
            Node::Scalar(toml::Value::Array(_)) | Node::Array(_) => "a list",
            Node::Scalar(toml::Value::Table(_)) | Node::Table(_) => "a table",
        }
    }
}

/// A parsed TOML file.
#[derive(Debug, Clone)]
pub struct Document {
    root: Entries,
}

impl Document {
    /// Parses a file's text. The faults are all that the parser found; when they leave it clear
    /// what was meant, there is also a document to look into further.
    pub fn parse(path: &Path, text: &str) -> (Option<Self>, Source, Vec<Fault>) {
        let source = Source {
            path: path.to_path_buf(),
            text: Arc::from(text),
        };
        let (root, errors) = DeTable::parse_recoverable(text);
        let mut usable = true;
        let mut faults: Vec<Fault> = errors
            .iter()
            .map(|error| {
                let span = error.span().unwrap_or(0..0);
                if error.message() == DUPLICATE {
                    duplicate(text, span)
                } else {
                    usable = false;
                    let message = format!("this is not TOML: {}", error.message());
                    Fault::new(visible(text, span), message, "here")
                }
            })
            .collect();
        if !usable {
            // A key given twice may follow from what could not be read.
            faults.sort_by_key(|fault| fault.span.start);
            return (None, source, faults);
        }
        let root = entries(root.get_ref(), &mut faults);
        faults.sort_by_key(|fault| fault.span.start);
        (Some(Self { root }), source, faults)
    }

    /// The top of the file.
    pub fn root(&self) -> &Entries {
        &self.root
    }
}

/// The parser's word for a key that is given twice.
const DUPLICATE: &str = "duplicate key";

/// The entries of a table in the order of the file, without borrows.
fn entries(table: &DeTable<'_>, faults: &mut Vec<Fault>) -> Entries {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            key_span: key.span(),
            item: item(key.span(), value, faults),
        })
        .collect();
    entries.sort_by_key(|entry| entry.key_span.start);
    Entries(entries)
}

fn item(key: Range<usize>, value: &Spanned<DeValue<'_>>, faults: &mut Vec<Fault>) -> Item {
    let mut span = value.span();
    let node = match value.get_ref() {
        DeValue::String(text) => Node::Scalar(toml::Value::String(text.to_string())),
        DeValue::Boolean(boolean) => Node::Scalar(toml::Value::Boolean(*boolean)),
        DeValue::Datetime(time) => Node::Scalar(toml::Value::Datetime(*time)),
        DeValue::Integer(digits) => {
            let integer = i64::from_str_radix(digits.as_str(), digits.radix());
            if integer.is_err() {
                let message = format!("`{digits}` does not fit an integer of 64 bits");
                faults.push(Fault::new(span.clone(), message, "too large"));
            }
            Node::Scalar(toml::Value::Integer(integer.unwrap_or_default()))
        }
        DeValue::Float(digits) => {
            let float = digits.as_str().parse::<f64>();
            if float.is_err() {
                let message = format!("`{digits}` is not a float");
                faults.push(Fault::new(span.clone(), message, "not a float"));
            }
            Node::Scalar(toml::Value::Float(float.unwrap_or_default()))
        }
        DeValue::Array(items) => Node::Array(
            items
                .iter()
                .map(|value| item(value.span(), value, faults))
                .collect(),
        ),
        DeValue::Table(table) => {
            span = key;
            Node::Table(entries(table, faults))
        }
    };
    Item { span, node }
}

/// A key that is given twice, with the place of the first where it can be found: the line that
/// starts the same way.
fn duplicate(text: &str, span: Range<usize>) -> Fault {
    let key = text.get(span.clone()).unwrap_or_default().to_string();
    let line_start = text[..span.start]
        .rfind('\n')
        .map_or(0, |newline| newline + 1);
    // Up to and including the key: `[device.soil`, `plugin`.
    let beginning = text
        .get(line_start..span.end)
        .unwrap_or_default()
        .trim_start();
    let header = beginning.starts_with('[');
    let section = |offset: usize| text[..offset].rfind("\n[").map_or(0, |at| at + 1);
    let first = text[..line_start]
        .match_indices(beginning)
        .map(|(at, _)| at)
        .filter(|at| text[..*at].rfind('\n').map_or(0, |n| n + 1) == at - leading(text, *at))
        .filter(|at| {
            let next = text[at + beginning.len()..].chars().next();
            !next.is_some_and(|next| next.is_alphanumeric() || next == '-' || next == '_')
        })
        .find(|at| header || section(*at) == section(line_start));
    let mut fault = Fault::new(span, format!("`{key}` is given twice"), "the second");
    if let Some(at) = first {
        let end = at + beginning.len();
        fault = fault.other(end - key.len()..end, "the first");
    }
    fault.help("each name stands once in a table: rename one of them, or put them together")
}

/// The blanks between the start of a line and a place in it.
fn leading(text: &str, at: usize) -> usize {
    let before = &text[..at];
    before.len() - before.trim_end_matches([' ', '\t']).len()
}

/// At least one byte, so that there is something to underline.
fn visible(text: &str, span: Range<usize>) -> Range<usize> {
    if !span.is_empty() {
        return span;
    }
    match text[..span.start.min(text.len())]
        .trim_end_matches(['\n', '\r'])
        .len()
    {
        // At the end of a line: the last character before it.
        end if end < span.start || end == text.len() => {
            let start = text[..end]
                .char_indices()
                .next_back()
                .map_or(0, |(at, _)| at);
            start..end
        }
        start => {
            let length = text[start..].chars().next().map_or(0, char::len_utf8);
            start..start + length
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<Fault> {
        Document::parse(Path::new("weihe.toml"), text).2
    }

    #[test]
    fn a_table_given_twice_shows_both_places() {
        let text = "[device.soil2]\nplugin = \"a\"\n[device.soil]\nplugin = \"a\"\n[device.soil]\nplugin = \"b\"\n";
        let faults = faults(text);
        assert_eq!(faults[0].message, "`soil` is given twice");
        assert_eq!(&text[..faults[0].span.start].lines().count(), &5);
        assert_eq!(&text[faults[0].span.clone()], "soil");
        let first = faults[0].others[0].0.clone();
        assert_eq!(
            (&text[first.clone()], text[..first.start].lines().count()),
            ("soil", 3)
        );
    }

    #[test]
    fn a_key_given_twice_is_looked_for_in_its_own_table() {
        let text = "[a]\nx = 1\n[b]\nx = 1\nx = 2\n";
        let faults = faults(text);
        assert_eq!(
            (faults[0].span.start, faults[0].others[0].0.start),
            (20, 14)
        );
    }

    #[test]
    fn every_fault_of_the_syntax_is_reported_in_the_order_of_the_file() {
        let faults = faults("a = \nb = [1,\n\n[host\n");
        assert!(faults.len() >= 2, "{faults:?}");
        assert!(faults.is_sorted_by_key(|fault| fault.span.start));
        assert!(
            faults.iter().all(|fault| !fault.span.is_empty()),
            "{faults:?}"
        );
    }

    #[test]
    fn numbers_that_do_not_fit_are_named() {
        let faults = faults("a = 99999999999999999999\n");
        assert!(faults[0].message.contains("64 bits"), "{faults:?}");
    }

    proptest::proptest! {
        #[test]
        fn no_text_upsets_the_parser(text in "\\PC{0,80}|([a-z\\[\\]=\"'.#\n 0-9温]){0,80}") {
            let (document, source, faults) = Document::parse(Path::new("x"), &text);
            for fault in faults {
                let _ = format!("{:?}", miette::Report::new(source.problem(fault)));
            }
            if let Some(document) = document {
                document.locate("a.b.c");
            }
        }
    }
}
