//! Options of the codec: a JSON object, from a reply rule or from the command line.

use serde_json::Value;

use crate::frame::Mode;

/// Options of the codec.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// How frames are wrapped; none when it has to be found out.
    pub mode: Option<Mode>,
}

impl Options {
    /// Reads `{}` or `{"mode": "tcp"}` or `{"mode": "rtu"}`. An empty text stands for `{}`.
    ///
    /// # Errors
    /// When it is anything else; the text names the culprit.
    pub fn parse(text: &str) -> Result<Options, String> {
        if text.trim().is_empty() {
            return Ok(Options::default());
        }
        let value: Value = serde_json::from_str(text)
            .map_err(|error| format!("the options are not JSON: {error}"))?;
        let Value::Object(entries) = value else {
            return Err(format!("the options are {value}, expected an object"));
        };
        let mut options = Options::default();
        for (key, value) in entries {
            match (key.as_str(), value.as_str()) {
                ("mode", Some(name)) if Mode::from_name(name).is_some() => {
                    options.mode = Mode::from_name(name);
                }
                ("mode", Some("auto")) => {}
                ("mode", _) => {
                    return Err(format!(
                        "option `mode` is {value}, expected \"tcp\", \"rtu\" or \"auto\""
                    ));
                }
                _ => {
                    return Err(format!("unknown option `{key}`; the only option is `mode`"));
                }
            }
        }
        Ok(options)
    }

    /// The text that [`Options::parse`] reads, for a reply rule.
    #[must_use]
    pub fn of(mode: Mode) -> String {
        format!(r#"{{"mode":"{mode}"}}"#)
    }
}
