//! Modbus for Weihe: a driver plugin for TCP and RTU on the codec `weihe-modbus`.
//!
//! [`Modbus`] is the plugin. Timers of poll groups put merged reads ([`plan`]) on the connection with
//! the priority of polls, commands put writes before them, and what comes back arrives as a handler
//! call: nothing in here waits. README.md is the reference for configuration and commands.

mod answer;
mod codec;
mod command;
mod config;
mod describe;
mod desk;
mod groups;
mod job;
mod layout;
mod line;
mod means;
mod plan;
mod plugin;
mod point;
mod poll;
mod safe;
mod scan;
mod spool;
mod stats;

pub use command::Command;
pub use config::{Access, Config, GroupConfig, HoleConfig, PointConfig};
pub use plan::{Limits, PlanError, Read, Span, plan};
pub use plugin::{Modbus, STATUS};
pub use stats::{RoundTrip, Stats};

weihe_sdk::plugin!(Modbus: events, commands, connection, codec);
