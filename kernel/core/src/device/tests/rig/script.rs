//! What the instances of a device do, and what they saw.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use crate::bus::Overflow;
use crate::connection::Notice;
use crate::device::{
    Call, CallError, CallId, Device, Effect, GuestError, Hooked, Outbox, Outcome, StartContext,
    StopReason, Trap,
};
use crate::event::Event;
use crate::schedule::{Missed, TimerOrder};

use super::sample;

/// What a hook can touch.
pub struct Stage<'a> {
    pub device: &'a Arc<Device>,
    pub outbox: &'a mut Outbox,
    /// Rows that wait for their commit.
    pub rows: &'a mut Vec<i64>,
    /// The plugin's own state.
    pub state: &'a mut i64,
}

impl Stage<'_> {
    pub fn subscribe(
        &self,
        filter: &str,
        overflow: Overflow,
        capacity: u32,
        retained: bool,
    ) -> u32 {
        let filter = filter.parse().unwrap();
        let id = self.device.subscribe(filter, overflow, capacity, retained);
        id.unwrap()
    }

    pub fn publish(&mut self, topic: &str, value: i64, cause: u32) {
        let event = sample(&self.device.bus, topic, value);
        self.outbox.publish(event, cause);
    }

    pub fn every(&mut self, name: &str, period: u64, missed: Missed) {
        let order = TimerOrder::Every {
            name: name.into(),
            period,
            missed,
            jitter: 0,
            first: None,
        };
        self.outbox.effects.push(Effect::Timer(order));
    }

    pub fn cron(&mut self, name: &str, expression: &str, missed: Missed) {
        let order = TimerOrder::Cron {
            name: name.into(),
            expression: expression.parse().unwrap(),
            missed,
            jitter: 0,
        };
        self.outbox.effects.push(Effect::Timer(order));
    }

    pub fn after(&mut self, name: &str, delay: u64) {
        let order = TimerOrder::After {
            name: name.into(),
            delay,
        };
        self.outbox.effects.push(Effect::Timer(order));
    }

    pub fn cancel(&mut self, name: &str) {
        let order = TimerOrder::Cancel { name: name.into() };
        self.outbox.effects.push(Effect::Timer(order));
    }

    pub fn reply(&mut self, id: CallId, answer: Result<&str, CallError>) {
        let answer = answer.map(str::to_owned);
        self.outbox.effects.push(Effect::Reply { id, answer });
    }

    pub fn call(&mut self, device: &str, command: &str, timeout: u64) -> CallId {
        let id = self.device.new_call();
        self.outbox.effects.push(Effect::Call {
            id,
            device: device.into(),
            command: command.into(),
            arguments: "{}".into(),
            timeout,
        });
        id
    }
}

/// A hook of a script, replaceable while it runs.
type Hook<F> = RefCell<Box<F>>;

type OnStart = dyn FnMut(&mut Stage, &StartContext) -> Hooked<()>;
type OnEvent = dyn FnMut(&mut Stage, u32, &Event) -> Hooked<()>;
type OnCall = dyn FnMut(&mut Stage, &Call) -> Hooked<Outcome, CallError>;
type OnNotice = dyn FnMut(&mut Stage, &str, &Notice) -> Hooked<()>;
type OnImport = dyn FnMut(&mut Stage, i64) -> Hooked<()>;
type OnExport = dyn FnMut(&mut Stage) -> Result<(), Trap>;
type OnStop = dyn FnMut(&mut Stage, StopReason) -> Result<(), Trap>;

/// What a device's instances do, and what they saw. All instances of a device share it.
pub struct Script {
    /// Makes an instance.
    pub instantiate: Hook<dyn FnMut() -> Result<(), Trap>>,
    pub start: Hook<OnStart>,
    /// Called for each event with its index.
    pub event: Hook<OnEvent>,
    pub call: Hook<OnCall>,
    pub notice: Hook<OnNotice>,
    pub stop: Hook<OnStop>,
    pub commit: Hook<dyn FnMut() -> Result<(), String>>,
    pub import: Hook<OnImport>,
    /// Whether there is state to export.
    pub has_state: Cell<bool>,
    pub export: Hook<OnExport>,
    /// How long an instance takes for a batch, in nanoseconds.
    pub slow: Cell<u64>,
    /// Batches as they came: topic, value and attempt of each event.
    pub batches: RefCell<Vec<Vec<(String, i64, u16)>>>,
    pub starts: RefCell<Vec<StartContext>>,
    /// Errors that the next batch returns besides its own.
    pub stray: RefCell<Vec<(u32, GuestError)>>,
    /// Rows that were committed.
    pub rows: RefCell<Vec<i64>>,
}

impl Script {
    /// Subscribes to `in/#` in its start and handles everything without a word.
    pub fn new() -> Rc<Self> {
        Rc::new(Self {
            instantiate: RefCell::new(Box::new(|| Ok(()))),
            start: RefCell::new(Box::new(|stage, _| {
                stage.subscribe("in/#", Overflow::DropOldest, 0, false);
                Ok(Ok(()))
            })),
            event: RefCell::new(Box::new(|_, _, _| Ok(Ok(())))),
            call: RefCell::new(Box::new(|_, _| Ok(Ok(Outcome::Done("null".into()))))),
            notice: RefCell::new(Box::new(|_, _, _| Ok(Ok(())))),
            stop: RefCell::new(Box::new(|_, _| Ok(()))),
            commit: RefCell::new(Box::new(|| Ok(()))),
            import: RefCell::new(Box::new(|_, _| Ok(Ok(())))),
            has_state: Cell::new(false),
            export: RefCell::new(Box::new(|_| Ok(()))),
            slow: Cell::new(0),
            batches: RefCell::default(),
            starts: RefCell::default(),
            stray: RefCell::default(),
            rows: RefCell::default(),
        })
    }

    pub fn on_start(&self, hook: impl FnMut(&mut Stage, &StartContext) -> Hooked<()> + 'static) {
        *self.start.borrow_mut() = Box::new(hook);
    }

    pub fn on_event(&self, hook: impl FnMut(&mut Stage, u32, &Event) -> Hooked<()> + 'static) {
        *self.event.borrow_mut() = Box::new(hook);
    }

    pub fn on_call(
        &self,
        hook: impl FnMut(&mut Stage, &Call) -> Hooked<Outcome, CallError> + 'static,
    ) {
        *self.call.borrow_mut() = Box::new(hook);
    }

    pub fn on_notice(&self, hook: impl FnMut(&mut Stage, &str, &Notice) -> Hooked<()> + 'static) {
        *self.notice.borrow_mut() = Box::new(hook);
    }

    pub fn on_stop(&self, hook: impl FnMut(&mut Stage, StopReason) -> Result<(), Trap> + 'static) {
        *self.stop.borrow_mut() = Box::new(hook);
    }

    pub fn on_commit(&self, hook: impl FnMut() -> Result<(), String> + 'static) {
        *self.commit.borrow_mut() = Box::new(hook);
    }

    pub fn on_import(&self, hook: impl FnMut(&mut Stage, i64) -> Hooked<()> + 'static) {
        *self.import.borrow_mut() = Box::new(hook);
    }

    pub fn on_export(&self, hook: impl FnMut(&mut Stage) -> Result<(), Trap> + 'static) {
        *self.export.borrow_mut() = Box::new(hook);
    }

    /// The values of each batch since the last look.
    pub fn batches(&self) -> Vec<Vec<i64>> {
        let batches = std::mem::take(&mut *self.batches.borrow_mut());
        let values = |batch: Vec<(String, i64, u16)>| batch.iter().map(|seen| seen.1).collect();
        batches.into_iter().map(values).collect()
    }

    /// Value and attempt of each delivery since the last look.
    pub fn deliveries(&self) -> Vec<(i64, u16)> {
        let batches = std::mem::take(&mut *self.batches.borrow_mut());
        batches
            .into_iter()
            .flatten()
            .map(|(_, value, attempt)| (value, attempt))
            .collect()
    }

    /// Topic and value of each delivery since the last look.
    pub fn topics(&self) -> Vec<(String, i64)> {
        let batches = std::mem::take(&mut *self.batches.borrow_mut());
        batches
            .into_iter()
            .flatten()
            .map(|(topic, value, _)| (topic, value))
            .collect()
    }
}
