//! The kernel behind a [`Context`](crate::Context): the host of a component, or the fake one of
//! native tests. Chosen by target and called directly, not through a table of functions, so that
//! the linker drops what a plugin doesn't use and its component doesn't import it.

#[cfg(target_arch = "wasm32")]
mod guest;
#[cfg(target_arch = "wasm32")]
pub use guest::{Kernel, Keys, Place, Tables, log};
#[cfg(target_arch = "wasm32")]
mod hardware;
#[cfg(target_arch = "wasm32")]
pub use hardware::{Bus, Converter, Line, Peripheral, Port, Pulses, Waits};
#[cfg(target_arch = "wasm32")]
mod keys;
#[cfg(target_arch = "wasm32")]
pub use crate::bindings::guomi::weihe::guomi;

#[cfg(not(target_arch = "wasm32"))]
pub use crate::testing::board::seam::{Bus, Converter, Line, Peripheral, Port, Pulses, Waits};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use crate::testing::guomi::seam as guomi;
#[cfg(not(target_arch = "wasm32"))]
pub use crate::testing::seam::{Kernel, Keys, Place, Tables, log};
