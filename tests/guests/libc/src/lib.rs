//! A plugin for tests, made with the SDK, that calls the C library where that gives back what the host
//! returned: lists that were taken in Rust.
//!
//! The text on its topic `in` says what to call, a thousand times, among blocks that Rust holds; what
//! comes of it is on `out`.

#[cfg(target_arch = "wasm32")]
mod guest;
