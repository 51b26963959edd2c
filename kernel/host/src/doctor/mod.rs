//! What this machine can do for a system, and why not: one check a line, each with what to do.

mod access;
mod board;
mod cgroup;
mod machine;
mod sm4;
mod toolchain;

use serde::Serialize;

pub use board::board;
pub use cgroup::{GroupLimit, group_limit};
pub use machine::machine;
pub use sm4::Sm4;
pub use toolchain::toolchain;
pub use weihe_hal::Root;

/// How a check ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// In order.
    Ok,
    /// Something will not work, which not every system needs.
    Warn,
    /// Nothing will work.
    Fail,
}

/// One line of the doctor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub what: String,
    /// How it is.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to do; empty where nothing is to be done.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub advice: String,
}

impl Finding {
    /// A line that is in order.
    pub fn ok(what: &str, found: impl Into<String>) -> Self {
        Self {
            what: what.to_owned(),
            verdict: Verdict::Ok,
            found: found.into(),
            advice: String::new(),
        }
    }

    /// A line that limits what works.
    pub fn warn(what: &str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Warn,
            advice: advice.into(),
            ..Self::ok(what, found)
        }
    }

    /// A line that lets nothing work.
    pub fn fail(what: &str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Fail,
            ..Self::warn(what, found, advice)
        }
    }
}

#[cfg(test)]
mod tests;
