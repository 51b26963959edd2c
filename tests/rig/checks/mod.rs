//! What is checked, a subject a file.

mod edges;
mod identity;
mod kernels;
mod modbus;
mod uart;
