//! One connection and the statements prepared on it: runs what devices ask for, within limits.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::hooks::AuthContext;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Statement};

use crate::authorize::{Rules, Subject};
use crate::error::StoreError;
use crate::lexer;
use crate::limits::{
    PROGRESS_INSTRUCTIONS, RESULT_BYTES, RESULT_ROWS, STATEMENT_BYTES, STATEMENT_TIME,
    STATEMENTS_KEPT, VALUE_OVERHEAD,
};
use crate::value::{Row, Rows, Value};

/// Numbers the sessions of a store; 0 is the host itself.
pub(crate) type SessionId = u64;

/// A deadline that SQLite looks at while a statement runs.
#[derive(Clone)]
pub(crate) struct Watch {
    start: Instant,
    /// Nanoseconds since `start`; `u64::MAX` while nothing is watched.
    until: Arc<AtomicU64>,
}

impl Watch {
    /// A watch that does not limit anything yet.
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
            until: Arc::new(AtomicU64::new(u64::MAX)),
        }
    }

    /// From now on, for so long.
    pub fn limit(&self, time: Duration) {
        let until = self.start.elapsed().saturating_add(time).as_nanos();
        let until = u64::try_from(until).unwrap_or(u64::MAX);
        self.until.store(until, Ordering::Relaxed);
    }

    /// Nothing is limited any more.
    pub fn end(&self) {
        self.until.store(u64::MAX, Ordering::Relaxed);
    }

    /// Whether the time is over.
    pub fn is_over(&self) -> bool {
        self.start.elapsed().as_nanos() > u128::from(self.until.load(Ordering::Relaxed))
    }
}

/// What SQLite calls back on one connection.
pub(crate) struct Hooks {
    rules: Rules,
    watch: Watch,
}

impl Hooks {
    /// Makes SQLite ask the rules and look at the watch.
    pub fn set(connection: &mut Connection) -> rusqlite::Result<Self> {
        let (rules, watch) = (Rules::default(), Watch::new());
        let asked = rules.clone();
        connection.authorizer(Some(move |context: AuthContext<'_>| asked.decide(&context)))?;
        let seen = watch.clone();
        connection.progress_handler(PROGRESS_INSTRUCTIONS, Some(move || seen.is_over()))?;
        Ok(Self { rules, watch })
    }
}

/// The session whose work runs.
#[derive(Debug, Clone)]
pub(crate) struct Acting {
    /// Names its prepared statements.
    pub session: SessionId,
    /// What it may touch.
    pub subject: Subject,
}

struct Prepared<'c> {
    sql: String,
    statement: Statement<'c>,
}

/// One connection with its prepared statements.
pub(crate) struct Executor<'c> {
    connection: &'c Connection,
    rules: Rules,
    watch: Watch,
    /// How long one call may run.
    time: Duration,
    /// Names the file in errors.
    file: Arc<str>,
    acting: Option<Acting>,
    /// The most recently used statements of each session, the newest last. They belong to one
    /// session each, as they were compiled under its grant.
    statements: HashMap<SessionId, Vec<Prepared<'c>>>,
    /// Rows changed since it was last asked.
    changed: u64,
    /// The last error of the database itself.
    failure: Option<String>,
}

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

impl<'c> Executor<'c> {
    /// Takes over a connection with its hooks; `time` is how long one call may run.
    pub fn new(connection: &'c Connection, hooks: Hooks, time: Duration, file: Arc<str>) -> Self {
        let Hooks { rules, watch } = hooks;
        Self {
            connection,
            rules,
            watch,
            time,
            file,
            acting: None,
            statements: HashMap::new(),
            changed: 0,
            failure: None,
        }
    }

    /// The connection.
    pub fn connection(&self) -> &'c Connection {
        self.connection
    }

    /// Names the file, for errors.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Work of a session (or of the host) begins: its grant holds, and its time runs.
    pub fn begin(&mut self, acting: Option<Acting>) {
        self.acting = acting;
        self.failure = None;
        self.watch.limit(self.time);
    }

    /// The work is over.
    pub fn end(&mut self) {
        self.acting = None;
        self.watch.end();
        self.rules.compile(None);
    }

    /// What follows in this work is the host's own statement.
    pub fn as_host(&mut self) {
        self.acting = None;
    }

    /// Forgets a session's statements.
    pub fn forget(&mut self, session: SessionId) {
        self.statements.remove(&session);
    }

    /// Rows changed since the last call.
    pub fn take_changed(&mut self) -> u64 {
        std::mem::take(&mut self.changed)
    }

    /// The database's last error in the current work.
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// Runs one of the host's own statements that needs no parameters, uncached.
    pub fn plain(&mut self, sql: &str) -> Result<(), StoreError> {
        self.rules.compile(None);
        let result = self.connection.execute_batch(sql);
        result.map_err(|error| self.translate(error.into()))
    }

    /// Runs a statement that changes something. Returns the number of rows changed.
    pub fn execute(&mut self, sql: &str, parameters: &[Value]) -> Result<u64, StoreError> {
        let changed = self.with(sql, |connection, _, statement| {
            check_changes(statement)?;
            step(connection, statement, parameters)
        })?;
        self.changed += changed;
        Ok(changed)
    }

    /// Runs a statement for each row of parameters; all or none. Returns the number of rows
    /// changed in all.
    pub fn execute_many(&mut self, sql: &str, rows: &[Row]) -> Result<u64, StoreError> {
        self.plain("SAVEPOINT many")?;
        let result = self.with(sql, |connection, watch, statement| {
            check_changes(statement)?;
            let mut changed = 0;
            for (index, row) in rows.iter().enumerate() {
                // Between rows it can end without harm to the transaction.
                if watch.is_over() {
                    return Err(StoreError::TooLarge(format!(
                        "{index} of {} rows took {} s; send fewer at a time",
                        rows.len(),
                        STATEMENT_TIME.as_secs()
                    ))
                    .into());
                }
                changed += step(connection, statement, row)?;
            }
            Ok(changed)
        });
        match result {
            Ok(changed) => {
                self.plain("RELEASE many")?;
                self.changed += changed;
                Ok(changed)
            }
            Err(error) => {
                // A grave error has undone the whole transaction, and the savepoint with it.
                if !self.connection.is_autocommit() {
                    self.watch.end();
                    self.plain("ROLLBACK TO many; RELEASE many")?;
                }
                Err(error)
            }
        }
    }

    /// Runs a statement that only reads.
    pub fn query(&mut self, sql: &str, parameters: &[Value]) -> Result<Rows, StoreError> {
        self.with(sql, |_, _, statement| {
            if !statement.readonly() {
                return Err(StoreError::Invalid(
                    "the statement changes something; run it with `execute`".into(),
                )
                .into());
            }
            collect(statement, parameters)
        })
    }

    /// Runs a prepared statement, from the cache or compiled now.
    pub fn with<T>(
        &mut self,
        sql: &str,
        mut run: impl FnMut(&Connection, &Watch, &mut Statement<'c>) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        let mut cached = self.cached(sql);
        loop {
            let renewed = cached.is_none();
            let (mut statement, schema_change) = match cached.take() {
                Some(statement) => (statement, false),
                None => self.compile(sql)?,
            };
            self.rules.run(self.subject(), schema_change);
            let result = run(self.connection, &self.watch, &mut statement);
            match result {
                Ok(value) => {
                    if !schema_change {
                        self.keep(sql, statement);
                    }
                    return Ok(value);
                }
                Err(failure) => {
                    let outcome = self.rules.outcome();
                    if outcome.stale && !renewed {
                        // The schema changed under a kept statement: compiled again with care.
                        continue;
                    }
                    if let Some(denied) = outcome.denied {
                        return Err(StoreError::Denied(denied));
                    }
                    return Err(self.translate(failure));
                }
            }
        }
    }

    fn subject(&self) -> Option<Subject> {
        self.acting.as_ref().map(|acting| acting.subject.clone())
    }

    fn session(&self) -> SessionId {
        self.acting.as_ref().map_or(0, |acting| acting.session)
    }

    fn cached(&mut self, sql: &str) -> Option<Statement<'c>> {
        let kept = self.statements.get_mut(&self.session())?;
        let at = kept.iter().position(|prepared| prepared.sql == sql)?;
        Some(kept.remove(at).statement)
    }

    fn keep(&mut self, sql: &str, mut statement: Statement<'c>) {
        // Bound values may be large.
        statement.clear_bindings();
        let kept = self.statements.entry(self.session()).or_default();
        if kept.len() >= STATEMENTS_KEPT {
            kept.remove(0);
        }
        kept.push(Prepared {
            sql: sql.to_owned(),
            statement,
        });
    }

    /// Compiles a statement; also says whether it changes the schema.
    fn compile(&mut self, sql: &str) -> Result<(Statement<'c>, bool), StoreError> {
        if sql.len() > STATEMENT_BYTES {
            return Err(StoreError::TooLarge(format!(
                "the statement has {} bytes; it may have {STATEMENT_BYTES}",
                sql.len()
            )));
        }
        if let Some(reason) = lexer::refusal(sql).filter(|_| self.acting.is_some()) {
            return Err(StoreError::Denied(reason.into()));
        }
        self.rules.compile(self.subject());
        let result = self.connection.prepare(sql);
        let outcome = self.rules.outcome();
        if let Some(denied) = outcome.denied {
            return Err(StoreError::Denied(denied));
        }
        let statement = result.map_err(|error| self.translate(error.into()))?;
        for name in outcome.unresolved {
            if self.is_table(&name)? {
                let device = self
                    .acting
                    .as_ref()
                    .map_or("", |acting| &acting.subject.device);
                return Err(StoreError::Denied(format!(
                    "device `{device}` may not read table `{name}`: its store grant names it \
                     neither in `tables` nor in `read`"
                )));
            }
        }
        Ok((statement, outcome.schema_change))
    }

    /// Whether a table or view has this name (in lower case).
    fn is_table(&mut self, name: &str) -> Result<bool, StoreError> {
        self.rules.compile(None);
        let found = self
            .connection
            .query_row(
                "SELECT 1 FROM sqlite_schema WHERE lower(name) = ?1 AND type IN ('table', 'view')",
                [name],
                |_| Ok(()),
            )
            .optional();
        match found {
            // Without a row of its own, each table of SQLite's and each virtual table without a
            // declaration counts as one.
            Ok(found) => Ok(found.is_some() || crate::grant::is_reserved(name) || name == "dbstat"),
            Err(error) => Err(self.translate(error.into())),
        }
    }

    fn translate(&mut self, failure: Failure) -> StoreError {
        match failure {
            Failure::Store(error) => error,
            Failure::Sqlite(error) => {
                let text = StoreError::sqlite(&error, &self.file);
                if !matches!(text, StoreError::Invalid(_) | StoreError::Denied(_)) {
                    self.failure = Some(text.to_string());
                }
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) {
                    tracing::error!(file = %self.file, "{text}");
                }
                text
            }
        }
    }
}

/// `execute` is for statements that change something.
fn check_changes(statement: &Statement<'_>) -> Result<(), StoreError> {
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
fn step(
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

fn collect(statement: &mut Statement<'_>, parameters: &[Value]) -> Result<Rows, Failure> {
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
