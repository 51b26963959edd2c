//! Models against the drivers of the ecosystem, which know nothing of them.
#![allow(clippy::unwrap_used, clippy::panic)]

mod adapter;
mod clocks;
mod pins;
mod screens;
mod sensors;
