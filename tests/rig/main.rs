//! Real kernels under QEMU, with the real host and real plugins in them. How a check is added stands in README.md.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod agent;
mod archive;
mod board;
mod checks;
mod compiled;
mod emulator;
mod guest;
mod host;
mod initramfs;
mod kernel;
mod shared;

pub use board::{Board, PC, PC_NEWEST, VIRT};
pub use guest::Guest;
pub use shared::{boot, shared};
