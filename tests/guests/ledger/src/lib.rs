//! A plugin for tests, made from the WIT alone: writes each text on `plugin/<device>/in` into the
//! table `ledger`, with the attempt, and publishes it on `plugin/<device>/out`. It takes events
//! through the simple hook only.
//!
//! `reject` is written and then refused; `retry` is written and then put off, at its first delivery.

#[cfg(target_arch = "wasm32")]
mod guest;
