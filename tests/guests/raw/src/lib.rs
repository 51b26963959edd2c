//! A plugin for tests, made from the WIT alone. It does what texts on `plugin/<device>/in` tell it:
//! some of that no plugin should do.
//!
//! What it is told comes back on `plugin/<device>/echo` when it was handled. Before anything that
//! goes wrong it publishes on `plugin/<device>/half`: nobody must ever see that.

#[cfg(target_arch = "wasm32")]
mod guest;
