//! `weihe logs`: what the host and its devices said.

use clap::Args;

use super::{Global, Result, remote};
use crate::control::{LogsParams, StreamPiece};
use crate::language::say;
use crate::output::{Outcome, Style, print, print_json, time_of_day};
use crate::record::{Level, Record};

/// Show the log of the running host
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  weihe logs\n  weihe logs --follow --device soil")]
pub(super) struct Logs {
    /// Go on with what is logged from now on
    #[arg(short, long)]
    follow: bool,
    /// Only what this device logs
    #[arg(short, long, value_name = "DEVICE")]
    device: Option<String>,
    /// At most so many lines of the past
    #[arg(short = 'n', long, value_name = "N")]
    lines: Option<usize>,
}

impl Logs {
    pub(super) fn run(self, global: &Global) -> Result {
        remote::converse(async {
            let mut client = remote::client(global).await?;
            let params = LogsParams {
                follow: self.follow,
                device: self.device,
                lines: self.lines,
            };
            let mut stream = client.stream::<Record>("logs", &params).await?;
            let style = Style::stdout();
            while let Some(piece) = stream.next().await? {
                match piece {
                    StreamPiece::Dropped(count) if global.json => {
                        print_json(&serde_json::json!({ "dropped": count }));
                    }
                    StreamPiece::Dropped(count) => {
                        eprintln!("{}", style.warn(say::dropped_lines(count)));
                    }
                    StreamPiece::Item(record) if global.json => {
                        print_json(&serde_json::to_value(&record).unwrap_or_default());
                    }
                    StreamPiece::Item(record) => print(&line(&record, style)),
                }
            }
            Ok(Outcome::Done)
        })
    }
}

fn line(record: &Record, style: Style) -> String {
    let level = format!("{:<5}", record.level.as_str());
    let level = match record.level {
        Level::Error => style.bad(level),
        Level::Warn => style.warn(level),
        _ => style.dim(level),
    };
    let device = record
        .device
        .as_deref()
        .map(|device| format!("{}: ", style.bold(device)));
    format!(
        "{}  {level}  {}{}\n",
        style.dim(time_of_day(record.time)),
        device.unwrap_or_default(),
        record.message
    )
}
