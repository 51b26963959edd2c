//! Passes events on.

#[cfg(target_arch = "wasm32")]
#[path = "../src/guest.rs"]
mod guest;

#[cfg(target_arch = "wasm32")]
const VERSION: &str = "1.0.0";

/// It traps on the event with this number, counted by itself.
#[cfg(target_arch = "wasm32")]
const TRAP: u64 = u64::MAX;

/// Whether it refuses the state of the others once they have handled an event.
#[cfg(target_arch = "wasm32")]
const REFUSES: bool = false;

/// Whether it subscribes to more than the others, and has a timer more.
#[cfg(target_arch = "wasm32")]
const ASIDE: bool = false;
