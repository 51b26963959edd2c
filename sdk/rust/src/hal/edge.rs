//! Edges of inputs, which are events.

use super::Input;
use crate::{Event, Timestamp};

/// An edge of an [`Input`].
///
/// ```
/// use weihe_sdk::hal::{Edge, Edges, Input, InputOptions};
/// use weihe_sdk::prelude::*;
///
/// /// Counts the pulses of a water meter.
/// struct Meter {
///     pulses: Input,
///     count: u64,
/// }
///
/// impl Plugin for Meter {
///     # type Config = NoConfig;
///     # type Command = NoCommand;
///     # type State = NoState;
///     # fn describe() -> Description { Description::new("meter", "0.1.0", "Counts pulses") }
///     fn start(ctx: &mut Context, _: NoConfig, _: Option<NoState>) -> Result<Self, Error> {
///         let pulses = ctx.input("pulses", InputOptions::new().edges(Edges::Rising))?;
///         Ok(Meter { pulses, count: 0 })
///     }
///
///     fn on_event(&mut self, ctx: &mut Context, event: Event<'_>) -> Result<(), Error> {
///         if let Some(edge) = Edge::of(&event, &self.pulses) {
///             // What was missed were pulses, too.
///             self.count += 1 + edge.missed;
///             let topic = ctx.own_topic("litres")?;
///             ctx.publish_on(topic, self.count as i64);
///         }
///         Ok(())
///     }
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// When it was, as the kernel took it.
    pub time: Timestamp,
    /// What the line has become.
    pub active: bool,
    /// How many edges of the line were missed between the last one that was looked at by [`Edge::of`] and this one. 0
    /// for the first of an instance, for which nothing is known ([`Input::missed`] tells it of the device).
    pub missed: u64,
}

impl Edge {
    /// The edge that an event tells of; `None` when it tells of something else. To be asked for every event, in their
    /// order: what was missed is known by the gap between two.
    ///
    /// ```
    /// # use weihe_sdk::{hal::{Edge, Input}, prelude::*};
    /// fn pressed(event: &Event<'_>, button: &Input) -> Option<Timestamp> {
    ///     Edge::of(event, button).filter(|edge| edge.active).map(|edge| edge.time)
    /// }
    /// ```
    pub fn of(event: &Event<'_>, input: &Input) -> Option<Edge> {
        if event.topic != input.topic() {
            return None;
        }
        Some(Edge {
            time: event.time,
            active: event.value.as_bool()?,
            missed: input.seen(event.id.sequence),
        })
    }
}
