//! A board that is not there: described in a file, with devices that behave.

mod board;
mod bus;
mod line;
mod sht4x;

pub use board::{BoardError, VirtualBoard};
