//! A sink: what it hears on the bus becomes rows in a table.

use serde::Deserialize;
use weihe_sdk::prelude::*;
use weihe_sdk::{Database, Events, SqlValue};

/// One instance a device: what it remembers between two calls.
pub struct Sink {
    database: Database,
}

/// `[device.NAME.config]` in weihe.toml. Keys that are not here are errors. What is said here is said in
/// `config.schema.json`, too: `weihe check` reads it, and editors do.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// What is stored: topics, or filters such as `tank/#`. The device needs grants for them.
    topics: Vec<String>,
}

/// What an operator can ask: `weihe call DEVICE count`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    Count,
}

// The table is named in the grants of the device, too. An event can come twice: again after an error,
// and as the last value of its topic when the plugin starts anew. Its source and its sequence say
// which it is, so each becomes one row. Where there was no reading the value is NULL.
const CREATE: &str = "CREATE TABLE IF NOT EXISTS samples \
     (source TEXT NOT NULL, sequence INTEGER NOT NULL, time INTEGER NOT NULL, topic TEXT NOT NULL, \
     value REAL, PRIMARY KEY (source, sequence))";
const INSERT: &str = "INSERT INTO samples (source, sequence, time, topic, value) \
     VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (source, sequence) DO NOTHING";
const COUNT: &str = "SELECT count(*) FROM samples";

impl Plugin for Sink {
    type Config = Config;
    type Command = Command;
    // The rows are all that is to be kept.
    type State = NoState;

    fn describe() -> Description {
        Description::new(
            env!("CARGO_PKG_NAME"),
            env!("CARGO_PKG_VERSION"),
            "Stores numbers in a table",
        )
        .config_schema(include_str!("config.schema.json"))
        .command(CommandInfo::new("count", "Says how many rows there are"))
    }

    fn start(ctx: &mut Context, config: Config, _: Option<NoState>) -> Result<Self, Error> {
        let database = ctx.database("main")?;
        database.execute(CREATE, &[])?;
        for topic in &config.topics {
            ctx.subscribe(topic)?;
        }
        Ok(Sink { database })
    }

    // Events come in runs. Their rows are written in one call, which is far faster than one call for
    // each; `on_event` would do as well. All of it is one transaction, committed when this returns.
    fn on_events(&mut self, ctx: &mut Context, events: Events<'_>) -> Result<(), Error> {
        let mut rows = Vec::with_capacity(events.len());
        for (index, event) in events.indexed() {
            let value = match event.value {
                // A driver that gets no answer says so: no value, of bad quality. That is a row, too, so that
                // nobody takes the one before for the present.
                Value::None => Some(SqlValue::Null),
                _ if event.quality == Quality::Bad => Some(SqlValue::Null),
                value => value.as_f64().map(SqlValue::Real),
            };
            match value {
                Some(value) => rows.push([
                    SqlValue::Text(event.id.source),
                    // SQL's integers are signed. The cast keeps sequences apart, and time goes until
                    // the year 2262.
                    SqlValue::Integer(event.id.sequence as i64),
                    SqlValue::Integer(event.time.as_nanos() as i64),
                    SqlValue::Text(event.topic),
                    value,
                ]),
                // Only this event is refused; the others are stored.
                None => ctx.fail(
                    index,
                    Error::rejected(format!(
                        "`{}`: expected a number, found {}",
                        event.topic, event.value
                    )),
                ),
            }
        }
        let rows: Vec<&[SqlValue<'_>]> = rows.iter().map(|row| row.as_slice()).collect();
        self.database.execute_many(INSERT, &rows)?;
        Ok(())
    }

    fn on_command(
        &mut self,
        _ctx: &mut Context,
        call: Call<'_, Command>,
    ) -> Result<Answer, CallError> {
        match call.command {
            Command::Count => {
                let found = self.database.query(COUNT, &[])?;
                let count = found.rows.first().and_then(|row| row.first());
                match count.map(|count| count.as_value()) {
                    Some(SqlValue::Integer(count)) => Answer::json(&count),
                    _ => Err(CallError::failed("the database counts nothing")),
                }
            }
        }
    }
}

// What of the trait the component exports.
weihe_sdk::plugin!(Sink: events, commands);

#[cfg(test)]
mod tests;
