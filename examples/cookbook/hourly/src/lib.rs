//! One row a topic and hour: minimum, maximum, mean and how many samples there were. Each sample
//! counts once, whatever crashes in between.

mod table;

use serde::Deserialize;
use serde_json::json;
use table::Table;
use weihe_sdk::prelude::*;
use weihe_sdk::{Events, SqlValueBuf};

/// The table is all there is; nothing is kept in memory that a crash could take away.
pub struct Hourly {
    table: Table,
}

/// `[device.NAME.config]` in weihe.toml.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// Topics and filters of numbers.
    topics: Vec<String>,
    #[serde(default = "main")]
    database: String,
}

fn main() -> String {
    "main".to_owned()
}

/// What an operator can ask.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// The newest hours of a topic.
    Hours {
        /// The topic, without wildcards.
        topic: String,
        /// At most so many.
        #[serde(default = "a_day")]
        limit: u32,
    },
}

fn a_day() -> u32 {
    24
}

/// Hours of one answer: a year's.
const MOST: u32 = 366 * 24;

impl Plugin for Hourly {
    type Config = Config;
    type Command = Command;
    type State = NoState;

    fn describe() -> Description {
        Description::new("hourly", env!("CARGO_PKG_VERSION"), "Minima, maxima and means per hour in SQL tables")
            .command(
                CommandInfo::new("hours", "The newest hours of a topic, oldest first")
                    .arguments(r#"{"type":"object","required":["topic"],"additionalProperties":false,"properties":{"topic":{"type":"string"},"limit":{"type":"integer","minimum":1,"maximum":8784}}}"#)
                    .answer(r#"{"type":"array","items":{"type":"object"}}"#),
            )
            .config_schema(include_str!("config.schema.json"))
    }

    fn start(ctx: &mut Context, config: Config, _: Option<NoState>) -> Result<Self, Error> {
        let table = Table::create(ctx.database(&config.database)?)?;
        for (index, filter) in config.topics.iter().enumerate() {
            ctx.subscribe(filter)
                .map_err(|error| Error::fatal(format!("config: `topics[{index}]`: {error}")))?;
        }
        Ok(Hourly { table })
    }

    fn on_events(&mut self, ctx: &mut Context, events: Events<'_>) -> Result<(), Error> {
        // All of it is one transaction. When something fails, or the plugin dies, none of it has been
        // written, and the same events come again.
        for (index, event) in events.indexed() {
            if event.quality == Quality::Bad {
                continue;
            }
            match event.value.as_f64() {
                Some(value) if value.is_finite() => {
                    // Told already: the last value of a topic, at a start.
                    if self.table.is_new(&event)? {
                        self.table.add(&event, value)?;
                    }
                }
                // Only this one is refused.
                _ => ctx.fail(
                    index,
                    Error::rejected(format!(
                        "`{}`: expected a number, found {}",
                        event.topic, event.value
                    )),
                ),
            }
        }
        Ok(())
    }

    fn on_command(
        &mut self,
        _ctx: &mut Context,
        call: Call<'_, Command>,
    ) -> Result<Answer, CallError> {
        let Command::Hours { topic, limit } = call.command;
        if !(1..=MOST).contains(&limit) {
            return Err(CallError::invalid_argument(format!(
                "hours: `limit`: {limit} is not from 1 to {MOST}"
            )));
        }
        let hours: Vec<_> = self
            .table
            .newest(&topic, limit)?
            .iter()
            .rev()
            .map(|row| hour(row))
            .collect();
        Answer::json(&hours)
    }
}

/// A row as JSON.
fn hour(row: &[SqlValueBuf]) -> serde_json::Value {
    let integer = |column: usize| match row.get(column) {
        Some(SqlValueBuf::Integer(value)) => *value,
        _ => 0,
    };
    let real = |column: usize| match row.get(column) {
        Some(SqlValueBuf::Real(value)) => Some(*value),
        _ => None,
    };
    json!({
        "hour": Timestamp::from_nanos(integer(0).unsigned_abs() * table::HOUR.as_nanos()).to_string(),
        "minimum": real(1), "maximum": real(2), "mean": real(3), "samples": integer(4),
    })
}

// What of the trait the component exports: events, commands.
weihe_sdk::plugin!(Hourly: events, commands);

#[cfg(test)]
mod tests;
