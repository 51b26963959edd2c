//! A pump is started step by step: the valve first, then the pump, each when the one before has
//! agreed. It is stopped backwards: on command, when a step fails, when an interlock drops, and once
//! at each start of this plugin, because nobody knows what the one before has left behind.

mod config;

use std::collections::BTreeMap;

use config::{Command, Config, Step};
use serde_json::json;
use weihe_sdk::prelude::*;

/// The sequence.
pub struct PumpSequence {
    steps: Vec<Step>,
    /// The interlocks, and whether each holds; one that has not been heard does not.
    interlocks: BTreeMap<String, bool>,
    phase: Phase,
    /// The call that is under way.
    call: Option<CallId>,
    /// The command to be answered at the end, and whether it is a start.
    waiting: Option<(CallId, bool)>,
    /// Why it was stopped; empty when it was asked to.
    fault: String,
    state: Topic,
    fault_topic: Topic,
}

/// Where it is, with the step that is under way.
#[derive(Debug, Clone, PartialEq)]
enum Phase {
    Starting(usize),
    Running,
    /// The step, and those after it that could not be stopped.
    Stopping(usize, Vec<usize>),
    Stopped,
}

impl Phase {
    fn name(&self) -> &'static str {
        match self {
            Phase::Starting(_) => "starting",
            Phase::Running => "running",
            Phase::Stopping(..) => "stopping",
            Phase::Stopped => "stopped",
        }
    }
}

/// The timer of a pause, and that of another attempt to stop what could not be stopped.
const NEXT: &str = "next";
const AGAIN: &str = "again";
/// Soon enough for a pump, and no load for a line that is down.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

impl Plugin for PumpSequence {
    type Config = Config;
    type Command = Command;
    // None on purpose: see `start`.
    type State = NoState;

    fn describe() -> Description {
        Description::new(
            "pump-sequence",
            env!("CARGO_PKG_VERSION"),
            "Starts and stops a pump step by step",
        )
        .publishes(
            "plugin/{device}/state",
            "starting, running, stopping or stopped",
        )
        .publishes(
            "plugin/{device}/fault",
            "why it was stopped; empty when it was asked to",
        )
        .command(CommandInfo::new(
            "start",
            "Starts it; answered when it runs",
        ))
        .command(CommandInfo::new(
            "stop",
            "Stops it; answered when it stands",
        ))
        .config_schema(include_str!("config.schema.json"))
    }

    fn start(ctx: &mut Context, config: Config, _: Option<NoState>) -> Result<Self, Error> {
        config.check()?;
        for (index, topic) in config.interlocks.iter().enumerate() {
            ctx.subscribe(topic)
                .map_err(|error| Error::fatal(format!("config: `interlocks[{index}]`: {error}")))?;
        }
        let mut sequence = PumpSequence {
            steps: config.steps,
            interlocks: config
                .interlocks
                .into_iter()
                .map(|topic| (topic, false))
                .collect(),
            phase: Phase::Stopped,
            call: None,
            waiting: None,
            fault: String::new(),
            state: ctx.own_topic("state")?,
            fault_topic: ctx.own_topic("fault")?,
        };
        sequence.stop_all(ctx, "")?;
        Ok(sequence)
    }

    fn on_event(&mut self, ctx: &mut Context, event: Event<'_>) -> Result<(), Error> {
        let Some(holds) = self.interlocks.get_mut(event.topic) else {
            return Ok(());
        };
        // What is not known to hold does not hold.
        *holds = event.quality == Quality::Good && event.value.as_bool() == Some(true);
        let dropped = !*holds && matches!(self.phase, Phase::Starting(_) | Phase::Running);
        if dropped {
            self.stop_all(
                ctx,
                &format!("interlock `{}`: {}", event.topic, event.value),
            )?;
        }
        Ok(())
    }

    fn on_command(
        &mut self,
        ctx: &mut Context,
        call: Call<'_, Command>,
    ) -> Result<Answer, CallError> {
        match (&call.command, &self.phase) {
            (Command::Start, Phase::Running) | (Command::Stop, Phase::Stopped) => {
                return Ok(Answer::none());
            }
            (Command::Start, Phase::Stopped) => {
                if let Some((topic, _)) = self.interlocks.iter().find(|(_, holds)| !**holds) {
                    return Err(CallError::unavailable(format!(
                        "interlock `{topic}` does not hold"
                    )));
                }
                self.fault.clear();
                ctx.publish_on(self.fault_topic, "");
                self.enter(ctx, Phase::Starting(0))?;
            }
            (Command::Start, phase) => {
                let text = format!("it is {} now", phase.name());
                return Err(CallError::unavailable(text));
            }
            (Command::Stop, Phase::Stopping(..)) if self.waiting.is_some() => {
                return Err(CallError::unavailable("it is stopping already"));
            }
            (Command::Stop, Phase::Stopping(..)) => {}
            (Command::Stop, _) => {
                // Whoever waits for the start is told that it will not come to its end.
                self.answer(ctx, Err(CallError::failed("it was stopped")));
                self.stop_all(ctx, "")?;
            }
        }
        self.waiting = Some((call.id, matches!(call.command, Command::Start)));
        Ok(Answer::pending())
    }

    fn on_answer(
        &mut self,
        ctx: &mut Context,
        call: CallId,
        answer: Result<&str, &str>,
    ) -> Result<(), Error> {
        if self.call != Some(call) {
            // Of a step that was given up: the way back has begun, and goes over it again.
            return Ok(());
        }
        self.call = None;
        match (&mut self.phase, answer) {
            (Phase::Starting(step), Err(why)) => {
                let fault = format!("`{}`: {why}", self.steps[*step].device);
                return self.stop_all(ctx, &fault);
            }
            (Phase::Stopping(step, left), Err(why)) => {
                // The others are stopped all the same.
                weihe_sdk::log::error!("`{}` is not stopped: {why}", self.steps[*step].device);
                left.push(*step);
            }
            _ => {}
        }
        let pause = match self.phase {
            Phase::Starting(step) => self.steps[step].pause,
            _ => Duration::ZERO,
        };
        if pause.is_zero() {
            self.next(ctx)
        } else {
            Ok(ctx.after(NEXT, pause)?)
        }
    }

    fn on_timer(&mut self, ctx: &mut Context, timer: &str, _ticks: u64) -> Result<(), Error> {
        match (timer, &self.phase) {
            (NEXT, Phase::Starting(_)) => self.next(ctx),
            (AGAIN, Phase::Stopping(..)) => self.stop_all(ctx, ""),
            _ => Ok(()),
        }
    }
}

impl PumpSequence {
    /// Goes to a phase, and makes the call of its step.
    fn enter(&mut self, ctx: &mut Context, phase: Phase) -> Result<(), Error> {
        let step = match &phase {
            Phase::Starting(step) => Some((*step, true)),
            Phase::Stopping(step, _) => Some((*step, false)),
            Phase::Running | Phase::Stopped => None,
        };
        if phase.name() != self.phase.name() {
            ctx.publish_on(self.state, phase.name());
        }
        self.phase = phase;
        if let Some((step, on)) = step {
            let step = &self.steps[step];
            let arguments = if on { &step.on } else { &step.off };
            self.call = Some(ctx.call(&step.device, &step.command, arguments, step.timeout)?);
        }
        Ok(())
    }

    /// The step after the one that has answered.
    fn next(&mut self, ctx: &mut Context) -> Result<(), Error> {
        match self.phase.clone() {
            Phase::Starting(step) if step + 1 < self.steps.len() => {
                self.enter(ctx, Phase::Starting(step + 1))
            }
            Phase::Starting(_) => {
                self.enter(ctx, Phase::Running)?;
                self.answer(ctx, Ok(Answer::json(&json!({ "state": "running" }))?));
                Ok(())
            }
            Phase::Stopping(step, left) if step > 0 => {
                self.enter(ctx, Phase::Stopping(step - 1, left))
            }
            Phase::Stopping(_, left) if left.is_empty() => {
                self.enter(ctx, Phase::Stopped)?;
                let failed = matches!(self.waiting, Some((_, true)));
                let answer = match failed {
                    true => Err(CallError::failed(&self.fault)),
                    false => Ok(Answer::json(&json!({ "state": "stopped" }))?),
                };
                self.answer(ctx, answer);
                Ok(())
            }
            // It is not safe yet: all of it again, in order.
            Phase::Stopping(..) => Ok(ctx.after(AGAIN, AGAIN_AFTER)?),
            Phase::Running | Phase::Stopped => Ok(()),
        }
    }

    /// Begins the way back, over every step: also over those that were never reached, because to
    /// switch off what is off does no harm.
    fn stop_all(&mut self, ctx: &mut Context, fault: &str) -> Result<(), Error> {
        ctx.cancel(NEXT);
        ctx.cancel(AGAIN);
        if !fault.is_empty() {
            weihe_sdk::log::error!("stopped: {fault}");
            self.fault = fault.to_owned();
            ctx.publish_on(self.fault_topic, fault);
        }
        self.enter(ctx, Phase::Stopping(self.steps.len() - 1, Vec::new()))
    }

    fn answer(&mut self, ctx: &mut Context, answer: Result<Answer, CallError>) {
        if let Some((call, _)) = self.waiting.take() {
            ctx.reply(call, answer);
        }
    }
}

// Answers and timers come as events.
weihe_sdk::plugin!(PumpSequence: events, commands);

#[cfg(test)]
mod tests;
