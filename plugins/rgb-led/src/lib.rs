#![doc = include_str!("../../../docs/plugins/rgb-led.md")]

mod color;
mod config;
mod show;

pub use color::Color;
pub use config::Config;
pub use show::Show;

use serde::Deserialize;
use serde_json::json;
use weihe_plugin_kit::{Blink, Part, RETRY, Topics, answer, subscribe, wake};
use weihe_sdk::hal::{HalError, Pwm};
use weihe_sdk::prelude::*;

/// The timer of the next change.
const NEXT: &str = "next";

/// The names of the channels.
const CHANNELS: [&str; 3] = ["red", "green", "blue"];

/// What an operator can say.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Shows a colour.
    Color {
        /// The colour.
        color: Color,
        /// How long it takes to get there.
        fade: Option<Duration>,
    },
    /// Shows the colour that it had.
    On,
    /// Darkens it.
    Off,
    /// Blinks.
    Blink {
        /// In which colour; without it, in the one that it has.
        color: Option<Color>,
        /// How long it is lit each time.
        on: Option<Duration>,
        /// How long it is dark each time.
        off: Option<Duration>,
        /// How often; without it until something else is asked for.
        times: Option<u32>,
    },
    /// Goes round the colours.
    Rainbow {
        /// How long a round takes.
        period: Option<Duration>,
    },
    /// Says how it is.
    Status,
}

/// A round of colours when nothing else is asked for.
const ROUND: Duration = Duration::from_secs(6);
/// Faster it only flickers.
const SHORTEST_ROUND: Duration = Duration::from_millis(500);

/// The plugin.
#[derive(Debug)]
pub struct RgbLed {
    config: Config,
    channels: Part<[Pwm; 3]>,
    show: Show,
    on: Topic,
    color: Topic,
    /// What was published last.
    said: Option<(bool, Color)>,
}

impl Plugin for RgbLed {
    type Config = Config;
    type Command = Command;
    type State = Show;

    fn describe() -> Description {
        Description::new("rgb-led", env!("CARGO_PKG_VERSION"), "A lamp of three colours")
            .command(CommandInfo::new("color", "Shows a colour").arguments(
                r#"{"type":"object","required":["color"],"additionalProperties":false,"properties":{"color":{"type":"string","description":"like #ff8000, or a name"},"fade":{"type":["string","number"],"description":"how long it takes to get there"}}}"#,
            ))
            .command(CommandInfo::new("on", "Shows the colour that it had"))
            .command(CommandInfo::new("off", "Darkens it"))
            .command(CommandInfo::new("blink", "Blinks").arguments(
                r#"{"type":"object","additionalProperties":false,"properties":{"color":{"type":"string"},"on":{"type":["string","number"]},"off":{"type":["string","number"]},"times":{"type":"integer","minimum":1}}}"#,
            ))
            .command(CommandInfo::new("rainbow", "Goes round the colours").arguments(
                r#"{"type":"object","additionalProperties":false,"properties":{"period":{"type":["string","number"],"description":"how long a round takes; 6 s"}}}"#,
            ))
            .command(CommandInfo::new("status", "Says how it is").answer(r#"{"type":"object"}"#))
            .publishes("plugin/{device}/on", "whether it is switched on (boolean)")
            .publishes("plugin/{device}/color", "its colour, where it is going to (text)")
            .publishes("plugin/{device}/state", "`ready`, or why it cannot be set (text)")
            .config_schema(include_str!("config.schema.json"))
            .standalone()
    }

    fn start(ctx: &mut Context, config: Config, restored: Option<Show>) -> Result<Self, Error> {
        subscribe(ctx, "follow", config.follow.as_deref())?;
        let topics = Topics::new(ctx, config.topic.as_deref());
        let dark = config.widths([0.0; 3])[0];
        let mut lamp = RgbLed {
            channels: Part::begin(ctx, &topics, move |ctx| {
                let [red, green, blue] = CHANNELS.map(|name| ctx.pwm(name, Some(dark)));
                Ok([red?, green?, blue?])
            })?,
            on: topics.get(ctx, "on")?,
            color: topics.get(ctx, "color")?,
            show: restored.unwrap_or_default(),
            said: None,
            config,
        };
        lamp.act(ctx).ok();
        Ok(lamp)
    }

    fn on_event(&mut self, ctx: &mut Context, event: Event<'_>) -> Result<(), Error> {
        if self.config.follow.as_deref() != Some(event.topic) || event.quality == Quality::Bad {
            return Ok(());
        }
        let wrong = |text: String| Error::rejected(format!("`{}`: {text}", event.topic));
        match event.value {
            Value::Boolean(on) => self.show.switch(on),
            Value::Text(text) => {
                let color = text.parse().map_err(wrong)?;
                self.show.color(color, ctx.now(), Duration::ZERO);
            }
            other => return Err(wrong(format!("expected a colour, found {other}"))),
        }
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
            Command::Color { color, fade } => {
                self.show.color(color, now, fade.unwrap_or(Duration::ZERO));
            }
            Command::On => self.show.switch(true),
            Command::Off => self.show.switch(false),
            Command::Blink {
                color,
                on,
                off,
                times,
            } => {
                let blink = Blink::asked(now, on, off, times)?;
                if let Some(color) = color {
                    self.show.color(color, now, Duration::ZERO);
                }
                self.show.blink(blink);
            }
            Command::Rainbow { period } => {
                let period = period.unwrap_or(ROUND);
                if period < SHORTEST_ROUND {
                    let text = format!("`period`: {period} is shorter than {SHORTEST_ROUND}");
                    return Err(CallError::invalid_argument(text));
                }
                self.show.rainbow(now, period);
            }
            Command::Status => return self.status(),
        }
        let done = self.act(ctx);
        answer(ctx, call.id, done, |()| self.status())
    }

    fn export_state(&self) -> Option<Show> {
        Some(self.show)
    }
}

impl RgbLed {
    /// Makes the lamp what it should be now, and waits for the next change.
    fn act(&mut self, ctx: &mut Context) -> Result<(), HalError> {
        let (color, next) = self.show.moment(ctx.now());
        let (period, widths) = (self.config.period, self.config.widths(color));
        let done = self.channels.with(ctx, |channels| {
            channels
                .iter()
                .zip(widths)
                .try_for_each(|(channel, width)| {
                    channel.set(period, width)?;
                    channel.enable(true)
                })
        });
        if done.is_ok() {
            let said = (self.show.is_on(), self.show.target());
            if self.said != Some(said) {
                self.said = Some(said);
                ctx.publish_on(self.on, said.0);
                ctx.publish_on(self.color, &*said.1.to_string());
            }
        }
        wake(ctx, NEXT, next);
        done
    }

    fn status(&self) -> Result<Answer, CallError> {
        Answer::json(&json!({
            "on": self.show.is_on(),
            "color": self.show.target(),
            "fault": self.channels.reason(),
        }))
    }
}

weihe_sdk::plugin!(RgbLed: events, commands, state);
