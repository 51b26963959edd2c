#![allow(clippy::unwrap_used, clippy::panic)]

mod hardware;
mod source;
mod texts;
mod words;

use source::{Literal, literals};
