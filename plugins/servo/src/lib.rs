#![doc = include_str!("../../../docs/plugins/servo.md")]

mod config;

pub use config::Config;

use serde::{Deserialize, Serialize};
use serde_json::json;
use weihe_plugin_kit::{Level, Part, RETRY, Ramp, Topics, answer, subscribe, wake};
use weihe_sdk::hal::{HalError, Pwm};
use weihe_sdk::prelude::*;

/// The timer of the next step, or of the release.
const NEXT: &str = "next";
/// Between two steps: a servo looks at no more than a pulse every 20 ms.
const STEP: Duration = Duration::from_millis(20);
/// Between two publications of an angle on its way.
const TELL: Duration = Duration::from_millis(200);

/// What an operator can say.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Goes to an angle.
    Move {
        /// In degrees.
        angle: f64,
        /// In degrees a second; without it, as configured.
        speed: Option<f64>,
        /// How long it takes, instead of a speed.
        over: Option<Duration>,
    },
    /// Stays where it is.
    Stop,
    /// Gives no pulses any more: the servo can be turned by hand.
    Release,
    /// Says where it is.
    Status,
}

/// Where it is going.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct State {
    ramp: Ramp,
    /// When pulses end.
    release: Option<Timestamp>,
}

/// What survives a swap and a restart: `None` without pulses.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Kept(Option<State>);

/// The plugin.
#[derive(Debug)]
pub struct Servo {
    config: Config,
    channel: Part<Pwm>,
    /// `None`: no pulses.
    state: Option<State>,
    angle: Topic,
    target: Topic,
    moving: Topic,
    /// Which angle was published last, and when.
    told: Option<(f64, Timestamp)>,
    said: Option<(Option<f64>, bool)>,
}

impl Plugin for Servo {
    type Config = Config;
    type Command = Command;
    type State = Kept;

    fn describe() -> Description {
        Description::new("servo", env!("CARGO_PKG_VERSION"), "A servo: angles and speeds")
            .command(CommandInfo::new("move", "Goes to an angle").arguments(
                r#"{"type":"object","required":["angle"],"additionalProperties":false,"properties":{"angle":{"type":"number","description":"in degrees"},"speed":{"type":"number","description":"in degrees a second"},"over":{"type":["string","number"],"description":"how long it takes, instead of a speed"}}}"#,
            ))
            .command(CommandInfo::new("stop", "Stays where it is"))
            .command(CommandInfo::new("release", "Gives no pulses any more"))
            .command(CommandInfo::new("status", "Says where it is").answer(r#"{"type":"object"}"#))
            .publishes("plugin/{device}/angle", "where it is told to be now, in degrees (float)")
            .publishes("plugin/{device}/target", "where it is going, in degrees (float)")
            .publishes("plugin/{device}/moving", "whether it is on its way (boolean)")
            .publishes("plugin/{device}/state", "`ready`, or why it cannot be moved (text)")
            .config_schema(include_str!("config.schema.json"))
            .standalone()
    }

    fn start(ctx: &mut Context, config: Config, restored: Option<Kept>) -> Result<Self, Error> {
        subscribe(ctx, "follow", config.follow.as_deref())?;
        let topics = Topics::new(ctx, config.topic.as_deref());
        let name = config.channel.clone();
        let first = config.start.map(|angle| State {
            ramp: Ramp::at(angle),
            release: None,
        });
        let state = match restored {
            // Restored angles may lie outside of limits that have changed.
            Some(Kept(state)) => {
                state.filter(|state| config.check("angle", state.ramp.target()).is_ok())
            }
            None => first,
        };
        let mut servo = Servo {
            channel: Part::begin(ctx, &topics, move |ctx| ctx.pwm(&name, None))?,
            state,
            angle: topics.get(ctx, "angle")?,
            target: topics.get(ctx, "target")?,
            moving: topics.get(ctx, "moving")?,
            told: None,
            said: None,
            config,
        };
        servo.act(ctx).ok();
        Ok(servo)
    }

    fn on_event(&mut self, ctx: &mut Context, event: Event<'_>) -> Result<(), Error> {
        if self.config.follow.as_deref() == Some(event.topic) {
            let angle = match Level::of(&event)? {
                Some(Level::Number(angle)) => angle,
                Some(Level::Switch(on)) if on => self.config.angles.1,
                Some(Level::Switch(_)) => self.config.angles.0,
                None => return Ok(()),
            };
            let (least, most) = self.config.angles;
            let speed = self.config.speed;
            self.go(ctx, angle.clamp(least, most), |ramp, angle, now| {
                ramp.with_speed(angle, now, speed)
            });
            self.act(ctx).ok();
        }
        Ok(())
    }

    fn on_timer(&mut self, ctx: &mut Context, timer: &str, _ticks: u64) -> Result<(), Error> {
        if timer == NEXT || timer == RETRY {
            self.act(ctx).ok();
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
            Command::Move { angle, speed, over } => {
                self.config
                    .check("angle", angle)
                    .map_err(CallError::invalid_argument)?;
                let speed = speed.unwrap_or(self.config.speed);
                if !(speed >= 0.0 && speed.is_finite()) {
                    let text = format!("`speed`: {speed} is less than 0");
                    return Err(CallError::invalid_argument(text));
                }
                self.go(ctx, angle, |ramp, angle, now| match over {
                    Some(span) => ramp.to(angle, now, span),
                    None => ramp.with_speed(angle, now, speed),
                });
            }
            Command::Stop => {
                if let Some(state) = &mut self.state {
                    state.ramp = Ramp::at(state.ramp.value(now));
                    state.release = self.config.release.map(|span| now + span);
                }
            }
            Command::Release => self.state = None,
            Command::Status => return self.status(now),
        }
        let done = self.act(ctx);
        answer(ctx, call.id, done, |()| self.status(now))
    }

    fn export_state(&self) -> Option<Kept> {
        Some(Kept(self.state))
    }
}

impl Servo {
    /// Sets out for an angle. A servo that has had no pulses is somewhere: it goes there at once.
    fn go(&mut self, ctx: &Context, angle: f64, ramp: impl FnOnce(Ramp, f64, Timestamp) -> Ramp) {
        let now = ctx.now();
        let ramp = match self.state {
            Some(state) => ramp(state.ramp, angle, now),
            None => Ramp::at(angle),
        };
        self.state = Some(State {
            ramp,
            release: None,
        });
    }

    /// Gives the pulses for now, and waits for the next step.
    fn act(&mut self, ctx: &mut Context) -> Result<(), HalError> {
        let now = ctx.now();
        if let Some(state) = &mut self.state {
            if state.release.is_none() && state.ramp.is_over(now) {
                state.release = self.config.release.map(|span| now + span);
            }
            if state.release.is_some_and(|release| release <= now) {
                self.state = None;
            }
        }
        let pulses = self
            .state
            .map(|state| (state.ramp.value(now), state.ramp.is_over(now)));
        let config = &self.config;
        let done = self.channel.with(ctx, |channel| match pulses {
            Some((angle, _)) => {
                channel.set(config.period, config.width(angle))?;
                channel.enable(true)
            }
            None => channel.enable(false),
        });
        if done.is_ok() {
            self.tell(ctx, pulses, now);
        }
        let release = self.state.and_then(|state| state.release);
        let next = match pulses {
            Some((_, false)) => Some(STEP),
            _ => release.map(|release| release.since(now)),
        };
        wake(ctx, NEXT, next);
        done
    }

    fn tell(&mut self, ctx: &mut Context, pulses: Option<(f64, bool)>, now: Timestamp) {
        let moving = pulses.is_some_and(|(_, over)| !over);
        let target = self.state.map(|state| state.ramp.target());
        if let Some((angle, _)) = pulses {
            let due = self
                .told
                .is_none_or(|(told, at)| told != angle && (!moving || now.since(at) >= TELL));
            if due {
                self.told = Some((angle, now));
                ctx.publish_on(self.angle, angle);
            }
        }
        if self.said != Some((target, moving)) {
            self.said = Some((target, moving));
            if let Some(target) = target {
                ctx.publish_on(self.target, target);
            }
            ctx.publish_on(self.moving, moving);
        }
    }

    fn status(&self, now: Timestamp) -> Result<Answer, CallError> {
        Answer::json(&json!({
            "angle": self.state.map(|state| state.ramp.value(now)),
            "target": self.state.map(|state| state.ramp.target()),
            "moving": self.state.is_some_and(|state| !state.ramp.is_over(now)),
            "released": self.state.is_none(),
            "fault": self.channel.reason(),
        }))
    }
}

weihe_sdk::plugin!(Servo: events, commands, state);
