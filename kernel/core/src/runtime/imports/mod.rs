//! What plugins import from the kernel, one interface a file.

mod bus;
mod calls;
mod config;
mod connections;
mod convert;
mod logging;
mod schedule;

use wasmtime::component::{HasSelf, Linker};

use super::bindings::imports::{wasi, weihe};
use super::state::GuestState;

pub use convert::{guest_error, link_state, wit_failure, wit_reply};

/// Adds everything that the kernel itself serves to a linker.
pub fn link(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    type D = HasSelf<GuestState>;
    weihe::plugin::types::add_to_linker::<_, D>(linker, |state| state)?;
    weihe::plugin::bus::add_to_linker::<_, D>(linker, |state| state)?;
    weihe::plugin::schedule::add_to_linker::<_, D>(linker, |state| state)?;
    weihe::plugin::calls::add_to_linker::<_, D>(linker, |state| state)?;
    weihe::connection::types::add_to_linker::<_, D>(linker, |state| state)?;
    weihe::connection::connections::add_to_linker::<_, D>(linker, |state| state)?;
    wasi::logging::logging::add_to_linker::<_, D>(linker, |state| state)?;
    wasi::config::store::add_to_linker::<_, D>(linker, |state| state)?;
    Ok(())
}

impl weihe::plugin::types::Host for GuestState {}
impl weihe::connection::types::Host for GuestState {}
