//! Fail-safe: outputs go to their safe values when nobody minds them any more.
//!
//! A device holds outputs, each with a safe value and a way to set it without the plugin. There are two
//! kinds: a **frame** that a plugin registers with a connection (a Modbus coil), and a **line** whose
//! safe value a capability declares when it hands the line out ([`SafeLine`]). They belong to the
//! device, not to its instance: they survive traps, restarts and changes of versions, and nothing is
//! set because of one of these.
//!
//! Safe values are set when the device has failed for good, when it is stopped or unloaded, when the
//! host stops, and when the actor panics ([`Outputs::apply`]): lines at once, then the frames of each
//! connection in the order of their registration, before everything that waits there. A frame that
//! cannot be sent or is not confirmed is sent again (as soon as the link is up, or after a pause),
//! until it is confirmed, until another device of this name has started, or until the host ends.
//!
//! When the host itself dies, the [`Guard`] takes over: a process that holds the same descriptors.
//! What it has to know is gathered by the [`Board`].

mod board;
mod charges;
mod frame;
pub mod guard;
pub mod limits;
mod line;
mod output;
mod outputs;
mod sending;
mod setting;
mod status;
mod telling;

pub use board::Board;
pub use frame::{SafeFrame, check};
pub use guard::{Guard, GuardState, GuardStatus};
pub use line::{GuardedLine, SafeLine};
pub use outputs::Outputs;
pub use status::{FailSafeStatus, OutputStatus, SafeState, SafeStatus};
