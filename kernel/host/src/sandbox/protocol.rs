//! The lines between a test and the sandbox: one request, one answer. docs/testing.md describes them.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use weihe_guomi::keys::Algorithm;
use weihe_hal::virtual_board::Act as BoardAct;
use weihe_kernel::event::Quality;
use weihe_kernel::grant::Grants;
use weihe_kernel::limits::Limits;

/// The version of these lines; the first answer names it.
pub const PROTOCOL: u32 = 1;

/// What a test asks: `{"do": "advance", "nanoseconds": 1000000000}`.
#[derive(Debug, Deserialize)]
#[serde(
    tag = "do",
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case",
    deny_unknown_fields
)]
pub enum Request {
    /// Starts the device.
    Start(Box<Start>),
    /// Only lets the kernel come to rest. Answers what became of a start, stop or restart that was pending.
    Rest,
    /// Publishes events as `test`, as one run.
    Publish {
        /// The run.
        events: Vec<Sample>,
    },
    /// Lets time pass, deadline by deadline.
    Advance {
        /// How much.
        nanoseconds: u64,
        /// Whether to stop where an input is not handled.
        #[serde(default)]
        stop_at_trouble: bool,
        /// Whether to stop where something is written on a connection, for the test to reply in time.
        #[serde(default)]
        stop_at_wire: bool,
        /// Whether to stop where a call into the plugin has ended.
        #[serde(default)]
        stop_at_return: bool,
        /// The connection that is awaited: time passes only until it is up.
        #[serde(default)]
        until_up: Option<String>,
    },
    /// Sets the wall clock, in nanoseconds since 1970; spans go on.
    Clock {
        /// What it shows.
        now: u64,
    },
    /// Calls a command of the device.
    Call {
        /// Which.
        command: String,
        /// A JSON object, as text.
        arguments: String,
    },
    /// Answers a call that the device made.
    Answer {
        /// Which.
        call: u64,
        /// JSON, as text.
        #[serde(default)]
        answer: Option<String>,
        /// Or why not.
        #[serde(default)]
        error: Option<String>,
    },
    /// Says something on a connection, as its far end.
    Say {
        /// Which.
        connection: String,
        /// As this peer of a listener.
        #[serde(default)]
        peer: Option<u64>,
        /// Octets in hexadecimal.
        bytes: String,
    },
    /// Opens or closes a connection.
    Link {
        /// Which.
        connection: String,
        /// Why it is down; none: it may come up.
        #[serde(default)]
        down: Option<String>,
    },
    /// Lets a peer come to a listener, or leave it.
    Peer {
        /// Which listener.
        connection: String,
        /// The test's number for the peer.
        peer: u64,
        /// From where it comes; none: it leaves.
        #[serde(default)]
        address: Option<String>,
    },
    /// Moves the world around the board.
    Board {
        /// What is done.
        act: BoardAct,
    },
    /// Asks how the board is.
    Look,
    /// Asks for the device's state.
    State,
    /// Stops the device and starts it again with its state.
    Restart {
        /// Its configuration from then on.
        config: Json,
    },
    /// Stops the device.
    Stop,
    /// Asks what the device is and uses.
    Status,
}

/// How a device is started.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Start {
    /// Its name.
    pub device: String,
    /// Its configuration.
    #[serde(default)]
    pub config: Json,
    /// Connections; the first is the device's own.
    #[serde(default)]
    pub connections: Vec<Connection>,
    /// Its grants, as in `weihe.toml`; none: all that can be granted without naming tables.
    #[serde(default)]
    pub grants: Option<Grants>,
    /// Its limits, as in `weihe.toml`.
    #[serde(default)]
    pub limits: Limits,
    /// The state of an earlier instance.
    #[serde(default)]
    pub state: Option<State>,
    /// What the clock shows, in nanoseconds since 1970.
    pub now: u64,
    /// Events that were published before.
    #[serde(default)]
    pub last: Vec<Sample>,
    /// The text of a virtual board that is the device's hardware; none: there is nothing on it.
    #[serde(default)]
    pub board: Option<String>,
    /// Keys of the key store.
    #[serde(default)]
    pub keys: Vec<TestKey>,
}

/// A key of a test.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestKey {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub algorithm: Algorithm,
    /// The private or symmetric key, in hexadecimal.
    pub secret: String,
    /// Whether it may be taken out.
    #[serde(default)]
    pub exportable: bool,
}

impl std::fmt::Debug for TestKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TestKey({}, ..)", self.name)
    }
}

/// A connection that the test plays.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// Its name.
    pub name: String,
    /// Whether peers come to it.
    #[serde(default)]
    pub listener: bool,
}

/// The state of a device.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Its version.
    pub version: u32,
    /// Octets in hexadecimal.
    pub bytes: String,
}

/// An event to publish.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// Where.
    pub topic: String,
    /// The value, with its kind: `{"float": 21.5}`; null for none.
    #[serde(default)]
    pub value: Json,
    /// How far it can be trusted.
    #[serde(default)]
    pub quality: Quality,
    /// When it was taken, in nanoseconds since 1970; none: now.
    #[serde(default)]
    pub time: Option<u64>,
}

/// What a request is answered with, when the kernel is at rest.
#[derive(Debug, Default, Serialize)]
pub struct Answer {
    /// What came of it.
    #[serde(skip_serializing_if = "Json::is_null")]
    pub ok: Json,
    /// Why nothing came of it.
    #[serde(skip_serializing_if = "Json::is_null")]
    pub error: Json,
    /// What the wall clock shows, in nanoseconds since 1970.
    pub now: u64,
    /// What the monotonic clock shows, in nanoseconds since the sandbox was started.
    pub elapsed: u64,
    /// What was seen since the last answer, in order.
    pub seen: Vec<Json>,
}

impl Answer {
    /// Nothing came of it.
    pub fn refused(text: impl Into<String>) -> Self {
        Self {
            error: json!({ "text": text.into() }),
            ..Self::default()
        }
    }
}
