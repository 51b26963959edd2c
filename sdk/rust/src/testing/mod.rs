//! Kernels for tests.
//!
//! [`TestKernel`] runs a plugin for a test: natively in milliseconds, through the same packed batches as in a
//! component, or as the built component in the sandbox of the real host. [`test`](macro@crate::test) writes both
//! tests of one body. The clock stands still until it is told otherwise. What the plugin does is recorded, and what
//! a handler did is dropped when the handler fails, as on a real host.
//!
//! | | natively | in the sandbox |
//! |---|---|---|
//! | what runs | the plugin's Rust code | its built component |
//! | needs | nothing | `weihe`, and `cargo test --features sandbox` |
//! | grants, limits | topics and calls, when [`Setup::grants`] names them | the real ones |
//! | connections | a reply is handed to the plugin | turns, time-outs and framing of the real connection |
//! | hardware | chips are played by the test | the virtual board of the host |
//! | keys | those of [`Setup::key`], the same algorithms | the same keys, in the key store of the host |
//! | database | played by [`Setup::sql`] | a real one, empty |
//! | faults | all of [`Fault`] | exchanges, links and calls |
//! | after an error | nothing is delivered again | as on a host: again later, or to the dead letters |
//! | measured | nothing | [`TestKernel::used`] |
//!
//! ```
//! use weihe_sdk::prelude::*;
//!
//! /// Doubles what it is told.
//! struct Twice;
//!
//! impl Plugin for Twice {
//!     type Config = NoConfig;
//!     type Command = NoCommand;
//!     type State = NoState;
//!     # fn describe() -> Description { Description::new("twice", "0.1.0", "Doubles") }
//!
//!     fn start(ctx: &mut Context, _: NoConfig, _: Option<NoState>) -> Result<Self, Error> {
//!         ctx.subscribe("once")?;
//!         Ok(Twice)
//!     }
//!
//!     fn on_event(&mut self, ctx: &mut Context, event: Event<'_>) -> Result<(), Error> {
//!         let once = event.value.as_f64().ok_or_else(|| Error::rejected("no number"))?;
//!         ctx.publish("plugin/twice/twice", once * 2.0)?;
//!         Ok(())
//!     }
//! }
//!
//! let mut kernel = FakeKernel::<Twice>::start("twice", "{}")?;
//! kernel.event("once", 21.0)?;
//! assert_eq!(kernel.last("plugin/twice/twice"), Some(ValueBuf::Float(42.0)));
//! # Ok::<(), Error>(())
//! ```

pub mod board;
mod calendar;
mod exchange;
mod fault;
mod grants;
pub(crate) mod guomi;
mod kernel;
mod meddling;
mod native;
mod recorded;
mod recording;
pub mod run;
mod sandbox;
pub(crate) mod seam;
mod setup;
mod sight;
mod used;
mod wire;
mod world;

pub use board::{Board, I2cDevice, I2cFault, I2cScript, LineView, Pulse};
pub use fault::Fault;
pub use guomi::TestKey;
pub use kernel::{FakeKernel, TestKernel};
pub use recording::{ReplayError, Replayed};
pub use sandbox::Sandbox;
pub use setup::Setup;
pub use used::{Budget, Used};
pub use world::{Log, OutgoingCall, Published, Sent, SqlAnswer, SqlCall, Submitted, Timer};
