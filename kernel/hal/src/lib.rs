//! Hardware for Weihe: GPIO lines, I2C and SPI buses, serial ports, PWM and analogue inputs.
//!
//! [`HalCapability`] offers it to plugins (`weihe:hal` and `wasi:i2c`), over one of the backends that
//! implement [`Hardware`]. [`Board::detect`] says which board this is, and what its parts are called;
//! [`Uart`] is the kind of connection `uart`.

pub mod adc;
pub mod board;
mod capability;
mod claims;
mod error;
mod frame;
pub mod gpio;
pub mod grant;
pub mod guarded;
mod guest;
mod hardware;
mod holders;
pub mod i2c;
pub mod lease;
pub mod limits;
mod line;
mod linux;
mod order;
mod output;
mod peripheral;
mod port;
pub mod pwm;
mod root;
pub mod serial;
mod session;
mod shelf;
pub mod spi;
mod uart;
pub mod virtual_board;
mod worker;

pub use board::Board;
pub use capability::{HAL, HalCapability};
pub use claims::Claims;
pub use error::HalError;
pub use guest::INTERFACES;
pub use hardware::{Hardware, Kind};
pub use linux::{CharacterDevices, LinuxBoard};
pub use root::Root;
pub use uart::Uart;
