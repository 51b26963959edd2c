#![allow(clippy::unwrap_used, clippy::panic)]

mod source;
mod texts;
mod words;

use source::{Literal, literals};
