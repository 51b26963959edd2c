#![doc = include_str!("../../../docs/plugins/thermal-zone.md")]

mod zone;

pub use zone::{Grade, Limits};

use serde::{Deserialize, Serialize};
use serde_json::json;
use weihe_plugin_kit::{Part, RETRY, Topics, answer};
use weihe_sdk::hal::{Adc, HalError, Quantity};
use weihe_sdk::prelude::*;

/// The timer that measures.
const MEASURE: &str = "measure";
/// Nothing is warm so fast that it would have to be measured more often.
const SHORTEST_PERIOD: Duration = Duration::from_millis(10);
/// However little changes, a value is published after so many measurements: who watches sees that it is alive.
const SILENT: u32 = 60;

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Written {
    channel: String,
    period: Duration,
    warning: Option<f64>,
    critical: Option<f64>,
    hysteresis: f64,
    dead_band: f64,
    offset: f64,
    topic: Option<String>,
}

impl Default for Written {
    fn default() -> Self {
        Written {
            channel: "temperature".to_owned(),
            period: Duration::from_secs(5),
            warning: None,
            critical: None,
            hysteresis: 2.0,
            dead_band: 0.1,
            offset: 0.0,
            topic: None,
        }
    }
}

/// The configuration, checked.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Config {
    channel: String,
    period: Duration,
    limits: Limits,
    dead_band: f64,
    offset: f64,
    topic: Option<String>,
}

impl TryFrom<Written> for Config {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        if written.period < SHORTEST_PERIOD {
            return Err(format!(
                "`period`: {} is shorter than {SHORTEST_PERIOD}",
                written.period
            ));
        }
        let is_amiss = |value: f64| !(value >= 0.0 && value.is_finite());
        if is_amiss(written.hysteresis) || is_amiss(written.dead_band) {
            return Err("`hysteresis` and `dead-band` are 0 or more".into());
        }
        if let (Some(warning), Some(critical)) = (written.warning, written.critical)
            && warning >= critical
        {
            return Err(format!(
                "`warning`: {warning} must be less than `critical` ({critical})"
            ));
        }
        Ok(Config {
            channel: written.channel,
            period: written.period,
            limits: Limits {
                warning: written.warning,
                critical: written.critical,
                hysteresis: written.hysteresis,
            },
            dead_band: written.dead_band,
            offset: written.offset,
            topic: written.topic,
        })
    }
}

/// What an operator can say.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Measures.
    Read,
    /// Says the lowest and the highest temperature since the last reset, and whatever else is known.
    Status,
    /// Begins anew with the lowest and the highest.
    Reset,
}

/// What survives a swap and a restart.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct State {
    grade: Grade,
    lowest: Option<f64>,
    highest: Option<f64>,
}

/// The plugin.
#[derive(Debug)]
pub struct ThermalZone {
    config: Config,
    channel: Part<Adc>,
    state: State,
    temperature: Topic,
    level: Topic,
    /// What was published last, and how many measurements ago.
    told: Option<(f64, u32)>,
    said: Option<Grade>,
}

impl Plugin for ThermalZone {
    type Config = Config;
    type Command = Command;
    type State = State;

    fn describe() -> Description {
        Description::new(
            "thermal-zone",
            env!("CARGO_PKG_VERSION"),
            "A temperature with warning levels, from an analogue input",
        )
        .command(CommandInfo::new("read", "Measures").answer(r#"{"type":"object"}"#))
        .command(CommandInfo::new("status", "Says what is known").answer(r#"{"type":"object"}"#))
        .command(CommandInfo::new(
            "reset",
            "Begins anew with the lowest and the highest",
        ))
        .publishes("plugin/{device}/temperature", "in degrees Celsius (float)")
        .publishes(
            "plugin/{device}/level",
            "normal, warning or critical (text)",
        )
        .publishes(
            "plugin/{device}/state",
            "`ready`, or why it cannot be measured (text)",
        )
        .config_schema(include_str!("config.schema.json"))
        .standalone()
    }

    fn start(ctx: &mut Context, config: Config, restored: Option<State>) -> Result<Self, Error> {
        let topics = Topics::new(ctx, config.topic.as_deref());
        let name = config.channel.clone();
        let mut zone = ThermalZone {
            channel: Part::begin(ctx, &topics, move |ctx| {
                let channel = ctx.adc(&name)?;
                match channel.quantity() {
                    Quantity::Temperature => Ok(channel),
                    other => Err(HalError::Unsupported(format!(
                        "`{name}` measures {other:?}, not a temperature"
                    ))),
                }
            })?,
            temperature: topics.get(ctx, "temperature")?,
            level: topics.get(ctx, "level")?,
            state: restored.unwrap_or_default(),
            told: None,
            said: None,
            config,
        };
        ctx.every(MEASURE, zone.config.period)?;
        zone.measure(ctx).ok();
        Ok(zone)
    }

    fn on_timer(&mut self, ctx: &mut Context, timer: &str, _ticks: u64) -> Result<(), Error> {
        if timer == MEASURE || timer == RETRY {
            self.measure(ctx).ok();
        }
        Ok(())
    }

    fn on_command(
        &mut self,
        ctx: &mut Context,
        call: Call<'_, Command>,
    ) -> Result<Answer, CallError> {
        match call.command {
            Command::Read => {
                let done = self.measure(ctx);
                answer(ctx, call.id, done, |celsius| {
                    Answer::json(&json!({ "temperature": celsius, "level": self.state.grade }))
                })
            }
            Command::Status => Answer::json(&json!({
                "temperature": self.told.map(|(celsius, _)| celsius),
                "level": self.state.grade,
                "lowest": self.state.lowest,
                "highest": self.state.highest,
                "fault": self.channel.reason(),
            })),
            Command::Reset => {
                (self.state.lowest, self.state.highest) = (None, None);
                Ok(Answer::none())
            }
        }
    }

    fn export_state(&self) -> Option<State> {
        Some(self.state)
    }
}

impl ThermalZone {
    fn measure(&mut self, ctx: &mut Context) -> Result<f64, HalError> {
        let measured = self.channel.with(ctx, |channel| match channel.read()? {
            celsius if celsius.is_finite() => Ok(celsius),
            other => Err(HalError::Failed(format!("the channel measures {other}"))),
        });
        let celsius = match measured {
            Ok(celsius) => celsius + self.config.offset,
            Err(error) => {
                // Once: `told` says that the last was good.
                if self.told.take().is_some() || self.said.is_none() {
                    let bad = Sample::new(Value::None).quality(Quality::Bad);
                    ctx.publish_on(self.temperature, bad);
                    self.said.get_or_insert(self.state.grade);
                }
                return Err(error);
            }
        };
        self.state.lowest = Some(
            self.state
                .lowest
                .map_or(celsius, |lowest| lowest.min(celsius)),
        );
        self.state.highest = Some(
            self.state
                .highest
                .map_or(celsius, |highest| highest.max(celsius)),
        );
        self.told = match self.told {
            Some((told, ago)) if (celsius - told).abs() < self.config.dead_band && ago < SILENT => {
                Some((told, ago + 1))
            }
            _ => {
                ctx.publish_on(self.temperature, celsius);
                Some((celsius, 0))
            }
        };
        self.state.grade = self.config.limits.grade(self.state.grade, celsius);
        if self.said != Some(self.state.grade) {
            self.said = Some(self.state.grade);
            ctx.publish_on(self.level, self.state.grade.name());
        }
        Ok(celsius)
    }
}

weihe_sdk::plugin!(ThermalZone: events, commands, state);
