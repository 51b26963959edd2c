//! `weihe events`: what goes over the bus.

use clap::Args;
use weihe_kernel::event::{NamedEvent, Quality};

use super::{Global, Result, remote};
use crate::control::{EventsParams, StreamPiece};
use crate::language::{Word as _, say};
use crate::output::{Outcome, Style, print, print_json, time_of_day};

/// Follow the events on the bus
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  weihe events\n  weihe events 'greenhouse/#' --count 10\n  weihe events '$link/+' --retained"
)]
pub(super) struct Events {
    /// A topic or filter: `+` for one level, `#` for all below [default: all but `$…`]
    #[arg(value_name = "FILTER")]
    filter: Option<String>,
    /// End after so many events
    #[arg(short = 'n', long, value_name = "N")]
    count: Option<u64>,
    /// Begin with the last value of each topic
    #[arg(short, long)]
    retained: bool,
}

impl Events {
    pub(super) fn run(self, global: &Global) -> Result {
        remote::converse(async {
            let mut client = remote::client(global).await?;
            let params = EventsParams {
                filter: self.filter,
                retained: self.retained,
            };
            let mut stream = client.stream::<NamedEvent>("events", &params).await?;
            let style = Style::stdout();
            let mut left = self.count.unwrap_or(u64::MAX);
            while left > 0 {
                match stream.next().await? {
                    None => break,
                    Some(StreamPiece::Dropped(count)) if global.json => {
                        print_json(&serde_json::json!({ "dropped": count }));
                    }
                    Some(StreamPiece::Dropped(count)) => {
                        eprintln!("{}", style.warn(say::dropped_events(count)));
                    }
                    Some(StreamPiece::Item(event)) => {
                        left -= 1;
                        if global.json {
                            print_json(&serde_json::to_value(&event).unwrap_or_default());
                        } else {
                            print(&line(&event, style));
                        }
                    }
                }
            }
            Ok(Outcome::Done)
        })
    }
}

fn line(event: &NamedEvent, style: Style) -> String {
    let quality = match event.quality {
        Quality::Good => String::new(),
        Quality::Uncertain => format!("  {}", style.warn(event.quality.word())),
        Quality::Bad => format!("  {}", style.bad(event.quality.word())),
    };
    format!(
        "{}  {}  {}{quality}\n",
        style.dim(time_of_day(event.time)),
        event.topic,
        value(&event.value)
    )
}

/// A value in words: texts without quotes, nothing as `-`. A float that comes from 32 bits is shown
/// with the digits that 32 bits have.
pub(super) fn value(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => "-".to_owned(),
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Number(number) if number.is_f64() => {
            let double = number.as_f64().unwrap_or_default();
            let single = double as f32;
            // Reading a number from JSON may miss it by its last bit.
            if (f64::from(single) - double).abs() <= double.abs() * f64::EPSILON {
                format!("{single:?}")
            } else {
                number.to_string()
            }
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::value;
    use serde_json::json;

    #[test]
    fn values_have_the_digits_that_they_were_measured_with() {
        assert_eq!(value(&json!(f64::from(25.92106_f32))), "25.92106");
        let read = serde_json::from_str("31.134883880615234").unwrap_or_default();
        assert_eq!(value(&read), "31.134884");
        assert_eq!(value(&json!(0.1)), "0.1");
        assert_eq!(value(&json!(1.0000000001)), "1.0000000001");
        assert_eq!(value(&json!(300.0)), "300.0");
        assert_eq!(value(&json!(-1)), "-1");
        assert_eq!(value(&json!(null)), "-");
        assert_eq!(value(&json!("open")), "open");
    }
}
