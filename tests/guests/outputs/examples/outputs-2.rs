//! Does what it is told.

#[cfg(target_arch = "wasm32")]
#[path = "../src/guest.rs"]
mod guest;

#[cfg(target_arch = "wasm32")]
const VERSION: &str = "2.0.0";
