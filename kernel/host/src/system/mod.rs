//! A running system: what `weihe.toml` describes, assembled around a kernel.

mod boot;

pub use boot::{BootError, DataDirectory};
