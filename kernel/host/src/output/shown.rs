//! A problem in the language of who reads it.

use std::fmt;

use miette::{Diagnostic, LabeledSpan, Severity, SourceCode};

use crate::config::Problem;
use crate::language::{Language, Text, current};

/// A problem as it is shown: the same places, with words in the language of this process.
#[derive(Debug)]
pub(super) struct Shown<'p> {
    problem: &'p Problem,
    message: String,
    help: Option<String>,
    labels: Option<Vec<LabeledSpan>>,
}

impl<'p> Shown<'p> {
    pub(super) fn of(problem: &'p Problem) -> Self {
        let translated = |span: LabeledSpan| {
            let words = span.label().filter(|words| !words.is_empty());
            let words = words.map(|words| Text::told(words).to_string());
            match span.primary() {
                true => LabeledSpan::new_primary_with_span(words, *span.inner()),
                false => LabeledSpan::new_with_span(words, *span.inner()),
            }
        };
        Self {
            problem,
            message: Text::told(problem).to_string(),
            // Miette heads it in English.
            help: match current() {
                Language::English => problem.help().map(|help| help.to_string()),
                Language::Chinese => None,
            },
            labels: problem.labels().map(|all| all.map(translated).collect()),
        }
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let help = self.help.as_ref()?;
        Some(Box::new(help))
    }

    fn severity(&self) -> Option<Severity> {
        self.problem.severity()
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.problem.source_code()
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.as_ref()?.iter().cloned()))
    }
}
