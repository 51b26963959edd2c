//! Three sensors measure one quantity, and two that agree decide: one that drifts, breaks or falls
//! silent changes nothing but the alarm.

use serde::Deserialize;
use weihe_sdk::prelude::*;

/// The vote.
pub struct Vote {
    inputs: [String; 3],
    tolerance: f64,
    max_age: Duration,
    /// The last good sample of each sensor.
    samples: [Option<(f64, Timestamp)>; 3],
    value: Topic,
    spread: Topic,
    alarm: Topic,
    /// What was last said of the sensors.
    said: Option<String>,
}

/// `[device.NAME.config]` in weihe.toml.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// Topics of the three sensors.
    inputs: [String; 3],
    /// How far two may be apart that agree, in their unit.
    tolerance: f64,
    /// An older sample does not vote.
    max_age: Duration,
}

/// The timer that finds samples that have become too old.
const AGE: &str = "age";

impl Plugin for Vote {
    type Config = Config;
    type Command = NoCommand;
    // The last sample of each sensor is retained on the bus.
    type State = NoState;

    fn describe() -> Description {
        Description::new(
            "vote",
            env!("CARGO_PKG_VERSION"),
            "Two out of three sensors decide",
        )
        .publishes(
            "plugin/{device}/value",
            "what was voted; uncertain by two, bad by fewer",
        )
        .publishes(
            "plugin/{device}/spread",
            "how far those that vote are apart",
        )
        .publishes(
            "plugin/{device}/alarm",
            "which sensor is out, and why; empty for none",
        )
        .config_schema(include_str!("config.schema.json"))
    }

    fn start(ctx: &mut Context, config: Config, _: Option<NoState>) -> Result<Self, Error> {
        if config.tolerance.is_nan() || config.tolerance < 0.0 {
            return Err(Error::fatal("config: `tolerance` is below 0"));
        }
        for (index, input) in config.inputs.iter().enumerate() {
            if input.contains(['+', '#']) || config.inputs[..index].contains(input) {
                return Err(Error::fatal(format!(
                    "config: `inputs[{index}]`: {input:?} is not a topic of its own"
                )));
            }
            ctx.subscribe(input)
                .map_err(|error| Error::fatal(format!("config: `inputs[{index}]`: {error}")))?;
        }
        ctx.every(AGE, config.max_age)?;
        Ok(Vote {
            inputs: config.inputs,
            tolerance: config.tolerance,
            max_age: config.max_age,
            samples: [None; 3],
            value: ctx.own_topic("value")?,
            spread: ctx.own_topic("spread")?,
            alarm: ctx.own_topic("alarm")?,
            said: None,
        })
    }

    fn on_event(&mut self, ctx: &mut Context, event: Event<'_>) -> Result<(), Error> {
        let Some(index) = self.inputs.iter().position(|input| input == event.topic) else {
            return Ok(());
        };
        self.samples[index] = match (event.quality, event.value.as_f64()) {
            (Quality::Good, Some(value)) if value.is_finite() => Some((value, event.time)),
            // A sensor that doubts itself does not vote.
            (Quality::Bad | Quality::Uncertain, _) => None,
            _ => {
                return Err(Error::rejected(format!(
                    "`{}`: expected a number, found {}",
                    event.topic, event.value
                )));
            }
        };
        self.count(ctx);
        Ok(())
    }

    fn on_timer(&mut self, ctx: &mut Context, _timer: &str, _ticks: u64) -> Result<(), Error> {
        self.count(ctx);
        Ok(())
    }
}

impl Vote {
    fn count(&mut self, ctx: &mut Context) {
        let oldest = ctx.now() - self.max_age;
        let votes = self.samples.map(|sample| {
            let fresh = sample.filter(|(_, time)| *time >= oldest);
            fresh.map(|(value, _)| value)
        });
        let mut sorted: Vec<f64> = votes.iter().flatten().copied().collect();
        sorted.sort_by(f64::total_cmp);
        let result = match sorted[..] {
            [low, middle, high]
                if middle - low <= self.tolerance || high - middle <= self.tolerance =>
            {
                // The middle one is within the tolerance of at least one other, and cannot be pulled
                // away by the third.
                Some((middle, Quality::Good))
            }
            [one, other] if other - one <= self.tolerance => {
                Some(((one + other) / 2.0, Quality::Uncertain))
            }
            _ => None,
        };
        match result {
            Some((value, quality)) => {
                ctx.publish_on(self.value, Sample::new(value).quality(quality))
            }
            None => ctx.publish_on(self.value, Sample::new(Value::None).quality(Quality::Bad)),
        }
        if let [low, .., high] = sorted[..] {
            ctx.publish_on(self.spread, high - low);
        }
        let alarm = self.faults(&votes, result.map(|(value, _)| value));
        if self.said.as_ref() != Some(&alarm) {
            ctx.publish_on(self.alarm, &alarm);
            self.said = Some(alarm);
        }
    }

    /// Who is out, and why.
    fn faults(&self, votes: &[Option<f64>; 3], result: Option<f64>) -> String {
        let faults =
            self.inputs
                .iter()
                .zip(votes)
                .filter_map(|(input, vote)| match (vote, result) {
                    (None, _) => Some(format!("`{input}` gives no good value")),
                    (Some(vote), Some(result)) if (vote - result).abs() > self.tolerance => {
                        Some(format!("`{input}` is off: {vote}"))
                    }
                    (Some(vote), None) => Some(format!("`{input}` agrees with no other: {vote}")),
                    _ => None,
                });
        faults.collect::<Vec<_>>().join("; ")
    }
}

// What of the trait the component exports: events and timers.
weihe_sdk::plugin!(Vote: events);

#[cfg(test)]
mod tests;
