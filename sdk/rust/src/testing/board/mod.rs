//! The board of native tests.

pub(crate) mod seam;
