//! Hardware for Weihe: serial ports.
//!
//! [`Uart`] is the kind of connection `uart`; [`serial_ports`] lists what a board has.

mod frame;
mod port;
mod sysfs;
mod uart;

pub use sysfs::{Location, SYSFS, SerialPort, serial_ports};
pub use uart::Uart;
