#![doc = include_str!("../../../docs/plugins/led.md")]

mod config;
mod show;

pub use config::{Config, Drive, Start};
pub use show::Show;

use serde::Deserialize;
use serde_json::json;
use weihe_plugin_kit::{Blink, Level, Part, RETRY, Safe, Topics, answer, subscribe, wake};
use weihe_sdk::hal::{HalError, Output, OutputOptions, Pwm};
use weihe_sdk::prelude::*;

/// The timer of the next change: the other half of blinking, the next step of fading.
const NEXT: &str = "next";

/// What an operator can say.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Lights it.
    On,
    /// Darkens it.
    Off,
    /// Makes it what it was not.
    Toggle,
    /// Blinks.
    Blink {
        /// How long it is lit each time.
        on: Option<Duration>,
        /// How long it is dark each time; as long when not said.
        off: Option<Duration>,
        /// How often; without it until something else is asked for.
        times: Option<u32>,
    },
    /// Sets the brightness, in per cent.
    Brightness {
        /// The brightness.
        percent: f64,
        /// How long it takes to get there.
        fade: Option<Duration>,
    },
    /// Says how it is.
    Status,
}

/// What the lamp is connected to.
#[derive(Debug)]
pub enum Lamp {
    /// A line.
    Line(Output),
    /// A PWM channel.
    Pwm(Pwm),
}

/// The plugin.
#[derive(Debug)]
pub struct Led {
    config: Config,
    lamp: Part<Lamp>,
    show: Show,
    on: Topic,
    brightness: Topic,
    /// What was published last.
    said: Option<(bool, f64)>,
}

impl Plugin for Led {
    type Config = Config;
    type Command = Command;
    type State = Show;

    fn describe() -> Description {
        Description::new("led", env!("CARGO_PKG_VERSION"), "A lamp: on, off, blinking, dimmed")
            .command(CommandInfo::new("on", "Lights it"))
            .command(CommandInfo::new("off", "Darkens it"))
            .command(CommandInfo::new("toggle", "Makes it what it was not"))
            .command(CommandInfo::new("blink", "Blinks").arguments(
                r#"{"type":"object","additionalProperties":false,"properties":{"on":{"type":["string","number"],"description":"how long it is lit each time; 500 ms"},"off":{"type":["string","number"],"description":"how long it is dark each time; as long"},"times":{"type":"integer","minimum":1,"description":"without it until something else is asked for"}}}"#,
            ))
            .command(CommandInfo::new("brightness", "Sets the brightness").arguments(
                r#"{"type":"object","required":["percent"],"additionalProperties":false,"properties":{"percent":{"type":"number","minimum":0,"maximum":100},"fade":{"type":["string","number"],"description":"how long it takes to get there"}}}"#,
            ))
            .command(CommandInfo::new("status", "Says how it is").answer(r#"{"type":"object"}"#))
            .publishes("plugin/{device}/on", "whether it is switched on, or blinks (boolean)")
            .publishes("plugin/{device}/brightness", "in per cent, where it is going to (float)")
            .publishes("plugin/{device}/state", "`ready`, or why it cannot be set (text)")
            .config_schema(include_str!("config.schema.json"))
            .standalone()
    }

    fn start(ctx: &mut Context, config: Config, restored: Option<Show>) -> Result<Self, Error> {
        subscribe(ctx, "follow", config.follow.as_deref())?;
        subscribe(ctx, "toggle", config.toggle.as_deref())?;
        let topics = Topics::new(ctx, config.topic.as_deref());
        let restored = restored.unwrap_or_default();
        // Later instances of a device go on as they were; the choice is for its start.
        let show = match config.start {
            Start::Off if ctx.incarnation() == 1 => restored.switched(false),
            Start::On if ctx.incarnation() == 1 => restored.switched(true),
            _ => restored,
        };
        let wiring = config.clone();
        let mut led = Led {
            lamp: Part::begin(ctx, &topics, move |ctx| open(ctx, &wiring))?,
            on: topics.get(ctx, "on")?,
            brightness: topics.get(ctx, "brightness")?,
            show,
            said: None,
            config,
        };
        led.act(ctx).ok();
        Ok(led)
    }

    fn on_event(&mut self, ctx: &mut Context, event: Event<'_>) -> Result<(), Error> {
        let now = ctx.now();
        let is = |topic: &Option<String>| topic.as_deref() == Some(event.topic);
        if is(&self.config.toggle) && event.value.as_bool() != Some(false) {
            self.show.switch(!self.show.is_on());
        } else if is(&self.config.follow) {
            match Level::of(&event)? {
                Some(Level::Switch(on)) => self.show.switch(on),
                Some(Level::Number(percent)) => self.show.dim(percent, now, Duration::ZERO),
                None => return Ok(()),
            }
        }
        // What is wrong with the lamp is no fault of the event: it is made up for when the lamp is back.
        self.act(ctx).ok();
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
            Command::On => self.show.switch(true),
            Command::Off => self.show.switch(false),
            Command::Toggle => self.show.switch(!self.show.is_on()),
            Command::Blink { on, off, times } => {
                self.show.blink(Blink::asked(now, on, off, times)?);
            }
            Command::Brightness { percent, fade } => {
                if !(0.0..=100.0).contains(&percent) {
                    let text = format!("`percent`: {percent} is not from 0 to 100");
                    return Err(CallError::invalid_argument(text));
                }
                if self.config.drive == Drive::Line && percent > 0.0 && percent < 100.0 {
                    let text = "a line only knows 0 and 100: set `drive = \"pwm\"` for brightness";
                    return Err(CallError::invalid_argument(text));
                }
                self.show.dim(percent, now, fade.unwrap_or(Duration::ZERO));
            }
            Command::Status => return self.status(now),
        }
        let done = self.act(ctx);
        answer(ctx, call.id, done, |()| self.status(now))
    }

    fn export_state(&self) -> Option<Show> {
        Some(self.show)
    }
}

fn open(ctx: &mut Context, config: &Config) -> Result<Lamp, HalError> {
    let options = OutputOptions {
        active: config.active.into(),
        safe: config.safe.into(),
        ..OutputOptions::new()
    };
    match config.drive {
        Drive::Line => ctx.output(&config.line, options).map(Lamp::Line),
        Drive::Pwm => {
            let safe = match config.safe {
                Safe::Off => Some(config.width(0.0)),
                Safe::On => Some(config.width(100.0)),
                // The grant says so: `keep = true`. Without it the channel is switched off.
                Safe::Keep => None,
            };
            let channel = ctx.pwm(&config.line, safe)?;
            Ok(Lamp::Pwm(channel))
        }
    }
}

impl Led {
    /// Makes the lamp what it should be now, and waits for the next change.
    fn act(&mut self, ctx: &mut Context) -> Result<(), HalError> {
        let now = ctx.now();
        let moment = self.show.moment(now);
        let (period, width) = (self.config.period, self.config.width(moment.brightness));
        let done = self.lamp.with(ctx, |lamp| match lamp {
            Lamp::Line(line) => line.set(moment.brightness > 0.0),
            Lamp::Pwm(channel) => {
                channel.set(period, width)?;
                channel.enable(true)
            }
        });
        if done.is_ok() {
            let said = (self.show.is_on(), self.show.target());
            if self.said != Some(said) {
                self.said = Some(said);
                ctx.publish_on(self.on, said.0);
                ctx.publish_on(self.brightness, said.1);
            }
        }
        wake(ctx, NEXT, moment.next);
        done
    }

    fn status(&self, now: Timestamp) -> Result<Answer, CallError> {
        Answer::json(&json!({
            "on": self.show.is_on(),
            "blinking": self.show.is_blinking(now),
            "brightness": self.show.target(),
            "fault": self.lamp.reason(),
        }))
    }
}

weihe_sdk::plugin!(Led: events, commands, state);
