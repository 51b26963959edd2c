//! Many samples become one mean a window. Each sample counts for as long as it held, so that ten
//! samples of one busy second do not outweigh the quiet minute behind it.

use serde::Deserialize;
use weihe_sdk::prelude::*;

/// The window that is under way. It is as large for ten samples as for a million.
pub struct Average {
    window: Duration,
    max_age: Duration,
    output: Topic,
    /// The sample that holds now: its value, and when it was taken.
    holds: Option<(f64, Timestamp)>,
    /// Up to when the window has been added up.
    until: Timestamp,
    /// Value times seconds, and the seconds for which there was a value.
    area: f64,
    covered: f64,
    /// Whether an uncertain sample took part.
    doubtful: bool,
}

/// `[device.NAME.config]` in weihe.toml.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// The topic of the numbers.
    input: String,
    /// How long each mean reaches back.
    window: Duration,
    /// How long a sample holds at most; without it, one window.
    max_age: Option<Duration>,
}

/// The timer at the end of each window.
const WINDOW: &str = "window";

/// With less of its window covered, a mean is uncertain.
const ENOUGH: f64 = 0.5;

impl Plugin for Average {
    type Config = Config;
    type Command = NoCommand;
    // A window that a restart cuts in two is published as uncertain: nothing to keep.
    type State = NoState;

    fn describe() -> Description {
        Description::new(
            "average",
            env!("CARGO_PKG_VERSION"),
            "Publishes one time-weighted mean a window",
        )
        .publishes("plugin/{device}/mean", "the mean, in the input's unit")
        .config_schema(include_str!("config.schema.json"))
    }

    fn start(ctx: &mut Context, config: Config, _: Option<NoState>) -> Result<Self, Error> {
        if config.input.contains(['+', '#']) {
            return Err(Error::fatal(format!(
                "config: `input`: {:?} has wildcards; make a device for each topic",
                config.input
            )));
        }
        ctx.subscribe(&config.input)?;
        ctx.every(WINDOW, config.window)?;
        Ok(Average {
            window: config.window,
            max_age: config.max_age.unwrap_or(config.window),
            output: ctx.own_topic("mean")?,
            holds: None,
            until: ctx.now(),
            area: 0.0,
            covered: 0.0,
            doubtful: false,
        })
    }

    fn on_event(&mut self, ctx: &mut Context, event: Event<'_>) -> Result<(), Error> {
        let value = match (event.quality, event.value.as_f64()) {
            // From here on there is no value, until a better one comes.
            (Quality::Bad, _) => None,
            (_, Some(value)) if value.is_finite() => Some(value),
            _ => {
                return Err(Error::rejected(format!(
                    "`{}`: expected a number, found {}",
                    event.topic, event.value
                )));
            }
        };
        // Its own time counts, not that of its arrival; but nothing is known of the future.
        let time = event.time.min(ctx.now());
        if self.holds.is_some_and(|(_, newest)| time < newest) {
            // It came too late: what held then is added up already.
            return Ok(());
        }
        self.add_up(time);
        self.holds = value.map(|value| (value, time));
        self.doubtful |= event.quality == Quality::Uncertain;
        Ok(())
    }

    fn on_timer(&mut self, ctx: &mut Context, _timer: &str, _ticks: u64) -> Result<(), Error> {
        self.add_up(ctx.now());
        let mean = if self.covered > 0.0 {
            let enough = self.covered >= ENOUGH * self.window.as_secs_f64();
            Sample::new(self.area / self.covered).quality(match enough && !self.doubtful {
                true => Quality::Good,
                false => Quality::Uncertain,
            })
        } else {
            Sample::new(Value::None).quality(Quality::Bad)
        };
        ctx.publish_on(self.output, mean);
        (self.area, self.covered, self.doubtful) = (0.0, 0.0, false);
        Ok(())
    }
}

impl Average {
    /// Adds what holds up to `time`, and not longer than a sample holds.
    fn add_up(&mut self, time: Timestamp) {
        if let Some((value, taken)) = self.holds {
            let seconds = time
                .min(taken + self.max_age)
                .since(self.until.max(taken))
                .as_secs_f64();
            self.area += value * seconds;
            self.covered += seconds;
        }
        self.until = self.until.max(time);
    }
}

// What of the trait the component exports: events and timers.
weihe_sdk::plugin!(Average: events);

#[cfg(test)]
mod tests;
