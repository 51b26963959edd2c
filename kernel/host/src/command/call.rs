//! `weihe call`: a command of a device.

use clap::Args;
use serde_json::{Map, Value};

use super::set::parse_value;
use super::{Global, Result, described, remote};
use crate::control::CallParams;
use crate::language::{Text, say};
use crate::output::{Failure, Outcome, Table, print, print_json};

/// Call a command of a device and show its answer; without a command, list those that it has
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  weihe call watering override state=on\n  weihe call soil write point=valve value=true"
)]
pub(super) struct Call {
    /// The device
    #[arg(value_name = "DEVICE")]
    device: String,
    /// One of its commands
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
    /// A JSON object, or key=value pairs
    #[arg(value_name = "ARGS")]
    arguments: Vec<String>,
    /// How long the answer is awaited, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0)]
    timeout: f64,
}

impl Call {
    pub(super) fn run(self, global: &Global) -> Result {
        let Some(command) = self.command else {
            return list(&self.device, global);
        };
        let milliseconds = self.timeout * 1_000.0;
        if !(1.0..=3_600_000.0).contains(&milliseconds) {
            return Err(Failure::usage(
                say::call_timeout(self.timeout.to_string()),
                say::call_timeout_help(),
            ));
        }
        let params = CallParams {
            device: self.device,
            command,
            arguments: Value::Object(parse_arguments(&self.arguments)?),
            // In range: checked above.
            timeout_ms: Some(milliseconds as u64),
        };
        let answer: Value = remote::converse(async {
            let mut client = remote::client(global).await?;
            Ok(client.request("call", &params).await?)
        })?;
        match &answer {
            _ if global.json => print_json(&answer),
            Value::Null => print(&format!("{}\n", say::call_done())),
            Value::String(text) => print(&format!("{text}\n")),
            other => print(&format!("{other:#}\n")),
        }
        Ok(Outcome::Done)
    }
}

/// The commands of a device, with what they take.
fn list(device: &str, global: &Global) -> Result {
    let status: Value = remote::converse(async {
        let mut client = remote::client(global).await?;
        Ok(client.request("ps", &Value::Null).await?)
    })?;
    let Some((plugin, commands)) = described::commands(&status, device) else {
        return Err(Failure::new(
            say::call_no_device(device),
            say::call_no_device_help(),
        ));
    };
    if global.json {
        print_json(&Value::from(commands));
        return Ok(Outcome::Done);
    }
    if commands.is_empty() {
        print(&format!("{}\n", say::call_no_commands(plugin, device)));
        return Ok(Outcome::Done);
    }
    let mut table = Table::new([
        say::call_column_command(),
        say::call_column_arguments(),
        say::call_column_summary(),
    ]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for command in commands {
        let arguments = described::arguments(command).into_iter();
        let arguments: Vec<String> = arguments.map(|(name, _)| format!("{name}=…")).collect();
        table.row([
            text(&command["name"]),
            arguments.join(" "),
            text(&command["summary"]),
        ]);
    }
    print(&table.to_string());
    Ok(Outcome::Done)
}

/// The arguments of a command as they are typed: one JSON object, or pairs.
pub(super) fn parse_arguments(
    words: &[String],
) -> std::result::Result<Map<String, Value>, Failure> {
    let wrong = |what: Text| Failure::usage(what, say::arguments_help());
    if let [word] = words
        && word.trim_start().starts_with('{')
    {
        return serde_json::from_str(word)
            .map_err(|error| wrong(say::arguments_no_object(Text::told(error))));
    }
    let mut arguments = Map::new();
    for word in words {
        let pair = word.split_once('=').filter(|(key, _)| !key.is_empty());
        let Some((key, value)) = pair else {
            return Err(wrong(say::arguments_no_pair(word)));
        };
        if arguments
            .insert(key.to_owned(), parse_value(value))
            .is_some()
        {
            return Err(wrong(say::arguments_twice(key)));
        }
    }
    Ok(arguments)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(words: &[&str]) -> std::result::Result<Value, String> {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        parse_arguments(&words)
            .map(Value::Object)
            .map_err(|failure| failure.message.to_string())
    }

    #[test]
    fn arguments_are_an_object_or_pairs() {
        assert_eq!(parse(&[]).unwrap(), json!({}));
        assert_eq!(parse(&["{\"a\": [1]}"]).unwrap(), json!({"a": [1]}));
        assert_eq!(
            parse(&["a=-1", "b=x=y", "c="]).unwrap(),
            json!({"a": -1, "b": "x=y", "c": ""})
        );
        assert!(parse(&["{\"a\""]).unwrap_err().contains("no JSON object"));
        assert!(parse(&["open"]).unwrap_err().contains("`open`"));
        assert!(parse(&["a=1", "a=2"]).unwrap_err().contains("twice"));
    }
}
