//! What is said: requests, replies and their parameters, one JSON object a line.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use weihe_kernel::Swapped;

/// The version of the protocol. It grows when a host can no longer answer what an older client
/// asks; methods and fields are added without a new one.
pub const VERSION: u32 = 1;

/// The codes of errors; a client may act on them. The words are for people.
pub mod code {
    /// The line is no request.
    pub const MALFORMED: &str = "malformed";
    /// The line is longer than a host takes.
    pub const TOO_LONG: &str = "too-long";
    /// The host does not speak this version.
    pub const VERSION: &str = "unsupported-version";
    /// There is no such method.
    pub const METHOD: &str = "unknown-method";
    /// The parameters are not those of the method.
    pub const PARAMS: &str = "invalid-params";
    /// The client or the host has too much under way.
    pub const BUSY: &str = "busy";
    /// Ended by `cancel`.
    pub const CANCELLED: &str = "cancelled";
    /// The role of the client's certificate is too low.
    pub const FORBIDDEN: &str = "forbidden";
    /// The host stops.
    pub const STOPPING: &str = "stopping";
    /// It was tried and failed.
    pub const FAILED: &str = "failed";
}

/// One request of a client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Chosen by the client; every reply to this request carries it.
    pub id: u64,
    /// The protocol's version that the client speaks.
    #[serde(default = "current")]
    pub version: u32,
    /// What to do.
    pub method: String,
    /// With what.
    #[serde(default)]
    pub params: Value,
}

fn current() -> u32 {
    VERSION
}

/// One line of a host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// The request that it answers; none when the line could not be read.
    pub id: Option<u64>,
    /// What it says.
    #[serde(flatten)]
    pub body: Body,
}

/// What a reply says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Body {
    /// The answer; ends the request.
    Ok(Value),
    /// It failed; ends the request.
    Error(ErrorBody),
    /// One item of a stream.
    Item(Value),
    /// So many items of the stream were dropped here, because the client was too slow.
    Dropped(u64),
}

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// For programs: see [`code`].
    pub code: String,
    /// For people: names the culprit.
    pub message: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl ErrorBody {
    /// An error without help.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            help: None,
        }
    }

    /// Adds what to do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// The answer to `hello`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The system's name.
    pub name: String,
    /// The host's version.
    pub version: String,
    /// The version of the protocol that it speaks.
    pub protocol: u32,
    /// Its process.
    pub pid: u32,
    /// How often the system has been started.
    pub boot: u32,
}

/// Parameters of `get`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GetParams {
    /// A topic or filter.
    pub filter: String,
}

impl GetParams {
    /// All topics that have a value.
    pub fn all() -> Self {
        Self {
            filter: "#".to_owned(),
        }
    }
}

/// Parameters of `set`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetParams {
    /// Where to publish.
    pub topic: String,
    /// What: null, a boolean, a number or a text; lists and objects are published as JSON.
    pub value: Value,
}

/// Parameters of `call`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallParams {
    /// The device.
    pub device: String,
    /// Its command.
    pub command: String,
    /// An object; none for commands without arguments.
    #[serde(default)]
    pub arguments: Value,
    /// How long the answer is awaited, in milliseconds.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
}

/// Parameters of `swap` and `load`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionParams {
    /// The plugin. `load` takes the file's name when it is left out.
    #[serde(default)]
    pub plugin: Option<String>,
    /// The component, with its whole path.
    pub file: PathBuf,
    /// Whether a version that was rolled back is taken out of quarantine first.
    #[serde(default)]
    pub lift: bool,
}

/// Parameters of `rollback` and `unload`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PluginParams {
    /// The plugin.
    pub plugin: String,
}

/// Parameters of `restart`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceParams {
    /// The device.
    pub device: String,
}

/// The answer to `restart`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestartAnswer {
    /// The device, which runs.
    pub device: String,
}

/// The answer to `swap` and `rollback`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwapAnswer {
    /// The plugin.
    pub plugin: String,
    /// What became of its devices.
    pub devices: Vec<Swapped>,
}

/// The answer to `load` and `unload`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadAnswer {
    /// The plugin.
    pub plugin: String,
    /// The devices that were started or stopped.
    pub devices: Vec<String>,
    /// What is to be done before it is of use, or why a device did not start.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// Parameters of `plan`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanParams {
    /// The text of a `weihe.toml` that is not there yet; none for the one that is.
    #[serde(default)]
    pub text: Option<String>,
}

/// Parameters of `events`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventsParams {
    /// What to follow; none for everything but `$…`.
    #[serde(default)]
    pub filter: Option<String>,
    /// Whether the last value of each topic comes first.
    #[serde(default)]
    pub retained: bool,
}

/// Parameters of `logs`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogsParams {
    /// Whether to go on with what is logged from now on.
    #[serde(default)]
    pub follow: bool,
    /// Only what this device logs.
    #[serde(default)]
    pub device: Option<String>,
    /// At most so many of the past.
    #[serde(default)]
    pub lines: Option<usize>,
}

/// Parameters of `cancel`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CancelParams {
    /// The request that is to end.
    pub id: u64,
}

/// Reads a request. The error carries the request's id where that much could be read.
pub fn parse_request(line: &[u8]) -> Result<Request, Reply> {
    let refuse = |id, error: ErrorBody| {
        Err(Reply {
            id,
            body: Body::Error(error),
        })
    };
    const EXAMPLE: &str = r#"a request is like {"id":1,"version":1,"method":"ps","params":{}}"#;
    if line.trim_ascii().is_empty() {
        let error = ErrorBody::new(code::MALFORMED, "the line is empty").help(EXAMPLE);
        return refuse(None, error);
    }
    let value: Value = match serde_json::from_slice(line) {
        Ok(value) => value,
        Err(error) => {
            let message = format!("the line is not JSON: {error}");
            return refuse(None, ErrorBody::new(code::MALFORMED, message).help(EXAMPLE));
        }
    };
    let id = value.get("id").and_then(Value::as_u64);
    let version = value.get("version").and_then(Value::as_u64);
    if let Some(version) = version.filter(|version| *version != u64::from(VERSION)) {
        let message = format!("this host speaks version {VERSION} of the protocol, not {version}");
        let error = ErrorBody::new(code::VERSION, message)
            .help("use the `weihe` that belongs to the running host");
        return refuse(id, error);
    }
    match serde_json::from_value(value) {
        Ok(request) => Ok(request),
        Err(error) => {
            let message = format!("the line is not a request: {error}");
            refuse(id, ErrorBody::new(code::MALFORMED, message).help(EXAMPLE))
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    fn refused(line: &[u8]) -> (Option<u64>, ErrorBody) {
        let reply = parse_request(line).unwrap_err();
        match reply.body {
            Body::Error(error) => (reply.id, error),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_request_needs_only_id_and_method() {
        let request = parse_request(br#"{"id":7,"method":"ps"}"#).unwrap();
        assert_eq!((request.id, request.version), (7, VERSION));
        assert_eq!(request.params, Value::Null);
    }

    #[test]
    fn what_is_no_request_is_answered_with_its_id_where_there_is_one() {
        assert_eq!(refused(b"").1.message, "the line is empty");
        assert_eq!(refused(b"  \r").1.code, code::MALFORMED);
        assert!(refused(b"{").1.message.contains("not JSON"));
        assert_eq!(refused(br#"{"id":3}"#).0, Some(3));
        let (id, error) = refused(br#"{"id":3,"version":9,"method":"ps"}"#);
        assert_eq!((id, error.code.as_str()), (Some(3), code::VERSION));
        assert!(refused(b"[1,2]").1.message.contains("not a request"));
    }

    #[test]
    fn replies_are_lines_with_one_body() {
        let line = |body| serde_json::to_string(&Reply { id: Some(1), body }).unwrap();
        assert_eq!(line(Body::Ok(Value::Null)), r#"{"id":1,"ok":null}"#);
        assert_eq!(line(Body::Dropped(3)), r#"{"id":1,"dropped":3}"#);
        let error = ErrorBody::new("failed", "a \"quoted\" text\nof two lines");
        let text = line(Body::Error(error.clone()));
        assert!(!text.contains('\n'), "one line: {text}");
        let back: Reply = serde_json::from_str(&text).unwrap();
        assert_eq!(
            back.body,
            Body::Error(error),
            "an error keeps its text through JSON"
        );
    }

    proptest::proptest! {
        #[test]
        fn no_line_upsets_the_parser(line in proptest::collection::vec(0_u8..=255, 0..300)) {
            let _ = parse_request(&line);
        }

        #[test]
        fn no_json_upsets_the_parser(line in "[\\[\\]{}\":,0-9a-z\\\\ .-]{0,120}") {
            let _ = parse_request(line.as_bytes());
        }

        #[test]
        fn requests_come_back_as_they_were(id: u64, method in "\\PC{0,20}", text in "\\PC{0,40}") {
            let request = Request { id, version: VERSION, method, params: Value::from(text) };
            let line = serde_json::to_vec(&request).unwrap();
            proptest::prop_assert_eq!(parse_request(&line).unwrap(), request);
        }
    }
}
