//! The loop that samples.

use serde_json::{Value as Json, json};
use weihe_sdk::prelude::*;

use crate::{Ask, Contact, Fault, Next, Readings, Sensor, State, Topics, Waiting};

/// The timer of the period.
const SAMPLE: &str = "sample";
/// The timer between two steps of a measurement, and before one that is made again.
const STEP: &str = "step";

/// A plugin around a sensor.
///
/// Every `period` a measurement begins, on the beat of the clock. One that failed is made again at once as often
/// as `retries` says; then the readings become bad, `state` says why, and the chip is tried again ever less
/// often, until it answers.
#[derive(Debug)]
pub struct Sampling<S: Sensor> {
    sensor: S,
    readings: Readings,
    contact: Contact,
    prepared: bool,
    /// The step that the timer [`STEP`] is set for.
    step: Option<u32>,
    waiting: Waiting,
    /// When the last measurement that succeeded was made.
    measured: Option<Timestamp>,
}

impl<S: Sensor> Plugin for Sampling<S> {
    type Config = S::Config;
    type Command = S::Command;
    type State = S::State;

    fn describe() -> Description {
        S::describe()
            .command(
                CommandInfo::new("read", "Measures now, and answers with the readings")
                    .answer(r#"{"type":"object"}"#),
            )
            .command(
                CommandInfo::new(
                    "status",
                    "Says whether the chip answers, why not, and what was measured last",
                )
                .answer(r#"{"type":"object"}"#),
            )
            .publishes(
                "plugin/{device}/state",
                "`ready`, or why the chip does not answer, with bad quality (text)",
            )
    }

    fn start(
        ctx: &mut Context,
        config: S::Config,
        restored: Option<S::State>,
    ) -> Result<Self, Error> {
        let pace = S::pace(&config);
        pace.check()
            .map_err(|text| Error::fatal(format!("config: {text}")))?;
        let topics = Topics::new(ctx, S::topic(&config));
        let readings = Readings::new(ctx, &topics, S::readings(&config), pace.refresh)?;
        let state = State::new(ctx, &topics)?;
        let sensor = S::open(ctx, config, restored)?;
        let contact = Contact::new(state.of(sensor.what()), &pace);
        let mut sampling = Sampling {
            sensor,
            readings,
            contact,
            prepared: false,
            step: None,
            waiting: Waiting::default(),
            measured: None,
        };
        ctx.every(SAMPLE, pace.period)?;
        sampling.go(ctx, 0);
        Ok(sampling)
    }

    fn on_timer(&mut self, ctx: &mut Context, timer: &str, _ticks: u64) -> Result<(), Error> {
        match timer {
            // One that is under way, or waits to be made again, is not overtaken.
            SAMPLE if self.step.is_none() => self.go(ctx, 0),
            STEP => {
                if let Some(step) = self.step.take() {
                    self.go(ctx, step);
                }
            }
            SAMPLE => {}
            own => {
                if let Err(fault) = self.sensor.on_timer(ctx, own) {
                    self.failed(ctx, &fault);
                }
            }
        }
        Ok(())
    }

    fn on_event(&mut self, ctx: &mut Context, event: Event<'_>) -> Result<(), Error> {
        let ready = self.prepared && !self.is_measuring();
        if let Err(fault) = self.sensor.on_event(ctx, event, ready) {
            self.failed(ctx, &fault);
        }
        Ok(())
    }

    fn stop(&mut self, ctx: &mut Context, reason: StopReason) {
        self.sensor.stop(ctx, reason);
    }

    fn export_state(&self) -> Option<S::State> {
        self.sensor.export()
    }

    fn on_command(
        &mut self,
        ctx: &mut Context,
        call: Call<'_, S::Command>,
    ) -> Result<Answer, CallError> {
        match S::ask(&call.command) {
            Ask::Status => Answer::json(&self.status()),
            Ask::Read => {
                let answer = self.waiting.push(call.id);
                // A chip that is down is tried at once when somebody asks.
                if !self.is_measuring() {
                    self.step = None;
                    ctx.cancel(STEP);
                    self.go(ctx, 0);
                }
                Ok(answer)
            }
            Ask::Own if self.is_measuring() => Err(CallError::unavailable(
                "a measurement is under way: try again in a moment",
            )),
            Ask::Own => {
                let done = self.prepare().map_err(CallError::from);
                let done = done.and_then(|()| self.sensor.on_command(ctx, call.id, call.command));
                if let Err(CallError::Unavailable(text)) = &done {
                    let fault = Fault::new(text.clone());
                    self.failed(ctx, &fault);
                }
                done
            }
        }
    }
}

impl<S: Sensor> Sampling<S> {
    /// Whether a measurement is between two steps.
    fn is_measuring(&self) -> bool {
        self.step.is_some_and(|step| step > 0)
    }

    fn prepare(&mut self) -> Result<(), Fault> {
        if !self.prepared {
            self.sensor.prepare()?;
            self.prepared = true;
        }
        Ok(())
    }

    /// Goes on with a step, until there is something to wait for.
    fn go(&mut self, ctx: &mut Context, mut step: u32) {
        let outcome = loop {
            let next = self
                .prepare()
                .and_then(|()| self.sensor.step(ctx, step, &mut self.readings));
            step = step.saturating_add(1);
            match next {
                Ok(Next::After(span)) if span.is_zero() => {}
                Ok(Next::After(span)) => match ctx.after(STEP, span) {
                    Ok(()) => {
                        self.step = Some(step);
                        return;
                    }
                    Err(refused) => break Err(Fault::new(refused.to_string())),
                },
                Ok(Next::Done) => break Ok(()),
                Err(fault) => break Err(fault),
            }
        };
        match outcome {
            Ok(()) => self.succeeded(ctx),
            Err(fault) => self.failed(ctx, &fault),
        }
    }

    fn succeeded(&mut self, ctx: &mut Context) {
        self.measured = Some(ctx.now());
        self.contact.succeeded(ctx);
        self.readings.show(ctx);
        let answer = Answer::json(&self.readings.to_json());
        self.waiting.answer(ctx, answer);
    }

    fn failed(&mut self, ctx: &mut Context, fault: &Fault) {
        self.prepared = false;
        let again = self.contact.failed(ctx, fault);
        if !self.contact.is_up() && self.contact.reason().is_some() {
            self.readings.forget();
            self.readings.show(ctx);
            self.sensor.failed(ctx);
            self.waiting.answer(ctx, Err(fault.clone().into()));
        }
        match ctx.after(STEP, again) {
            Ok(()) => self.step = Some(0),
            // The next period tries it.
            Err(refused) => weihe_sdk::log::error!("timer `{STEP}`: {refused}"),
        }
    }

    fn status(&self) -> Json {
        let mut status = json!({
            "ready": self.contact.is_up(),
            "error": self.contact.reason(),
            "failures": self.contact.failures(),
            "measured": self.measured.map(|time| time.to_string()),
            "readings": self.readings.to_json(),
        });
        if let Some(status) = status.as_object_mut() {
            status.extend(self.sensor.more());
        }
        status
    }
}

#[cfg(test)]
#[path = "sampling_tests.rs"]
mod tests;
