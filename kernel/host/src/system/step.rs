//! What is done to a system, step by step.

use serde::{Deserialize, Serialize};

use super::start::Part;

/// What is done with a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// A device is stopped, in order.
    Stop,
    /// A plugin is forgotten.
    Unload,
    /// A connection is closed.
    Close,
    /// A connection is opened.
    Open,
    /// A plugin is loaded.
    Load,
    /// A plugin's devices run another version, without a gap.
    Swap,
    /// A device is started.
    Start,
}

impl Act {
    /// In one word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Unload => "unload",
            Self::Close => "close",
            Self::Open => "open",
            Self::Load => "load",
            Self::Swap => "swap",
            Self::Start => "start",
        }
    }
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What is done.
    pub act: Act,
    /// With what kind of part.
    pub part: Part,
    /// Its name.
    pub name: String,
    /// Why, or to what; may be empty.
    pub why: String,
}
