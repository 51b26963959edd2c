//! `weihe dead`: inputs that could not be handled.

use clap::{Args, Subcommand};
use weihe_kernel::device::{LetterKind, LetterView};
use weihe_kernel::{Clock as _, Sorted, SystemClock};

use super::{Global, Result, remote};
use crate::control::{DeadListParams, DeadParams};
use crate::language::{Text, label, say};
use crate::output::{Outcome, Style, Table, duration, print, print_json};

/// The most of a value or reason that a table shows, in characters: a row stays on one line.
const CELL: usize = 60;

/// List, retry or drop inputs that devices could not handle
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  weihe dead list\n  weihe dead retry soil 17 18\n  weihe dead drop soil --all"
)]
pub(super) struct Dead {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show what is kept: input, reason and age
    List(List),
    /// Deliver events again to their device, behind what waits for it
    Retry(Which),
    /// Forget inputs for good
    Drop(Which),
}

#[derive(Debug, Args)]
struct List {
    /// Only those of this device
    #[arg(value_name = "DEVICE")]
    device: Option<String>,
}

#[derive(Debug, Args)]
struct Which {
    /// The device
    #[arg(value_name = "DEVICE")]
    device: String,
    /// Ids, from `weihe dead list`
    #[arg(value_name = "ID", required_unless_present = "all")]
    ids: Vec<u64>,
    /// All of the device
    #[arg(long, conflicts_with = "ids")]
    all: bool,
}

impl Dead {
    pub(super) fn run(self, global: &Global) -> Result {
        match self.what {
            What::List(List { device }) => list(global, DeadListParams { device }),
            What::Retry(which) => sort(global, "dead-retry", say::dead_delivered, which),
            What::Drop(which) => sort(global, "dead-drop", say::dead_dropped, which),
        }
    }
}

fn list(global: &Global, params: DeadListParams) -> Result {
    let letters: Vec<LetterView> = remote::converse(async {
        let mut client = remote::client(global).await?;
        Ok(client.request("dead-list", &params).await?)
    })?;
    if global.json {
        print_json(&serde_json::to_value(&letters).unwrap_or_default());
    } else if letters.is_empty() {
        print(&format!("{}\n", say::dead_none()));
    } else {
        print(&table(&letters, SystemClock::new().now()).to_string());
    }
    Ok(Outcome::Done)
}

fn table(letters: &[LetterView], now: u64) -> Table {
    let mut table = Table::new([
        say::dead_column_id(),
        say::dead_column_device(),
        say::dead_column_age(),
        say::dead_column_input(),
        say::dead_column_value(),
        say::dead_column_attempts(),
        say::dead_column_reason(),
    ]);
    for letter in letters {
        let text = |key: &str| match &letter.input[key] {
            serde_json::Value::Null => "-".to_owned(),
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let (input, value) = match letter.kind {
            LetterKind::Event => (text("topic"), text("value")),
            LetterKind::Notice => {
                let input = say::dead_notice_of(text("notice"), text("connection"));
                (input.to_string(), text("bytes"))
            }
        };
        table.row([
            letter.id.to_string(),
            letter.device.clone(),
            duration(now.saturating_sub(letter.time)),
            input,
            cell(&value),
            text("attempt"),
            cell(&Text::told(&letter.reason).to_string()),
        ]);
    }
    table
}

/// The beginning of a text, on one line.
fn cell(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let mut cut: String = line.chars().take(CELL).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}

fn sort(global: &Global, method: &str, done: fn(usize) -> Text, which: Which) -> Result {
    let params = DeadParams {
        device: which.device,
        ids: which.ids,
        all: which.all,
    };
    let sorted: Sorted = remote::converse(async {
        let mut client = remote::client(global).await?;
        Ok(client.request(method, &params).await?)
    })?;
    if global.json {
        print_json(&serde_json::to_value(&sorted).unwrap_or_default());
    } else {
        let style = Style::stdout();
        print(&format!("{}\n", done(sorted.done.len())));
        for left in &sorted.left {
            let heading = say::dead_stays(left.id);
            let reason = Text::told(&left.reason);
            let line = label(style.warn(&heading), &heading, reason);
            print(&format!("{line}\n"));
        }
    }
    Ok(if sorted.left.is_empty() {
        Outcome::Done
    } else {
        Outcome::Failed
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_table_shows_events_and_notices_each_on_one_line() {
        let letter = |id, kind, input, reason: &str| LetterView {
            id,
            device: "soil".into(),
            time: 0,
            reason: reason.into(),
            kind,
            input,
            bytes: 0,
            clipped: false,
        };
        let event = json!({ "topic": "in/a", "value": "x".repeat(100), "attempt": 3 });
        let notice = json!({ "connection": "field", "notice": "received", "bytes": "0102" });
        let letters = [
            letter(7, LetterKind::Event, event, "trap\nat plugin::handle"),
            letter(8, LetterKind::Notice, notice, "no"),
        ];
        let text = table(&letters, 11_532_000_000_000).to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        let event = format!("7   soil    3h 12m  in/a               {}…", "x".repeat(60));
        assert!(lines[1].starts_with(&event), "{text}");
        assert!(lines[1].ends_with("3         trap…"), "{text}");
        assert!(lines[2].contains("received of field  0102"), "{text}");
    }
}
