//! Components as files: what is in them, and how they are built from crates.

mod build;
mod cargo;
#[cfg(test)]
pub(crate) mod fixture;
mod interface;
mod layout;

pub use build::{BuildError, Built, build_crate, place};
pub use cargo::{Cargo, CargoError, TARGET};
pub use interface::{Hook, Provider, hooks, provider};
pub use layout::{CustomSection, Layout, LayoutError, Memory};
