#![doc = include_str!("../../../docs/plugins/hc-sr04.md")]

mod echo;

pub use echo::{Middle, Waiting, distance, speed_of_sound};

use embedded_hal::delay::DelayNs as _;
use serde::Deserialize;
use serde_json::json;
use weihe_plugin_kit::{Part, RETRY, Topics, subscribe, wake};
use weihe_sdk::hal::{Edge, Edges, HalError, Input, InputOptions, Output, OutputOptions};
use weihe_sdk::log;
use weihe_sdk::prelude::*;

/// The timer that measures.
const MEASURE: &str = "measure";
/// The timer at which no echo comes any more.
const LATE: &str = "late";

/// The data sheet's: a pulse of 10 microseconds starts a measurement.
const PULSE_MICROSECONDS: u32 = 10;
/// The data sheet's: no more than one in 60 ms, or one hears the echo of another.
const SHORTEST_PERIOD: Duration = Duration::from_millis(60);
/// The sensor gives up after 38 ms; the rest is for edges on their way.
const PATIENCE: Duration = Duration::from_millis(50);

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Written {
    period: Duration,
    samples: usize,
    temperature: f64,
    temperature_topic: Option<String>,
    min: f64,
    max: f64,
    topic: Option<String>,
}

impl Default for Written {
    fn default() -> Self {
        Written {
            period: Duration::from_millis(500),
            samples: 3,
            temperature: 20.0,
            temperature_topic: None,
            // The data sheet's range.
            min: 2.0,
            max: 400.0,
            topic: None,
        }
    }
}

/// The configuration, checked.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Config(Written);

impl TryFrom<Written> for Config {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        if written.period < SHORTEST_PERIOD {
            return Err(format!(
                "`period`: {} is shorter than {SHORTEST_PERIOD}",
                written.period
            ));
        }
        if !(1..=25).contains(&written.samples) {
            return Err(format!(
                "`samples`: {} is not from 1 to 25",
                written.samples
            ));
        }
        if !(-60.0..=100.0).contains(&written.temperature) {
            return Err(format!(
                "`temperature`: {} is not from -60 to 100",
                written.temperature
            ));
        }
        if !(0.0 <= written.min && written.min < written.max && written.max.is_finite()) {
            return Err("`min` must be less than `max`".into());
        }
        Ok(Config(written))
    }
}

/// What an operator can say.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Says the last distance, and how many measurements failed.
    Status,
}

/// The sensor's lines.
#[derive(Debug)]
pub struct Lines {
    trigger: Output,
    echo: Input,
}

/// The plugin.
#[derive(Debug)]
pub struct HcSr04 {
    config: Written,
    lines: Part<Lines>,
    waiting: Waiting,
    middle: Middle,
    celsius: f64,
    distance: Topic,
    last: Option<f64>,
    /// Why there is no distance.
    amiss: Option<&'static str>,
    measured: u64,
    failed: u64,
}

impl Plugin for HcSr04 {
    type Config = Config;
    type Command = Command;
    type State = NoState;

    fn describe() -> Description {
        Description::new(
            "hc-sr04",
            env!("CARGO_PKG_VERSION"),
            "Distances by ultrasound",
        )
        .command(
            CommandInfo::new("status", "Says the last distance").answer(r#"{"type":"object"}"#),
        )
        .publishes(
            "plugin/{device}/distance",
            "in centimetres (float); bad without an echo in range",
        )
        .publishes(
            "plugin/{device}/state",
            "`ready`, or why the lines cannot be used (text)",
        )
        .config_schema(include_str!("config.schema.json"))
        .standalone()
    }

    fn start(ctx: &mut Context, config: Config, _: Option<NoState>) -> Result<Self, Error> {
        let Config(config) = config;
        subscribe(
            ctx,
            "temperature-topic",
            config.temperature_topic.as_deref(),
        )?;
        let topics = Topics::new(ctx, config.topic.as_deref());
        let sensor = HcSr04 {
            lines: Part::begin(ctx, &topics, |ctx| {
                Ok(Lines {
                    trigger: ctx.output("trigger", OutputOptions::new())?,
                    echo: ctx.input("echo", InputOptions::new().edges(Edges::Both))?,
                })
            })?,
            waiting: Waiting::Idle,
            middle: Middle::default(),
            celsius: config.temperature,
            distance: topics.get(ctx, "distance")?,
            last: None,
            amiss: None,
            measured: 0,
            failed: 0,
            config,
        };
        ctx.every(MEASURE, sensor.config.period)?;
        Ok(sensor)
    }

    fn on_event(&mut self, ctx: &mut Context, event: Event<'_>) -> Result<(), Error> {
        if self.config.temperature_topic.as_deref() == Some(event.topic) {
            if let Some(celsius) = event.value.as_f64().filter(|celsius| celsius.is_finite())
                && event.quality != Quality::Bad
            {
                self.celsius = celsius.clamp(-60.0, 100.0);
            }
            return Ok(());
        }
        let edge = self
            .lines
            .held()
            .and_then(|lines| Edge::of(&event, &lines.echo));
        let Some(edge) = edge else { return Ok(()) };
        if edge.missed > 0 {
            // Which edge belongs to which is not known any more.
            self.waiting = Waiting::Idle;
        }
        let before = self.waiting;
        if let Some(echo) = self.waiting.edge(edge.active, edge.time) {
            ctx.cancel(LATE);
            let distance = distance(echo, self.celsius);
            match (self.config.min..=self.config.max).contains(&distance) {
                true => self.tell(ctx, distance, edge.time),
                false => self.fail(ctx, "out of range"),
            }
        } else if before == Waiting::Idle && edge.active {
            log::debug!("an echo that nobody asked for");
        }
        Ok(())
    }

    fn on_timer(&mut self, ctx: &mut Context, timer: &str, _ticks: u64) -> Result<(), Error> {
        match timer {
            MEASURE | RETRY => self.measure(ctx),
            LATE if self.waiting != Waiting::Idle => {
                let why = match self.waiting {
                    Waiting::Rise => "the sensor does not answer",
                    _ => "no echo comes back",
                };
                self.waiting = Waiting::Idle;
                self.fail(ctx, why);
            }
            _ => {}
        }
        Ok(())
    }

    fn on_command(
        &mut self,
        _: &mut Context,
        call: Call<'_, Command>,
    ) -> Result<Answer, CallError> {
        match call.command {
            Command::Status => Answer::json(&json!({
                "distance": self.last,
                "temperature": self.celsius,
                "measured": self.measured,
                "failed": self.failed,
                "fault": self.lines.reason().or(self.amiss),
            })),
        }
    }
}

impl HcSr04 {
    fn measure(&mut self, ctx: &mut Context) {
        if self.waiting != Waiting::Idle {
            return;
        }
        let mut delay = ctx.delay();
        let done = self.lines.with(ctx, |lines| {
            // A sensor that still says the last echo does not hear the trigger.
            if lines.echo.is_active()? {
                return Ok(false);
            }
            lines.trigger.set(true)?;
            delay.delay_us(PULSE_MICROSECONDS);
            lines.trigger.set(false)?;
            Ok::<_, HalError>(true)
        });
        match done {
            Ok(true) => {
                self.waiting = Waiting::Rise;
                wake(ctx, LATE, Some(PATIENCE));
            }
            Ok(false) => self.fail(ctx, "the echo line stays active"),
            Err(_) => self.fail(ctx, "the lines cannot be used"),
        }
    }

    fn tell(&mut self, ctx: &mut Context, distance: f64, time: Timestamp) {
        self.measured += 1;
        if self.amiss.take().is_some() {
            log::info!("distances again");
        }
        let middle = self.middle.take(distance, self.config.samples);
        self.last = Some(middle);
        ctx.publish_on(self.distance, Sample::new(middle).at(time));
    }

    fn fail(&mut self, ctx: &mut Context, why: &'static str) {
        self.failed += 1;
        // What stays wrong is said once, but published each time: nobody takes the last for the present.
        if self.amiss != Some(why) {
            log::warn!("{why}");
            self.amiss = Some(why);
        }
        self.middle.clear();
        self.last = None;
        ctx.publish_on(
            self.distance,
            Sample::new(Value::None).quality(Quality::Bad),
        );
    }
}

weihe_sdk::plugin!(HcSr04: events, commands);
