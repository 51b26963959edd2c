//! Keys for tests.

pub(crate) mod seam;
mod setup;

pub use setup::TestKey;
