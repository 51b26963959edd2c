//! Inputs.

use super::HalError;
use crate::Duration;
use crate::bindings::hal::weihe::hal::gpio as wit;
use crate::kernel::Line;
use embedded_hal::digital::{ErrorType, InputPin};
use std::cell::{Cell, OnceCell};
use std::rc::Rc;

/// The resistor at an input.
///
/// ```
/// # use weihe_sdk::hal::{Bias, InputOptions};
/// let button = InputOptions { bias: Bias::PullUp, ..InputOptions::new() };
/// ```
pub use wit::Bias;

/// Which level is active.
///
/// ```
/// # use weihe_sdk::hal::{Active, InputOptions};
/// // A button that connects its line to ground.
/// let button = InputOptions { active: Active::Low, ..InputOptions::new() };
/// ```
pub use wit::Active;

/// Which edges of an input are events.
///
/// ```
/// # use weihe_sdk::hal::{Edges, InputOptions};
/// let counter = InputOptions::new().edges(Edges::Rising);
/// ```
pub use wit::Edges;

/// How an input is opened: as it is wired, without edges, unless set otherwise.
///
/// ```
/// # use weihe_sdk::prelude::*;
/// # fn start(ctx: &mut Context) -> Result<(), Error> {
/// use weihe_sdk::hal::{Edges, InputOptions};
///
/// const BUTTON: InputOptions = InputOptions::new().pull_up().active_low().edges(Edges::Both);
/// let button = ctx.input("button", BUTTON)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputOptions {
    /// The resistor.
    pub bias: Bias,
    /// Which level is active.
    pub active: Active,
    /// Which edges are events.
    pub edges: Edges,
    /// An edge counts when the line has been steady for so long; zero for every edge. Not every driver can.
    pub debounce: Duration,
}

impl InputOptions {
    /// As it is wired, without edges.
    ///
    /// ```
    /// # use weihe_sdk::hal::InputOptions;
    /// assert_eq!(InputOptions::new(), InputOptions::default());
    /// ```
    pub const fn new() -> Self {
        InputOptions {
            bias: Bias::AsIs,
            active: Active::AsWired,
            edges: Edges::None,
            debounce: Duration::ZERO,
        }
    }

    /// With a resistor to the supply.
    ///
    /// ```
    /// # use weihe_sdk::hal::{Bias, InputOptions};
    /// assert_eq!(InputOptions::new().pull_up().bias, Bias::PullUp);
    /// ```
    pub const fn pull_up(mut self) -> Self {
        self.bias = Bias::PullUp;
        self
    }

    /// With a resistor to ground.
    ///
    /// ```
    /// # use weihe_sdk::hal::{Bias, InputOptions};
    /// assert_eq!(InputOptions::new().pull_down().bias, Bias::PullDown);
    /// ```
    pub const fn pull_down(mut self) -> Self {
        self.bias = Bias::PullDown;
        self
    }

    /// Active when the voltage is the lower one, where the grant does not say otherwise.
    ///
    /// ```
    /// # use weihe_sdk::hal::{Active, InputOptions};
    /// assert_eq!(InputOptions::new().active_low().active, Active::Low);
    /// ```
    pub const fn active_low(mut self) -> Self {
        self.active = Active::Low;
        self
    }

    /// With events for these edges.
    ///
    /// ```
    /// # use weihe_sdk::hal::{Edges, InputOptions};
    /// assert_eq!(InputOptions::new().edges(Edges::Both).edges, Edges::Both);
    /// ```
    pub const fn edges(mut self, edges: Edges) -> Self {
        self.edges = edges;
        self
    }

    /// An edge counts when the line has been steady for so long.
    ///
    /// ```
    /// # use weihe_sdk::{Duration, hal::{Edges, InputOptions}};
    /// let contact = InputOptions::new().edges(Edges::Both).debounce(Duration::from_millis(5));
    /// ```
    pub const fn debounce(mut self, steady: Duration) -> Self {
        self.debounce = steady;
        self
    }
}

impl Default for InputOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl From<InputOptions> for wit::InputOptions {
    fn from(options: InputOptions) -> Self {
        wit::InputOptions {
            bias: options.bias,
            active: options.active,
            edges: options.edges,
            debounce: options.debounce.as_nanos(),
        }
    }
}

/// A line as an input, from [`Context::input`](crate::Context::input). It implements `embedded_hal::digital::InputPin`,
/// where high is *active*. Its edges come as events: [`Edge`](super::Edge).
///
/// ```
/// # use weihe_sdk::prelude::*;
/// # fn start(ctx: &mut Context) -> Result<(), Error> {
/// let door = ctx.input("door", Default::default())?;
/// if door.is_active()? {
///     weihe_sdk::log::info!("open");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Input {
    held: Rc<Held>,
}

#[derive(Debug)]
struct Held {
    line: Line,
    topic: OnceCell<String>,
    /// The sequence of the last edge that was seen.
    last: Cell<Option<u64>>,
}

impl Input {
    pub(super) fn new(line: Line) -> Self {
        Input {
            held: Rc::new(Held {
                line,
                topic: OnceCell::new(),
                last: Cell::new(None),
            }),
        }
    }

    /// Whether it is active.
    ///
    /// ```
    /// # use weihe_sdk::{hal::Input, prelude::*};
    /// fn greet(door: &Input, ctx: &mut Context) -> Result<(), Error> {
    ///     Ok(ctx.publish("hall/door", door.is_active()?)?)
    /// }
    /// ```
    pub fn is_active(&self) -> Result<bool, HalError> {
        self.held.line.read()
    }

    /// The topic of its edges, `$edge/<device>/<name>`. The device gets them without a subscription.
    ///
    /// ```
    /// # use weihe_sdk::{hal::Input, prelude::*};
    /// fn is_from(door: &Input, event: &Event<'_>) -> bool {
    ///     event.topic == door.topic()
    /// }
    /// ```
    pub fn topic(&self) -> &str {
        self.held.topic.get_or_init(|| self.held.line.topic())
    }

    /// How many edges were missed since the device opened the line, because nobody fetched them in time.
    ///
    /// ```
    /// # use weihe_sdk::hal::Input;
    /// fn is_trustworthy(counter: &Input) -> bool {
    ///     counter.missed() == 0
    /// }
    /// ```
    pub fn missed(&self) -> u64 {
        self.held.line.missed()
    }

    /// Notes an edge; how many were missed between the last one and it. An edge that is delivered once more
    /// has been counted.
    pub(super) fn seen(&self, sequence: u64) -> u64 {
        let last = self.held.last.get();
        if last.is_none_or(|last| sequence > last) {
            self.held.last.set(Some(sequence));
        }
        last.map_or(0, |last| sequence.saturating_sub(last.saturating_add(1)))
    }
}

impl ErrorType for Input {
    type Error = HalError;
}

impl InputPin for Input {
    fn is_high(&mut self) -> Result<bool, HalError> {
        self.is_active()
    }

    fn is_low(&mut self) -> Result<bool, HalError> {
        Ok(!self.is_active()?)
    }
}
