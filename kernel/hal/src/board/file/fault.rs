//! What is wrong with a board file.

use std::ops::Range;

use crate::board::names::nearest;

/// One thing that is wrong with a board file, with its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FileFault {
    /// One sentence that names the culprit.
    pub message: String,
    /// The bytes of the file that it is about.
    pub span: Range<usize>,
    /// What stands under them.
    pub label: &'static str,
    /// What to do.
    pub help: Option<String>,
}

impl FileFault {
    pub(super) fn new(span: Range<usize>, message: impl Into<String>, label: &'static str) -> Self {
        Self {
            message: message.into(),
            span,
            label,
            help: None,
        }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// What the reader of TOML refuses, or what does not have the shape of a board file.
    pub(super) fn of_toml(text: &str, error: &toml::de::Error) -> Self {
        let span = error.span().unwrap_or(0..0);
        let message = error.message();
        if let Some(fault) = Self::unknown(text, span.clone(), message) {
            return fault;
        }
        if let Some(key) =
            quoted(message.strip_prefix("missing field ").unwrap_or_default()).first()
        {
            let message = format!("this table has no `{key}`");
            return Self::new(span, message, "something is missing");
        }
        if let Some(rest) = message.strip_prefix("invalid type: ") {
            let expected = rest.rsplit_once("expected ").map_or(rest, |(_, last)| last);
            // In the words of TOML, not of Rust.
            let expected = match expected {
                "u32" | "u64" | "usize" => "a whole number",
                other => other,
            };
            let found = rest.split(',').next().unwrap_or_default();
            let message = format!("this must be {expected}, but is {found}");
            return Self::new(span, message, "of another kind");
        }
        let first = message.lines().next().unwrap_or_default();
        Self::new(span, format!("this is no board file: {first}"), "here")
    }

    fn unknown(text: &str, span: Range<usize>, message: &str) -> Option<Self> {
        let names = quoted(message.strip_prefix("unknown field ")?);
        let (key, known) = names.split_first()?;
        // The span may be that of the whole entry.
        let here = text.get(span.clone()).unwrap_or_default();
        let at = here.find(*key).map_or(span.clone(), |at| {
            span.start + at..span.start + at + key.len()
        });
        let fault = Self::new(
            at,
            format!("a board file has no key `{key}` here"),
            "unknown key",
        );
        let help = match nearest(key, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                let known: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
                format!("known keys: {}", known.join(", "))
            }
        };
        Some(fault.help(help))
    }
}

/// What stands between grave accents.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}
