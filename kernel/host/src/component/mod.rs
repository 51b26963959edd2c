//! Components as files: what is in them, and how they are built from crates, from C and from core modules.

mod build;
mod c;
mod cargo;
mod componentise;
mod contracts;
#[cfg(test)]
pub(crate) mod fixture;
mod interface;
mod layout;
mod profile;
mod stop;

pub use build::{BuildError, Built, build_crate, build_crate_until, place, place_bytes};
pub use c::{CError, is_c};
pub use cargo::{Cargo, CargoError, Packages, TARGET};
pub use componentise::{Adapter, ComponentiseError, componentise, is_core_module};
pub use contracts::{ContractError, packages};
pub use interface::{Hook, Provider, hooks, provider};
pub use layout::{CustomSection, Layout, LayoutError, Memory};
pub use stop::Stop;
