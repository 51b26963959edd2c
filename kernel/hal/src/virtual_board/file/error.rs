//! What is wrong with a description.

use std::fmt;

/// One thing that is wrong with a description, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardFault {
    /// The line, the first being 1.
    pub line: usize,
    /// The column, in characters, the first being 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What was probably meant, or what to do.
    pub help: Option<String>,
}

impl fmt::Display for BoardFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

/// Why a text describes no board: all that is wrong with it, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardError(pub Vec<BoardFault>);

impl fmt::Display for BoardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for BoardError {}
