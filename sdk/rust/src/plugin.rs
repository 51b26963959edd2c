//! The trait that a plugin implements.

use crate::{
    Answer, Call, CallError, CallId, Context, Description, Error, Event, Events, Failure,
    LinkState, OldState, Peer, PeerId, Reply, Ticket, Timestamp,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Why an instance ends.
///
/// ```
/// use weihe_sdk::StopReason;
///
/// fn is_for_good(reason: StopReason) -> bool {
///     reason != StopReason::Swap
/// }
/// # assert!(!is_for_good(StopReason::Swap));
/// ```
pub use crate::bindings::lifecycle::exports::weihe::plugin::lifecycle::StopReason;

/// A plugin: what it is, how it starts, and what it does with what reaches it. All but
/// [`Plugin::describe`] and [`Plugin::start`] have default bodies; [`plugin!`](crate::plugin) lists
/// the hooks that the component exports.
///
/// What a handler publishes, sets and sends takes effect when it returns `Ok`. After an error or a
/// trap none of it does.
///
/// ```
/// use weihe_sdk::prelude::*;
///
/// struct Doubler {
///     output: Topic,
/// }
///
/// impl Plugin for Doubler {
///     type Config = NoConfig;
///     type Command = NoCommand;
///     type State = NoState;
///
///     fn describe() -> Description {
///         Description::new("doubler", "0.1.0", "Doubles what it hears")
///     }
///
///     fn start(ctx: &mut Context, _: NoConfig, _: Option<NoState>) -> Result<Self, Error> {
///         ctx.subscribe("tank/level")?;
///         Ok(Doubler { output: ctx.own_topic("level")? })
///     }
///
///     fn on_event(&mut self, ctx: &mut Context, event: Event<'_>) -> Result<(), Error> {
///         let value = event.value.as_f64().ok_or_else(|| Error::rejected("no number"))?;
///         ctx.publish_on(self.output, value * 2.0);
///         Ok(())
///     }
/// }
///
/// weihe_sdk::plugin!(Doubler: events);
/// ```
#[allow(unused_variables)]
pub trait Plugin: Sized + 'static {
    /// The device's `config` table. Errors name the key, and unknown keys are errors where the type
    /// says `#[serde(deny_unknown_fields)]`. [`NoConfig`] for none.
    type Config: DeserializeOwned;

    /// The commands: an enum with one variant a command, named as on the wire
    /// (`#[serde(rename_all = "kebab-case")]`), whose fields are the arguments.
    /// [`NoCommand`](crate::NoCommand) for none.
    type Command: DeserializeOwned;

    /// What survives a restart and a swap. [`NoState`] for none.
    type State: Serialize + DeserializeOwned;

    /// The version of [`Plugin::State`]; an older one goes through [`Plugin::migrate`].
    const STATE_VERSION: u32 = 1;

    /// What the plugin is. Called in an instance in which every import traps: constants only.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # #[derive(Default)]
    /// # struct Tank { level: f64, alarm: bool, polls: u64 }
    /// # impl Plugin for Tank {
    /// #     type Config = NoConfig;
    /// #     type Command = NoCommand;
    /// #     type State = NoState;
    /// #     fn start(_: &mut Context, _: NoConfig, _: Option<NoState>) -> Result<Self, Error> { Ok(Tank::default()) }
    /// fn describe() -> Description {
    ///     Description::new("tank", "0.1.0", "Watches a tank")
    ///         .publishes("plugin/{device}/alarm", "whether it is too full")
    /// }
    /// # }
    /// ```
    fn describe() -> Description;

    /// Makes the device: subscribe, set timers and open connections here. `restored` is the state of
    /// the instance before, if it left one that could be read.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # #[derive(Default)]
    /// # struct Tank { level: f64, alarm: bool, polls: u64 }
    /// # impl Plugin for Tank {
    /// #     type Config = NoConfig;
    /// #     type Command = NoCommand;
    /// #     type State = NoState;
    /// #     fn describe() -> Description { Description::new("tank", "0.1.0", "") }
    /// fn start(ctx: &mut Context, _: NoConfig, _: Option<NoState>) -> Result<Self, Error> {
    ///     ctx.subscribe("tank/level")?;
    ///     ctx.every("report", Duration::from_secs(60))?;
    ///     Ok(Tank::default())
    /// }
    /// # }
    /// ```
    fn start(
        ctx: &mut Context,
        config: Self::Config,
        restored: Option<Self::State>,
    ) -> Result<Self, Error>;

    /// The end of this instance (not after a trap). What it publishes is still delivered.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # #[derive(Default)]
    /// # struct Tank { level: f64, alarm: bool, polls: u64 }
    /// # impl Plugin for Tank {
    /// #     type Config = NoConfig;
    /// #     type Command = NoCommand;
    /// #     type State = NoState;
    /// #     fn describe() -> Description { Description::new("tank", "0.1.0", "") }
    /// #     fn start(_: &mut Context, _: NoConfig, _: Option<NoState>) -> Result<Self, Error> { Ok(Tank::default()) }
    /// fn stop(&mut self, ctx: &mut Context, reason: StopReason) {
    ///     if reason != StopReason::Swap
    ///         && let Err(refused) = ctx.publish("plant/tank", "not watched any more")
    ///     {
    ///         weihe_sdk::log::warn!("{refused}");
    ///     }
    /// }
    /// # }
    /// ```
    fn stop(&mut self, ctx: &mut Context, reason: StopReason) {}

    /// A run of events. The default hands each to [`Plugin::on_event`] and keeps the errors apart.
    /// Take it over where a batch is handled as a whole: an error then fails every event of the run.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # use weihe_sdk::Events;
    /// # #[derive(Default)]
    /// # struct Tank { level: f64, alarm: bool, polls: u64 }
    /// # impl Plugin for Tank {
    /// #     type Config = NoConfig;
    /// #     type Command = NoCommand;
    /// #     type State = NoState;
    /// #     fn describe() -> Description { Description::new("tank", "0.1.0", "") }
    /// #     fn start(_: &mut Context, _: NoConfig, _: Option<NoState>) -> Result<Self, Error> { Ok(Tank::default()) }
    /// fn on_events(&mut self, ctx: &mut Context, events: Events<'_>) -> Result<(), Error> {
    ///     // Only the newest counts.
    ///     if let Some(level) = events.iter().filter_map(|event| event.value.as_f64()).last() {
    ///         self.level = level;
    ///         ctx.publish("plant/level", level)?;
    ///     }
    ///     Ok(())
    /// }
    /// # }
    /// ```
    fn on_events(&mut self, ctx: &mut Context, events: Events<'_>) -> Result<(), Error> {
        for (index, event) in events.indexed() {
            ctx.handling(index, |ctx| self.on_event(ctx, event));
        }
        Ok(())
    }

    /// One event of a subscription.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # #[derive(Default)]
    /// # struct Tank { level: f64, alarm: bool, polls: u64 }
    /// # impl Plugin for Tank {
    /// #     type Config = NoConfig;
    /// #     type Command = NoCommand;
    /// #     type State = NoState;
    /// #     fn describe() -> Description { Description::new("tank", "0.1.0", "") }
    /// #     fn start(_: &mut Context, _: NoConfig, _: Option<NoState>) -> Result<Self, Error> { Ok(Tank::default()) }
    /// fn on_event(&mut self, ctx: &mut Context, event: Event<'_>) -> Result<(), Error> {
    ///     self.level = event.value.as_f64().ok_or_else(|| Error::rejected("no number"))?;
    ///     ctx.publish("plant/alarm", self.level > 80.0)?;
    ///     Ok(())
    /// }
    /// # }
    /// ```
    fn on_event(&mut self, ctx: &mut Context, event: Event<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// A timer ticked; `ticks` is more than 1 where the timer's policy sums up missed ticks.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # #[derive(Default)]
    /// # struct Tank { level: f64, alarm: bool, polls: u64 }
    /// # impl Plugin for Tank {
    /// #     type Config = NoConfig;
    /// #     type Command = NoCommand;
    /// #     type State = NoState;
    /// #     fn describe() -> Description { Description::new("tank", "0.1.0", "") }
    /// #     fn start(_: &mut Context, _: NoConfig, _: Option<NoState>) -> Result<Self, Error> { Ok(Tank::default()) }
    /// fn on_timer(&mut self, ctx: &mut Context, timer: &str, ticks: u64) -> Result<(), Error> {
    ///     if timer == "report" {
    ///         self.polls += ticks;
    ///         ctx.publish("plant/polls", self.polls as i64)?;
    ///     }
    ///     Ok(())
    /// }
    /// # }
    /// ```
    fn on_timer(&mut self, ctx: &mut Context, timer: &str, ticks: u64) -> Result<(), Error> {
        Ok(())
    }

    /// The answer to [`Context::call`]: JSON, or the error's text.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # #[derive(Default)]
    /// # struct Tank { level: f64, alarm: bool, polls: u64 }
    /// # impl Plugin for Tank {
    /// #     type Config = NoConfig;
    /// #     type Command = NoCommand;
    /// #     type State = NoState;
    /// #     fn describe() -> Description { Description::new("tank", "0.1.0", "") }
    /// #     fn start(_: &mut Context, _: NoConfig, _: Option<NoState>) -> Result<Self, Error> { Ok(Tank::default()) }
    /// fn on_answer(
    ///     &mut self,
    ///     _ctx: &mut Context,
    ///     call: CallId,
    ///     answer: Result<&str, &str>,
    /// ) -> Result<(), Error> {
    ///     match answer {
    ///         Ok(json) => self.level = weihe_sdk::json::read(json).map_err(Error::rejected)?,
    ///         Err(text) => weihe_sdk::log::warn!("call {call}: {text}"),
    ///     }
    ///     Ok(())
    /// }
    /// # }
    /// ```
    fn on_answer(
        &mut self,
        ctx: &mut Context,
        call: CallId,
        answer: Result<&str, &str>,
    ) -> Result<(), Error> {
        Ok(())
    }

    /// A command.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # #[derive(Default)]
    /// # struct Tank { level: f64, alarm: bool, polls: u64 }
    /// # #[derive(serde::Deserialize)]
    /// # #[serde(rename_all = "kebab-case")]
    /// # enum Command { Level }
    /// # impl Plugin for Tank {
    /// #     type Config = NoConfig;
    /// #     type Command = Command;
    /// #     type State = NoState;
    /// #     fn describe() -> Description { Description::new("tank", "0.1.0", "") }
    /// #     fn start(_: &mut Context, _: NoConfig, _: Option<NoState>) -> Result<Self, Error> { Ok(Tank::default()) }
    /// fn on_command(
    ///     &mut self,
    ///     _ctx: &mut Context,
    ///     call: Call<'_, Command>,
    /// ) -> Result<Answer, CallError> {
    ///     match call.command {
    ///         Command::Level => Answer::json(&self.level),
    ///     }
    /// }
    /// # }
    /// ```
    fn on_command(
        &mut self,
        ctx: &mut Context,
        call: Call<'_, Self::Command>,
    ) -> Result<Answer, CallError> {
        Err(CallError::UnknownCommand(
            "the plugin answers no commands".to_owned(),
        ))
    }

    /// A submitted request is finished.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # #[derive(Default)]
    /// # struct Tank { level: f64, alarm: bool, polls: u64 }
    /// # impl Plugin for Tank {
    /// #     type Config = NoConfig;
    /// #     type Command = NoCommand;
    /// #     type State = NoState;
    /// #     fn describe() -> Description { Description::new("tank", "0.1.0", "") }
    /// #     fn start(_: &mut Context, _: NoConfig, _: Option<NoState>) -> Result<Self, Error> { Ok(Tank::default()) }
    /// fn on_reply(
    ///     &mut self,
    ///     ctx: &mut Context,
    ///     connection: &str,
    ///     _ticket: Ticket,
    ///     outcome: Result<Reply, Failure>,
    /// ) -> Result<(), Error> {
    ///     match outcome {
    ///         Ok(reply) => ctx.publish("plant/raw", reply.bytes.as_slice())?,
    ///         Err(failure) => weihe_sdk::log::warn!("{connection}: {failure}"),
    ///     }
    ///     Ok(())
    /// }
    /// # }
    /// ```
    fn on_reply(
        &mut self,
        ctx: &mut Context,
        connection: &str,
        ticket: Ticket,
        outcome: Result<Reply, Failure>,
    ) -> Result<(), Error> {
        Ok(())
    }

    /// Bytes arrived that no exchange was waiting for: from a peer of a listener, or unasked.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # #[derive(Default)]
    /// # struct Tank { level: f64, alarm: bool, polls: u64 }
    /// # impl Plugin for Tank {
    /// #     type Config = NoConfig;
    /// #     type Command = NoCommand;
    /// #     type State = NoState;
    /// #     fn describe() -> Description { Description::new("tank", "0.1.0", "") }
    /// #     fn start(_: &mut Context, _: NoConfig, _: Option<NoState>) -> Result<Self, Error> { Ok(Tank::default()) }
    /// fn on_received(
    ///     &mut self,
    ///     ctx: &mut Context,
    ///     connection: &str,
    ///     peer: Option<PeerId>,
    ///     bytes: &[u8],
    ///     time: Timestamp,
    /// ) -> Result<(), Error> {
    ///     ctx.publish("plant/raw", Sample::new(bytes).at(time))?;
    ///     ctx.open(connection)?.send(peer, b"ACK\n")?;
    ///     Ok(())
    /// }
    /// # }
    /// ```
    fn on_received(
        &mut self,
        ctx: &mut Context,
        connection: &str,
        peer: Option<PeerId>,
        bytes: &[u8],
        time: Timestamp,
    ) -> Result<(), Error> {
        Ok(())
    }

    /// The link changed; `reason` says why it is down. Also called once after `start`.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # #[derive(Default)]
    /// # struct Tank { level: f64, alarm: bool, polls: u64 }
    /// # impl Plugin for Tank {
    /// #     type Config = NoConfig;
    /// #     type Command = NoCommand;
    /// #     type State = NoState;
    /// #     fn describe() -> Description { Description::new("tank", "0.1.0", "") }
    /// #     fn start(_: &mut Context, _: NoConfig, _: Option<NoState>) -> Result<Self, Error> { Ok(Tank::default()) }
    /// fn on_link(
    ///     &mut self,
    ///     ctx: &mut Context,
    ///     _connection: &str,
    ///     state: LinkState,
    ///     reason: &str,
    /// ) -> Result<(), Error> {
    ///     if state == LinkState::Down {
    ///         weihe_sdk::log::warn!("no level any more: {reason}");
    ///         ctx.publish("plant/level", Sample::new(Value::None).quality(Quality::Bad))?;
    ///     }
    ///     Ok(())
    /// }
    /// # }
    /// ```
    fn on_link(
        &mut self,
        ctx: &mut Context,
        connection: &str,
        state: LinkState,
        reason: &str,
    ) -> Result<(), Error> {
        Ok(())
    }

    /// A peer of a listener was accepted (`connected`) or is gone.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # #[derive(Default)]
    /// # struct Tank { level: f64, alarm: bool, polls: u64 }
    /// # impl Plugin for Tank {
    /// #     type Config = NoConfig;
    /// #     type Command = NoCommand;
    /// #     type State = NoState;
    /// #     fn describe() -> Description { Description::new("tank", "0.1.0", "") }
    /// #     fn start(_: &mut Context, _: NoConfig, _: Option<NoState>) -> Result<Self, Error> { Ok(Tank::default()) }
    /// fn on_peer(
    ///     &mut self,
    ///     ctx: &mut Context,
    ///     connection: &str,
    ///     peer: Peer<'_>,
    ///     connected: bool,
    /// ) -> Result<(), Error> {
    ///     if connected {
    ///         weihe_sdk::log::info!("{} is here", peer.address);
    ///         ctx.open(connection)?.send(Some(peer.id), b"HELLO\n")?;
    ///     }
    ///     Ok(())
    /// }
    /// # }
    /// ```
    fn on_peer(
        &mut self,
        ctx: &mut Context,
        connection: &str,
        peer: Peer<'_>,
        connected: bool,
    ) -> Result<(), Error> {
        Ok(())
    }

    /// The state to keep; `None` for none yet. Called between batches, never while a handler runs.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # #[derive(Default)]
    /// # struct Tank { level: f64, alarm: bool, polls: u64 }
    /// # #[derive(serde::Serialize, serde::Deserialize)]
    /// # struct State { alarm: bool, level: f64 }
    /// # impl Plugin for Tank {
    /// #     type Config = NoConfig;
    /// #     type Command = NoCommand;
    /// #     type State = State;
    /// #     fn describe() -> Description { Description::new("tank", "0.1.0", "") }
    /// #     fn start(_: &mut Context, _: NoConfig, _: Option<State>) -> Result<Self, Error> { Ok(Tank::default()) }
    /// fn export_state(&self) -> Option<State> {
    ///     Some(State { alarm: self.alarm, level: self.level })
    /// }
    /// # }
    /// ```
    fn export_state(&self) -> Option<Self::State> {
        None
    }

    /// Reads state of another version than [`Plugin::STATE_VERSION`]. An error leaves the plugin to
    /// start without state.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # #[derive(Default)]
    /// # struct Tank { level: f64, alarm: bool, polls: u64 }
    /// # #[derive(serde::Serialize, serde::Deserialize)]
    /// # struct State { alarm: bool, level: f64 }
    /// # impl Plugin for Tank {
    /// #     type Config = NoConfig;
    /// #     type Command = NoCommand;
    /// #     type State = State;
    /// #     fn describe() -> Description { Description::new("tank", "0.1.0", "") }
    /// #     fn start(_: &mut Context, _: NoConfig, _: Option<State>) -> Result<Self, Error> { Ok(Tank::default()) }
    /// const STATE_VERSION: u32 = 2;
    ///
    /// fn migrate(version: u32, state: OldState<'_>) -> Result<State, Error> {
    ///     match version {
    ///         // Version 1 was only the level.
    ///         1 => state.read().map(|level| State { alarm: false, level }),
    ///         _ => Err(Error::rejected(format!("state of version {version}"))),
    ///     }
    /// }
    /// # }
    /// ```
    fn migrate(version: u32, state: OldState<'_>) -> Result<Self::State, Error> {
        Err(Error::rejected(format!(
            "state of version {version} cannot be read; this plugin reads version {}",
            Self::STATE_VERSION
        )))
    }
}

/// The configuration of a plugin without any: keys are errors.
///
/// ```
/// # use weihe_sdk::NoConfig;
/// assert!(weihe_sdk::json::read::<NoConfig>("{}").is_ok());
/// let error = weihe_sdk::json::read::<NoConfig>(r#"{ "period": 5 }"#).unwrap_err();
/// assert!(error.contains("unknown field `period`"), "{error}");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoConfig {}

/// The state of a plugin without any.
///
/// ```
/// # use weihe_sdk::prelude::*;
/// fn export_state() -> Option<NoState> {
///     None
/// }
/// # assert_eq!(export_state(), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NoState {}
