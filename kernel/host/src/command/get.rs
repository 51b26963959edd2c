//! `weihe get`: the last value of topics.

use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use weihe_kernel::event::NamedEvent;

use super::events::value;
use super::{Global, Result, remote};
use crate::config::nearest;
use crate::control::GetParams;
use crate::language::{Word as _, say};
use crate::output::{Failure, Outcome, Table, duration, print, print_json};

/// Show the last value of a topic, or of all that match a filter
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  weihe get greenhouse/soil/moisture\n  weihe get 'greenhouse/#'"
)]
pub(super) struct Get {
    /// A topic, or a filter with `+` or `#`
    #[arg(value_name = "TOPIC|FILTER")]
    filter: String,
}

impl Get {
    pub(super) fn run(self, global: &Global) -> Result {
        let params = GetParams {
            filter: self.filter,
        };
        let (events, all): (Vec<NamedEvent>, Vec<NamedEvent>) = remote::converse(async {
            let mut client = remote::client(global).await?;
            let events: Vec<NamedEvent> = client.request("get", &params).await?;
            let all = match events.is_empty() {
                true => client.request("get", &GetParams::all()).await?,
                false => Vec::new(),
            };
            Ok((events, all))
        })?;
        let filter = params.filter;
        let one = !filter.contains(['+', '#']);
        match events.as_slice() {
            [] => {
                let topics = all.iter().map(|event| event.topic.as_str());
                let help = match nearest(&filter, topics) {
                    Some(near) if one => say::get_near(near),
                    _ if all.is_empty() => say::get_nothing_at_all(),
                    _ => say::get_nothing_help(),
                };
                return Err(Failure::new(say::get_nothing(&filter), help));
            }
            [event] if one && global.json => {
                print_json(&serde_json::to_value(event).unwrap_or_default());
            }
            [event] if one => print(&format!("{}\n", value(&event.value))),
            events if global.json => {
                print_json(&serde_json::to_value(events).unwrap_or_default());
            }
            events => print(&table(events).to_string()),
        }
        Ok(Outcome::Done)
    }
}

fn table(events: &[NamedEvent]) -> Table {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |since| {
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    });
    let mut table = Table::new([
        say::get_column_topic(),
        say::get_column_value(),
        say::get_column_quality(),
        say::get_column_age(),
        say::get_column_source(),
    ]);
    for event in events {
        table.row([
            event.topic.clone(),
            value(&event.value),
            event.quality.word().to_string(),
            duration(now.saturating_sub(event.time)),
            event.source.clone(),
        ]);
    }
    table
}
