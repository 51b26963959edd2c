//! Pulse-width modulation: what a backend offers.

use weihe_kernel::failsafe::GuardedLine;

use crate::error::HalError;

/// An open channel. Times are in nanoseconds.
pub trait PwmChannel: Send + Sync {
    /// Sets period and width.
    fn set(&self, period: u64, width: u64) -> Result<(), HalError>;

    /// Switches it on or off.
    fn enable(&self, on: bool) -> Result<(), HalError>;

    /// The period as the hardware has it.
    fn period(&self) -> Result<u64, HalError>;

    /// The width as the hardware has it.
    fn width(&self) -> Result<u64, HalError>;

    /// Whether operations may take long: drivers may wait for the end of a period, or for a bus.
    fn blocks(&self) -> bool {
        false
    }

    /// Is another number whenever what [`guarded`](Self::guarded) gives has become something else. Must not wait.
    fn renewal(&self) -> u64 {
        0
    }

    /// How another process sets a width, or switches the channel off, after this one died.
    fn guarded(&self, width: Option<u64>) -> Option<GuardedLine>;
}
