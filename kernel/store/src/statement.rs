//! One run of a prepared statement: parameters in, changes or rows out, within limits.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Statement};

use crate::error::StoreError;
use crate::limits::{RESULT_BYTES, RESULT_ROWS, VALUE_OVERHEAD};
use crate::value::{Rows, Value};

/// Why a run failed: SQLite's error, or ours.
pub(crate) enum Failure {
    Sqlite(rusqlite::Error),
    Store(StoreError),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// `execute` is for statements that change something.
pub(crate) fn check_changes(statement: &Statement<'_>) -> Result<(), StoreError> {
    if statement.readonly() && statement.column_count() > 0 {
        return Err(StoreError::Invalid(
            "the statement only reads; run it with `query`".into(),
        ));
    }
    Ok(())
}

fn bind(statement: &mut Statement<'_>, parameters: &[Value]) -> Result<(), Failure> {
    let wanted = statement.parameter_count();
    if wanted != parameters.len() {
        return Err(StoreError::Invalid(format!(
            "the statement has {wanted} parameters, and {} were given",
            parameters.len()
        ))
        .into());
    }
    for (index, value) in parameters.iter().enumerate() {
        statement.raw_bind_parameter(index + 1, value.bound())?;
    }
    Ok(())
}

/// Runs a statement to its end; rows that it returns (RETURNING) are not looked at.
pub(crate) fn step(
    connection: &Connection,
    statement: &mut Statement<'_>,
    parameters: &[Value],
) -> Result<u64, Failure> {
    bind(statement, parameters)?;
    let before = connection.total_changes();
    let mut rows = statement.raw_query();
    while rows.next()?.is_some() {}
    drop(rows);
    // SQLite keeps the count of the last statement that changed rows: one that did not (a CREATE
    // TABLE) would show it again.
    let moved = connection.total_changes() != before;
    Ok(if moved { connection.changes() } else { 0 })
}

pub(crate) fn collect(
    statement: &mut Statement<'_>,
    parameters: &[Value],
) -> Result<Rows, Failure> {
    bind(statement, parameters)?;
    let mut found = Rows {
        columns: statement.column_names().map(str::to_owned).collect(),
        rows: Vec::new(),
    };
    let width = found.columns.len();
    let mut bytes: usize = found.columns.iter().map(String::len).sum();
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        if found.rows.len() == RESULT_ROWS {
            return Err(StoreError::TooLarge(format!(
                "the result has more than {RESULT_ROWS} rows; ask for fewer with LIMIT"
            ))
            .into());
        }
        let mut values = Vec::with_capacity(width);
        for column in 0..width {
            let value = owned(row.get_ref(column)?, &found.columns[column])?;
            bytes += VALUE_OVERHEAD + value.payload();
            values.push(value);
        }
        if bytes > RESULT_BYTES {
            return Err(StoreError::TooLarge(format!(
                "the result has more than {RESULT_BYTES} bytes at row {}; ask for fewer rows or columns",
                found.rows.len() + 1
            ))
            .into());
        }
        found.rows.push(values);
    }
    Ok(found)
}

fn owned(value: ValueRef<'_>, column: &str) -> Result<Value, StoreError> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(integer) => Value::Integer(integer),
        ValueRef::Real(real) => Value::Real(real),
        ValueRef::Text(text) => Value::Text(String::from_utf8(text.to_vec()).map_err(|error| {
            StoreError::Invalid(format!(
                "column `{column}` holds text that is not UTF-8 ({error}); CAST it AS BLOB"
            ))
        })?),
        ValueRef::Blob(blob) => Value::Blob(blob.to_vec()),
    })
}
