//! How a command ends, and how its failure is shown.

use std::fmt::Write as _;
use std::io::IsTerminal;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};

use crate::config::LoadError;

/// How a command ends when nothing went wrong with the command itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Exit code 0.
    Done,
    /// What was asked about is not in order, and that has been printed: exit code 1.
    Failed,
}

/// Why a command ended.
#[derive(Debug)]
pub enum Failure {
    /// It failed: exit code 1.
    Failed(Box<dyn Diagnostic + Send + Sync>),
    /// It was called wrongly: exit code 2.
    Usage(Box<dyn Diagnostic + Send + Sync>),
}

impl Failure {
    /// A failure with what to do.
    pub fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Failed(Box::new(Said {
            message: message.into(),
            help: Some(help.into()),
        }))
    }

    /// A failure that explains itself.
    pub fn plain(message: impl Into<String>) -> Self {
        Self::Failed(Box::new(Said {
            message: message.into(),
            help: None,
        }))
    }

    /// A wrong call.
    pub fn usage(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Usage(Box::new(Said {
            message: message.into(),
            help: Some(help.into()),
        }))
    }

    /// The diagnostic.
    pub fn diagnostic(&self) -> &(dyn Diagnostic + Send + Sync) {
        match self {
            Self::Failed(diagnostic) | Self::Usage(diagnostic) => diagnostic.as_ref(),
        }
    }

    /// For `--json`: `{"error": {"message": …, "help": …, "problems": […]}}`.
    pub fn to_json(&self) -> serde_json::Value {
        let diagnostic = self.diagnostic();
        let mut error = serde_json::json!({
            "message": sentence(diagnostic),
            "help": diagnostic.help().map(|help| help.to_string()),
        });
        if let Some(LoadError::Invalid(invalid)) = self.as_load_error() {
            error["problems"] = invalid
                .problems()
                .iter()
                .map(super::super::config::Problem::to_json)
                .collect();
        }
        serde_json::json!({ "error": error })
    }

    fn as_load_error(&self) -> Option<&LoadError> {
        let error: &(dyn std::error::Error + 'static) = match self {
            Self::Failed(diagnostic) | Self::Usage(diagnostic) => diagnostic.as_error(),
        };
        error.downcast_ref()
    }
}
