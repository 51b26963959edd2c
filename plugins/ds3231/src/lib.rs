#![doc = include_str!("../../../docs/plugins/ds3231.md")]

use ds323x::interface::I2cInterface;
use ds323x::{
    Alarm2Matching, DateTimeAccess, DayAlarm2, Ds323x, Hours, NaiveDateTime, NaiveTime, ic,
};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use weihe_plugin_kit::{
    Ask, Fault, Next, Pace, Reading, Readings, Sampling, Sensor, Topics, dead_band, sensor_schema,
};
use weihe_sdk::hal::{I2c, I2cError};
use weihe_sdk::prelude::*;

/// How texts for times look.
const FORMAT: &str = "%Y-%m-%dT%H:%M:%S";

/// Seconds that this host's clock must show to be trusted: 2020. One that was never set shows 1970.
const TRUSTED: i64 = 1_577_836_800;

/// The configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Config {
    bus: String,
    topic: Option<String>,
    #[serde(default)]
    dead_band: DeadBand,
    #[serde(flatten)]
    pace: Pace,
}

/// By how much a reading has to change before it is published again.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
struct DeadBand {
    #[serde(default)]
    temperature: f64,
    #[serde(default)]
    drift: f64,
}

/// The commands.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Reads now.
    Read,
    /// How things are.
    Status,
    /// What time it is.
    Time,
    /// Sets the clock.
    Set {
        /// To this, in UTC; without it to what the host's clock shows.
        time: Option<String>,
    },
    /// Sets the alarm, or takes it back.
    Alarm {
        /// Hours and minutes in UTC; without it there is none.
        at: Option<String>,
        /// The day of the month; without it each day.
        day: Option<u8>,
    },
}

type Chip = Ds323x<I2cInterface<I2c>, ic::DS3231>;
type ChipError = ds323x::Error<I2cError>;

fn fault(error: ChipError) -> Fault {
    match error {
        ds323x::Error::Comm(error) => error.into(),
        other => Fault::new(format!("{other:?}")),
    }
}

/// The clock.
pub struct Clock {
    chip: Chip,
    config: Config,
    time: Topic,
    alarm: Topic,
    /// Whether it stopped since it was set, so that its time means nothing.
    stopped: bool,
    shown: Option<Option<i64>>,
}

impl Clock {
    fn datetime(&mut self) -> Result<NaiveDateTime, Fault> {
        self.chip.datetime().map_err(fault)
    }

    fn set_alarm(&mut self, at: Option<&str>, day: Option<u8>) -> Result<(), CallError> {
        let Some(at) = at else {
            self.chip.disable_alarm2_interrupts().map_err(fault)?;
            return Ok(self.chip.clear_alarm2_matched_flag().map_err(fault)?);
        };
        let time = NaiveTime::parse_from_str(at, "%H:%M").map_err(|_| {
            CallError::invalid_argument(format!("`at`: `{at}` is no time like \"06:30\""))
        })?;
        let set = match day {
            Some(day @ 1..=31) => {
                use ds323x::Timelike as _;
                let when = DayAlarm2 {
                    day,
                    hour: Hours::H24(time.hour() as u8),
                    minute: time.minute() as u8,
                };
                self.chip.set_alarm2_day(when, Alarm2Matching::AllMatch)
            }
            Some(day) => {
                let text = format!("`day`: {day} is no day of a month");
                return Err(CallError::invalid_argument(text));
            }
            None => self.chip.set_alarm2_hm(time),
        };
        set.map_err(fault)?;
        self.chip.clear_alarm2_matched_flag().map_err(fault)?;
        self.chip.use_int_sqw_output_as_interrupt().map_err(fault)?;
        Ok(self.chip.enable_alarm2_interrupts().map_err(fault)?)
    }

    fn told(&mut self, now: Timestamp) -> Result<Json, CallError> {
        let time = self.datetime()?;
        let drift = drift(&time, now);
        Ok(json!({
            "time": written(&time),
            "drift": drift,
            "stopped": self.stopped,
        }))
    }
}

/// A time as people and `set` write it.
fn written(time: &NaiveDateTime) -> String {
    // This form of it is ISO 8601, to the second as the chip counts.
    format!("{time:?}")
}

/// By how many seconds the chip is ahead of the host, as far as whole seconds tell.
fn drift(time: &NaiveDateTime, now: Timestamp) -> i64 {
    let host = i64::try_from(now.as_nanos() / 1_000_000_000).unwrap_or(i64::MAX);
    time.and_utc().timestamp() - host
}

impl Sensor for Clock {
    type Config = Config;
    type Command = Command;
    type State = NoState;

    fn describe() -> Description {
        Description::new("ds3231", env!("CARGO_PKG_VERSION"), "A Maxim DS3231 clock")
            .command(CommandInfo::new("time", "What time the chip has").answer(
                r#"{"type":"object","properties":{"time":{"type":"string"},"drift":{"type":"integer"},"stopped":{"type":"boolean"}}}"#,
            ))
            .command(CommandInfo::new("set", "Sets the chip").arguments(
                r#"{"type":"object","additionalProperties":false,"properties":{"time":{"type":"string","description":"such as \"2026-01-31T12:00:00\", in UTC; without it what the host's clock shows"}}}"#,
            ))
            .command(CommandInfo::new("alarm", "Sets the chip's alarm, or takes it back").arguments(
                r#"{"type":"object","additionalProperties":false,"properties":{"at":{"type":"string","description":"hours and minutes in UTC, such as \"06:30\"; without it there is no alarm"},"day":{"type":"integer","minimum":1,"maximum":31,"description":"day of the month; without it each day"}}}"#,
            ))
            .publishes("plugin/{device}/time", "the chip's time in UTC; bad when it had stopped (text)")
            .publishes("plugin/{device}/drift", "seconds by which the chip is ahead of the host (number)")
            .publishes("plugin/{device}/temperature", "of the chip, degrees Celsius (number)")
            .publishes("plugin/{device}/alarm", "true each time that the alarm's time has come (boolean)")
            .config_schema(&sensor_schema(
                r#""bus""#,
                &[
                    r#""bus":{"type":"string","minLength":1,"description":"the I2C bus, as the grant names it"}"#.to_owned(),
                    dead_band(&["temperature", "drift"]),
                ]
                .join(","),
            ))
    }

    fn pace(config: &Config) -> Pace {
        config.pace.clone()
    }

    fn topic(config: &Config) -> Option<&str> {
        config.topic.as_deref()
    }

    fn readings(config: &Config) -> Vec<Reading> {
        vec![
            // A quarter of a degree a step (data sheet 19-5170, temperature registers).
            Reading::new("temperature")
                .decimals(2)
                .dead_band(config.dead_band.temperature),
            Reading::new("drift")
                .decimals(0)
                .dead_band(config.dead_band.drift),
        ]
    }

    fn open(ctx: &mut Context, config: Config, _: Option<NoState>) -> Result<Self, Error> {
        let bus = ctx.i2c(&config.bus)?;
        let topics = Topics::new(ctx, config.topic.as_deref());
        Ok(Clock {
            chip: Ds323x::new_ds3231(bus),
            time: topics.get(ctx, "time")?,
            alarm: topics.get(ctx, "alarm")?,
            config,
            stopped: false,
            shown: None,
        })
    }

    fn what(&self) -> String {
        format!("DS3231 at 0x68 on {}", self.config.bus)
    }

    fn step(&mut self, ctx: &mut Context, _: u32, readings: &mut Readings) -> Result<Next, Fault> {
        self.stopped = self.chip.has_been_stopped().map_err(fault)?;
        let time = self.datetime()?;
        let drift = drift(&time, ctx.now());
        readings.put(0, self.chip.temperature().map_err(fault)?.into());
        let (trusted, quality) = match self.stopped {
            true => (None, Quality::Bad),
            false => (Some(time.and_utc().timestamp()), Quality::Good),
        };
        readings.put_as(1, drift as f64, quality);
        if self.shown != Some(trusted) {
            self.shown = Some(trusted);
            let text = written(&time);
            let sample = match trusted {
                Some(_) => Sample::new(text.as_str()),
                None => Sample::new(Value::None),
            };
            ctx.publish_on(self.time, sample.quality(quality));
        }
        if self.chip.has_alarm2_matched().map_err(fault)? {
            self.chip.clear_alarm2_matched_flag().map_err(fault)?;
            ctx.publish_on(self.alarm, true);
        }
        Ok(Next::Done)
    }

    fn ask(command: &Command) -> Ask {
        match command {
            Command::Read => Ask::Read,
            Command::Status => Ask::Status,
            _ => Ask::Own,
        }
    }

    fn on_command(
        &mut self,
        ctx: &mut Context,
        _: CallId,
        command: Command,
    ) -> Result<Answer, CallError> {
        let now = ctx.now();
        match command {
            Command::Set { time } => {
                let time = match time {
                    Some(text) => {
                        let bare = text.strip_suffix('Z').unwrap_or(&text);
                        NaiveDateTime::parse_from_str(bare, FORMAT).map_err(|_| {
                            CallError::invalid_argument(format!(
                                "`time`: `{text}` is no time like \"2026-01-31T12:00:00\""
                            ))
                        })?
                    }
                    None => host_time(now)?,
                };
                match self.chip.set_datetime(&time) {
                    Err(ds323x::Error::InvalidInputData) => {
                        let text = "`time`: the chip knows the years 2000 to 2099 only";
                        return Err(CallError::invalid_argument(text));
                    }
                    set => set.map_err(fault)?,
                }
                self.chip.clear_has_been_stopped_flag().map_err(fault)?;
                self.chip.enable().map_err(fault)?;
                self.stopped = false;
            }
            Command::Alarm { at, day } => {
                self.set_alarm(at.as_deref(), day)?;
                return Ok(Answer::none());
            }
            _ => {}
        }
        Answer::json(&self.told(now)?)
    }

    fn more(&self) -> Map<String, Json> {
        Map::from_iter([("stopped".to_owned(), self.stopped.into())])
    }
}

/// The time of the host's clock, if it was ever set.
fn host_time(now: Timestamp) -> Result<NaiveDateTime, CallError> {
    let seconds = i64::try_from(now.as_nanos() / 1_000_000_000).unwrap_or(0);
    let time = chrono::DateTime::from_timestamp(seconds, 0).filter(|_| seconds >= TRUSTED);
    time.map(|time| time.naive_utc())
        .ok_or_else(|| CallError::failed("the host's clock was never set, too: say the time"))
}

/// The plugin.
pub type Plugin = Sampling<Clock>;

weihe_sdk::plugin!(Plugin: events, commands);
