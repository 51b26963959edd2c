//! The historian's configuration, checked.

use serde::Deserialize;
use weihe_sdk::Duration;

/// Longest name of a table, as in PostgreSQL and short of the 64 bytes that the store allows a name.
const TABLE_NAME_BYTES: usize = 48;

/// Events queued while the database is busy: minutes of a slow line, seconds of a fast one.
const DEFAULT_CAPACITY: u32 = 4096;

/// How often old rows are looked for: often enough that a prune stays short.
const DEFAULT_PRUNE_EVERY: Duration = Duration::from_secs(600);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Written {
    topics: Vec<String>,
    #[serde(default = "main")]
    database: String,
    #[serde(default = "readings")]
    table: String,
    #[serde(default = "capacity")]
    capacity: u32,
    max_age: Option<Duration>,
    #[serde(default = "prune_every")]
    prune_every: Duration,
}

fn main() -> String {
    "main".to_owned()
}

fn readings() -> String {
    "readings".to_owned()
}

fn capacity() -> u32 {
    DEFAULT_CAPACITY
}

fn prune_every() -> Duration {
    DEFAULT_PRUNE_EVERY
}

/// The configuration.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Config {
    /// Filters of what is stored.
    pub topics: Vec<String>,
    /// The database.
    pub database: String,
    /// The table.
    pub table: String,
    /// Events that a subscription queues.
    pub capacity: u32,
    /// How long rows are kept; `None` for ever.
    pub max_age: Option<Duration>,
    /// How often older rows are looked for.
    pub prune_every: Duration,
}

impl TryFrom<Written> for Config {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        if written.topics.is_empty() {
            return Err(
                "`topics` is empty: name at least one filter, such as \"greenhouse/#\"".into(),
            );
        }
        if let Some(index) = written.topics.iter().position(String::is_empty) {
            return Err(format!("`topics[{index}]` is empty"));
        }
        if written.database.is_empty() {
            return Err("`database` is empty".into());
        }
        table_name(&written.table)?;
        if written.max_age.is_some_and(Duration::is_zero) {
            return Err("`max-age`: nothing would be kept; leave it out to keep all".into());
        }
        if written.prune_every.is_zero() {
            return Err("`prune-every`: 0 s is too short".into());
        }
        Ok(Config {
            topics: written.topics,
            database: written.database,
            table: written.table,
            capacity: written.capacity,
            max_age: written.max_age,
            prune_every: written.prune_every,
        })
    }
}

/// A name that needs no quotes anywhere, because it goes into statements.
fn table_name(name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(plain) || name.starts_with(|c: char| c.is_ascii_digit())
    {
        return Err(format!(
            "`table`: {name:?} is no name (letters, digits and `_`, no digit first)"
        ));
    }
    if name.len() > TABLE_NAME_BYTES {
        return Err(format!(
            "`table`: {name:?} is longer than {TABLE_NAME_BYTES} letters"
        ));
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn error(key: &str, value: Value) -> String {
        let mut config = json!({"topics": ["a/#"]});
        config[key] = value;
        serde_json::from_value::<Config>(config)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn errors_name_the_key() {
        for (key, value) in [
            ("topics", json!([])),
            ("topics", json!(["a", ""])),
            ("database", json!("")),
            ("table", json!("readings; drop table readings")),
            ("table", json!("1st")),
            ("table", json!("")),
            ("table", json!("x".repeat(49))),
            ("max-age", json!("0 s")),
            ("prune-every", json!(0)),
            ("topic", json!(["a"])),
        ] {
            let text = error(key, value);
            assert!(text.contains(&format!("`{key}")), "{key}: {text}");
        }
    }
}
