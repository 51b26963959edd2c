//! The command `query`: rows as JSON.

use crate::table::{COLUMNS, Table, sequence_from_sql, time_to_sql};
use serde_json::{Map, Value, json};
use weihe_sdk::{CallError, SqlError, SqlValue, SqlValueBuf, Timestamp};

/// Rows that are answered when the caller names no limit.
const DEFAULT_LIMIT: u32 = 100;
/// Most rows of one answer: what the store hands over at once, less the row that shows whether there
/// are more.
const MOST: u32 = 9_999;

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query {
    /// A topic, or all below one (`greenhouse/#`); `None` for all.
    pub topic: Option<String>,
    /// The earliest time.
    pub from: Option<Timestamp>,
    /// The time before which it ends.
    pub to: Option<Timestamp>,
    /// At most so many rows, the newest.
    pub limit: Option<u32>,
}

/// The newest rows that match, oldest first.
pub fn run(table: &Table, query: &Query) -> Result<Value, CallError> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if limit == 0 || limit > MOST {
        return Err(CallError::invalid_argument(format!(
            "`limit`: {limit} is not in 1 to {MOST}"
        )));
    }
    let mut conditions: Vec<String> = Vec::new();
    let mut parameters: Vec<SqlValue<'_>> = Vec::new();
    let mut condition = |text: &str, value| {
        parameters.push(value);
        conditions.push(format!("{text} ?{}", parameters.len()));
    };
    // Topics below `a` lie between `a/` and `a0`, because `0` follows `/`; so the index is used.
    let (first, behind);
    match query.topic.as_deref() {
        None | Some("#") => {}
        Some(filter) => match filter.strip_suffix("/#") {
            Some(above) if !above.contains(['+', '#']) => {
                (first, behind) = (format!("{above}/"), format!("{above}0"));
                condition("topic >=", SqlValue::Text(&first));
                condition("topic <", SqlValue::Text(&behind));
            }
            None if !filter.contains(['+', '#']) => condition("topic =", SqlValue::Text(filter)),
            _ => {
                return Err(CallError::invalid_argument(format!(
                    "`topic`: {filter:?}: write a topic, or `/#` at its end for all below it"
                )));
            }
        },
    }
    if let Some(from) = query.from {
        condition("time >=", SqlValue::Integer(time_to_sql(from)));
    }
    if let Some(to) = query.to {
        condition("time <", SqlValue::Integer(time_to_sql(to)));
    }
    let conditions = if conditions.is_empty() {
        "1".to_owned()
    } else {
        conditions.join(" AND ")
    };
    let statement = format!(
        "SELECT {} FROM {} WHERE {conditions} ORDER BY time DESC, rowid DESC LIMIT {}",
        COLUMNS.join(", "),
        table.name(),
        u64::from(limit) + 1
    );
    let mut found = table
        .query(&statement, &parameters)
        .map_err(|error| match error {
            SqlError::TooLarge(text) => {
                CallError::invalid_argument(format!("`limit`: {limit} rows are too large: {text}"))
            }
            other => other.into(),
        })?;
    let more = found.rows.len() > limit as usize;
    found.rows.truncate(limit as usize);
    let rows: Vec<Value> = found.rows.iter().rev().map(|row| shown(row)).collect();
    Ok(json!({ "rows": rows, "more": more }))
}

/// A row as JSON: `value` is what was published, octets as hexadecimal text.
fn shown(row: &[SqlValueBuf]) -> Value {
    let [
        source,
        sequence,
        topic,
        time,
        kind,
        integer,
        real,
        text,
        blob,
        quality,
        cause_source,
        cause_sequence,
    ] = row
    else {
        return Value::Null;
    };
    let kind = as_text(kind);
    let value = match kind {
        "boolean" => json!(matches!(integer, SqlValueBuf::Integer(value) if *value != 0)),
        "integer" => plain(integer),
        "float" => plain(real),
        "text" => plain(text),
        "json" => serde_json::from_str(as_text(text)).unwrap_or_else(|_| plain(text)),
        "bytes" => plain(blob),
        _ => Value::Null,
    };
    let mut shown = Map::new();
    shown.insert("topic".into(), plain(topic));
    shown.insert("time".into(), plain(time));
    shown.insert("kind".into(), json!(kind));
    shown.insert("value".into(), value);
    shown.insert("quality".into(), plain(quality));
    shown.insert("source".into(), plain(source));
    shown.insert("sequence".into(), as_sequence(sequence));
    if let SqlValueBuf::Text(source) = cause_source {
        let sequence = as_sequence(cause_sequence);
        shown.insert(
            "cause".into(),
            json!({ "source": source, "sequence": sequence }),
        );
    }
    Value::Object(shown)
}

fn as_text(value: &SqlValueBuf) -> &str {
    match value {
        SqlValueBuf::Text(text) => text,
        _ => "",
    }
}

fn as_sequence(value: &SqlValueBuf) -> Value {
    match value {
        SqlValueBuf::Integer(sequence) => json!(sequence_from_sql(*sequence)),
        _ => Value::Null,
    }
}

fn plain(value: &SqlValueBuf) -> Value {
    match value {
        SqlValueBuf::Null => Value::Null,
        SqlValueBuf::Integer(value) => json!(value),
        // Infinities have no JSON number.
        SqlValueBuf::Real(value) if value.is_infinite() => json!(value.to_string()),
        SqlValueBuf::Real(value) => json!(value),
        SqlValueBuf::Text(text) => json!(text),
        SqlValueBuf::Blob(bytes) => {
            json!(
                bytes
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect::<String>()
            )
        }
    }
}
