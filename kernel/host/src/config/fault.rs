//! What is wrong with a configuration, where, and what to do about it.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, Severity, SourceCode};

/// One thing that is wrong, with its place in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// One sentence that names the culprit.
    pub message: String,
    /// The bytes of the file that are underlined.
    pub span: Range<usize>,
    /// What stands under them.
    pub label: String,
    /// Other places that matter (the first holder of a port), with what stands under them.
    pub others: Vec<(Range<usize>, String)>,
    /// What to do.
    pub help: Option<String>,
}

impl Fault {
    /// A fault without help.
    pub fn new(span: Range<usize>, message: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            span,
            label: label.into(),
            others: Vec::new(),
            help: None,
        }
    }

    /// Adds what to do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds what to do, where there is something to say.
    pub fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help;
        self
    }

    /// Adds another place.
    pub fn other(mut self, span: Range<usize>, label: impl Into<String>) -> Self {
        self.others.push((span, label.into()));
        self
    }
}

/// The file that faults point into.
#[derive(Debug, Clone)]
pub struct Source {
    /// As it is shown.
    pub path: PathBuf,
    /// What stands in it.
    pub text: Arc<str>,
}

impl Source {
    /// Line and column of a byte, both from 1; columns count characters.
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &self.text[..offset];
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (line, before[start..].chars().count() + 1)
    }

    /// The fault with the file it is in.
    pub fn problem(&self, fault: Fault) -> Problem {
        let (line, column) = self.position(fault.span.start);
        Problem {
            path: self.path.clone(),
            line,
            column,
            fault,
            severity: Severity::Error,
            source: NamedSource::new(self.path.display().to_string(), Arc::clone(&self.text))
                .with_language("TOML"),
        }
    }
}

/// A fault with the file it is in: a diagnostic that shows the line.
#[derive(Clone)]
pub struct Problem {
    path: PathBuf,
    line: usize,
    column: usize,
    fault: Fault,
    severity: Severity,
    source: NamedSource<Arc<str>>,
}

impl Problem {
    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Line from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Column from 1, in characters.
    pub fn column(&self) -> usize {
        self.column
    }

    /// What is wrong there.
    pub fn fault(&self) -> &Fault {
        &self.fault
    }

    /// Whether it is about the file as a whole, and no line of it.
    fn is_placeless(&self) -> bool {
        self.fault.label.is_empty() && self.fault.span == (0..0)
    }

    /// Where it is, for one line of text: `weihe.toml:12:5`.
    pub fn place(&self) -> String {
        let path = self.path.display();
        if self.is_placeless() {
            path.to_string()
        } else {
            format!("{path}:{}:{}", self.line, self.column)
        }
    }

    /// The same problem, with what became of it all the same.
    pub(crate) fn but(mut self, consequence: &str) -> Self {
        self.fault.message = format!("{}; {consequence}", self.fault.message);
        self
    }

    /// The same problem, as one that keeps nothing from starting.
    pub(crate) fn into_warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// For `--json`.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "file": self.path,
            "line": self.line,
            "column": self.column,
            "message": self.fault.message,
            "label": self.fault.label,
            "help": self.fault.help,
        })
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Problem")
            .field("path", &self.path)
            .field("line", &self.line)
            .field("fault", &self.fault)
            .finish()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fault.message)
    }
}

impl std::error::Error for Problem {}

impl Diagnostic for Problem {
    fn severity(&self) -> Option<Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.fault
            .help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        (!self.is_placeless()).then_some(&self.source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        if self.is_placeless() {
            return None;
        }
        let length = self.source.inner().len();
        let fit = move |span: &Range<usize>| {
            let start = span.start.min(length);
            (start, span.end.clamp(start, length) - start)
        };
        let main = fit(&self.fault.span);
        let main = LabeledSpan::new_primary_with_span(Some(self.fault.label.clone()), main);
        let others = self.fault.others.iter().map(move |(span, label)| {
            let (start, length) = fit(span);
            LabeledSpan::new(Some(label.clone()), start, length)
        });
        Some(Box::new(std::iter::once(main).chain(others)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        let source = Source {
            path: "weihe.toml".into(),
            text: "a = 1\n温 = 2".into(),
        };
        assert_eq!(source.position(0), (1, 1));
        assert_eq!(source.position(6), (2, 1));
        assert_eq!(source.position(7), (2, 1), "inside a character");
        assert_eq!(source.position(10), (2, 3));
        assert_eq!(source.position(1000), (2, 6));
    }
}
