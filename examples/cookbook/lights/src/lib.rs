//! Lights that go on and off by the calendar, on working days, and an override that ends by itself.
//! A tick is only the reason to look: whether it should be light is worked out from the time, so that
//! a tick that was missed, or a start in the middle of the day, leaves nobody in the dark.

mod calendar;

use calendar::{Calendar, Day};
use serde::{Deserialize, Serialize};
use serde_json::json;
use weihe_sdk::prelude::*;

/// The lights.
pub struct Lights {
    device: String,
    point: String,
    calendar: Calendar,
    output: Topic,
    overridden: Option<Override>,
    /// What was last asked for, and the call that is under way.
    asked: Option<bool>,
    call: Option<CallId>,
}

/// `[device.NAME.config]` in weihe.toml.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// Whose command `write` switches the lights, and its point.
    device: String,
    point: String,
    on: String,
    off: String,
    #[serde(default = "calendar::working_days")]
    days: Vec<Day>,
    #[serde(default)]
    hours_ahead_of_utc: i64,
}

/// What an operator can ask.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Switches by hand.
    Override {
        /// On or off.
        on: bool,
        /// For how long.
        r#for: Duration,
    },
    /// Leaves it to the calendar again.
    Auto,
}

/// What survives: an override, and when it ends.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Override {
    on: bool,
    until: Timestamp,
}

const ON: &str = "on";
const OFF: &str = "off";
const OVERRIDE_ENDS: &str = "override-ends";
const AGAIN: &str = "again";

/// How long the other device may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// When it is asked again after a failure.
const RETRY: Duration = Duration::from_secs(10);
/// When it is asked again though it agreed: meanwhile it may have been restarted, with its outputs at
/// their safe values.
const REPEAT: Duration = Duration::from_secs(60);

impl Plugin for Lights {
    type Config = Config;
    type Command = Command;
    type State = Override;

    fn describe() -> Description {
        Description::new("lights", env!("CARGO_PKG_VERSION"), "Lights on working days, with an override")
            .publishes("plugin/{device}/on", "whether it should be light")
            .command(CommandInfo::new("override", "Switches by hand for a while").arguments(
                r#"{"type":"object","required":["on","for"],"additionalProperties":false,"properties":{"on":{"type":"boolean"},"for":{"type":["string","number"],"description":"a span: \"30 min\""}}}"#,
            ))
            .command(CommandInfo::new("auto", "Leaves it to the calendar again"))
            .config_schema(include_str!("config.schema.json"))
    }

    fn start(ctx: &mut Context, config: Config, restored: Option<Override>) -> Result<Self, Error> {
        let calendar = Calendar::new(
            &config.on,
            &config.off,
            config.days,
            config.hours_ahead_of_utc,
        )
        .map_err(|culprit| Error::fatal(format!("config: {culprit}")))?;
        // However many ticks were missed, one is enough to look at the clock.
        let once = Cron::new().missed(Missed::Once);
        if let Some(on) = calendar.cron_on() {
            ctx.cron_with(ON, &on, once)?;
        }
        ctx.cron_with(OFF, &calendar.cron_off(), once)?;
        let mut lights = Lights {
            device: config.device,
            point: config.point,
            calendar,
            output: ctx.own_topic("on")?,
            overridden: None,
            asked: None,
            call: None,
        };
        let ahead = restored.map(|it| (it, it.until.since(ctx.now())));
        if let Some((it, left)) = ahead.filter(|(_, left)| !left.is_zero()) {
            lights.overridden = Some(it);
            ctx.after(OVERRIDE_ENDS, left)?;
        }
        lights.switch(ctx, true)?;
        Ok(lights)
    }

    fn on_timer(&mut self, ctx: &mut Context, timer: &str, _ticks: u64) -> Result<(), Error> {
        if timer == OVERRIDE_ENDS {
            self.overridden = None;
        }
        self.switch(ctx, timer == AGAIN)
    }

    fn on_command(
        &mut self,
        ctx: &mut Context,
        call: Call<'_, Command>,
    ) -> Result<Answer, CallError> {
        match call.command {
            Command::Override { r#for, .. } if r#for.is_zero() => {
                return Err(CallError::invalid_argument(
                    "override: `for`: 0 s is no time",
                ));
            }
            Command::Override { on, r#for } => {
                self.overridden = Some(Override {
                    on,
                    until: ctx.now() + r#for,
                });
                ctx.after(OVERRIDE_ENDS, r#for).map_err(Error::from)?;
            }
            Command::Auto => {
                self.overridden = None;
                ctx.cancel(OVERRIDE_ENDS);
            }
        }
        self.switch(ctx, true)?;
        Answer::json(&json!({ "on": self.asked }))
    }

    fn on_answer(
        &mut self,
        ctx: &mut Context,
        call: CallId,
        answer: Result<&str, &str>,
    ) -> Result<(), Error> {
        // An answer to an older call says nothing of what is asked for now.
        if self.call == Some(call) {
            self.call = None;
            if let Err(why) = answer {
                weihe_sdk::log::warn!("`{}`: {why}; again in {RETRY}", self.device);
            }
            ctx.after(AGAIN, if answer.is_ok() { REPEAT } else { RETRY })?;
        }
        Ok(())
    }

    fn export_state(&self) -> Option<Override> {
        self.overridden
    }
}

impl Lights {
    /// Asks the other device for what should be, where that has not been asked for yet, or `again`.
    fn switch(&mut self, ctx: &mut Context, again: bool) -> Result<(), Error> {
        let on = match self.overridden {
            Some(it) => it.on,
            None => self.calendar.is_light(ctx.now()),
        };
        if self.asked != Some(on) {
            ctx.publish_on(self.output, on);
        }
        if again || self.asked != Some(on) {
            let arguments = json!({ "point": self.point, "value": on });
            self.call = Some(ctx.call(&self.device, "write", &arguments, TIMEOUT)?);
            self.asked = Some(on);
            ctx.cancel(AGAIN);
        }
        Ok(())
    }
}

// What of the trait the component exports: timers and answers (they come as events), commands, state.
weihe_sdk::plugin!(Lights: events, commands, state);

#[cfg(test)]
mod tests;
