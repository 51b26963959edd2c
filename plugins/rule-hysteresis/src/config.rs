//! The rule's configuration, checked.

use crate::threshold::Threshold;
use serde::Deserialize;
use serde_json::{Map, Value};
use weihe_sdk::Duration;

/// How long an actuator's answer is awaited, unless the configuration says otherwise.
const DEFAULT_CALL_TIMEOUT: Duration = Duration::from_secs(5);
/// When a failed call is made again, unless the configuration says otherwise: soon enough for a valve,
/// and no load for a line that is down.
const DEFAULT_CALL_RETRY: Duration = Duration::from_secs(10);
/// When a call that succeeded is made again, unless the configuration says otherwise: an output that
/// went to its safe value meanwhile, or was switched by somebody else, follows the rule again.
const DEFAULT_CALL_REPEAT: Duration = Duration::from_secs(60);

/// The configuration as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Written {
    input: String,
    output: Option<String>,
    call: Option<WrittenCall>,
    on_below: Option<f64>,
    off_above: Option<f64>,
    on_above: Option<f64>,
    off_below: Option<f64>,
    #[serde(default)]
    min_on: Duration,
    #[serde(default)]
    min_off: Duration,
    max_age: Option<Duration>,
    #[serde(default)]
    safe: Safe,
    #[serde(default)]
    startup: Startup,
    #[serde(default)]
    uncertain: Treatment,
    #[serde(default = "ignore")]
    bad: Treatment,
}

fn ignore() -> Treatment {
    Treatment::Ignore
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct WrittenCall {
    device: String,
    command: String,
    arguments: Option<Map<String, Value>>,
    on: Option<Map<String, Value>>,
    off: Option<Map<String, Value>>,
    #[serde(default = "call_timeout")]
    timeout: Duration,
    #[serde(default = "call_retry")]
    retry: Duration,
    #[serde(default = "call_repeat")]
    repeat: Duration,
}

fn call_repeat() -> Duration {
    DEFAULT_CALL_REPEAT
}

fn call_timeout() -> Duration {
    DEFAULT_CALL_TIMEOUT
}

fn call_retry() -> Duration {
    DEFAULT_CALL_RETRY
}

/// What the output does when the input cannot be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Safe {
    /// It is switched off.
    #[default]
    Off,
    /// It is switched on.
    On,
    /// It stays as it is.
    Hold,
}

impl Safe {
    /// The output to take; `None` leaves it.
    pub fn output(self) -> Option<bool> {
        match self {
            Safe::Off => Some(false),
            Safe::On => Some(true),
            Safe::Hold => None,
        }
    }
}

/// What the output is before the first input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Startup {
    /// What it was before the restart; the safe output on the very first start.
    #[default]
    Restore,
    /// The safe output.
    Safe,
    /// Nothing is switched until an input decides.
    Wait,
}

/// What is done with a sample of lesser quality.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Treatment {
    /// It counts like a good one.
    #[default]
    Accept,
    /// It is as if it had not come.
    Ignore,
    /// The safe output is taken until a better one comes.
    Safe,
}

/// A command of another device that follows the output.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The device.
    pub device: String,
    /// The command.
    pub command: String,
    /// Its arguments to switch on.
    pub on: Value,
    /// Its arguments to switch off.
    pub off: Value,
    /// How long the answer is awaited.
    pub timeout: Duration,
    /// When a failed call is made again.
    pub retry: Duration,
    /// When one that succeeded is made again; zero: never.
    pub repeat: Duration,
}

/// The configuration, checked.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Written")]
pub struct Config {
    /// The topic that is watched.
    pub input: String,
    /// The topic that the output is published on, besides the device's own.
    pub output: Option<String>,
    /// The command that follows the output.
    pub call: Option<Call>,
    /// When to switch.
    pub threshold: Threshold,
    /// How long the output stays on at least, once an input switched it on.
    pub min_on: Duration,
    /// How long the output stays off at least.
    pub min_off: Duration,
    /// How old the input may become.
    pub max_age: Option<Duration>,
    /// The output when the input cannot be trusted.
    pub safe: Safe,
    /// The output before the first input.
    pub startup: Startup,
    /// What is done with uncertain samples.
    pub uncertain: Treatment,
    /// What is done with bad samples.
    pub bad: Treatment,
}

impl TryFrom<Written> for Config {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        if written.input.is_empty() || written.input.contains(['+', '#']) {
            return Err(format!(
                "`input`: {:?} is no topic (one, without wildcards)",
                written.input
            ));
        }
        if let Some(output) = &written.output {
            if output.is_empty() || output.contains(['+', '#']) {
                return Err(format!(
                    "`output`: {output:?} is no topic (one, without wildcards)"
                ));
            }
            if *output == written.input {
                return Err(format!("`output`: {output:?} is the input too"));
            }
        }
        if written.max_age.is_some_and(Duration::is_zero) {
            return Err(
                "`max-age`: a sample of age 0 s cannot be had; leave it out for no limit".into(),
            );
        }
        let threshold = threshold(&written)?;
        Ok(Config {
            threshold,
            input: written.input,
            output: written.output,
            call: written.call.map(Call::try_from).transpose()?,
            min_on: written.min_on,
            min_off: written.min_off,
            max_age: written.max_age,
            safe: written.safe,
            startup: written.startup,
            uncertain: written.uncertain,
            bad: written.bad,
        })
    }
}

fn threshold(written: &Written) -> Result<Threshold, String> {
    match (
        written.on_below,
        written.off_above,
        written.on_above,
        written.off_below,
    ) {
        (Some(on), Some(off), None, None) if on < off => Ok(Threshold::OnBelow { on, off }),
        (Some(on), Some(off), None, None) => Err(format!(
            "`on-below`: {on} must be less than `off-above` ({off})"
        )),
        (None, None, Some(on), Some(off)) if off < on => Ok(Threshold::OnAbove { on, off }),
        (None, None, Some(on), Some(off)) => Err(format!(
            "`on-above`: {on} must be greater than `off-below` ({off})"
        )),
        (Some(_), None, None, None) => Err("`off-above` is missing beside `on-below`".into()),
        (None, Some(_), None, None) => Err("`on-below` is missing beside `off-above`".into()),
        (None, None, Some(_), None) => Err("`off-below` is missing beside `on-above`".into()),
        (None, None, None, Some(_)) => Err("`on-above` is missing beside `off-below`".into()),
        (None, None, None, None) => {
            Err("`on-below` and `off-above`, or `on-above` and `off-below`, are missing".into())
        }
        _ => Err(
            "`on-below`, `off-above`, `on-above`, `off-below`: set one pair, either \
                  `on-below` with `off-above` or `on-above` with `off-below`"
                .into(),
        ),
    }
}

impl TryFrom<WrittenCall> for Call {
    type Error = String;

    fn try_from(written: WrittenCall) -> Result<Self, String> {
        for (key, text) in [("device", &written.device), ("command", &written.command)] {
            if text.is_empty() {
                return Err(format!("`call.{key}` is empty"));
            }
        }
        for (key, span) in [("timeout", written.timeout), ("retry", written.retry)] {
            if span.is_zero() {
                return Err(format!("`call.{key}`: 0 s is too short"));
            }
        }
        let (on, off) = match (written.arguments, written.on, written.off) {
            (None, Some(on), Some(off)) => (Value::Object(on), Value::Object(off)),
            (Some(template), None, None) => {
                let template = Value::Object(template);
                let (on, off) = (fill(&template, true), fill(&template, false));
                if on == off {
                    return Err(
                        "`call.arguments`: on and off are the same; write \"{state}\" or \
                                \"{number}\" where the output goes"
                            .into(),
                    );
                }
                (on, off)
            }
            (Some(_), _, _) => {
                return Err(
                    "`call.arguments`: set it, or `call.on` and `call.off`, not both".into(),
                );
            }
            (None, None, None) => return Err("`call.arguments` is missing".into()),
            (None, Some(_), None) => return Err("`call.off` is missing beside `call.on`".into()),
            (None, None, Some(_)) => return Err("`call.on` is missing beside `call.off`".into()),
        };
        Ok(Call {
            device: written.device,
            command: written.command,
            on,
            off,
            timeout: written.timeout,
            retry: written.retry,
            repeat: written.repeat,
        })
    }
}

/// Arguments with the output in its place: a text that is `{state}` becomes true or false, one that
/// is `{number}` becomes 1 or 0, and `{state}` within a longer text becomes `on` or `off`.
fn fill(template: &Value, output: bool) -> Value {
    match template {
        Value::String(text) if text == "{state}" => Value::Bool(output),
        Value::String(text) if text == "{number}" => Value::from(u8::from(output)),
        Value::String(text) => {
            let text = text.replace("{state}", if output { "on" } else { "off" });
            Value::String(text.replace("{number}", if output { "1" } else { "0" }))
        }
        Value::Array(items) => items.iter().map(|item| fill(item, output)).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| (key.clone(), fill(value, output)))
            .collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(config: Value) -> Result<Config, String> {
        serde_json::from_value(config).map_err(|error| error.to_string())
    }

    #[test]
    fn a_short_configuration_has_cautious_defaults() {
        let config = read(json!({"input": "a", "on-below": 20, "off-above": 30})).unwrap();
        assert_eq!(
            config.threshold,
            Threshold::OnBelow {
                on: 20.0,
                off: 30.0
            }
        );
        assert_eq!(config.safe, Safe::Off);
        assert_eq!(config.startup, Startup::Restore);
        assert_eq!(
            (config.uncertain, config.bad),
            (Treatment::Accept, Treatment::Ignore)
        );
    }

    #[test]
    fn errors_name_the_key() {
        let base = || json!({"input": "a", "on-below": 20, "off-above": 30});
        let with = |key: &str, value: Value| {
            let mut config = base();
            config[key] = value;
            read(config).unwrap_err()
        };
        assert!(with("input", json!("a/+")).starts_with("`input`"));
        assert!(with("output", json!("a")).starts_with("`output`"));
        assert!(with("output", json!("")).starts_with("`output`"));
        assert!(with("off-above", json!(20)).starts_with("`on-below`: 20 must be less"));
        assert!(with("on-above", json!(20)).contains("set one pair"));
        assert!(with("max-age", json!(0)).starts_with("`max-age`"));
        assert!(with("on-belo", json!(1)).contains("unknown field `on-belo`"));
        assert!(with("safe", json!("maybe")).contains("`hold`"));
        let one = |key: &str| read(json!({"input": "a", key: 1})).unwrap_err();
        assert!(one("on-below").starts_with("`off-above` is missing"));
        assert!(one("off-above").starts_with("`on-below` is missing"));
        assert!(one("on-above").starts_with("`off-below` is missing"));
        assert!(one("off-below").starts_with("`on-above` is missing"));
        assert!(
            read(json!({"input": "a"}))
                .unwrap_err()
                .contains("are missing")
        );
        let above = json!({"input": "a", "on-above": 1, "off-below": 2});
        assert!(
            read(above)
                .unwrap_err()
                .starts_with("`on-above`: 1 must be greater")
        );
    }

    fn call(call: Value) -> Result<Call, String> {
        read(json!({"input": "a", "on-above": 2, "off-below": 1, "call": call}))
            .map(|config| config.call.unwrap())
    }

    #[test]
    fn the_output_goes_into_the_arguments() {
        let call = call(json!({
            "device": "valve", "command": "write",
            "arguments": {"register": "valve", "value": "{state}", "bits": ["{number}"], "note": "goes {state}"},
        }))
        .unwrap();
        assert_eq!(
            call.on,
            json!({"register": "valve", "value": true, "bits": [1], "note": "goes on"})
        );
        assert_eq!(call.off["value"], json!(false));
        assert_eq!(call.off["note"], json!("goes off"));
    }

    #[test]
    fn errors_of_the_call_name_the_key() {
        let with = |extra: Value| {
            let mut table = json!({"device": "valve", "command": "write"});
            table
                .as_object_mut()
                .unwrap()
                .extend(extra.as_object().unwrap().clone());
            call(table).unwrap_err()
        };
        assert!(with(json!({})).starts_with("`call.arguments` is missing"));
        assert!(with(json!({"arguments": {"value": 1}})).contains("on and off are the same"));
        assert!(with(json!({"on": {}})).starts_with("`call.off` is missing"));
        assert!(with(json!({"off": {}})).starts_with("`call.on` is missing"));
        assert!(with(json!({"arguments": {}, "on": {}, "off": {}})).contains("not both"));
        assert!(with(json!({"on": {}, "off": {}, "retry": 0})).starts_with("`call.retry`"));
        assert!(with(json!({"on": {}, "off": {}, "device": ""})).starts_with("`call.device`"));
    }
}
