//! Points in time and spans of time, in nanoseconds.

mod duration;
mod timestamp;

pub use duration::{Duration, DurationError};
pub use timestamp::{Timestamp, TimestampError};

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
