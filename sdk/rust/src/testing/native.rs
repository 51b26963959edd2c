//! The native place: the plugin's own code, called as its component's exports would be.

use super::calendar;
use super::seam::Kernel;
use super::world::{Effects, Timer};
use crate::packed::{Record, Writer};
use crate::runtime::{Runtime, Start};
use crate::{
    CallError, CallId, Duration, Error, EventBuf, Failure, LinkState, Peer, PeerId, Plugin, Reply,
    StopReason, Ticket, Timestamp,
};

/// Who calls the commands that a test calls.
const CALLER: &str = "operator";

/// How long a test's calls may take, as the plugin is told.
const CALL_DEADLINE: Duration = Duration::from_secs(10);

/// A plugin that runs natively.
pub(super) struct Native<P: Plugin> {
    runtime: Runtime<P>,
    kernel: Kernel,
    device: String,
    connection: Option<String>,
    incarnation: u32,
}

impl<P: Plugin> Native<P> {
    pub(super) fn start(
        kernel: Kernel,
        device: String,
        connection: Option<String>,
        state: Option<(u32, Vec<u8>)>,
        config: &str,
    ) -> Result<Self, Error> {
        let mut native = Native {
            runtime: Runtime::new(kernel.clone()),
            kernel,
            device,
            connection,
            incarnation: 0,
        };
        native.begin(state, config)?;
        Ok(native)
    }

    fn begin(&mut self, state: Option<(u32, Vec<u8>)>, config: &str) -> Result<(), Error> {
        self.incarnation += 1;
        let start = Start {
            device: self.device.clone(),
            config: config.to_owned(),
            connection: self.connection.clone(),
            incarnation: self.incarnation,
        };
        self.attempt(|runtime| {
            if let Some((version, bytes)) = state {
                runtime.import_state(version, &bytes)?;
            }
            runtime.start(start)
        })?;
        self.fail_exchanges()
    }

    pub(super) fn plugin(&self) -> Option<&P> {
        self.runtime.plugin()
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.kernel.now())
    }

    pub(super) fn feed(&mut self, event: &EventBuf) -> Result<(), Error> {
        self.attempt(|runtime| runtime.handle(event))?;
        self.fail_exchanges()
    }

    pub(super) fn feed_batch(&mut self, events: &[EventBuf]) -> Vec<(u32, Error)> {
        let mut writer = Writer::default();
        for event in events {
            let record = self.kernel.with(|world| Record {
                topic: world.id_of(&event.topic),
                time: event.time,
                quality: event.quality,
                attempt: event.attempt as u16,
                value: event.value.as_value(),
                sequence: event.id.sequence,
                source: world.id_of(&event.id.source),
                cause: event
                    .cause
                    .as_ref()
                    .map(|id| (world.id_of(&id.source), id.sequence)),
            });
            if let Err(full) = writer.push(&record) {
                return vec![(0, Error::fatal(full.to_string()))];
            }
        }
        let batch = writer.batch();
        let mut errors = self.runtime.handle_batch(&batch.head, &batch.bytes);
        if let Err(error) = self.fail_exchanges() {
            errors.push((0, error));
        }
        errors
    }

    pub(super) fn next_timer(&self, end: Timestamp) -> Option<String> {
        self.kernel.with(|world| {
            let due = world
                .effects
                .timers
                .iter()
                .filter(|(_, timer)| timer.due <= end);
            due.min_by_key(|(_, timer)| timer.due)
                .map(|(name, _)| name.clone())
        })
    }

    /// Moves the clock to a timer's tick, and sets the timer to its next.
    pub(super) fn turn(&mut self, name: &str) {
        self.kernel.with(|world| {
            let Some(timer) = world.effects.timers.get_mut(name) else {
                return;
            };
            world.now = world.now.max(timer.due.as_nanos());
            let next = match timer {
                Timer {
                    due,
                    cron: Some(expression),
                    ..
                } => calendar::after(expression, *due).ok(),
                Timer {
                    due,
                    period: Some(period),
                    ..
                } => Some(*due + Duration::from_nanos(*period)),
                _ => None,
            };
            match next {
                Some(next) => timer.due = next,
                // It ticked once, or the calendar ends.
                None => drop(world.effects.timers.remove(name)),
            }
        });
    }

    pub(super) fn call(
        &mut self,
        command: &str,
        arguments: &str,
    ) -> Result<Option<String>, CallError> {
        let id = self.kernel.with(|world| world.take_id());
        let deadline = self.now() + CALL_DEADLINE;
        let answer =
            self.attempt(|runtime| runtime.call(id, command, arguments, CALLER, deadline))?;
        if let Err(error) = self.fail_exchanges() {
            // The command is not to blame for what the plugin says of a failed exchange.
            crate::log::error!("on_reply: {error}");
        }
        let answered = |answers: &mut Vec<(CallId, Result<String, CallError>)>| {
            let at = answers.iter().position(|(call, _)| *call == id)?;
            Some(answers.remove(at).1)
        };
        match answer {
            Some(answer) => Ok(Some(answer)),
            // An injected failure may have answered it.
            None if self.kernel.with(|world| world.faulty()) => self
                .kernel
                .with(|world| answered(&mut world.effects.answers))
                .transpose(),
            None => Ok(None),
        }
    }

    pub(super) fn reply(
        &mut self,
        connection: &str,
        ticket: Ticket,
        outcome: Result<&[u8], Failure>,
    ) -> Result<(), Error> {
        let now = self.now();
        let outcome = outcome.map(|bytes| Reply {
            bytes: bytes.to_owned(),
            sent: now,
            received: now,
        });
        self.attempt(|runtime| runtime.replied(connection, ticket, outcome))?;
        self.fail_exchanges()
    }

    pub(super) fn received(
        &mut self,
        connection: &str,
        peer: Option<PeerId>,
        bytes: &[u8],
    ) -> Result<(), Error> {
        let now = self.now();
        self.attempt(|runtime| runtime.received(connection, peer, bytes, now))?;
        self.fail_exchanges()
    }

    pub(super) fn link(
        &mut self,
        connection: &str,
        state: LinkState,
        reason: &str,
    ) -> Result<(), Error> {
        self.kernel.with(|world| {
            world.links.insert(connection.to_owned(), state);
            match state {
                LinkState::Down => {
                    drop(world.down.insert(connection.to_owned(), reason.to_owned()))
                }
                _ => drop(world.down.remove(connection)),
            }
        });
        self.attempt(|runtime| runtime.link_changed(connection, state, reason))?;
        self.fail_exchanges()
    }

    pub(super) fn peer(
        &mut self,
        connection: &str,
        id: PeerId,
        address: &str,
        connected: bool,
    ) -> Result<(), Error> {
        self.attempt(|runtime| runtime.peer_changed(connection, Peer { id, address }, connected))?;
        self.fail_exchanges()
    }

    pub(super) fn restart(&mut self, config: &str) -> Result<(), Error> {
        let state = self.runtime.export_state();
        self.runtime.stop(StopReason::Swap);
        self.runtime = Runtime::new(self.kernel.clone());
        self.begin(Some(state), config)
    }

    pub(super) fn stop(&mut self) {
        self.runtime.stop(StopReason::Shutdown);
        let now = self.now();
        self.kernel.with(|world| world.board.end(now));
    }

    pub(super) fn state(&self) -> (u32, Vec<u8>) {
        self.runtime.export_state()
    }

    /// Tells the plugin of the exchanges that an injected fault lets fail; what it submits then may fail
    /// likewise.
    fn fail_exchanges(&mut self) -> Result<(), Error> {
        while let Some((connection, ticket, failure)) =
            self.kernel.with(|world| world.failing.pop_front())
        {
            self.attempt(|runtime| runtime.replied(&connection, ticket, Err(failure)))?;
        }
        Ok(())
    }

    /// Runs a handler, and takes back what it did when it fails.
    fn attempt<T, E>(
        &mut self,
        handler: impl FnOnce(&mut Runtime<P>) -> Result<T, E>,
    ) -> Result<T, E> {
        let (before, failing) = self
            .kernel
            .with(|world| (Effects::clone(&world.effects), world.failing.clone()));
        let outcome = handler(&mut self.runtime);
        if outcome.is_err() {
            self.kernel.with(|world| {
                world.effects = before;
                world.failing = failing;
            });
        }
        outcome
    }
}
