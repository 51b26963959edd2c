//! Opening the database file: one host at a time, and only a file that is ours and whole.

use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::error::OpenError;
use crate::keys::SCHEMA;
use crate::letters::LETTERS;
use crate::limits::{
    BUSY_TIME, CACHE_KIB, CHECK_TIME, COLUMNS, COMPOUND_TERMS, EXPRESSION_DEPTH, LOG_BYTES_KEPT,
    PAGE_BYTES, PARAMETERS, PATTERN_BYTES, PROGRESS_INSTRUCTIONS, ROW_BYTES, STATEMENT_BYTES,
    TRIGGER_DEPTH,
};
use crate::watch::Watch;

/// `PRAGMA application_id` of a Weihe database: "WEIH".
const APPLICATION_ID: i32 = 0x5745_4948;

/// `PRAGMA user_version` of the schema that this host writes.
const SCHEMA_VERSION: i32 = 1;

/// The right to work on a database, held until it is dropped. The system takes it back when the
/// process ends, however it ends.
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a database, in a file of its own beside it: SQLite would lose its locks
    /// on the database if we closed a descriptor of that.
    pub fn take(database: &Path) -> Result<Self, OpenError> {
        let path = beside(database, "-lock");
        let failed = |source| OpenError::Lock {
            file: path.clone(),
            source,
        };
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut process = String::new();
                let read = file.read_to_string(&mut process);
                let process = process.trim().to_owned();
                return Err(OpenError::InUse {
                    file: database.to_owned(),
                    process: read.ok().map(|_| process).filter(|text| !text.is_empty()),
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        // Whoever is refused is told by whom.
        file.set_len(0).map_err(failed)?;
        writeln!(file, "{}", std::process::id()).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

/// A file beside the database: its name with a suffix.
pub(crate) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Opens the connection that writes: makes the file if it is missing, and checks it.
pub(crate) fn open_writer(file: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let refuse = |error: rusqlite::Error| OpenError::sqlite(file, &error);
    let mut connection = Connection::open_with_flags(file, flags).map_err(refuse)?;
    connection.busy_timeout(BUSY_TIME).map_err(refuse)?;
    // Nothing is changed before the file is known to be ours.
    let is_new = identify(&connection, file)?;
    configure(&connection).map_err(refuse)?;
    if !is_new {
        check(&mut connection, file)?;
    }
    let set = |connection: &Connection, name: &str, value: &dyn rusqlite::ToSql| {
        connection.pragma_update(None, name, value).map_err(refuse)
    };
    if is_new {
        set(&connection, "page_size", &PAGE_BYTES)?;
    }
    let mode: String = connection
        .pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))
        .map_err(refuse)?;
    if mode != "wal" {
        return Err(OpenError::Failed {
            file: file.to_owned(),
            reason: format!(
                "its file system offers no shared memory (journal mode `{mode}`); name a file on a local disk"
            ),
        });
    }
    set(&connection, "synchronous", &"FULL")?;
    set(&connection, "journal_size_limit", &LOG_BYTES_KEPT)?;
    // The writer copies the log itself, after it has answered.
    set(&connection, "wal_autocheckpoint", &0)?;
    if is_new {
        let version = format!(
            "BEGIN IMMEDIATE; {SCHEMA}
             PRAGMA application_id = {APPLICATION_ID};
             PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
        );
        connection.execute_batch(&version).map_err(refuse)?;
    }
    // Came after the first databases were made.
    connection.execute_batch(LETTERS).map_err(refuse)?;
    Ok(connection)
}

/// Opens a connection that only reads. The file has been checked.
pub(crate) fn open_reader(file: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let connection = Connection::open_with_flags(file, flags)?;
        connection.busy_timeout(BUSY_TIME)?;
        configure(&connection)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    };
    open().map_err(|error| OpenError::sqlite(file, &error))
}

/// Whether the file is new (or empty); an error when it is not ours.
fn identify(connection: &Connection, file: &Path) -> Result<bool, OpenError> {
    let refuse = |error: rusqlite::Error| OpenError::sqlite(file, &error);
    let number = |sql: &str| -> Result<i32, OpenError> {
        connection
            .query_row(sql, [], |row| row.get(0))
            .map_err(refuse)
    };
    let application = number("PRAGMA application_id")?;
    let version = number("PRAGMA user_version")?;
    let objects = number("SELECT count(*) FROM sqlite_schema")?;
    match (application, version) {
        (0, 0) if objects == 0 => Ok(true),
        (APPLICATION_ID, SCHEMA_VERSION) => Ok(false),
        (APPLICATION_ID, found) if found > SCHEMA_VERSION => Err(OpenError::Newer {
            file: file.to_owned(),
            found,
            known: SCHEMA_VERSION,
        }),
        (APPLICATION_ID, found) => Err(OpenError::Damaged {
            file: file.to_owned(),
            reason: format!("schema version {found} was never released"),
        }),
        (found, _) => Err(OpenError::Foreign {
            file: file.to_owned(),
            found,
        }),
    }
}

/// Reads the file (as much as the time allows) and checks its structure.
fn check(connection: &mut Connection, file: &Path) -> Result<(), OpenError> {
    let refuse = |error: rusqlite::Error| OpenError::sqlite(file, &error);
    let watch = Watch::new();
    watch.limit(CHECK_TIME);
    let over = watch.clone();
    connection
        .progress_handler(PROGRESS_INSTRUCTIONS, Some(move || over.is_over()))
        .map_err(refuse)?;
    let found = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    watch.end();
    match found {
        Ok(text) if text == "ok" => Ok(()),
        Ok(reason) => Err(OpenError::Damaged {
            file: file.to_owned(),
            reason,
        }),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => {
            tracing::debug!(file = %file.display(), "too large to be checked whole at opening");
            Ok(())
        }
        Err(error) => Err(refuse(error)),
    }
}

/// What holds for every connection.
fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    for (option, on) in [
        (DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true),
        // Statements cannot touch SQLite's own tables, whatever they try.
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        // A misspelt column is an error, not a text.
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
    ] {
        connection.set_db_config(option, on)?;
    }
    let bytes = |size: usize| i32::try_from(size).unwrap_or(i32::MAX);
    for (limit, value) in [
        (Limit::SQLITE_LIMIT_LENGTH, bytes(ROW_BYTES)),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, bytes(STATEMENT_BYTES)),
        (Limit::SQLITE_LIMIT_COLUMN, COLUMNS),
        (Limit::SQLITE_LIMIT_EXPR_DEPTH, EXPRESSION_DEPTH),
        (Limit::SQLITE_LIMIT_COMPOUND_SELECT, COMPOUND_TERMS),
        (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, PARAMETERS),
        (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, PATTERN_BYTES),
        (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, TRIGGER_DEPTH),
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
    ] {
        connection.set_limit(limit, value)?;
    }
    Ok(())
}
