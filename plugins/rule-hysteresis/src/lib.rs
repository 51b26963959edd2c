#![doc = include_str!("../README.md")]

mod config;
mod rule;
mod threshold;

pub use config::{Call as CallConfig, Config, Safe, Startup, Treatment};
pub use rule::{Decision, Input, Mode, Override, Rule, State};
pub use threshold::Threshold;

use serde::Deserialize;
use serde_json::json;
use weihe_sdk::log;
use weihe_sdk::prelude::*;

/// The timer that looks at the rule again when nothing comes.
const LOOK: &str = "look";
/// The timer that makes a call again: soon when it failed, later when it succeeded.
const AGAIN: &str = "call-again";

/// On or off, as an operator writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

/// What an operator can say.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Sets the output, whatever the input says.
    Override {
        /// The output.
        state: Switch,
        /// For how long; without it until `auto`.
        #[serde(rename = "for")]
        span: Option<Duration>,
    },
    /// Leaves the output to the input again.
    Auto,
    /// Says what the rule does and why.
    Status,
}

/// The plugin.
#[derive(Debug)]
pub struct RuleHysteresis {
    rule: Rule,
    call: Option<CallConfig>,
    input: String,
    own_output: Topic,
    own_mode: Topic,
    output: Option<Topic>,
    /// What was published last.
    shown: Option<(Mode, bool)>,
    /// When the `look` timer ticks.
    look_at: Option<Timestamp>,
    /// The call whose answer counts.
    calling: Option<CallId>,
    /// Why the last call failed.
    call_error: Option<String>,
}

impl Plugin for RuleHysteresis {
    type Config = Config;
    type Command = Command;
    type State = State;

    fn describe() -> Description {
        Description::new(
            "rule-hysteresis",
            env!("CARGO_PKG_VERSION"),
            "Switches an output by thresholds with hysteresis, with manual override",
        )
        .command(
            CommandInfo::new("override", "Sets the output, whatever the input says").arguments(
                r#"{"type":"object","required":["state"],"additionalProperties":false,"properties":{"state":{"enum":["on","off"]},"for":{"type":["string","number"],"description":"a span such as \"10 min\", or seconds; without it until auto"}}}"#,
            ),
        )
        .command(CommandInfo::new("auto", "Leaves the output to the input again"))
        .command(
            CommandInfo::new("status", "Says what the rule does and why")
                .answer(r#"{"type":"object"}"#),
        )
        .publishes("plugin/{device}/output", "whether the output is on (boolean)")
        .publishes("plugin/{device}/mode", "who decides: starting, auto, override or safe (text)")
        .config_schema(include_str!("config.schema.json"))
    }

    fn start(ctx: &mut Context, config: Config, restored: Option<State>) -> Result<Self, Error> {
        ctx.subscribe(&config.input)
            .map_err(|error| key("input", error))?;
        let output = match &config.output {
            Some(topic) => Some(ctx.topic(topic).map_err(|error| key("output", error))?),
            None => None,
        };
        let mut plugin = RuleHysteresis {
            call: config.call.clone(),
            input: config.input.clone(),
            own_output: ctx.own_topic("output")?,
            own_mode: ctx.own_topic("mode")?,
            output,
            rule: Rule::new(config, restored, ctx.now()),
            shown: None,
            look_at: None,
            calling: None,
            call_error: None,
        };
        plugin.act(ctx);
        Ok(plugin)
    }

    fn on_event(&mut self, ctx: &mut Context, event: Event<'_>) -> Result<(), Error> {
        let value = match event.value {
            // A source that failed has nothing to say but that.
            Value::None if event.quality == Quality::Bad => f64::NAN,
            value => value.as_f64().ok_or_else(|| {
                Error::rejected(format!(
                    "`{}`: expected a number, found {value}",
                    event.topic
                ))
            })?,
        };
        self.rule.take(Input {
            value,
            time: event.time,
            quality: event.quality,
        });
        self.act(ctx);
        Ok(())
    }

    fn on_timer(&mut self, ctx: &mut Context, timer: &str, _ticks: u64) -> Result<(), Error> {
        match timer {
            LOOK => {
                self.look_at = None;
                self.act(ctx);
            }
            AGAIN => self.call_actuator(ctx),
            _ => {}
        }
        Ok(())
    }

    fn on_answer(
        &mut self,
        ctx: &mut Context,
        call: CallId,
        answer: Result<&str, &str>,
    ) -> Result<(), Error> {
        // The answer to a call that a newer one replaced says nothing about the output now.
        if self.calling == Some(call) {
            self.calling = None;
            match answer {
                Ok(_) => self.call_succeeded(ctx),
                Err(text) => self.call_failed(ctx, text),
            }
        }
        Ok(())
    }

    fn on_command(
        &mut self,
        ctx: &mut Context,
        call: Call<'_, Command>,
    ) -> Result<Answer, CallError> {
        let now = ctx.now();
        match call.command {
            Command::Override {
                span: Some(span), ..
            } if span.is_zero() => {
                return Err(CallError::invalid_argument("`for`: 0 s is too short"));
            }
            Command::Override { state, span } => {
                let until = span.map(|span| now + span);
                let word = Override {
                    state: state == Switch::On,
                    until,
                };
                log::info!("override by {}: {state:?} until {until:?}", call.caller);
                self.rule.set_operator(Some(word));
                // Who repeats it doubts that the output followed.
                if self.rule.output() == Some(word.state) {
                    self.call_actuator(ctx);
                }
            }
            Command::Auto => self.rule.set_operator(None),
            Command::Status => return Answer::json(&self.status(now)),
        }
        self.act(ctx);
        Answer::json(&self.status(now))
    }

    fn export_state(&self) -> Option<State> {
        Some(self.rule.state())
    }
}

fn call_again(ctx: &mut Context, after: Duration) {
    if let Err(refused) = ctx.after(AGAIN, after) {
        log::error!("timer `{AGAIN}`: {refused}");
    }
}

fn key(key: &str, refused: Refused) -> Error {
    Error::fatal(format!("config: `{key}`: {refused}"))
}

impl RuleHysteresis {
    /// Brings the output to what the rule says. Fails never: what cannot be done now is logged and
    /// done again, because the rule's memory has already moved on.
    fn act(&mut self, ctx: &mut Context) {
        let now = ctx.now();
        let decision = self.rule.decide(now);
        if let Some(output) = decision.output {
            self.rule.set_output(output, now);
            let shown = Some((decision.mode, output));
            if self.shown != shown {
                let switched = self.shown.is_none_or(|(_, before)| before != output);
                self.shown = shown;
                self.show(ctx, decision.mode, output);
                if switched {
                    self.call_actuator(ctx);
                }
            }
        }
        self.look_again(ctx, decision.again, now);
    }

    fn show(&self, ctx: &mut Context, mode: Mode, output: bool) {
        let trusted = match mode {
            Mode::Auto => self
                .rule
                .input()
                .map_or(Quality::Uncertain, |input| input.quality),
            Mode::Override => Quality::Good,
            Mode::Starting | Mode::Safe => Quality::Uncertain,
        };
        let sample = Sample::new(output).quality(trusted);
        ctx.publish_on(self.own_output, sample);
        if let Some(topic) = self.output {
            ctx.publish_on(topic, sample);
        }
        ctx.publish_on(self.own_mode, mode.name());
    }

    /// Sets the timer, unless it ticks early enough anyway: a tick too early costs less than a call
    /// of the kernel for each sample.
    fn look_again(&mut self, ctx: &mut Context, again: Option<Duration>, now: Timestamp) {
        let Some(again) = again else { return };
        let at = now + again;
        if self.look_at.is_some_and(|set| set <= at) {
            return;
        }
        match ctx.after(LOOK, again) {
            Ok(()) => self.look_at = Some(at),
            Err(refused) => log::error!("timer `{LOOK}`: {refused}"),
        }
    }

    fn call_actuator(&mut self, ctx: &mut Context) {
        let (Some(call), Some(output)) = (&self.call, self.rule.output()) else {
            return;
        };
        let arguments = if output { &call.on } else { &call.off };
        match ctx.call(&call.device, &call.command, arguments, call.timeout) {
            Ok(id) => {
                self.calling = Some(id);
                ctx.cancel(AGAIN);
            }
            Err(error) => self.call_failed(ctx, error.text()),
        }
    }

    fn call_succeeded(&mut self, ctx: &mut Context) {
        let Some(call) = &self.call else { return };
        if self.call_error.take().is_some() {
            log::info!("{}.{}: succeeded again", call.device, call.command);
        }
        if !call.repeat.is_zero() {
            call_again(ctx, call.repeat);
        }
    }

    fn call_failed(&mut self, ctx: &mut Context, text: &str) {
        let Some(call) = &self.call else { return };
        // What stays wrong for days is said once.
        if self.call_error.as_deref() != Some(text) {
            log::warn!(
                "{}.{}: {text}; again every {}",
                call.device,
                call.command,
                call.retry
            );
            self.call_error = Some(text.to_owned());
        }
        call_again(ctx, call.retry);
    }

    fn status(&self, now: Timestamp) -> serde_json::Value {
        let decision = self.rule.decide(now);
        let operator = self.rule.operator(now);
        let input = self.rule.input();
        json!({
            "mode": decision.mode,
            "output": self.rule.output(),
            "since": self.rule.output().map(|_| self.rule.since().to_string()),
            "override-until": operator.and_then(|word| word.until).map(|until| until.to_string()),
            "input": self.input,
            "value": input.map(|input| input.value),
            "age": input.map(|input| now.since(input.time).as_secs_f64()),
            "call-error": self.call_error,
        })
    }
}

weihe_sdk::plugin!(RuleHysteresis: events, commands, state);

#[cfg(test)]
mod tests;
