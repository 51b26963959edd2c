//! What is checked, a subject a file.

mod identity;
mod kernels;
mod modbus;
