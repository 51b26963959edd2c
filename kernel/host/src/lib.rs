//! The host of Weihe 微核: configuration, the command line and the control protocol. It wires
//! capabilities and connections into the kernel.
//!
//! The binary `weihe` is a thin shell around [`command::main`]; the rest is a library so that tests
//! and tools can read configurations ([`config`]) and talk to a running host ([`control`]).

pub mod audit;
pub mod bench;
pub mod command;
pub mod component;
pub mod config;
pub mod control;
mod develop;
pub mod doctor;
pub mod guard;
pub mod keys;
pub mod language;
pub mod output;
mod private;
pub mod record;
pub mod sandbox;
pub mod scaffold;
pub mod signatures;
pub mod system;
pub mod tls;
mod watch;
