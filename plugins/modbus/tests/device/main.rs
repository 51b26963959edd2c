//! The plugin on a fake kernel, against a unit that answers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bench;
mod commands;
mod config;
mod identify;
mod many;
mod masks;
mod places;
mod polls;
mod safe;
mod scan;
mod storm;
mod trouble;
