//! Rows and keys that outlive the host.
//!
//! All that one handler call writes is one transaction: committed when the handler returns, rolled
//! back when it traps or fails.

use crate::bindings::imports::wasi::keyvalue::store as keys;
use crate::bindings::sql::weihe::store::sql as wit;
use crate::kernel::{Keys, Tables};
use crate::{Error, Refused};
use std::fmt;

/// A value in a row that was found.
pub use wit::ValueResult as SqlValueBuf;

/// A statement's parameter, borrowed.
pub use wit::ValueParam as SqlValue;

/// What a query found: names of the columns, and the rows.
pub use wit::Rows;

impl PartialEq for SqlValueBuf {
    fn eq(&self, other: &Self) -> bool {
        self.as_value() == other.as_value()
    }
}

impl PartialEq for SqlValue<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (SqlValue::Null, SqlValue::Null) => true,
            (SqlValue::Integer(a), SqlValue::Integer(b)) => a == b,
            (SqlValue::Real(a), SqlValue::Real(b)) => a == b,
            (SqlValue::Text(a), SqlValue::Text(b)) => a == b,
            (SqlValue::Blob(a), SqlValue::Blob(b)) => a == b,
            _ => false,
        }
    }
}

impl SqlValueBuf {
    /// The value, borrowed.
    pub fn as_value(&self) -> SqlValue<'_> {
        match self {
            SqlValueBuf::Null => SqlValue::Null,
            SqlValueBuf::Integer(value) => SqlValue::Integer(*value),
            SqlValueBuf::Real(value) => SqlValue::Real(*value),
            SqlValueBuf::Text(text) => SqlValue::Text(text),
            SqlValueBuf::Blob(bytes) => SqlValue::Blob(bytes),
        }
    }
}

impl SqlValue<'_> {
    /// A copy that owns its text or octets.
    pub fn to_buf(&self) -> SqlValueBuf {
        match self {
            SqlValue::Null => SqlValueBuf::Null,
            SqlValue::Integer(value) => SqlValueBuf::Integer(*value),
            SqlValue::Real(value) => SqlValueBuf::Real(*value),
            SqlValue::Text(text) => SqlValueBuf::Text((*text).to_owned()),
            SqlValue::Blob(bytes) => SqlValueBuf::Blob((*bytes).to_owned()),
        }
    }
}

/// Why a statement failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SqlError {
    /// No such database is configured.
    Unknown(String),
    /// The grant does not cover it.
    Denied(String),
    /// The statement is wrong; the text is the database's own.
    Invalid(String),
    /// A constraint refused it.
    Constraint(String),
    /// Another process holds the database.
    Busy(String),
    /// The disk is full.
    Full(String),
    /// More rows or bytes than the host hands over at once; ask for fewer.
    TooLarge(String),
    /// The database cannot be reached.
    Unavailable(String),
}

impl SqlError {
    /// Whether the same statement may work later: busy, full or unavailable.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            SqlError::Busy(_) | SqlError::Full(_) | SqlError::Unavailable(_)
        )
    }
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SqlError::Unknown(text) => write!(f, "no such database: {text}"),
            SqlError::Denied(text) => write!(f, "denied: {text}"),
            SqlError::Invalid(text) => write!(f, "wrong statement: {text}"),
            SqlError::Constraint(text) => write!(f, "constraint: {text}"),
            SqlError::Busy(text) => write!(f, "database busy: {text}"),
            SqlError::Full(text) => write!(f, "disk full: {text}"),
            SqlError::TooLarge(text) => write!(f, "too large: {text}"),
            SqlError::Unavailable(text) => write!(f, "database unavailable: {text}"),
        }
    }
}

impl std::error::Error for SqlError {}

impl From<wit::Error> for SqlError {
    fn from(error: wit::Error) -> Self {
        match error {
            wit::Error::Unknown(text) => SqlError::Unknown(text),
            wit::Error::Denied(text) => SqlError::Denied(text),
            wit::Error::Invalid(text) => SqlError::Invalid(text),
            wit::Error::Constraint(text) => SqlError::Constraint(text),
            wit::Error::Busy(text) => SqlError::Busy(text),
            wit::Error::Full(text) => SqlError::Full(text),
            wit::Error::TooLarge(text) => SqlError::TooLarge(text),
            wit::Error::Unavailable(text) => SqlError::Unavailable(text),
        }
    }
}

/// What is transient is retried, so that nothing is lost; the rest is rejected.
impl From<SqlError> for Error {
    fn from(error: SqlError) -> Self {
        if error.is_transient() {
            Error::Retry(error.to_string())
        } else {
            Error::Rejected(error.to_string())
        }
    }
}

impl From<SqlError> for crate::CallError {
    fn from(error: SqlError) -> Self {
        Error::from(error).into()
    }
}

/// A database that the device may use.
#[derive(Debug)]
pub struct Database(pub(crate) Tables);

impl Database {
    /// Runs one statement that changes something. Parameters replace `?1`, `?2`, … in order. Returns
    /// the number of rows changed.
    pub fn execute(&self, statement: &str, parameters: &[SqlValue<'_>]) -> Result<u64, SqlError> {
        self.0.execute(statement, parameters)
    }

    /// Runs one statement for each row of parameters; the fast way to insert. Returns the number of
    /// rows changed in all.
    pub fn execute_many(&self, statement: &str, rows: &[&[SqlValue<'_>]]) -> Result<u64, SqlError> {
        self.0.execute_many(statement, rows)
    }

    /// Runs one statement that only reads. Sees the handler's own uncommitted writes.
    pub fn query(&self, statement: &str, parameters: &[SqlValue<'_>]) -> Result<Rows, SqlError> {
        self.0.query(statement, parameters)
    }
}

/// A collection of keys.
#[derive(Debug)]
pub struct Bucket(pub(crate) Keys);

impl Bucket {
    /// The value of a key; `None` when it is not there.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Refused> {
        self.0.get(key)
    }

    /// Sets a key.
    pub fn set(&self, key: &str, value: &[u8]) -> Result<(), Refused> {
        self.0.set(key, value)
    }

    /// Removes a key; nothing happens when it is not there.
    pub fn delete(&self, key: &str) -> Result<(), Refused> {
        self.0.delete(key)
    }

    /// Whether a key is there.
    pub fn exists(&self, key: &str) -> Result<bool, Refused> {
        self.0.exists(key)
    }

    /// A page of keys in byte order, from `cursor` on, and where the next page starts.
    pub fn keys(&self, cursor: Option<&str>) -> Result<(Vec<String>, Option<String>), Refused> {
        self.0.keys(cursor)
    }
}

impl From<keys::Error> for Refused {
    fn from(error: keys::Error) -> Self {
        match error {
            keys::Error::NoSuchStore => Refused::Unknown("no such bucket".to_owned()),
            keys::Error::AccessDenied => Refused::Denied("no grant for this bucket".to_owned()),
            keys::Error::Other(text) => Refused::Failed(text),
        }
    }
}
