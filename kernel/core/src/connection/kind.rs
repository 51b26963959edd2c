//! The contract of a kind of connection, and the set of kinds that the host registers.

use super::table::TableReader;
use super::transport::Endpoint;

/// A kind of connection: what `type = "…"` in a connection's table names.
pub trait ConnectionKind: Send + Sync {
    /// The value of `type`.
    fn name(&self) -> &'static str;

    /// Checks a connection's table (with or without its `type`) without touching the outside.
    fn configure(&self, name: &str, table: &toml::Table) -> Result<Endpoint, ConfigError>;
}

/// Why a connection's table is refused. The host adds file and line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConfigError {
    /// The key at fault; none when it is the table itself.
    pub key: Option<String>,
    /// What is wrong, naming connection, key and value.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Present when the key is none that the kind knows: what is wrong is the key, not its value.
    pub unknown: Option<UnknownKey>,
}

/// A key that a kind of connection does not know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnknownKey {
    /// The key that was probably meant.
    pub meant: Option<String>,
}

/// The kinds that this host knows.
#[derive(Default)]
pub struct Kinds(Vec<Box<dyn ConnectionKind>>);

impl Kinds {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a kind; one of the same name is replaced.
    pub fn register(&mut self, kind: impl ConnectionKind + 'static) {
        self.0.retain(|known| known.name() != kind.name());
        self.0.push(Box::new(kind));
    }

    /// The names of all kinds, sorted.
    pub fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.0.iter().map(|kind| kind.name()).collect();
        names.sort_unstable();
        names
    }

    /// Checks a connection's table by the kind that its `type` names.
    pub fn configure(&self, name: &str, table: &toml::Table) -> Result<Endpoint, ConfigError> {
        let known = self.names();
        let wanted: &str = TableReader::new(name, table).choice("type", &known)?;
        match self.0.iter().find(|kind| kind.name() == wanted) {
            Some(kind) => kind.configure(name, table),
            None => Err(ConfigError {
                key: Some("type".into()),
                message: format!("connection `{name}`: this host knows no kind `{wanted}`"),
                help: None,
                unknown: None,
            }),
        }
    }
}
