#![doc = include_str!("../../../docs/plugins/motor.md")]

mod config;
mod drive;

pub use config::Config;
pub use drive::{Bridge, Drive, Wish};

use serde::{Deserialize, Serialize};
use serde_json::json;
use weihe_plugin_kit::{Level, Part, Topics, answer, subscribe, wake};
use weihe_sdk::hal::{HalError, Output, OutputOptions, Pwm};
use weihe_sdk::log;
use weihe_sdk::prelude::*;

/// The timer of the next change.
const NEXT: &str = "next";
/// The timer at which nobody has asked for anything for too long.
const WATCHDOG: &str = "watchdog";

/// What an operator can say.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Turns.
    Drive {
        /// In per cent, backward below 0.
        speed: f64,
        /// In per cent a second; without it, as configured.
        acceleration: Option<f64>,
    },
    /// Holds the motor by its own current.
    Brake,
    /// Lets the motor turn freely.
    Coast,
    /// Says what it does.
    Status,
}

/// The bridge's lines.
#[derive(Debug)]
pub struct Lines {
    forward: Output,
    backward: Output,
    speed: Option<Pwm>,
}

/// What survives a swap.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct State {
    drive: Drive,
}

/// The plugin.
#[derive(Debug)]
pub struct Motor {
    config: Config,
    lines: Part<Lines>,
    drive: Drive,
    speed: Topic,
    mode: Topic,
    /// What was published last.
    said: Option<(f64, &'static str)>,
}

impl Plugin for Motor {
    type Config = Config;
    type Command = Command;
    type State = State;

    fn describe() -> Description {
        Description::new("motor", env!("CARGO_PKG_VERSION"), "A motor on an H-bridge")
            .command(CommandInfo::new("drive", "Turns").arguments(
                r#"{"type":"object","required":["speed"],"additionalProperties":false,"properties":{"speed":{"type":"number","minimum":-100,"maximum":100,"description":"in per cent, backward below 0"},"acceleration":{"type":"number","description":"in per cent a second"}}}"#,
            ))
            .command(CommandInfo::new("brake", "Holds the motor by its own current"))
            .command(CommandInfo::new("coast", "Lets the motor turn freely"))
            .command(CommandInfo::new("status", "Says what it does").answer(r#"{"type":"object"}"#))
            .publishes("plugin/{device}/speed", "the speed that is asked for, in per cent (float)")
            .publishes("plugin/{device}/mode", "turn, brake or coast (text)")
            .publishes("plugin/{device}/state", "`ready`, or why it cannot be driven (text)")
            .config_schema(include_str!("config.schema.json"))
            .standalone()
    }

    fn start(ctx: &mut Context, config: Config, restored: Option<State>) -> Result<Self, Error> {
        subscribe(ctx, "follow", config.follow.as_deref())?;
        let topics = Topics::new(ctx, config.topic.as_deref());
        let options = OutputOptions {
            active: config.active.into(),
            ..OutputOptions::new()
        };
        let pwm = config.pwm;
        let mut motor = Motor {
            lines: Part::begin(ctx, &topics, move |ctx| {
                Ok(Lines {
                    forward: ctx.output("forward", options)?,
                    backward: ctx.output("backward", options)?,
                    speed: match pwm {
                        true => Some(ctx.pwm("speed", Some(Duration::ZERO))?),
                        false => None,
                    },
                })
            })?,
            // A swap or a trap goes on; after a start of the host a motor stands, whatever it did before.
            drive: match restored {
                Some(state) if ctx.incarnation() > 1 => state.drive,
                _ => Drive::default(),
            },
            speed: topics.get(ctx, "speed")?,
            mode: topics.get(ctx, "mode")?,
            said: None,
            config,
        };
        motor.feed_watchdog(ctx);
        motor.act(ctx).ok();
        Ok(motor)
    }

    fn on_event(&mut self, ctx: &mut Context, event: Event<'_>) -> Result<(), Error> {
        if self.config.follow.as_deref() != Some(event.topic) {
            return Ok(());
        }
        let wish = match Level::of(&event)? {
            Some(Level::Number(0.0)) | Some(Level::Switch(false)) => Wish::Coast,
            Some(Level::Number(speed)) => Wish::Turn(speed.clamp(-100.0, 100.0)),
            Some(Level::Switch(true)) => Wish::Turn(100.0),
            None => return Ok(()),
        };
        self.ask(ctx, wish, self.config.acceleration);
        self.act(ctx).ok();
        Ok(())
    }

    fn on_timer(&mut self, ctx: &mut Context, timer: &str, _ticks: u64) -> Result<(), Error> {
        if timer == WATCHDOG && self.drive.wish() != Wish::Coast {
            log::warn!("nobody has asked for anything for too long: the motor coasts");
            let now = ctx.now();
            self.drive.ask(Wish::Coast, now, 0.0);
        }
        self.act(ctx).ok();
        Ok(())
    }

    fn on_command(
        &mut self,
        ctx: &mut Context,
        call: Call<'_, Command>,
    ) -> Result<Answer, CallError> {
        match call.command {
            Command::Drive {
                speed,
                acceleration,
            } => {
                if !(-100.0..=100.0).contains(&speed) {
                    let text = format!("`speed`: {speed} is not from -100 to 100");
                    return Err(CallError::invalid_argument(text));
                }
                if !self.config.pwm && ![-100.0, 0.0, 100.0].contains(&speed) {
                    let text = "`speed`: without a PWM channel it is -100, 0 or 100";
                    return Err(CallError::invalid_argument(text));
                }
                let acceleration = acceleration.unwrap_or(self.config.acceleration);
                if !(acceleration >= 0.0 && acceleration.is_finite()) {
                    let text = format!("`acceleration`: {acceleration} is less than 0");
                    return Err(CallError::invalid_argument(text));
                }
                self.ask(ctx, Wish::Turn(speed), acceleration);
            }
            Command::Brake => self.ask(ctx, Wish::Brake, 0.0),
            Command::Coast => self.ask(ctx, Wish::Coast, 0.0),
            Command::Status => return self.status(),
        }
        let done = self.act(ctx);
        answer(ctx, call.id, done, |()| self.status())
    }

    fn export_state(&self) -> Option<State> {
        Some(State { drive: self.drive })
    }
}

impl Motor {
    fn ask(&mut self, ctx: &mut Context, wish: Wish, acceleration: f64) {
        let acceleration = if self.config.pwm { acceleration } else { 0.0 };
        self.drive.ask(wish, ctx.now(), acceleration);
        self.feed_watchdog(ctx);
    }

    fn feed_watchdog(&mut self, ctx: &mut Context) {
        if let Some(span) = self.config.watchdog {
            wake(ctx, WATCHDOG, Some(span));
        }
    }

    /// Sets the bridge as it should be now, and waits for the next change.
    fn act(&mut self, ctx: &mut Context) -> Result<(), HalError> {
        let (bridge, next) = self.drive.bridge(ctx.now(), self.config.dead_time);
        let config = &self.config;
        let done = self.lines.with(ctx, |lines| {
            let (forward, backward, speed) = match bridge {
                Bridge::Coast => (false, false, 0.0),
                Bridge::Brake => (true, true, 100.0),
                Bridge::Turn { forward, speed } => {
                    let forward = forward != config.inverted;
                    (forward, !forward, speed)
                }
            };
            // What goes off goes first, so that both halves are on for a brake alone.
            if !forward {
                lines.forward.set(false)?;
            }
            if !backward {
                lines.backward.set(false)?;
            }
            if let Some(channel) = &lines.speed {
                channel.set(config.period, config.width(speed))?;
                channel.enable(true)?;
            }
            if forward {
                lines.forward.set(true)?;
            }
            if backward {
                lines.backward.set(true)?;
            }
            Ok(())
        });
        if done.is_ok() {
            let said = self.words();
            if self.said != Some(said) {
                self.said = Some(said);
                ctx.publish_on(self.speed, said.0);
                ctx.publish_on(self.mode, said.1);
            }
        }
        wake(ctx, NEXT, next);
        done
    }

    fn words(&self) -> (f64, &'static str) {
        match self.drive.wish() {
            Wish::Coast => (0.0, "coast"),
            Wish::Brake => (0.0, "brake"),
            Wish::Turn(speed) => (speed, "turn"),
        }
    }

    fn status(&self) -> Result<Answer, CallError> {
        let (speed, mode) = self.words();
        Answer::json(&json!({ "mode": mode, "speed": speed, "fault": self.lines.reason() }))
    }
}

weihe_sdk::plugin!(Motor: events, commands, state);
