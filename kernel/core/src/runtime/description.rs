//! What a plugin says of itself, and what of that is taken.

use serde::{Deserialize, Serialize};

use super::bindings::lifecycle;

/// The most that one text of a description may hold.
const MAX_TEXT: usize = 64 << 10;

/// The most commands and topics of a description.
const MAX_ENTRIES: usize = 256;

/// Whether a device of a plugin needs a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectionNeed {
    /// It uses none.
    #[default]
    None,
    /// It can do without.
    Optional,
    /// It must have one.
    Required,
}

/// A command that a plugin answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandInfo {
    /// As it is called.
    pub name: String,
    /// One line.
    pub summary: String,
    /// JSON Schema of the arguments; empty when it takes none.
    pub arguments: String,
    /// JSON Schema of the answer; empty when it answers nothing.
    pub answer: String,
}

/// A topic that a plugin uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicInfo {
    /// A topic or filter; `{device}` stands for the device's name.
    pub filter: String,
    /// Whether the plugin publishes it (else it subscribes).
    pub publishes: bool,
    /// What is sampled.
    pub summary: String,
}

/// What a plugin says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Description {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// One line.
    pub summary: String,
    /// The commands it answers.
    pub commands: Vec<CommandInfo>,
    /// The topics it uses.
    pub topics: Vec<TopicInfo>,
    /// JSON Schema of its configuration; empty when it takes none.
    pub config_schema: String,
    /// Whether it can run without configuration.
    pub standalone: bool,
    /// Whether its devices need a connection.
    pub connection: ConnectionNeed,
}

pub(super) type Said = lifecycle::exports::weihe::plugin::lifecycle::Description;

pub(super) fn check_description(said: Said) -> Result<Description, String> {
    use lifecycle::exports::weihe::plugin::lifecycle as wit;
    let name_is_fine = |name: &str| {
        !name.is_empty()
            && name.len() <= 64
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
    };
    if !name_is_fine(&said.name) {
        return Err(format!(
            "the name `{}`: lower-case letters, digits, `-` and `_`, a letter first",
            said.name
        ));
    }
    if said.commands.len() > MAX_ENTRIES || said.topics.len() > MAX_ENTRIES {
        return Err(format!("more than {MAX_ENTRIES} commands or topics"));
    }
    let mut texts = vec![&said.version, &said.summary, &said.config_schema];
    for command in &said.commands {
        if !name_is_fine(&command.name) {
            return Err(format!(
                "the command name `{}`: lower-case letters, digits and `-`",
                command.name
            ));
        }
        texts.extend([&command.summary, &command.arguments, &command.answer]);
    }
    texts.extend(said.topics.iter().map(|topic| &topic.summary));
    if let Some(text) = texts.into_iter().find(|text| text.len() > MAX_TEXT) {
        return Err(format!(
            "a text of {} bytes; {MAX_TEXT} is the most",
            text.len()
        ));
    }
    Ok(Description {
        name: said.name,
        version: said.version,
        summary: said.summary,
        commands: said
            .commands
            .into_iter()
            .map(|command| CommandInfo {
                name: command.name,
                summary: command.summary,
                arguments: command.arguments,
                answer: command.answer,
            })
            .collect(),
        topics: said
            .topics
            .into_iter()
            .map(|topic| TopicInfo {
                filter: topic.filter,
                publishes: topic.direction == wit::Direction::Publishes,
                summary: topic.summary,
            })
            .collect(),
        config_schema: said.config_schema,
        standalone: said.standalone,
        connection: match said.connection {
            wit::ConnectionNeed::None => ConnectionNeed::None,
            wit::ConnectionNeed::Optional => ConnectionNeed::Optional,
            wit::ConnectionNeed::Required => ConnectionNeed::Required,
        },
    })
}
