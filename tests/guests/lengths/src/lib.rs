//! A plugin for tests, made from the WIT alone: each of its commands asks the hardware for more than there can be, and
//! answers with what it was told.

#[cfg(target_arch = "wasm32")]
mod guest;
