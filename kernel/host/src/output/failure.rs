//! How a command ends, and how its failure is shown.

use std::fmt::Write as _;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};

use super::shown::Shown;
use super::{Style, width};
use crate::config::{BoardFileError, LoadError, Problem};
use crate::language::{Language, Text, current, label, say};

/// How a command ends when nothing went wrong with the command itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Exit code 0.
    Done,
    /// What was asked about is not in order, and that has been printed: exit code 1.
    Failed,
}

/// Why a command ended: a sentence that names the culprit, and what to do.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Whether the command was called wrongly (exit code 2) or failed (exit code 1).
    pub usage: bool,
    /// What is wrong.
    pub message: Text,
    /// What to do.
    pub help: Option<Text>,
    /// The places in files where it is wrong.
    pub problems: Vec<Problem>,
    /// What `--json` prints in place of an error, where the command has a form of its own.
    pub answer: Option<serde_json::Value>,
}

impl Failure {
    /// A failure that explains itself.
    pub fn plain(message: impl Into<Text>) -> Self {
        Self {
            usage: false,
            message: message.into(),
            help: None,
            problems: Vec::new(),
            answer: None,
        }
    }

    /// A failure with what to do.
    pub fn new(message: impl Into<Text>, help: impl Into<Text>) -> Self {
        let mut failure = Self::plain(message);
        failure.help = Some(help.into());
        failure
    }

    /// A wrong call of the command.
    pub fn usage(message: impl Into<Text>, help: impl Into<Text>) -> Self {
        let mut failure = Self::new(message, help);
        failure.usage = true;
        failure
    }

    /// The exit code of the process.
    pub fn exit_code(&self) -> u8 {
        if self.usage { 2 } else { 1 }
    }

    /// For `--json`: `{"error": {"message": …, "help": …, "problems": […]}}`.
    pub fn to_json(&self) -> serde_json::Value {
        if let Some(answer) = &self.answer {
            return answer.clone();
        }
        // English whatever people read: scripts compare it, and it is searched for.
        let help = self.help.as_ref().map(Text::english);
        let mut error = serde_json::json!({ "message": self.message.english(), "help": help });
        if !self.problems.is_empty() {
            error["problems"] = self.problems.iter().map(Problem::to_json).collect();
        }
        serde_json::json!({ "error": error })
    }

    /// For people.
    pub fn render(&self, style: Style) -> String {
        let mut text = String::new();
        for problem in &self.problems {
            text.push_str(&render_problem(problem, style));
        }
        let error = say::label_error();
        let _ = writeln!(text, "{}", label(style.bad(&error), &error, &self.message));
        if let Some(help) = &self.help {
            let _ = writeln!(text, "{}", helped(help, style));
        }
        text
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        let mut failure = Self::plain(error.to_string());
        failure.help = error.help().map(Text::told);
        if let LoadError::Invalid(invalid) = error {
            failure.problems = invalid.into_problems();
        }
        failure
    }
}

impl From<BoardFileError> for Failure {
    fn from(error: BoardFileError) -> Self {
        let mut failure = Self::plain(error.to_string());
        if let BoardFileError::Wrong(problems) = error {
            failure.problems = problems;
        }
        failure
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        let mut failure = Self::plain(problem.to_string());
        failure.problems = vec![problem];
        failure
    }
}

/// What to do, under what is wrong: the colons stand below one another.
fn helped(help: &Text, style: Style) -> String {
    let heading = say::label_help();
    let fill = width(&say::label_error().to_string()).saturating_sub(width(&heading.to_string()));
    let shown = format!("{}{}", " ".repeat(fill), style.code(&heading));
    label(shown, &heading, help)
}

/// A problem with its line of the file underlined.
pub fn render_problem(problem: &Problem, style: Style) -> String {
    let theme = if style.colour() {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let mut text = String::new();
    let shown = GraphicalReportHandler::new_themed(theme)
        .with_links(false)
        .render_report(&mut text, &Shown::of(problem));
    if shown.is_err() {
        text = format!(
            "{}:{}: {}\n",
            problem.path().display(),
            problem.line(),
            Text::told(problem)
        );
    }
    if current() != Language::English
        && let Some(help) = problem.help()
    {
        let heading = say::label_help();
        let help = label(style.code(&heading), &heading, Text::told(help));
        let _ = writeln!(text, "  {help}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_and_what_to_do_in_text_and_json() {
        let failure = Failure::usage("`xy` is not hexadecimal", "write octets like `01 03`");
        assert_eq!(failure.exit_code(), 2);
        let text = failure.render(Style::PLAIN);
        assert_eq!(
            text,
            "error: `xy` is not hexadecimal\n help: write octets like `01 03`\n"
        );
        assert_eq!(
            failure.to_json(),
            serde_json::json!({"error": {
                "message": "`xy` is not hexadecimal",
                "help": "write octets like `01 03`",
            }})
        );
    }
}
