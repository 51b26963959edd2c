//! The contract between an actor and the instance it runs: a sandboxed component, or a native
//! double in tests and measurements.

use std::future::Future;

use crate::connection::Notice;
use crate::event::Event;

use super::call::{Call, CallError};
use super::gauges::InstanceUse;
use super::outbox::Outbox;

/// What a hook says went wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GuestError {
    /// The input can never be handled.
    #[error("rejected: {0}")]
    Rejected(String),
    /// The input could be handled later.
    #[error("{0}")]
    Retry(String),
    /// The plugin cannot go on.
    #[error("{0}")]
    Fatal(String),
}

/// An instance ended in the middle of a call. It must not be called again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Trap {
    /// One line: what happened.
    pub message: String,
    /// Where, with the names of the plugin's functions; may be empty.
    pub backtrace: String,
    /// The host had no memory for the instance: nothing that the plugin did.
    pub no_memory: bool,
}

impl Trap {
    /// What a plugin that cannot go on is treated as.
    pub fn fatal(text: &str) -> Self {
        Self {
            message: format!("the plugin cannot go on: {text}"),
            backtrace: String::new(),
            no_memory: false,
        }
    }
}

/// A plugin's state as it packed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The version of the packing.
    pub version: u32,
    /// The packing is the plugin's own.
    pub bytes: Vec<u8>,
}

/// What a device is started with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartContext {
    /// The device's name.
    pub device: String,
    /// Its configuration, a JSON object.
    pub config: String,
    /// Its connection.
    pub connection: Option<String>,
    /// Whether its state was imported before.
    pub restored: bool,
    /// 1 for the first instance since the host started.
    pub incarnation: u32,
}

/// Why a device is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// The host is shutting down.
    Shutdown,
    /// Its entry or its file was removed.
    Unload,
    /// Another version takes its place.
    Swap,
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Carried out; the answer as JSON.
    Done(String),
    /// Under way; an [`super::Effect::Reply`] will follow.
    Pending,
}

/// The result of a hook: what the plugin says, unless it trapped.
pub type Hooked<T, E = GuestError> = Result<Result<T, E>, Trap>;

/// A running instance of a plugin. Each method calls one hook; a hook that the plugin lacks does
/// nothing. What the hook did is in the outbox afterwards.
pub trait Guest: 'static {
    /// What it uses, and what its calls have used since this was asked last.
    fn used(&mut self) -> InstanceUse {
        InstanceUse::default()
    }

    /// What the last hook did.
    fn outbox(&mut self) -> &mut Outbox;

    /// Restores state; before `start`.
    fn import_state(&mut self, checkpoint: &Checkpoint) -> impl Future<Output = Hooked<()>>;

    /// Begins.
    fn start(&mut self, context: &StartContext) -> impl Future<Output = Hooked<()>>;

    /// Ends in order.
    fn stop(&mut self, reason: StopReason) -> impl Future<Output = Result<(), Trap>>;

    /// Handles a run of events, in order. Errors by index go to the end of `errors`; an event has
    /// at most one.
    fn events(
        &mut self,
        events: &[Event],
        errors: &mut Vec<(u32, GuestError)>,
    ) -> impl Future<Output = Result<(), Trap>>;

    /// Takes a call; its `answer` is the actor's business.
    fn call(&mut self, call: &Call) -> impl Future<Output = Hooked<Outcome, CallError>>;

    /// Hears from a connection.
    fn notice(&mut self, connection: &str, notice: &Notice) -> impl Future<Output = Hooked<()>>;

    /// Packs state; `None` when the plugin has none. What the hook does besides is undone.
    fn export_state(&mut self) -> impl Future<Output = Result<Option<Checkpoint>, Trap>>;

    /// Whether the last hook wrote something that waits for its commit.
    fn is_dirty(&self) -> bool;

    /// Commits what the last hook wrote; the error is for the operator.
    fn commit(&mut self) -> impl Future<Output = Result<(), String>>;

    /// Undoes what the last hook wrote.
    fn rollback(&mut self) -> impl Future<Output = ()>;
}

/// Makes instances of one device.
pub trait GuestFactory: 'static {
    /// What it makes.
    type Guest: Guest;

    /// Whether the plugin can have state at all; when not, none is loaded.
    fn has_state(&self) -> bool {
        true
    }

    /// Names the version: the hash of its file.
    fn version(&self) -> &str;

    /// Its instances are the device's from now on, and so is what belongs to the version besides
    /// them: its codec at connections.
    fn adopt(&self) {}

    /// What a version that is refused has changed of what the device holds at capabilities is undone.
    fn undo(&self, _version: &str) {}

    /// What the device holds at capabilities is let go of unless one of these versions has opened it.
    fn keep(&self, _versions: &[&str]) {}

    /// A fresh instance.
    fn instantiate(&self) -> impl Future<Output = Result<Self::Guest, Trap>>;
}
