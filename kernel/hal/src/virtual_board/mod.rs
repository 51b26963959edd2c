//! A board that is not there: described in a file, with devices that behave.
//!
//! The same board serves tests, authors at their desks and demonstrations. `docs/virtual-board.md`
//! describes the file. [`VirtualBoard`] is the backend, and what a test moves the world with;
//! [`Act`] and [`BoardView`] are the same as data, for those who are in another process.
//!
//! Everything happens in the time of the kernel's clock. What is to happen by itself (a contact that
//! bounces, an echo, a scripted fault) waits in the `timeline`; it is carried out by a task where there
//! is a runtime, and in any case before the board is touched next, with the time at which it was due.

mod act;
mod adc;
mod board;
mod bus;
mod core;
mod echo;
mod encoder;
mod fault;
mod file;
mod hardware;
mod line;
mod models;
mod net;
mod pwm;
mod spi;
mod target;
mod timeline;
mod uart;
mod view;
mod wire;
mod world;

#[cfg(test)]
mod tests;

pub use act::{Act, Setting};
pub use board::VirtualBoard;
pub use fault::Fault;
pub use file::{BoardError, BoardFault};
pub use view::{
    AdcView, BoardView, DeviceView, FaultView, LineView, PortView, PwmView, ValueView, WorldView,
};
