//! The engine in virtual time, over streams in memory: nothing here waits for real.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod late;
mod leaving;
mod line;
mod link;
mod listener;
mod log;
mod outcomes;
mod rig;
mod turns;
