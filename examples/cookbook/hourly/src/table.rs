//! The SQL. Both tables are named in the device's grants.

use weihe_sdk::{Database, Duration, Event, SqlError, SqlValue, SqlValueBuf};

pub const HOUR: Duration = Duration::from_secs(3_600);

const CREATE: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS hourly (topic TEXT NOT NULL, hour INTEGER NOT NULL, \
     minimum REAL NOT NULL, maximum REAL NOT NULL, total REAL NOT NULL, samples INTEGER NOT NULL, \
     PRIMARY KEY (topic, hour))",
    // How far each source has been counted: written in the transaction of the rows it stands for.
    "CREATE TABLE IF NOT EXISTS hourly_counted (source TEXT NOT NULL, topic TEXT NOT NULL, \
     sequence INTEGER NOT NULL, PRIMARY KEY (source, topic))",
];

// Of one source and topic, events come in the order of their sequences; one that is not above the last
// is the same again. It changes no row.
const COUNT: &str = "INSERT INTO hourly_counted (source, topic, sequence) VALUES (?1, ?2, ?3) \
     ON CONFLICT (source, topic) DO UPDATE SET sequence = excluded.sequence \
     WHERE excluded.sequence > hourly_counted.sequence";

const ADD: &str = "INSERT INTO hourly (topic, hour, minimum, maximum, total, samples) \
     VALUES (?1, ?2, ?3, ?3, ?3, 1) ON CONFLICT (topic, hour) DO UPDATE SET \
     minimum = min(minimum, excluded.minimum), maximum = max(maximum, excluded.maximum), \
     total = total + excluded.total, samples = samples + 1";

const NEWEST: &str = "SELECT hour, minimum, maximum, total / samples, samples FROM hourly \
     WHERE topic = ?1 ORDER BY hour DESC LIMIT ?2";

/// The tables.
pub struct Table(Database);

impl Table {
    pub fn create(database: Database) -> Result<Self, SqlError> {
        for statement in CREATE {
            database.execute(statement, &[])?;
        }
        Ok(Table(database))
    }

    /// Whether an event has not been counted; now it has.
    pub fn is_new(&self, event: &Event<'_>) -> Result<bool, SqlError> {
        // SQL's integers are signed. A sequence begins with the number of the host's start, and
        // reaches the sign after eight million of them.
        let sequence = SqlValue::Integer(event.id.sequence as i64);
        let row = [
            SqlValue::Text(event.id.source),
            SqlValue::Text(event.topic),
            sequence,
        ];
        Ok(self.0.execute(COUNT, &row)? > 0)
    }

    /// Adds a sample to the hour it was taken in.
    pub fn add(&self, event: &Event<'_>, value: f64) -> Result<(), SqlError> {
        let hour = (event.time.as_nanos() / HOUR.as_nanos()) as i64;
        let row = [
            SqlValue::Text(event.topic),
            SqlValue::Integer(hour),
            SqlValue::Real(value),
        ];
        self.0.execute(ADD, &row)?;
        Ok(())
    }

    /// The newest hours of a topic, newest first.
    pub fn newest(&self, topic: &str, limit: u32) -> Result<Vec<Vec<SqlValueBuf>>, SqlError> {
        let asked = [SqlValue::Text(topic), SqlValue::Integer(limit.into())];
        Ok(self.0.query(NEWEST, &asked)?.rows)
    }
}
