//! Why the store refuses.

use std::path::PathBuf;

use rusqlite::ErrorCode;

/// Why a statement or an operation on keys failed. The variants are those of `weihe:store/sql`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// No such database is configured.
    #[error("there is no database `{0}`; the embedded one is called `main`")]
    Unknown(String),
    /// The grant does not cover it; the text names device, table and action.
    #[error("{0}")]
    Denied(String),
    /// The statement is wrong; the text is the database's own.
    #[error("{0}")]
    Invalid(String),
    /// A constraint refused it; the text names it.
    #[error("{0}")]
    Constraint(String),
    /// Another process holds the database.
    #[error("{0}")]
    Busy(String),
    /// The disk is full.
    #[error("{0}")]
    Full(String),
    /// More rows, bytes or time than one call may take.
    #[error("{0}")]
    TooLarge(String),
    /// The database cannot be reached, or the turn is gone.
    #[error("{0}")]
    Unavailable(String),
}

impl StoreError {
    /// What SQLite said, sorted by what the caller can do about it. `file` is named where the
    /// operator has to look.
    pub(crate) fn sqlite(error: &rusqlite::Error, file: &str) -> Self {
        use rusqlite::Error;
        let (code, text) = match error {
            Error::SqliteFailure(failure, text) => (
                failure.code,
                text.clone().unwrap_or_else(|| failure.to_string()),
            ),
            Error::SqlInputError { msg, offset, .. } => {
                return Self::Invalid(format!("{msg} (at byte {offset} of the statement)"));
            }
            Error::MultipleStatement => {
                return Self::Invalid("more than one statement; send them one by one".into());
            }
            Error::Empty => return Self::Invalid("no statement".into()),
            other => return Self::Invalid(other.to_string()),
        };
        match code {
            ErrorCode::ConstraintViolation => Self::Constraint(text),
            ErrorCode::AuthorizationForStatementDenied => Self::Denied(text),
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Busy(format!(
                "another process holds {file} ({text}); it was awaited for {} s",
                crate::limits::BUSY_TIME.as_secs()
            )),
            ErrorCode::DiskFull => Self::Full(format!("no room to write {file}: {text}")),
            ErrorCode::TooBig => Self::TooLarge(format!(
                "{text}: a value or row may have {} bytes",
                crate::limits::VALUE_BYTES
            )),
            ErrorCode::OperationInterrupted => Self::TooLarge(format!(
                "the statement was stopped after {} s; ask for fewer rows",
                crate::limits::STATEMENT_TIME.as_secs()
            )),
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
                Self::Unavailable(format!("{file} is damaged ({text}); {REPAIR}"))
            }
            ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::OutOfMemory
            | ErrorCode::ReadOnly
            | ErrorCode::FileLockingProtocolFailed => Self::Unavailable(format!("{file}: {text}")),
            _ => Self::Invalid(text),
        }
    }
}

/// What to do about a damaged file.
const REPAIR: &str = "stop the host, then restore a backup, save what `sqlite3 FILE .recover` finds, \
                      or move the file away so that an empty one is made";

/// Why a database file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another host works on it.
    #[error("{} is in use by another host{}; one host works on a database at a time", file.display(), holder(.process.as_deref()))]
    InUse {
        /// The database.
        file: PathBuf,
        /// What the other host wrote into the lock file, if it can be read.
        process: Option<String>,
    },
    /// The lock file cannot be made.
    #[error("cannot lock {}: {source}", file.display())]
    Lock {
        /// The lock file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is some other program's database.
    #[error("{} is not a Weihe database (application id {found:#010x}); name another file", file.display())]
    Foreign {
        /// The database.
        file: PathBuf,
        /// The application id found in its header.
        found: i32,
    },
    /// It was written by a newer host.
    #[error("{} has schema version {found}, and this host knows versions up to {known}; use a newer host", file.display())]
    Newer {
        /// The database.
        file: PathBuf,
        /// Its version.
        found: i32,
        /// The newest version that this host knows.
        known: i32,
    },
    /// It is not a database, or a damaged one.
    #[error("{} is damaged or not a database ({reason}); {REPAIR}", file.display())]
    Damaged {
        /// The database.
        file: PathBuf,
        /// What SQLite found.
        reason: String,
    },
    /// Another process (not a host) holds it.
    #[error("{} is held by another process ({reason}); end it and start again", file.display())]
    Busy {
        /// The database.
        file: PathBuf,
        /// SQLite's words.
        reason: String,
    },
    /// Anything else: permissions, a missing directory, no room.
    #[error("cannot open {}: {reason}", file.display())]
    Failed {
        /// The database.
        file: PathBuf,
        /// SQLite's or the system's words.
        reason: String,
    },
}

fn holder(process: Option<&str>) -> String {
    process.map_or_else(String::new, |process| format!(" (process {process})"))
}

impl OpenError {
    pub(crate) fn sqlite(file: &std::path::Path, error: &rusqlite::Error) -> Self {
        let (file, reason) = (file.to_owned(), error.to_string());
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged { file, reason }
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::Busy { file, reason }
            }
            _ => Self::Failed { file, reason },
        }
    }
}
