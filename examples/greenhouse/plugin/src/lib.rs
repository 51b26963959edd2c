//! A small greenhouse that answers as a Modbus TCP slave, so that the example needs no hardware.
//!
//! [`Greenhouse`] is the physics, [`Registers`] shows it as Modbus tables, [`Slave`] is the plugin that
//! serves them to every peer of a listener. README.md holds the register map.

mod greenhouse;
mod registers;
mod slave;

pub use greenhouse::{Greenhouse, MAX_STEP, Settings, TANK};
pub use registers::Registers;
pub use slave::{Command, Config, Slave};

weihe_sdk::plugin!(Slave: events, commands, state, connection);
