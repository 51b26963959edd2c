//! A `weihe.toml` that is not taken.

use crate::config::{FILE, LoadError, Problem};

/// A `weihe.toml` that is not taken. What runs is from before.
#[derive(Debug, thiserror::Error)]
#[error("{FILE} is not taken, and what runs stays as it is: {message}")]
pub struct Rejected {
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to do about it, where it has no place.
    pub help: Option<String>,
    /// All that is wrong, with its place.
    pub problems: Vec<Problem>,
}

impl From<LoadError> for Rejected {
    fn from(error: LoadError) -> Self {
        let message = error.to_string();
        let help = miette::Diagnostic::help(&error).map(|help| help.to_string());
        match error {
            LoadError::Invalid(invalid) => Self {
                message,
                help: None,
                problems: invalid.into_problems(),
            },
            _ => Self {
                message,
                help,
                problems: Vec::new(),
            },
        }
    }
}

impl From<Vec<Problem>> for Rejected {
    fn from(problems: Vec<Problem>) -> Self {
        let message = match problems.as_slice() {
            [problem] => problem.to_string(),
            problems => format!("{} faults", problems.len()),
        };
        Self {
            message,
            help: None,
            problems,
        }
    }
}
