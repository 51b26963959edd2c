//! The board of a test: lines, buses and ports that a test plays with.
//!
//! Natively it consists of what [`Setup`](super::Setup) gives it, and a test plays the chips. In the sandbox it is the
//! virtual board of the host, whose chips behave by themselves.
//!
//! ```
//! use weihe_sdk::hal::{Edge, Edges, Input, InputOptions, Output};
//! use weihe_sdk::prelude::*;
//!
//! /// A button that switches a lamp.
//! struct Switch {
//!     button: Input,
//!     lamp: Output,
//! }
//!
//! impl Plugin for Switch {
//!     # type Config = NoConfig;
//!     # type Command = NoCommand;
//!     # type State = NoState;
//!     # fn describe() -> Description { Description::new("switch", "0.1.0", "Switches a lamp") }
//!     fn start(ctx: &mut Context, _: NoConfig, _: Option<NoState>) -> Result<Self, Error> {
//!         let button = InputOptions::new().pull_up().active_low().edges(Edges::Both);
//!         Ok(Switch {
//!             button: ctx.input("button", button)?,
//!             lamp: ctx.output("lamp", Default::default())?,
//!         })
//!     }
//!
//!     fn on_event(&mut self, _: &mut Context, event: Event<'_>) -> Result<(), Error> {
//!         if Edge::of(&event, &self.button).is_some_and(|edge| edge.active) {
//!             self.lamp.toggle()?;
//!         }
//!         Ok(())
//!     }
//! }
//!
//! let mut kernel = FakeKernel::<Switch>::setup("hall").line("button").line("lamp").start("{}")?;
//! kernel.board().press("button")?;
//! kernel.board().release("button")?;
//! assert!(kernel.board().line("lamp").is_active());
//!
//! // The device ends: the lamp is set to its safe value.
//! kernel.stop();
//! assert!(!kernel.board().line("lamp").is_active());
//! # Ok::<(), Error>(())
//! ```

mod chip;
mod i2c;
mod line;
mod remote;
pub(crate) mod seam;
mod setup;
#[cfg(test)]
mod tests;
mod view;

pub(super) use remote::can_be;

pub use chip::Pulse;
pub use i2c::{I2cDevice, I2cFault, I2cScript};
pub use line::LineView;
pub use view::Board;

use crate::Timestamp;
use chip::{Analogue, Channel, Serial, SpiSeam};
use line::Line;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// What the native board consists of, by name.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) lines: BTreeMap<String, Line>,
    /// Chips by address, by bus.
    pub(super) buses: BTreeMap<String, BTreeMap<u16, Chip>>,
    pub(super) spi: BTreeMap<String, SpiSeam>,
    pub(super) uarts: BTreeMap<String, Serial>,
    pub(super) pwm: BTreeMap<String, Channel>,
    pub(super) adc: BTreeMap<String, Analogue>,
}

type Chip = Rc<RefCell<dyn I2cDevice>>;

impl Parts {
    /// The device has ended: outputs become safe.
    pub(super) fn end(&mut self, now: Timestamp) {
        self.lines.values_mut().for_each(|line| line.end(now));
        self.pwm.values_mut().for_each(|channel| channel.end(now));
    }
}

/// Names that stand in events of a line.
struct Source<'a> {
    device: &'a str,
    name: &'a str,
}

impl Source<'_> {
    fn topic(&self) -> String {
        format!("$edge/{}/{}", self.device, self.name)
    }
}
