//! Plugins for hardware: real components in a real kernel, on a virtual board and in virtual time.

mod button;
mod led;
