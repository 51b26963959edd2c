//! The guard: a small process that sets outputs to their safe values when the host is killed, aborts
//! or runs out of memory.
//!
//! The host starts it ([`GuardProcess`]) when the first output with a safe value is registered, and
//! hands it over a socket what is to be done: duplicates of the descriptors, and the bytes. It waits
//! ([`run`]). When the socket closes without a word, the host has died: it does what it was given, in
//! order, and ends. An orderly host dismisses it.
//!
//! It is in a session of its own and heeds no signal that a terminal or a service manager sends to all
//! of a group: it ends with the host, not before.

mod apply;
mod line;
mod message;
mod post;
mod watch;

pub use post::GuardProcess;
pub use watch::run;

/// The hidden command that watches.
pub const GUARD_COMMAND: &str = "guard-outputs";
