//! Keys for tests.

pub mod seam;
mod setup;

pub use setup::TestKey;
