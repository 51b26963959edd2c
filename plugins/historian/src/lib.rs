#![doc = include_str!("../README.md")]

mod config;
mod query;
mod table;

pub use config::Config;
pub use query::Query;
pub use table::{COLUMNS, Row, Table, row, sequence_from_sql, sequence_to_sql};

use serde::Deserialize;
use serde_json::json;
use weihe_sdk::prelude::*;
use weihe_sdk::{Events, Overflow, SqlError, SqlValue, SubscribeOptions, log};

/// The timer that looks for old rows.
const PRUNE: &str = "prune";
/// The timer that goes on where one prune left off.
const PRUNE_ON: &str = "prune-on";
/// Rows that one handler deletes: milliseconds of work, so that events do not wait.
const PRUNE_ROWS: u32 = 5_000;
/// Pause between two prunes while there is more to delete; events go in between.
const PRUNE_PAUSE: Duration = Duration::from_millis(100);

/// What an operator can ask.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Rows.
    Query {
        /// A topic, or all below one (`greenhouse/#`).
        topic: Option<String>,
        /// The earliest time.
        from: Option<Timestamp>,
        /// The time before which it ends.
        to: Option<Timestamp>,
        /// At most so many rows, the newest.
        limit: Option<u32>,
    },
    /// What the historian has done.
    Stats,
}

/// What this instance has done.
#[derive(Debug, Clone, Default)]
struct Counts {
    stored: u64,
    /// Events that were in the table already.
    known: u64,
    /// Events that were given back to the kernel for later.
    retried: u64,
    rejected: u64,
    pruned: u64,
    last_error: Option<String>,
}

/// The plugin.
#[derive(Debug)]
pub struct Historian {
    table: Table,
    max_age: Option<Duration>,
    counts: Counts,
}

impl Plugin for Historian {
    type Config = Config;
    type Command = Command;
    type State = NoState;

    fn describe() -> Description {
        Description::new(
            "historian",
            env!("CARGO_PKG_VERSION"),
            "Stores every event of its topics exactly once in an SQL table",
        )
        .command(
            CommandInfo::new("query", "The newest rows that match, oldest first")
                .arguments(
                    r#"{"type":"object","additionalProperties":false,"properties":{"topic":{"type":"string","description":"a topic, or all below one (a/#)"},"from":{"type":["string","integer"],"description":"RFC 3339, or nanoseconds since 1970"},"to":{"type":["string","integer"]},"limit":{"type":"integer","minimum":1,"maximum":9999}}}"#,
                )
                .answer(
                    r#"{"type":"object","properties":{"rows":{"type":"array"},"more":{"type":"boolean"}}}"#,
                ),
        )
        .command(
            CommandInfo::new("stats", "Rows in the table, and what was stored since the start")
                .answer(r#"{"type":"object"}"#),
        )
        .config_schema(include_str!("config.schema.json"))
    }

    fn start(ctx: &mut Context, config: Config, _: Option<NoState>) -> Result<Self, Error> {
        let database = ctx
            .database(&config.database)
            .map_err(|error| unusable(&config, error))?;
        let table = Table::new(database, &config.table);
        if let Some(fault) = table.fault().map_err(|error| unusable(&config, error))? {
            return Err(Error::fatal(format!(
                "config: `table`: `{}` exists already, but {fault}; name another table",
                config.table
            )));
        }
        table.create().map_err(|error| unusable(&config, error))?;
        let options = SubscribeOptions {
            overflow: Overflow::DropOldest,
            capacity: config.capacity,
            retained: true,
        };
        for (index, filter) in config.topics.iter().enumerate() {
            ctx.subscribe_with(filter, options)
                .map_err(|error| Error::fatal(format!("config: `topics[{index}]`: {error}")))?;
        }
        if config.max_age.is_some() {
            ctx.every(PRUNE, config.prune_every)?;
            ctx.after(PRUNE_ON, PRUNE_PAUSE)?;
        }
        Ok(Historian {
            table,
            max_age: config.max_age,
            counts: Counts::default(),
        })
    }

    fn on_events(&mut self, ctx: &mut Context, events: Events<'_>) -> Result<(), Error> {
        // The rows borrow from the batch, so nothing is copied before the border of the sandbox.
        let mut rows: Vec<Row<'_>> = Vec::with_capacity(events.len());
        rows.extend(events.iter().map(|event| row(&event)));
        let parameters: Vec<&[SqlValue<'_>]> = rows.iter().map(|row| row.as_slice()).collect();
        match self.table.insert(&parameters) {
            Ok(new) => {
                self.counts.stored += new;
                self.counts.known += (rows.len() as u64).saturating_sub(new);
                Ok(())
            }
            Err(error) if error.is_transient() => {
                self.counts.retried += rows.len() as u64;
                Err(self.note(error))
            }
            Err(error) if rows.len() == 1 => {
                self.counts.rejected += 1;
                Err(self.note(error))
            }
            // One of them is at fault, and only that one is to be refused.
            Err(_) => {
                for (index, event) in events.indexed() {
                    if let Err(error) = self.store_alone(&event) {
                        ctx.fail(index, error);
                    }
                }
                Ok(())
            }
        }
    }

    fn on_timer(&mut self, ctx: &mut Context, timer: &str, _ticks: u64) -> Result<(), Error> {
        let Some(max_age) = self.max_age else {
            return Ok(());
        };
        if timer != PRUNE && timer != PRUNE_ON {
            return Ok(());
        }
        match self.table.prune(ctx.now() - max_age, PRUNE_ROWS) {
            Ok(pruned) => {
                self.counts.pruned += pruned;
                if pruned == u64::from(PRUNE_ROWS) {
                    ctx.after(PRUNE_ON, PRUNE_PAUSE)?;
                }
            }
            // The next tick comes by itself, so a failed one is only said.
            Err(error) => {
                self.note(error);
            }
        }
        Ok(())
    }

    fn on_command(
        &mut self,
        _ctx: &mut Context,
        call: Call<'_, Command>,
    ) -> Result<Answer, CallError> {
        match call.command {
            Command::Query {
                topic,
                from,
                to,
                limit,
            } => Answer::json(&query::run(
                &self.table,
                &Query {
                    topic,
                    from,
                    to,
                    limit,
                },
            )?),
            Command::Stats => Answer::json(&self.stats()?),
        }
    }
}

fn unusable(config: &Config, error: SqlError) -> Error {
    let text = format!(
        "table `{}` of database `{}`: {error}",
        config.table, config.database
    );
    if error.is_transient() {
        Error::retry(text)
    } else {
        Error::fatal(text)
    }
}

impl Historian {
    fn store_alone(&mut self, event: &Event<'_>) -> Result<(), Error> {
        match self.table.insert(&[&row(event)]) {
            Ok(new) => {
                self.counts.stored += new;
                self.counts.known += 1 - new.min(1);
                Ok(())
            }
            Err(error) => {
                let count = if error.is_transient() {
                    &mut self.counts.retried
                } else {
                    &mut self.counts.rejected
                };
                *count += 1;
                Err(self.note(error))
            }
        }
    }

    /// Logs an error, once as long as it stays the same, and makes it one of a handler: what is
    /// transient is tried again.
    fn note(&mut self, error: SqlError) -> Error {
        let error = Error::from(error).while_doing(format_args!("table `{}`", self.table.name()));
        if self.counts.last_error.as_deref() != Some(error.text()) {
            log::warn!("{error}");
            self.counts.last_error = Some(error.text().to_owned());
        }
        error
    }

    fn stats(&self) -> Result<serde_json::Value, CallError> {
        // A count looks at every row, and the store ends a statement that takes too long.
        let rows = self.table.count().unwrap_or(None);
        let [oldest, newest] = self.table.span()?;
        let counts = &self.counts;
        Ok(json!({
            "table": self.table.name(),
            "rows": rows,
            "oldest": oldest,
            "newest": newest,
            "stored": counts.stored,
            "known": counts.known,
            "retried": counts.retried,
            "rejected": counts.rejected,
            "pruned": counts.pruned,
            "last-error": counts.last_error,
        }))
    }
}

weihe_sdk::plugin!(Historian: events, commands);

#[cfg(test)]
mod tests;
