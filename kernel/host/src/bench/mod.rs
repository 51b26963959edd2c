//! What this machine makes of changes of versions: measured with a kernel of its own, touching no system.

mod figures;
mod stand;
mod swap;
mod takeover;
mod traffic;

pub use figures::{Row, table};
pub use swap::{Astray, Report, measure};
pub use takeover::Takeovers;

/// The component that is measured when no other is named: it passes events on, counts them in its state, and
/// traps when it is told to. Made of `tests/guests/versions`; a test there compares the two.
pub const BUILT_IN: &[u8] = include_bytes!("relay.wasm");

/// Where the built-in component listens.
pub const BUILT_IN_INPUT: &str = "bench/in";

/// What is measured, and how long.
#[derive(Debug, Clone)]
pub struct Options {
    /// The component's file; none for [`BUILT_IN`].
    pub component: Option<Vec<u8>>,
    /// The configuration of its devices.
    pub config: serde_json::Value,
    /// The topic on which they are sent events.
    pub input: String,
    /// Events a second while versions change.
    pub rate: u64,
    /// Few samples: to see whether it works, not to quote.
    pub quick: bool,
}

/// Why nothing came of it.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The operating system refuses.
    #[error("{what}: {source}")]
    Io {
        /// What failed.
        what: String,
        /// What it says.
        source: std::io::Error,
    },
    /// The bus refuses.
    #[error("{0}")]
    Bus(String),
    /// The kernel does not start.
    #[error(transparent)]
    Kernel(#[from] weihe_kernel::KernelError),
    /// The file is no plugin.
    #[error(transparent)]
    Load(#[from] weihe_kernel::LoadError),
    /// A device does not start.
    #[error(transparent)]
    Device(#[from] weihe_kernel::DeviceError),
    /// A version is refused.
    #[error(transparent)]
    Swap(Box<weihe_kernel::SwapError>),
    /// The component publishes nothing.
    #[error(
        "the component publishes nothing when it gets an event, so there is nothing to measure"
    )]
    Silent,
    /// A version that trapped on probation was not taken back.
    #[error("host bug: a version that trapped on probation was not taken back")]
    Stays,
}

impl From<weihe_kernel::SwapError> for BenchError {
    fn from(error: weihe_kernel::SwapError) -> Self {
        Self::Swap(Box::new(error))
    }
}
