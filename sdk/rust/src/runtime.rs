//! Runs a plugin: what the component's exports call, and what the fake kernel calls in native tests.

use crate::command::{self, CallId};
use crate::context::Context;
use crate::event::{Directory, Origin};
use crate::kernel::Kernel;
use crate::packed::Reader;
use crate::plugin::StopReason;
use crate::{
    Answer, Call, CallError, Error, EventBuf, EventIndex, Events, Failure, LinkState, OldState,
    Peer, PeerId, Plugin, Quality, Refused, Reply, Ticket, Timestamp, json,
};
use std::cell::RefCell;

/// Topics of a timer's ticks begin with this.
const TIMER: &str = "$timer/";
/// The topic of answers to calls; the sequence is the call's id.
const ANSWER: &str = "$answer";

/// A plugin's instance with all that belongs to it.
pub struct Runtime<P: Plugin> {
    plugin: Option<P>,
    ctx: Context,
    directory: Directory,
    restored: Option<P::State>,
}

/// What a device is started with.
#[derive(Debug)]
pub struct Start {
    /// The device's name.
    pub device: String,
    /// Its `config` table as JSON.
    pub config: String,
    /// The name of its connection.
    pub connection: Option<String>,
    /// Which instance of the device this is.
    pub incarnation: u32,
}

impl<P: Plugin> Runtime<P> {
    /// An instance that has not been started.
    pub fn new(kernel: Kernel) -> Self {
        Runtime {
            plugin: None,
            ctx: Context::new(kernel),
            directory: Directory::default(),
            restored: None,
        }
    }

    /// The plugin, once it is started.
    pub fn plugin(&self) -> Option<&P> {
        self.plugin.as_ref()
    }

    /// Reads the state of an earlier instance.
    pub fn import_state(&mut self, version: u32, bytes: &[u8]) -> Result<(), Error> {
        let text = std::str::from_utf8(bytes)
            .map_err(|error| Error::rejected(format!("state: not UTF-8: {error}")))?;
        self.restored = if version == P::STATE_VERSION {
            json::read(text).map_err(|text| Error::rejected(format!("state: {text}")))?
        } else if text.trim_ascii() == "null" {
            None
        } else {
            Some(P::migrate(version, OldState::new(text))?)
        };
        Ok(())
    }

    /// The state to keep, and its version.
    pub fn export_state(&self) -> (u32, Vec<u8>) {
        let state = self.plugin.as_ref().and_then(P::export_state);
        let text = json::write(&state).unwrap_or_else(|error| {
            crate::log::error!("the state has no JSON form and is lost: {error}");
            "null".to_owned()
        });
        (P::STATE_VERSION, text.into_bytes())
    }

    /// Makes the plugin.
    pub fn start(&mut self, start: Start) -> Result<(), Error> {
        self.ctx
            .begin(start.device, start.connection, start.incarnation);
        let config =
            json::read(&start.config).map_err(|text| Error::fatal(format!("config: {text}")))?;
        let restored = self.restored.take();
        let plugin = Self::in_outbox(&mut self.ctx, |ctx| P::start(ctx, config, restored))?;
        self.plugin = Some(plugin);
        Ok(())
    }

    /// Ends the plugin.
    pub fn stop(&mut self, reason: StopReason) {
        let done = self.notice(|plugin, ctx| {
            plugin.stop(ctx, reason);
            Ok(())
        });
        if let Err(error) = done {
            crate::log::error!("stop: {error}");
        }
        self.plugin = None;
    }

    /// Handles one event.
    pub fn handle(&mut self, event: &EventBuf) -> Result<(), Error> {
        let Runtime { plugin, ctx, .. } = self;
        match run(plugin.as_mut(), ctx, Origin::Single(event))
            .into_iter()
            .next()
        {
            Some((_, error)) => Err(error),
            None => Ok(()),
        }
    }

    /// Handles a packed batch; the errors name events by index, in ascending order.
    pub fn handle_batch(&mut self, head: &[u64], bytes: &[u8]) -> Vec<(u32, Error)> {
        let reader = match Reader::new(head, bytes) {
            Ok(reader) => reader,
            Err(error) => return vec![(0, Error::fatal(error.to_string()))],
        };
        let Runtime {
            plugin,
            ctx,
            directory,
            ..
        } = self;
        let reserved = directory.learn(&reader, ctx.kernel());
        let origin = Origin::Packed {
            reader,
            directory,
            reserved,
        };
        run(plugin.as_mut(), ctx, origin)
    }

    /// Answers a command: JSON, or `None` while it is under way.
    pub fn call(
        &mut self,
        id: CallId,
        name: &str,
        arguments: &str,
        caller: &str,
        deadline: Timestamp,
    ) -> Result<Option<String>, CallError> {
        let Runtime { plugin, ctx, .. } = self;
        let plugin = plugin
            .as_mut()
            .ok_or_else(|| CallError::unavailable(NOT_STARTED))?;
        let command = command::read(name, arguments)?;
        let call = Call {
            id,
            command,
            caller,
            deadline,
        };
        let Answer(answer) = Self::in_outbox(ctx, |ctx| plugin.on_command(ctx, call))?;
        Ok(answer)
    }

    /// A submitted request is finished.
    pub fn replied(
        &mut self,
        connection: &str,
        ticket: Ticket,
        outcome: Result<Reply, Failure>,
    ) -> Result<(), Error> {
        self.notice(|plugin, ctx| plugin.on_reply(ctx, connection, ticket, outcome))
    }

    /// Bytes arrived.
    pub fn received(
        &mut self,
        connection: &str,
        peer: Option<PeerId>,
        bytes: &[u8],
        time: Timestamp,
    ) -> Result<(), Error> {
        self.notice(|plugin, ctx| plugin.on_received(ctx, connection, peer, bytes, time))
    }

    /// A link changed.
    pub fn link_changed(
        &mut self,
        connection: &str,
        state: LinkState,
        reason: &str,
    ) -> Result<(), Error> {
        self.notice(|plugin, ctx| plugin.on_link(ctx, connection, state, reason))
    }

    /// A peer came or went.
    pub fn peer_changed(
        &mut self,
        connection: &str,
        peer: Peer<'_>,
        connected: bool,
    ) -> Result<(), Error> {
        self.notice(|plugin, ctx| plugin.on_peer(ctx, connection, peer, connected))
    }

    fn notice(
        &mut self,
        handler: impl FnOnce(&mut P, &mut Context) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Runtime { plugin, ctx, .. } = self;
        let plugin = plugin.as_mut().ok_or_else(|| Error::fatal(NOT_STARTED))?;
        Self::in_outbox(ctx, |ctx| handler(plugin, ctx))
    }

    /// Runs a handler outside a batch; what it published goes out when it succeeds.
    fn in_outbox<T, E: From<Refused>>(
        ctx: &mut Context,
        handler: impl FnOnce(&mut Context) -> Result<T, E>,
    ) -> Result<T, E> {
        let before = ctx.mark();
        match handler(ctx) {
            Ok(value) => {
                ctx.flush().map_err(|unsent| unsent.refused)?;
                Ok(value)
            }
            Err(error) => {
                ctx.rewind(before);
                Err(error)
            }
        }
    }
}

const NOT_STARTED: &str = "the plugin is not started";

/// What an event is by its topic.
enum Kind<'a> {
    Sample,
    Tick(&'a str),
    Answer,
}

fn kind<'a>(origin: &Origin<'a>, index: usize) -> Kind<'a> {
    match origin.topic(index) {
        Some(topic) if topic.starts_with('$') => {
            if let Some(timer) = topic.strip_prefix(TIMER) {
                Kind::Tick(timer)
            } else if topic == ANSWER {
                Kind::Answer
            } else {
                Kind::Sample
            }
        }
        _ => Kind::Sample,
    }
}

/// Where the run of samples that begins at `start` ends.
fn end_of_samples(origin: &Origin<'_>, start: usize) -> usize {
    if !origin.reserved() {
        return origin.len();
    }
    (start + 1..origin.len())
        .find(|index| !matches!(kind(origin, *index), Kind::Sample))
        .unwrap_or(origin.len())
}

/// Hands the events to the plugin: runs of samples, ticks and answers one at a time.
fn run<P: Plugin>(
    plugin: Option<&mut P>,
    ctx: &mut Context,
    origin: Origin<'_>,
) -> Vec<(u32, Error)> {
    let Some(plugin) = plugin else {
        return vec![(0, Error::fatal(NOT_STARTED))];
    };
    let broken = RefCell::new(Vec::new());
    let mut start = 0;
    while start < origin.len() {
        let index = EventIndex(start as u32);
        let end = match kind(&origin, start) {
            Kind::Tick(timer) => {
                ctx.handling(index, |ctx| {
                    let event = origin.event(start).map_err(Error::Rejected)?;
                    let ticks = event
                        .value
                        .as_i64()
                        .and_then(|ticks| u64::try_from(ticks).ok());
                    plugin.on_timer(ctx, timer, ticks.unwrap_or(1))
                });
                start + 1
            }
            Kind::Answer => {
                ctx.handling(index, |ctx| {
                    let event = origin.event(start).map_err(Error::Rejected)?;
                    let text = event.value.as_str().unwrap_or_default();
                    let good = event.quality == Quality::Good;
                    plugin.on_answer(
                        ctx,
                        event.id.sequence,
                        if good { Ok(text) } else { Err(text) },
                    )
                });
                start + 1
            }
            Kind::Sample => {
                let end = end_of_samples(&origin, start);
                samples(
                    plugin,
                    ctx,
                    Events {
                        origin,
                        broken: &broken,
                        start,
                        end,
                    },
                );
                end
            }
        };
        start = end;
    }
    for (index, text) in broken.into_inner() {
        ctx.fail(EventIndex(index), Error::Rejected(text));
    }
    if let Err(unsent) = ctx.flush() {
        for index in unsent.causes {
            ctx.fail(EventIndex(index), Error::from(unsent.refused.clone()));
        }
    }
    ctx.take_failures()
}

fn samples<P: Plugin>(plugin: &mut P, ctx: &mut Context, events: Events<'_>) {
    let mark = ctx.mark();
    if let Err(error) = plugin.on_events(ctx, events) {
        ctx.rewind(mark);
        for index in events.start..events.end {
            ctx.fail(EventIndex(index as u32), error.clone());
        }
    }
}
