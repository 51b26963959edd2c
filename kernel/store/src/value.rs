//! Values and rows as they pass between a device and the database.

use rusqlite::types::{ToSqlOutput, ValueRef};

/// A value in a row: one of SQLite's storage classes.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// NULL.
    Null,
    /// A signed integer.
    Integer(i64),
    /// An IEEE 754 double. SQLite has no NaN: one that is stored becomes NULL.
    Real(f64),
    /// UTF-8 text.
    Text(String),
    /// Octets.
    Blob(Vec<u8>),
}

impl Value {
    /// Octets of text or blob; none for the others.
    pub(crate) fn payload(&self) -> usize {
        match self {
            Self::Null | Self::Integer(_) | Self::Real(_) => 0,
            Self::Text(text) => text.len(),
            Self::Blob(blob) => blob.len(),
        }
    }

    /// The value as SQLite binds it.
    pub(crate) fn bound(&self) -> ToSqlOutput<'_> {
        ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(integer) => ValueRef::Integer(*integer),
            Self::Real(real) => ValueRef::Real(*real),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(blob) => ValueRef::Blob(blob),
        })
    }
}

impl From<i64> for Value {
    fn from(integer: i64) -> Self {
        Self::Integer(integer)
    }
}

impl From<f64> for Value {
    fn from(real: f64) -> Self {
        Self::Real(real)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Vec<u8>> for Value {
    fn from(blob: Vec<u8>) -> Self {
        Self::Blob(blob)
    }
}

/// Values in the order of the columns, or of a statement's parameters.
pub type Row = Vec<Value>;

/// What a query found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rows {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Row>,
}

/// A page of keys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyPage {
    /// Keys, in byte order.
    pub keys: Vec<String>,
    /// Where the next page starts; none after the last.
    pub cursor: Option<String>,
}
