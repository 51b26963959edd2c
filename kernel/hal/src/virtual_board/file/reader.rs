//! Reading one table: each key once, each wrong one reported.

use std::cell::RefCell;
use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use weihe_kernel::units::Span;

use super::error::BoardFault;
use crate::virtual_board::core::similar;
use crate::virtual_board::world::{Source, World};

/// A file that is being read.
pub struct Reader<'d> {
    text: &'d str,
    faults: RefCell<Vec<(usize, BoardFault)>>,
}

impl<'d> Reader<'d> {
    /// Begins.
    pub fn new(text: &'d str) -> Self {
        Self {
            text,
            faults: RefCell::default(),
        }
    }

    /// Reports something.
    pub fn fault(&self, span: Range<usize>, message: impl Into<String>, help: Option<String>) {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let fault = BoardFault {
            line: before.matches('\n').count() + 1,
            column: before.get(start..).unwrap_or_default().chars().count() + 1,
            message: message.into(),
            help,
        };
        self.faults.borrow_mut().push((span.start, fault));
    }

    /// What was reported, in the order of the file.
    pub fn faults(&self) -> Vec<BoardFault> {
        let mut faults = self.faults.borrow().clone();
        faults.sort_by_key(|(place, _)| *place);
        faults.into_iter().map(|(_, fault)| fault).collect()
    }

    /// A table to be read.
    pub fn section(
        &'d self,
        title: impl Into<String>,
        table: &'d DeTable<'d>,
        span: Range<usize>,
    ) -> Section<'d> {
        Section {
            reader: self,
            title: title.into(),
            table,
            span,
            known: RefCell::default(),
        }
    }
}

/// A value of the file, and where it stands.
pub type Item<'d> = &'d Spanned<DeValue<'d>>;

/// A table of the file.
pub struct Section<'d> {
    pub reader: &'d Reader<'d>,
    /// What it is, for messages.
    pub title: String,
    table: &'d DeTable<'d>,
    /// Where it stands.
    pub span: Range<usize>,
    known: RefCell<Vec<&'static str>>,
}

/// A number, of either kind.
pub fn number_of(item: Item<'_>) -> Option<f64> {
    let number = match item.get_ref() {
        DeValue::Float(number) => number.as_str().replace('_', "").parse().ok()?,
        DeValue::Integer(_) => integer_of(item)? as f64,
        _ => return None,
    };
    f64::is_finite(number).then_some(number)
}

/// A whole number.
pub fn integer_of(item: Item<'_>) -> Option<i64> {
    match item.get_ref() {
        DeValue::Integer(number) => {
            i64::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok()
        }
        _ => None,
    }
}

/// A text.
pub fn text_of<'d>(item: Item<'d>) -> Option<&'d str> {
    item.get_ref().as_str()
}

/// An address or a byte: a number, or a text like "0x44".
pub fn address_of(text: &str) -> Option<u16> {
    match text.strip_prefix("0x") {
        Some(digits) => u16::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

impl<'d> Section<'d> {
    /// What stands at a key.
    pub fn get(&self, key: &'static str) -> Option<Item<'d>> {
        self.known.borrow_mut().push(key);
        self.table.get(key)
    }

    /// All entries, where the keys are names.
    pub fn entries(&self) -> impl Iterator<Item = (&'d str, Range<usize>, Item<'d>)> {
        self.table
            .iter()
            .map(|(key, item)| (&**key.get_ref(), key.span(), item))
    }

    fn wrong(&self, key: &str, item: Item<'_>, expected: &str) {
        let kind = item.get_ref().type_str();
        let article = match kind.starts_with(['a', 'e', 'i', 'o']) {
            true => "an",
            false => "a",
        };
        let message = format!(
            "`{key}` of {} must be {expected}, but is {article} {kind}",
            self.title
        );
        self.reader.fault(item.span(), message, None);
    }

    /// Reports something at a key's value, or at the table where there is none.
    pub fn refuse(&self, key: &'static str, message: impl Into<String>, help: Option<String>) {
        let span = self
            .table
            .get(key)
            .map_or(self.span.clone(), |item| item.span());
        self.reader.fault(span, message, help);
    }

    /// Reports that a key is missing.
    pub fn missing(&self, key: &str, example: &str) {
        let message = format!("{} has no `{key}`", self.title);
        let help = format!("add a line like `{key} = {example}`");
        self.reader.fault(self.span.clone(), message, Some(help));
    }

    fn read<T>(
        &self,
        key: &'static str,
        expected: &str,
        read: impl FnOnce(Item<'d>) -> Option<T>,
    ) -> Option<T> {
        let item = self.get(key)?;
        let value = read(item);
        if value.is_none() {
            self.wrong(key, item, expected);
        }
        value
    }

    /// A text.
    pub fn text(&self, key: &'static str) -> Option<String> {
        self.read(key, "a text", text_of).map(str::to_owned)
    }

    /// A text, or several.
    pub fn texts(&self, key: &'static str) -> Vec<(String, Range<usize>)> {
        let item = self.get(key);
        let mut texts = Vec::new();
        let items = match item.map(|item| (item, item.get_ref())) {
            None => return texts,
            Some((_, DeValue::Array(items))) => items.iter().collect(),
            Some((item, _)) => vec![item],
        };
        for item in items {
            match text_of(item) {
                Some(text) => texts.push((text.to_owned(), item.span())),
                None => self.wrong(key, item, "a text, or a list of them"),
            }
        }
        texts
    }

    /// True or false.
    pub fn boolean(&self, key: &'static str) -> Option<bool> {
        self.read(key, "true or false", |item| item.get_ref().as_bool())
    }

    /// A whole number within bounds.
    pub fn integer(&self, key: &'static str, range: RangeInclusive<i64>) -> Option<i64> {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        let number = self.read(key, &expected, integer_of)?;
        if range.contains(&number) {
            return Some(number);
        }
        let message = format!(
            "`{key}` of {} is {number}, and must be {expected}",
            self.title
        );
        self.refuse(key, message, None);
        None
    }

    /// A number.
    pub fn number(&self, key: &'static str) -> Option<f64> {
        self.read(key, "a number", number_of)
    }

    /// A number that must be there.
    pub fn required_number(&self, key: &'static str) -> f64 {
        if !self.table.contains_key(key) {
            self.missing(key, "21.5");
        }
        self.number(key).unwrap_or_default()
    }

    /// A span of time, in nanoseconds.
    pub fn span(&self, key: &'static str) -> Option<u64> {
        let item = self.get(key)?;
        self.span_of(key, item)
    }

    /// A span of time at an item.
    pub fn span_of(&self, key: &str, item: Item<'d>) -> Option<u64> {
        match text_of(item).map(str::parse::<Span>) {
            Some(Ok(span)) => return Some(span.nanoseconds()),
            Some(Err(message)) => self.reader.fault(item.span(), message, None),
            None => self.wrong(key, item, "a span of time like \"250ms\""),
        }
        None
    }

    /// One of several words.
    pub fn choice(&self, key: &'static str, words: &[&'static str]) -> Option<&'static str> {
        let text = self.text(key)?;
        let found = words.iter().find(|word| **word == text).copied();
        if found.is_none() {
            let message = format!("`{key}` of {} cannot be \"{text}\"", self.title);
            self.refuse(key, message, Some(meant(&text, words.iter().copied())));
        }
        found
    }

    /// A number, or the name of a value of the world.
    pub fn source(&self, key: &'static str, world: &World) -> Option<Source> {
        let item = self.get(key)?;
        if let Some(number) = number_of(item) {
            return Some(Source::Fixed(number));
        }
        let Some(name) = text_of(item) else {
            self.wrong(key, item, "a number or the name of a value of the world");
            return None;
        };
        let found = world.get(name).cloned();
        if found.is_none() {
            let message = format!("there is no value `{name}` in the world");
            let help = meant(name, world.keys().map(String::as_str));
            self.reader.fault(item.span(), message, Some(help));
        }
        found.map(Source::World)
    }

    /// The same, with what is taken where nothing is written: the world's value of this name, or a number.
    pub fn source_or(&self, key: &'static str, world: &World, otherwise: f64) -> Source {
        let given = self.source(key, world);
        let own = || world.get(key).cloned().map(Source::World);
        given.or_else(own).unwrap_or(Source::Fixed(otherwise))
    }

    /// A table within.
    pub fn sub(&self, key: &'static str, title: impl Into<String>) -> Option<Section<'d>> {
        let item = self.get(key)?;
        self.table_of(key, item, title)
    }

    /// A table at an item.
    pub fn table_of(
        &self,
        key: &str,
        item: Item<'d>,
        title: impl Into<String>,
    ) -> Option<Section<'d>> {
        match item.get_ref() {
            DeValue::Table(table) => Some(self.reader.section(title, table, item.span())),
            _ => {
                self.wrong(key, item, "a table");
                None
            }
        }
    }

    /// Reports every key that nobody has asked for.
    pub fn finish(&self) {
        let known = self.known.borrow();
        for (key, span, _) in self.entries() {
            if !known.contains(&key) {
                let message = format!("unknown key `{key}` in {}", self.title);
                let help = meant(key, known.iter().copied());
                self.reader.fault(span, message, Some(help));
            }
        }
    }
}

/// What was probably meant, or what there is.
pub fn meant<'k>(word: &str, known: impl Iterator<Item = &'k str> + Clone) -> String {
    match similar(word, known.clone()).first() {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let mut all: Vec<&str> = known.collect();
            all.sort_unstable();
            all.dedup();
            match all.as_slice() {
                [] => "there are none".to_owned(),
                all => format!("there are {}", all.join(", ")),
            }
        }
    }
}
