//! Plugins that are being written: their sources are watched, and what is saved is built and put
//! where the running host finds it.

mod sources;
mod swap;
mod workshop;

pub(crate) use workshop::Workshop;
