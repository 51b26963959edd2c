//! `weihe set`: publish a value.

use clap::Args;
use serde_json::Value;
use weihe_kernel::event::NamedEvent;

use super::{Global, Result, remote};
use crate::control::SetParams;
use crate::language::say;
use crate::output::{Failure, Outcome, print_json};

/// Publish a value on a topic, as the operator
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  weihe set plugin/valve/target 42.5\n  weihe set plugin/valve/mode auto\n  weihe set plugin/valve/override true"
)]
pub(super) struct Set {
    /// A topic; those that start with `$` are the kernel's own
    #[arg(value_name = "TOPIC")]
    topic: String,
    /// JSON (a number, true, false, null, \"text\", a document), or else a text
    #[arg(value_name = "VALUE", allow_hyphen_values = true)]
    value: String,
}

impl Set {
    pub(super) fn run(self, global: &Global) -> Result {
        if self.topic.starts_with('$') {
            return Err(Failure::usage(
                say::set_own(&self.topic),
                say::set_own_help(),
            ));
        }
        let params = SetParams {
            topic: self.topic,
            value: parse_value(&self.value),
        };
        let event: NamedEvent = remote::converse(async {
            let mut client = remote::client(global).await?;
            Ok(client.request("set", &params).await?)
        })?;
        if global.json {
            print_json(&serde_json::to_value(&event).unwrap_or_default());
        }
        Ok(Outcome::Done)
    }
}

/// A value as it is typed: JSON where it is JSON, else a text.
pub(super) fn parse_value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_json_where_they_are_json() {
        for (text, value) in [
            ("-1", json!(-1)),
            ("0", json!(0)),
            ("21.5", json!(21.5)),
            ("true", json!(true)),
            ("null", json!(null)),
            ("\"5\"", json!("5")),
            ("open", json!("open")),
            ("", json!("")),
            ("{\"a\":1}", json!({"a": 1})),
        ] {
            assert_eq!(parse_value(text), value, "{text}");
        }
    }
}
