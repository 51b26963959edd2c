//! A plugin for tests, made from the WIT alone: asks the host to compute with keys what it is told.

#[cfg(target_arch = "wasm32")]
mod guest;
