//! What is wrong with a text, and where.

use super::writer::quoted;
use crate::number;
use serde::de::{Expected, Unexpected};
use std::fmt;

/// What is wrong, in words, and the path to it.
#[derive(Debug)]
pub(crate) struct Fault(Box<Inner>);

#[derive(Debug)]
struct Inner {
    words: String,
    /// Grows from its end, as the error goes up.
    path: String,
    /// Where a name is none of these.
    names: Option<&'static [&'static str]>,
}

impl Fault {
    #[cold]
    #[inline(never)]
    pub(crate) fn new(words: String) -> Self {
        Fault(Box::new(Inner {
            words,
            path: String::new(),
            names: None,
        }))
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn text(words: &str) -> Self {
        Fault::new(words.to_owned())
    }

    /// It is in the value of this key.
    #[cold]
    #[inline(never)]
    pub(super) fn in_key(mut self, key: &str) -> Self {
        // A key that would read as several steps is quoted as in TOML, so that whoever reads the
        // path finds it.
        let odd = key.contains(['.', '[', ']', '`', '\\', '"']) || key.is_empty();
        let key = match odd {
            true => quoted(key),
            false => key.to_owned(),
        };
        let path = &mut self.0.path;
        if !path.is_empty() && !path.starts_with('[') {
            path.insert(0, '.');
        }
        path.insert_str(0, &key);
        self
    }

    /// It is in this element of an array.
    #[cold]
    #[inline(never)]
    pub(super) fn in_element(mut self, index: usize) -> Self {
        let path = &mut self.0.path;
        if !path.is_empty() && !path.starts_with('[') {
            path.insert(0, '.');
        }
        path.insert_str(0, &format!("[{index}]"));
        self
    }

    /// The names among which the right one would have been, where the fault is a wrong name.
    pub(crate) fn names(&self) -> Option<&'static [&'static str]> {
        self.0.names
    }

    /// The whole of it.
    pub(crate) fn into_text(self) -> String {
        if self.0.path.is_empty() {
            return self.0.words;
        }
        format!("`{}`: {}", self.0.path, self.0.words)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.words)
    }
}

impl std::error::Error for Fault {}

impl serde::de::Error for Fault {
    #[cold]
    fn custom<T: fmt::Display>(words: T) -> Self {
        Fault::new(words.to_string())
    }

    // The words of serde, without its code for numbers and quoted texts.

    #[cold]
    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Fault::new(format!(
            "invalid type: {}, expected {expected}",
            shown(found)
        ))
    }

    #[cold]
    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Fault::new(format!(
            "invalid value: {}, expected {expected}",
            shown(found)
        ))
    }

    #[cold]
    fn unknown_variant(found: &str, expected: &'static [&'static str]) -> Self {
        let mut fault = Fault::new(format!("unknown variant `{found}`{}", one_of(expected)));
        fault.0.names = Some(expected);
        fault
    }

    #[cold]
    fn unknown_field(found: &str, expected: &'static [&'static str]) -> Self {
        Fault::new(match expected {
            [] => format!("unknown field `{found}`, there are none"),
            _ => format!("unknown field `{found}`{}", one_of(expected)),
        })
    }
}

/// The end of a sentence: `, expected one of …`.
pub(crate) fn one_of(names: &[&str]) -> String {
    let mut text = String::new();
    for (index, name) in names.iter().enumerate() {
        text.push_str(match (index, names.len()) {
            (0, 1 | 2) => ", expected ",
            (0, _) => ", expected one of ",
            (_, 2) => " or ",
            _ => ", ",
        });
        for part in ["`", name, "`"] {
            text.push_str(part);
        }
    }
    text
}

/// A float as one: `1.0`. Without the point nobody would see what is wrong with it.
fn float(value: f64) -> String {
    let mut text = number::shortest(value);
    if text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'-')) {
        text.push_str(".0");
    }
    text
}

fn shown(found: Unexpected<'_>) -> String {
    let (kind, value) = match found {
        Unexpected::Bool(true) => ("boolean", "true".to_owned()),
        Unexpected::Bool(false) => ("boolean", "false".to_owned()),
        Unexpected::Unsigned(value) => ("integer", value.to_string()),
        Unexpected::Signed(value) => ("integer", value.to_string()),
        Unexpected::Float(value) => ("floating point", float(value)),
        Unexpected::Char(value) => ("character", value.into()),
        Unexpected::Str(text) => return format!("string {}", quoted(text)),
        other => {
            let words = match other {
                Unexpected::Bytes(_) => "byte array",
                Unexpected::Unit => "null",
                Unexpected::Option => "an option",
                Unexpected::NewtypeStruct => "a newtype",
                Unexpected::Seq => "sequence",
                Unexpected::Map => "map",
                Unexpected::Other(words) => words,
                _ => "a variant of another shape",
            };
            return words.to_owned();
        }
    };
    format!("{kind} `{value}`")
}
