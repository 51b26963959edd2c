//! One connection and the statements prepared on it: runs what devices ask for, within limits.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OptionalExtension, Statement};

use crate::authorize::{Rules, Subject};
use crate::error::StoreError;
use crate::lexer;
use crate::limits::{STATEMENT_BYTES, STATEMENT_TIME, STATEMENTS_KEPT};
use crate::statement::{Failure, check_changes, collect, step};
use crate::value::{Row, Rows, Value};
use crate::watch::{Hooks, Watch};

/// Numbers the sessions of a store; 0 is the host itself.
pub(crate) type SessionId = u64;

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
    /// The last error of SQLite in the current work.
    failure: Option<StoreError>,
    /// Whether a damage of the file has been logged: every statement may meet it again.
    told_damage: bool,
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
            told_damage: false,
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

    /// SQLite's last error in the current work.
    pub fn failure(&self) -> Option<String> {
        self.failure.as_ref().map(StoreError::to_string)
    }

    /// The same, if disk or file are at fault and not the statement.
    pub fn fault(&self) -> Option<String> {
        let is_fault = |error: &&StoreError| {
            matches!(
                error,
                StoreError::Full(_) | StoreError::Unavailable(_) | StoreError::Busy(_)
            )
        };
        self.failure
            .as_ref()
            .filter(is_fault)
            .map(StoreError::to_string)
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
                self.failure = Some(text.clone());
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt)
                    && !self.told_damage
                {
                    self.told_damage = true;
                    tracing::error!("{text}");
                }
                text
            }
        }
    }
}
