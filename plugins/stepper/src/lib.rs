#![doc = include_str!("../../../docs/plugins/stepper.md")]

mod config;
mod lines;
mod motion;

pub use config::{Config, Drive, Sequence};
pub use lines::Lines;
pub use motion::{Goal, Motion, Pace};

use embedded_hal::delay::DelayNs as _;
use serde::Deserialize;
use serde_json::json;
use weihe_plugin_kit::{Part, RETRY, Topics, answer, wake};
use weihe_sdk::hal::HalError;
use weihe_sdk::prelude::*;

/// The timer of the next step.
const STEP: &str = "step";
/// The timer at which it is held no longer.
const LET_GO: &str = "let-go";

/// What is sooner than this is waited for instead of going to sleep: timers are not as exact.
const SOON: Duration = Duration::from_millis(2);
/// A handler makes steps for so long at most, then others of the device have their turn.
const SLICE: Duration = Duration::from_millis(8);
/// Between two publications of a position on its way.
const TELL: Duration = Duration::from_millis(200);

/// What an operator can say.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Goes somewhere: to a position, or by a distance.
    Move {
        /// The position, in units.
        to: Option<f64>,
        /// The distance, in units.
        by: Option<f64>,
        /// In units a second; without it, as configured.
        speed: Option<f64>,
        /// In units a second, a second; without it, as configured.
        acceleration: Option<f64>,
    },
    /// Turns on and on, backward below 0.
    Run {
        /// In units a second; without it, as configured.
        speed: Option<f64>,
    },
    /// Comes to stand.
    Stop,
    /// Lets the motor turn freely.
    Release,
    /// Calls the place where it stands by a position.
    Zero {
        /// The position, in units; 0 when not said.
        #[serde(default)]
        position: f64,
    },
    /// Says where it is.
    Status,
}

/// The plugin.
#[derive(Debug)]
pub struct Stepper {
    config: Config,
    lines: Part<Lines>,
    motion: Motion,
    position: Topic,
    moving: Topic,
    /// Which position was published last, and when.
    told: Option<(i64, Timestamp)>,
    said: Option<bool>,
}

impl Plugin for Stepper {
    type Config = Config;
    type Command = Command;
    type State = Motion;

    fn describe() -> Description {
        Description::new("stepper", env!("CARGO_PKG_VERSION"), "A stepper motor with acceleration")
            .command(CommandInfo::new("move", "Goes somewhere: to a position, or by a distance").arguments(
                r#"{"type":"object","additionalProperties":false,"properties":{"to":{"type":"number","description":"position in units"},"by":{"type":"number","description":"distance in units"},"speed":{"type":"number","description":"units a second"},"acceleration":{"type":"number","description":"units a second, a second"}}}"#,
            ))
            .command(CommandInfo::new("run", "Turns on and on, backward below 0").arguments(
                r#"{"type":"object","additionalProperties":false,"properties":{"speed":{"type":"number","description":"units a second"}}}"#,
            ))
            .command(CommandInfo::new("stop", "Comes to stand"))
            .command(CommandInfo::new("release", "Lets the motor turn freely"))
            .command(CommandInfo::new("zero", "Calls the place where it stands by a position").arguments(
                r#"{"type":"object","additionalProperties":false,"properties":{"position":{"type":"number","description":"in units; 0"}}}"#,
            ))
            .command(CommandInfo::new("status", "Says where it is").answer(r#"{"type":"object"}"#))
            .publishes("plugin/{device}/position", "in units (float)")
            .publishes("plugin/{device}/moving", "whether it is on its way (boolean)")
            .publishes("plugin/{device}/state", "`ready`, or why it cannot be moved (text)")
            .config_schema(include_str!("config.schema.json"))
            .standalone()
    }

    fn start(ctx: &mut Context, config: Config, restored: Option<Motion>) -> Result<Self, Error> {
        let topics = Topics::new(ctx, config.topic.as_deref());
        let wiring = config.clone();
        let motion = match restored {
            Some(motion) if ctx.incarnation() > 1 => motion,
            // After a start of the host it stands where it stood.
            Some(motion) => Motion::at(motion.position()),
            None => Motion::at(0),
        };
        let mut stepper = Stepper {
            lines: Part::begin(ctx, &topics, move |ctx| Lines::open(ctx, &wiring))?,
            position: topics.get(ctx, "position")?,
            moving: topics.get(ctx, "moving")?,
            motion,
            told: None,
            said: None,
            config,
        };
        let now = ctx.now();
        stepper.motion.catch_up(now);
        stepper.tell(ctx, now);
        stepper.sleep(ctx);
        Ok(stepper)
    }

    fn on_timer(&mut self, ctx: &mut Context, timer: &str, _ticks: u64) -> Result<(), Error> {
        match timer {
            STEP => {
                self.act(ctx).ok();
            }
            // It stands where it stood when the lines vanished: what it was to do then is over.
            RETRY if self.lines.with(ctx, |_| Ok(())).is_ok() => self.sleep(ctx),
            LET_GO if !self.motion.is_moving() => {
                self.lines.with(ctx, Lines::release).ok();
            }
            _ => {}
        }
        Ok(())
    }

    fn on_command(
        &mut self,
        ctx: &mut Context,
        call: Call<'_, Command>,
    ) -> Result<Answer, CallError> {
        let now = ctx.now();
        let wrong = |text: String| CallError::invalid_argument(text);
        match call.command {
            Command::Move {
                to,
                by,
                speed,
                acceleration,
            } => {
                let here = self.config.units(self.motion.position());
                let (key, target) = match (to, by) {
                    (Some(to), None) => ("to", to),
                    (None, Some(by)) => ("by", here + by),
                    _ => return Err(wrong("name either `to` or `by`".into())),
                };
                let target = self.config.steps(key, target).map_err(wrong)?;
                let pace = self.pace(speed, acceleration)?;
                self.motion.go(Goal::To(target), pace, now);
            }
            Command::Run { speed } => {
                let speed = speed.unwrap_or(self.config.speed);
                let pace = self.pace(Some(speed), None)?;
                let up = (speed > 0.0) == (self.config.steps_per_unit > 0.0);
                let (least, most) = self.config.limits;
                // Towards a limit, it is where that ends.
                let end = if speed > 0.0 { most } else { least };
                let goal = match end.is_finite() {
                    true => Goal::To(self.config.steps("speed", end).map_err(wrong)?),
                    false => Goal::Run { up },
                };
                self.motion.go(goal, pace, now);
            }
            Command::Stop => self.motion.stop(),
            Command::Release | Command::Zero { .. } if self.motion.is_moving() => {
                return Err(CallError::failed("it is on its way: stop it first"));
            }
            Command::Release => {
                let done = self.lines.with(ctx, Lines::release);
                return answer(ctx, call.id, done, |()| self.status());
            }
            Command::Zero { position } => {
                let steps = self.config.steps("position", position).map_err(wrong)?;
                self.motion.call_position(steps);
            }
            Command::Status => return self.status(),
        }
        let done = self.act(ctx);
        answer(ctx, call.id, done, |()| self.status())
    }

    fn export_state(&self) -> Option<Motion> {
        Some(self.motion)
    }
}

impl Stepper {
    fn pace(&self, speed: Option<f64>, acceleration: Option<f64>) -> Result<Pace, CallError> {
        let speed = speed.unwrap_or(self.config.speed);
        let acceleration = acceleration.unwrap_or(self.config.acceleration);
        let checked = self.config.check_speed("speed", speed);
        checked
            .and_then(|()| self.config.check_acceleration(acceleration))
            .map_err(CallError::invalid_argument)?;
        let steps = self.config.steps_per_unit.abs();
        Ok(Pace {
            speed: speed.abs() * steps,
            acceleration: acceleration * steps,
        })
    }

    /// Makes the steps that are due, for a slice of time, and waits for the next.
    fn act(&mut self, ctx: &mut Context) -> Result<(), HalError> {
        let begun = ctx.now();
        let mut delay = ctx.delay();
        let mut done = Ok(());
        self.motion.catch_up(begun);
        while let Some(due) = self.motion.due() {
            let now = ctx.now();
            if due > now + SOON || now.since(begun) >= SLICE {
                break;
            }
            delay.delay_ns(due.since(now).as_nanos() as u32);
            let mut next = self.motion;
            let Some(up) = next.step() else { break };
            done = self
                .lines
                .with(ctx, |lines| lines.step(up, next.position(), &mut delay));
            if done.is_err() {
                // A step that was not made is none; and what it was to do is over.
                self.motion.call_position(self.motion.position());
                break;
            }
            self.motion = next;
        }
        let now = ctx.now();
        self.tell(ctx, now);
        self.sleep(ctx);
        done
    }

    /// Waits for the next step, or for the time to let go.
    fn sleep(&mut self, ctx: &mut Context) {
        let now = ctx.now();
        wake(ctx, STEP, self.motion.due().map(|due| due.since(now)));
        let hold = self.config.hold.filter(|_| !self.motion.is_moving());
        wake(ctx, LET_GO, hold);
    }

    fn tell(&mut self, ctx: &mut Context, now: Timestamp) {
        let (position, moving) = (self.motion.position(), self.motion.is_moving());
        let due = self
            .told
            .is_none_or(|(told, at)| told != position && (!moving || now.since(at) >= TELL));
        if due {
            self.told = Some((position, now));
            ctx.publish_on(self.position, self.config.units(position));
        }
        if self.said != Some(moving) {
            self.said = Some(moving);
            ctx.publish_on(self.moving, moving);
        }
    }

    fn status(&self) -> Result<Answer, CallError> {
        let target = match self.motion.goal() {
            Goal::To(target) => Some(self.config.units(target)),
            Goal::Stand | Goal::Run { .. } => None,
        };
        Answer::json(&json!({
            "position": self.config.units(self.motion.position()),
            "target": target,
            "moving": self.motion.is_moving(),
            "fault": self.lines.reason(),
        }))
    }
}

weihe_sdk::plugin!(Stepper: events, commands, state);
