//! The table: its statements, and rows made of events.

use weihe_sdk::{
    Database, Event, Quality, Rows, SqlError, SqlValue, SqlValueBuf, Timestamp, Value,
};

/// The table's columns, in the order of [`Row`].
pub const COLUMNS: [&str; 12] = [
    "source",
    "sequence",
    "topic",
    "time",
    "kind",
    "value_integer",
    "value_real",
    "value_text",
    "value_blob",
    "quality",
    "cause_source",
    "cause_sequence",
];

/// One event as the parameters of an insertion; borrows from the event.
pub type Row<'a> = [SqlValue<'a>; COLUMNS.len()];

/// SQL has no unsigned integers: a sequence is stored bit by bit as a signed one, which keeps its
/// order below 2⁶³ and its identity everywhere.
pub fn sequence_to_sql(sequence: u64) -> i64 {
    sequence.cast_signed()
}

/// The inverse of [`sequence_to_sql`].
pub fn sequence_from_sql(sequence: i64) -> u64 {
    sequence.cast_unsigned()
}

/// Nanoseconds since 1970; later than the year 2262 is stored as that.
pub fn time_to_sql(time: Timestamp) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

/// As it is stored and shown.
pub fn quality_name(quality: Quality) -> &'static str {
    match quality {
        Quality::Good => "good",
        Quality::Uncertain => "uncertain",
        Quality::Bad => "bad",
    }
}

/// The row of an event.
pub fn row<'a>(event: &Event<'a>) -> Row<'a> {
    let mut integer = SqlValue::Null;
    let mut real = SqlValue::Null;
    let mut text = SqlValue::Null;
    let mut blob = SqlValue::Null;
    let kind = match event.value {
        Value::None => "none",
        Value::Boolean(value) => {
            integer = SqlValue::Integer(i64::from(value));
            "boolean"
        }
        Value::Integer(value) => {
            integer = SqlValue::Integer(value);
            "integer"
        }
        Value::Float(value) => {
            // SQLite stores NaN as NULL whatever is asked of it; so this is said here.
            if !value.is_nan() {
                real = SqlValue::Real(value);
            }
            "float"
        }
        Value::Text(value) => {
            text = SqlValue::Text(value);
            "text"
        }
        Value::Bytes(value) => {
            blob = SqlValue::Blob(value);
            "bytes"
        }
        Value::Json(value) => {
            text = SqlValue::Text(value);
            "json"
        }
    };
    let (cause_source, cause_sequence) = match event.cause {
        Some(cause) => (
            SqlValue::Text(cause.source),
            SqlValue::Integer(sequence_to_sql(cause.sequence)),
        ),
        None => (SqlValue::Null, SqlValue::Null),
    };
    [
        SqlValue::Text(event.id.source),
        SqlValue::Integer(sequence_to_sql(event.id.sequence)),
        SqlValue::Text(event.topic),
        SqlValue::Integer(time_to_sql(event.time)),
        SqlValue::Text(kind),
        integer,
        real,
        text,
        blob,
        SqlValue::Text(quality_name(event.quality)),
        cause_source,
        cause_sequence,
    ]
}

/// An open table.
#[derive(Debug)]
pub struct Table {
    database: Database,
    name: String,
    insert: String,
    prune: String,
}

impl Table {
    /// Statements for the table `name`, which is a plain name (see the configuration).
    pub fn new(database: Database, name: &str) -> Self {
        let parameters: Vec<String> = (1..=COLUMNS.len())
            .map(|number| format!("?{number}"))
            .collect();
        Table {
            insert: format!(
                "INSERT INTO {name} ({}) VALUES ({}) ON CONFLICT (source, sequence) DO NOTHING",
                COLUMNS.join(", "),
                parameters.join(", ")
            ),
            prune: format!(
                "DELETE FROM {name} WHERE rowid IN \
                 (SELECT rowid FROM {name} WHERE time < ?1 ORDER BY time LIMIT ?2)"
            ),
            database,
            name: name.to_owned(),
        }
    }

    /// The table's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Makes the table and its indices where they are missing.
    pub fn create(&self) -> Result<(), SqlError> {
        let name = &self.name;
        for statement in [
            format!(
                "CREATE TABLE IF NOT EXISTS {name} (\
                 source TEXT NOT NULL, sequence INTEGER NOT NULL, topic TEXT NOT NULL, \
                 time INTEGER NOT NULL, kind TEXT NOT NULL, value_integer INTEGER, value_real REAL, \
                 value_text TEXT, value_blob BLOB, quality TEXT NOT NULL, cause_source TEXT, \
                 cause_sequence INTEGER, PRIMARY KEY (source, sequence))"
            ),
            format!("CREATE INDEX IF NOT EXISTS {name}_by_topic ON {name} (topic, time)"),
            format!("CREATE INDEX IF NOT EXISTS {name}_by_time ON {name} (time)"),
        ] {
            self.database.execute(&statement, &[])?;
        }
        Ok(())
    }

    /// Whether an existing table can take the rows: `Some` says why not.
    pub fn fault(&self) -> Result<Option<String>, SqlError> {
        let statement =
            "SELECT name, \"notnull\", dflt_value IS NULL, pk FROM pragma_table_info(?1)";
        let found = self
            .database
            .query(statement, &[SqlValue::Text(&self.name)])?;
        // An existing table of another make is told apart before its indices are made, so a table
        // that isn't there is no fault.
        if found.rows.is_empty() {
            return Ok(None);
        }
        let columns: Vec<Column<'_>> = found.rows.iter().filter_map(|row| column(row)).collect();
        let missing: Vec<&str> = COLUMNS
            .into_iter()
            .filter(|wanted| !columns.iter().any(|column| column.name == *wanted))
            .collect();
        if !missing.is_empty() {
            return Ok(Some(format!("it has no column {}", quoted(&missing))));
        }
        let mut key: Vec<&Column<'_>> = columns.iter().filter(|column| column.key > 0).collect();
        key.sort_by_key(|column| column.key);
        let key: Vec<&str> = key.into_iter().map(|column| column.name).collect();
        if key != ["source", "sequence"] {
            let found = if key.is_empty() {
                "none".to_owned()
            } else {
                quoted(&key)
            };
            return Ok(Some(format!(
                "its primary key must be `source`, `sequence`, but is {found}"
            )));
        }
        let foreign = columns
            .iter()
            .find(|column| column.needed && !COLUMNS.contains(&column.name));
        Ok(foreign.map(|column| {
            format!(
                "its column `{}` needs a value, which the historian does not have",
                column.name
            )
        }))
    }

    /// Inserts rows; those that are there already are left. Returns the number of new ones.
    pub fn insert(&self, rows: &[&[SqlValue<'_>]]) -> Result<u64, SqlError> {
        self.database.execute_many(&self.insert, rows)
    }

    /// Deletes at most `limit` rows that are older than `time`. Returns their number.
    pub fn prune(&self, time: Timestamp, limit: u32) -> Result<u64, SqlError> {
        let parameters = [
            SqlValue::Integer(time_to_sql(time)),
            SqlValue::Integer(i64::from(limit)),
        ];
        self.database.execute(&self.prune, &parameters)
    }

    /// The number of rows.
    pub fn count(&self) -> Result<Option<i64>, SqlError> {
        let found = self
            .database
            .query(&format!("SELECT count(*) FROM {}", self.name), &[])?;
        Ok(first_integer(&found))
    }

    /// The oldest and the newest time.
    pub fn span(&self) -> Result<[Option<i64>; 2], SqlError> {
        // Apart, so that each is one look into the index.
        let look = |which: &str| {
            let statement = format!("SELECT {which}(time) FROM {}", self.name);
            self.database
                .query(&statement, &[])
                .map(|found| first_integer(&found))
        };
        Ok([look("min")?, look("max")?])
    }

    /// Runs a reading statement.
    pub fn query(&self, statement: &str, parameters: &[SqlValue<'_>]) -> Result<Rows, SqlError> {
        self.database.query(statement, parameters)
    }
}

struct Column<'a> {
    name: &'a str,
    /// It is NOT NULL and has no default.
    needed: bool,
    /// Its place in the primary key, from 1; 0 outside.
    key: i64,
}

fn column(row: &[SqlValueBuf]) -> Option<Column<'_>> {
    match row {
        [
            SqlValueBuf::Text(name),
            SqlValueBuf::Integer(not_null),
            SqlValueBuf::Integer(no_default),
            SqlValueBuf::Integer(key),
        ] => Some(Column {
            name,
            needed: *not_null != 0 && *no_default != 0,
            key: *key,
        }),
        _ => None,
    }
}

fn quoted(names: &[&str]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn first_integer(found: &Rows) -> Option<i64> {
    match found.rows.first()?.first()? {
        SqlValueBuf::Integer(value) => Some(*value),
        _ => None,
    }
}
