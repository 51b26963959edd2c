//! What is checked, a subject a file.

mod buses;
mod edges;
mod gpio;
mod identity;
mod kernels;
mod modbus;
mod speed;
mod swap;
mod uart;
mod vanish;
