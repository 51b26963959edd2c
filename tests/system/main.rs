//! The whole system, as a user meets it: real components in a real kernel, against real peers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod audit;
mod building;
mod calendar;
mod checking;
mod codec;
mod commands;
mod database;
mod dead;
mod failsafe;
mod faults;
mod field;
mod files;
mod folder;
mod greenhouse;
mod guard;
mod host;
mod hostile;
mod kills;
mod late;
mod lifecycle;
mod many;
mod neighbours;
mod packed;
mod partial;
mod queues;
mod readmes;
mod refusals;
mod regressions;
mod rhythm;
mod state;
mod stored;
mod swap;
mod trouble;
mod types;
mod versions;
