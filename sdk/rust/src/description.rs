//! What a plugin says of itself.

use crate::bindings::lifecycle::exports::weihe::plugin::lifecycle as wit;

/// Whether a device of the plugin needs a connection.
///
/// ```
/// use weihe_sdk::{ConnectionNeed, Description};
///
/// let driver = Description::new("meter", "0.1.0", "Reads a meter").connection(ConnectionNeed::Required);
/// ```
pub use wit::ConnectionNeed;

/// What a plugin says of itself; built once, from constants.
///
/// ```
/// use weihe_sdk::{CommandInfo, ConnectionNeed, Description};
///
/// let description = Description::new("valve", "0.1.0", "Opens and closes a valve")
///     .command(CommandInfo::new("open", "Opens it").answer(r#"{"type":"null"}"#))
///     .publishes("plugin/{device}/open", "whether it is open")
///     .connection(ConnectionNeed::Required);
/// assert_eq!(description.name(), "valve");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Description(wit::Description);

impl Description {
    /// A plugin's name (lower case, words joined by `-`), its version (semver) and one line about
    /// it.
    ///
    /// ```
    /// # use weihe_sdk::Description;
    /// let description = Description::new(
    ///     env!("CARGO_PKG_NAME"),
    ///     env!("CARGO_PKG_VERSION"),
    ///     "Reads a meter",
    /// );
    /// assert_eq!(description.name(), "weihe-sdk");
    /// ```
    pub fn new(name: &str, version: &str, summary: &str) -> Self {
        Description(wit::Description {
            name: name.to_owned(),
            version: version.to_owned(),
            summary: summary.to_owned(),
            commands: Vec::new(),
            topics: Vec::new(),
            config_schema: String::new(),
            standalone: false,
            connection: ConnectionNeed::None,
        })
    }

    /// Adds a command that the plugin answers.
    ///
    /// ```
    /// # use weihe_sdk::{CommandInfo, Description};
    /// let description = Description::new("valve", "0.1.0", "A valve")
    ///     .command(CommandInfo::new("open", "Opens it"))
    ///     .command(CommandInfo::new("close", "Closes it"));
    /// assert_eq!(description.command_names().count(), 2);
    /// ```
    pub fn command(mut self, command: CommandInfo) -> Self {
        self.0.commands.push(command.0);
        self
    }

    /// Adds a topic that the plugin publishes; `{device}` stands for the device's name. The summary
    /// says what is sampled, with its unit.
    ///
    /// ```
    /// # use weihe_sdk::Description;
    /// let description = Description::new("meter", "0.1.0", "Reads a meter")
    ///     .publishes("plugin/{device}/power", "active power in W");
    /// ```
    pub fn publishes(self, topic: &str, summary: &str) -> Self {
        self.topic(topic, wit::Direction::Publishes, summary)
    }

    /// Adds a topic or filter that the plugin reads.
    ///
    /// ```
    /// # use weihe_sdk::Description;
    /// let description = Description::new("sum", "0.1.0", "Adds up")
    ///     .subscribes("meters/+/power", "active power in W");
    /// ```
    pub fn subscribes(self, filter: &str, summary: &str) -> Self {
        self.topic(filter, wit::Direction::Subscribes, summary)
    }

    /// The JSON Schema of the configuration. A device whose `config` does not fit it is not started,
    /// so it must allow all that the plugin takes; with `"additionalProperties": false` the host
    /// also finds mistyped keys.
    ///
    /// ```
    /// # use weihe_sdk::Description;
    /// let description = Description::new("sum", "0.1.0", "Adds up").config_schema(
    ///     r#"{
    ///         "type": "object",
    ///         "properties": { "factor": { "type": "number", "exclusiveMinimum": 0 } },
    ///         "additionalProperties": false
    ///     }"#,
    /// );
    /// ```
    pub fn config_schema(mut self, schema: &str) -> Self {
        self.0.config_schema = schema.to_owned();
        self
    }

    /// The plugin runs without configuration: a dropped file starts one device.
    ///
    /// ```
    /// # use weihe_sdk::Description;
    /// // Dropped into the folder, it runs.
    /// let description = Description::new("heartbeat", "0.1.0", "Says that the host lives").standalone();
    /// ```
    pub fn standalone(mut self) -> Self {
        self.0.standalone = true;
        self
    }

    /// Whether a device needs a connection. Without this call it uses none.
    ///
    /// ```
    /// # use weihe_sdk::{ConnectionNeed, Description};
    /// let description =
    ///     Description::new("meter", "0.1.0", "Reads a meter").connection(ConnectionNeed::Required);
    /// ```
    pub fn connection(mut self, need: ConnectionNeed) -> Self {
        self.0.connection = need;
        self
    }

    /// The plugin's name.
    ///
    /// ```
    /// # use weihe_sdk::Description;
    /// assert_eq!(Description::new("meter", "0.1.0", "Reads a meter").name(), "meter");
    /// ```
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Names of the commands, in order.
    ///
    /// ```
    /// # use weihe_sdk::{CommandInfo, Description};
    /// let valve = Description::new("valve", "0.1.0", "A valve").command(CommandInfo::new("open", ""));
    /// assert!(valve.command_names().eq(["open"]));
    /// ```
    pub fn command_names(&self) -> impl Iterator<Item = &str> {
        self.0.commands.iter().map(|command| command.name.as_str())
    }

    fn topic(mut self, filter: &str, direction: wit::Direction, summary: &str) -> Self {
        self.0.topics.push(wit::TopicInfo {
            filter: filter.to_owned(),
            direction,
            summary: summary.to_owned(),
        });
        self
    }
}

impl From<Description> for wit::Description {
    fn from(description: Description) -> Self {
        description.0
    }
}

/// A command that a plugin answers.
///
/// ```
/// # use weihe_sdk::CommandInfo;
/// let open = CommandInfo::new("open", "Opens the valve")
///     .arguments(r#"{ "type": "object", "properties": { "percent": { "type": "integer" } } }"#)
///     .answer(r#"{ "type": "null" }"#);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct CommandInfo(wit::CommandInfo);

impl CommandInfo {
    /// A command's name (lower case, words joined by `-`) and one line about it.
    ///
    /// ```
    /// # use weihe_sdk::CommandInfo;
    /// let open = CommandInfo::new("open", "Opens the valve");
    /// ```
    pub fn new(name: &str, summary: &str) -> Self {
        CommandInfo(wit::CommandInfo {
            name: name.to_owned(),
            summary: summary.to_owned(),
            arguments: String::new(),
            answer: String::new(),
        })
    }

    /// The JSON Schema of its arguments.
    ///
    /// ```
    /// # use weihe_sdk::CommandInfo;
    /// let open = CommandInfo::new("open", "Opens the valve").arguments(
    ///     r#"{ "type": "object", "properties": { "percent": { "type": "integer" } } }"#,
    /// );
    /// ```
    pub fn arguments(mut self, schema: &str) -> Self {
        self.0.arguments = schema.to_owned();
        self
    }

    /// The JSON Schema of its answer.
    ///
    /// ```
    /// # use weihe_sdk::CommandInfo;
    /// let count = CommandInfo::new("count", "Counts rows").answer(r#"{ "type": "integer" }"#);
    /// ```
    pub fn answer(mut self, schema: &str) -> Self {
        self.0.answer = schema.to_owned();
        self
    }
}
