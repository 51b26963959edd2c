//! Digital lines: what a backend offers.

use std::sync::Arc;

use weihe_kernel::failsafe::GuardedLine;

use crate::error::HalError;

/// The resistor at an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Bias {
    /// As it is.
    #[default]
    AsIs,
    /// None.
    Disabled,
    /// To the supply.
    PullUp,
    /// To ground.
    PullDown,
}

/// Which edges are reported; of the logical value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Edges {
    /// None.
    #[default]
    None,
    /// The line becomes active.
    Rising,
    /// It becomes inactive.
    Falling,
    /// Both.
    Both,
}

impl Edges {
    /// Whether an edge to this value is among them.
    pub fn has(self, active: bool) -> bool {
        match self {
            Self::None => false,
            Self::Rising => active,
            Self::Falling => !active,
            Self::Both => true,
        }
    }
}

/// How an output drives its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Drive {
    /// Both levels.
    #[default]
    PushPull,
    /// Only low.
    OpenDrain,
    /// Only high.
    OpenSource,
}

/// What a line is used as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// An input.
    Input {
        /// The resistor.
        bias: Bias,
        /// Which edges are reported.
        edges: Edges,
        /// For how long the line must be steady, in nanoseconds; 0 for not at all.
        debounce: u64,
    },
    /// An output.
    Output {
        /// How it is driven.
        drive: Drive,
        /// The logical value that it is set to at once; an output that is one already keeps its value
        /// without one, and others become inactive.
        initial: Option<bool>,
    },
}

/// How a line is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineConfig {
    /// Whether the lower voltage is active.
    pub active_low: bool,
    /// What it is used as.
    pub mode: Mode,
}

impl LineConfig {
    /// Whether changing from `self` to `new` asks nothing of the hardware: the same, but for the initial
    /// value, which a line that is held already does not take on.
    pub fn is_kept_by(&self, new: &Self) -> bool {
        let without_initial = |config: &Self| Self {
            mode: match config.mode {
                Mode::Output { drive, .. } => Mode::Output {
                    drive,
                    initial: None,
                },
                input @ Mode::Input { .. } => input,
            },
            ..*config
        };
        without_initial(self) == without_initial(new)
    }
}

/// An edge as it was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// When, in nanoseconds since 1970.
    pub time: u64,
    /// What the line has become, logically.
    pub active: bool,
    /// How many edges of the line were missed just before.
    pub missed: u64,
}

/// Where a line's edges go, in their order. It must not block.
pub type EdgeSink = Arc<dyn Fn(&[Edge]) + Send + Sync>;

/// An open line. Values are logical. Dropping it releases the line.
pub trait Line: Send + Sync {
    /// Whether it is active.
    fn read(&self) -> Result<bool, HalError>;

    /// Sets an output.
    fn write(&self, active: bool) -> Result<(), HalError>;

    /// Changes how it is used. When it cannot be, everything stays as it was.
    fn configure(&self, config: &LineConfig) -> Result<(), HalError>;

    /// Takes the line again when its hardware had vanished and is back. Called when its device opens it again.
    fn revive(&self) -> Result<(), HalError> {
        Ok(())
    }

    /// Whether operations may take long now: lines of an expander on a slow bus, and those that have vanished and
    /// are looked for.
    fn blocks(&self) -> bool {
        false
    }

    /// Is another number whenever what [`guarded`](Self::guarded) gives has become something else. Must not wait.
    fn renewal(&self) -> u64 {
        0
    }

    /// How another process sets the logical value of an output after this one died.
    fn guarded(&self, active: bool) -> Option<GuardedLine>;
}
