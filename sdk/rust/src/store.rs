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
///
/// ```
/// # use weihe_sdk::{SqlValue, SqlValueBuf};
/// let found = SqlValueBuf::Integer(3);
/// assert_eq!(found.as_value(), SqlValue::Integer(3));
/// ```
pub use wit::ValueResult as SqlValueBuf;

/// A statement's parameter, borrowed.
///
/// ```
/// # use weihe_sdk::{Database, SqlError, SqlValue};
/// fn rename(database: &Database, id: i64, name: &str) -> Result<u64, SqlError> {
///     let parameters = [SqlValue::Text(name), SqlValue::Integer(id)];
///     database.execute("UPDATE tanks SET name = ?1 WHERE id = ?2", &parameters)
/// }
/// ```
pub use wit::ValueParam as SqlValue;

/// What a query found: names of the columns, and the rows.
///
/// ```
/// # use weihe_sdk::{Database, SqlError, SqlValue};
/// fn names(database: &Database) -> Result<Vec<String>, SqlError> {
///     let found = database.query("SELECT name FROM tanks ORDER BY id", &[])?;
///     let names = found.rows.iter().filter_map(|row| match row.first()?.as_value() {
///         SqlValue::Text(name) => Some(name.to_owned()),
///         _ => None,
///     });
///     Ok(names.collect())
/// }
/// ```
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
    ///
    /// ```
    /// # use weihe_sdk::{SqlValue, SqlValueBuf};
    /// assert_eq!(SqlValueBuf::Text("a".into()).as_value(), SqlValue::Text("a"));
    /// ```
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
    ///
    /// ```
    /// # use weihe_sdk::{SqlValue, SqlValueBuf};
    /// assert_eq!(SqlValue::Blob(&[1, 2]).to_buf(), SqlValueBuf::Blob(vec![1, 2]));
    /// ```
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
///
/// ```
/// # use weihe_sdk::{Error, SqlError};
/// let error = SqlError::Busy("locked by another process".into());
/// assert_eq!(error.to_string(), "database busy: locked by another process");
/// // With `?` in a handler the event comes again.
/// assert!(matches!(Error::from(error), Error::Retry(_)));
/// ```
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
    ///
    /// ```
    /// # use weihe_sdk::SqlError;
    /// assert!(SqlError::Full("disk".into()).is_transient());
    /// assert!(!SqlError::Invalid("near \"SELEC\"".into()).is_transient());
    /// ```
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
///
/// ```
/// # use weihe_sdk::prelude::*;
/// # fn start(ctx: &mut Context) -> Result<(), Error> {
/// let database = ctx.database("main")?;
/// database.execute("CREATE TABLE IF NOT EXISTS tanks (id INTEGER PRIMARY KEY, name TEXT)", &[])?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Database(pub(crate) Tables);

impl Database {
    /// Runs one statement that changes something. Parameters replace `?1`, `?2`, … in order. Returns
    /// the number of rows changed.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// use weihe_sdk::SqlValue;
    ///
    /// let database = ctx.database("main")?;
    /// let old = SqlValue::Integer(ctx.now().as_nanos() as i64);
    /// let deleted = database.execute("DELETE FROM samples WHERE time < ?1", &[old])?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn execute(&self, statement: &str, parameters: &[SqlValue<'_>]) -> Result<u64, SqlError> {
        self.0.execute(statement, parameters)
    }

    /// Runs one statement for each row of parameters; the fast way to insert. Returns the number of
    /// rows changed in all.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// use weihe_sdk::SqlValue;
    ///
    /// let database = ctx.database("main")?;
    /// let rows = [[SqlValue::Text("a"), SqlValue::Real(1.5)], [SqlValue::Text("b"), SqlValue::Null]];
    /// let rows: Vec<&[SqlValue<'_>]> = rows.iter().map(|row| row.as_slice()).collect();
    /// database.execute_many("INSERT INTO samples (name, value) VALUES (?1, ?2)", &rows)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn execute_many(&self, statement: &str, rows: &[&[SqlValue<'_>]]) -> Result<u64, SqlError> {
        self.0.execute_many(statement, rows)
    }

    /// Runs one statement that only reads. Sees the handler's own uncommitted writes.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// let found = ctx.database("main")?.query("SELECT name, value FROM samples LIMIT 10", &[])?;
    /// for row in &found.rows {
    ///     weihe_sdk::log::info!("{:?}", row);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn query(&self, statement: &str, parameters: &[SqlValue<'_>]) -> Result<Rows, SqlError> {
        self.0.query(statement, parameters)
    }
}

/// A collection of keys.
///
/// ```
/// # use weihe_sdk::prelude::*;
/// # fn start(ctx: &mut Context) -> Result<(), Error> {
/// let bucket = ctx.bucket("")?;
/// bucket.set("offset", b"0.3")?;
/// assert_eq!(bucket.get("offset")?.as_deref(), Some(&b"0.3"[..]));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Bucket(pub(crate) Keys);

impl Bucket {
    /// The value of a key; `None` when it is not there.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// let offset = ctx.bucket("")?.get("offset")?;
    /// let offset = offset.and_then(|bytes| weihe_sdk::number::parse(std::str::from_utf8(&bytes).ok()?));
    /// # Ok(())
    /// # }
    /// ```
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Refused> {
        self.0.get(key)
    }

    /// Sets a key.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// ctx.bucket("")?.set("offset", weihe_sdk::number::shortest(0.3).as_bytes())?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn set(&self, key: &str, value: &[u8]) -> Result<(), Refused> {
        self.0.set(key, value)
    }

    /// Removes a key; nothing happens when it is not there.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// ctx.bucket("")?.delete("offset")?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn delete(&self, key: &str) -> Result<(), Refused> {
        self.0.delete(key)
    }

    /// Whether a key is there.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// if !ctx.bucket("")?.exists("offset")? {
    ///     weihe_sdk::log::warn!("not calibrated");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn exists(&self, key: &str) -> Result<bool, Refused> {
        self.0.exists(key)
    }

    /// A page of keys in byte order, from `cursor` on, and where the next page starts.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// let bucket = ctx.bucket("")?;
    /// let mut cursor = None;
    /// loop {
    ///     let (keys, next) = bucket.keys(cursor.as_deref())?;
    ///     for key in keys {
    ///         weihe_sdk::log::info!("{key}");
    ///     }
    ///     cursor = next;
    ///     if cursor.is_none() {
    ///         break;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
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
