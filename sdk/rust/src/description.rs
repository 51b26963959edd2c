//! What a plugin says of itself.

use crate::bindings::lifecycle::exports::weihe::plugin::lifecycle as wit;

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
    pub fn command(mut self, command: CommandInfo) -> Self {
        self.0.commands.push(command.0);
        self
    }

    /// Adds a topic that the plugin publishes; `{device}` stands for the device's name. The summary
    /// says what is sampled, with its unit.
    pub fn publishes(self, topic: &str, summary: &str) -> Self {
        self.topic(topic, wit::Direction::Publishes, summary)
    }

    /// Adds a topic or filter that the plugin reads.
    pub fn subscribes(self, filter: &str, summary: &str) -> Self {
        self.topic(filter, wit::Direction::Subscribes, summary)
    }

    /// The JSON Schema of the configuration. A device whose `config` does not fit it is not started,
    /// so it must allow all that the plugin takes; with `"additionalProperties": false` the host
    /// also finds mistyped keys.
    pub fn config_schema(mut self, schema: &str) -> Self {
        self.0.config_schema = schema.to_owned();
        self
    }

    /// The plugin runs without configuration: a dropped file starts one device.
    pub fn standalone(mut self) -> Self {
        self.0.standalone = true;
        self
    }

    /// Whether a device needs a connection. Without this call it uses none.
    pub fn connection(mut self, need: ConnectionNeed) -> Self {
        self.0.connection = need;
        self
    }

    /// The plugin's name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Names of the commands, in order.
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
#[derive(Debug, Clone, PartialEq)]
pub struct CommandInfo(wit::CommandInfo);

impl CommandInfo {
    /// A command's name (lower case, words joined by `-`) and one line about it.
    pub fn new(name: &str, summary: &str) -> Self {
        CommandInfo(wit::CommandInfo {
            name: name.to_owned(),
            summary: summary.to_owned(),
            arguments: String::new(),
            answer: String::new(),
        })
    }

    /// The JSON Schema of its arguments.
    pub fn arguments(mut self, schema: &str) -> Self {
        self.0.arguments = schema.to_owned();
        self
    }

    /// The JSON Schema of its answer.
    pub fn answer(mut self, schema: &str) -> Self {
        self.0.answer = schema.to_owned();
        self
    }
}
