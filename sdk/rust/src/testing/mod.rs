//! A kernel for native tests.
//!
//! [`FakeKernel`] runs a plugin's own code natively, through the same packed batches as in a
//! component, with a clock that stands still until it is told otherwise. It records what the plugin
//! does, and drops what a handler did when the handler fails, as the real kernel does.

mod calendar;
mod fake;
pub(crate) mod seam;
mod setup;
mod world;

pub use fake::FakeKernel;
pub use setup::Setup;
pub use world::{Log, OutgoingCall, Published, Sent, SqlAnswer, SqlCall, Submitted, Timer};
