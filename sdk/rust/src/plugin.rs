//! The trait that a plugin implements.

use crate::{
    Answer, Call, CallError, CallId, Context, Description, Error, Event, Events, Failure,
    LinkState, Peer, PeerId, Reply, Ticket, Timestamp, json,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use crate::bindings::lifecycle::exports::weihe::plugin::lifecycle::StopReason;

/// A plugin: what it is, how it starts, and what it does with what reaches it. All but
/// [`Plugin::describe`] and [`Plugin::start`] have default bodies; [`plugin!`](crate::plugin) lists
/// the hooks that the component exports.
///
/// What a handler publishes, sets and sends takes effect when it returns `Ok`. After an error or a
/// trap none of it does.
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
    fn describe() -> Description;

    /// Makes the device: subscribe, set timers and open connections here. `restored` is the state of
    /// the instance before, if it left one that could be read.
    fn start(
        ctx: &mut Context,
        config: Self::Config,
        restored: Option<Self::State>,
    ) -> Result<Self, Error>;

    /// The end of this instance (not after a trap). What it publishes is still delivered.
    fn stop(&mut self, ctx: &mut Context, reason: StopReason) {}

    /// A run of events. The default hands each to [`Plugin::on_event`] and keeps the errors apart.
    /// Take it over where a batch is handled as a whole: an error then fails every event of the run.
    fn on_events(&mut self, ctx: &mut Context, events: Events<'_>) -> Result<(), Error> {
        for (index, event) in events.indexed() {
            ctx.handling(index, |ctx| self.on_event(ctx, event));
        }
        Ok(())
    }

    /// One event of a subscription.
    fn on_event(&mut self, ctx: &mut Context, event: Event<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// A timer ticked; `ticks` is more than 1 where the timer's policy sums up missed ticks.
    fn on_timer(&mut self, ctx: &mut Context, timer: &str, ticks: u64) -> Result<(), Error> {
        Ok(())
    }

    /// The answer to [`Context::call`]: JSON, or the error's text.
    fn on_answer(
        &mut self,
        ctx: &mut Context,
        call: CallId,
        answer: Result<&str, &str>,
    ) -> Result<(), Error> {
        Ok(())
    }

    /// A command.
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
    fn export_state(&self) -> Option<Self::State> {
        None
    }

    /// Reads state of another version than [`Plugin::STATE_VERSION`]. An error leaves the plugin to
    /// start without state.
    fn migrate(version: u32, state: OldState<'_>) -> Result<Self::State, Error> {
        Err(Error::rejected(format!(
            "state of version {version} cannot be read; this plugin reads version {}",
            Self::STATE_VERSION
        )))
    }
}

/// State that another version of the plugin left.
#[derive(Debug, Clone, Copy)]
pub struct OldState<'a>(&'a str);

impl<'a> OldState<'a> {
    pub(crate) fn new(json: &'a str) -> Self {
        OldState(json)
    }

    /// Reads it as the type that the state had in that version, or as `serde_json::Value`.
    pub fn read<T: DeserializeOwned>(self) -> Result<T, Error> {
        json::read(self.0).map_err(|text| Error::rejected(format!("state: {text}")))
    }

    /// It as it is: JSON.
    pub fn as_json(self) -> &'a str {
        self.0
    }
}

/// The configuration of a plugin without any: keys are errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoConfig {}

/// The state of a plugin without any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NoState {}
