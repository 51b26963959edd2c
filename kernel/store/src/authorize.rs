//! The rule that SQLite asks, while it compiles a statement, about everything the statement would
//! touch.
//!
//! SQLite asks when a statement is prepared, and again when it prepares it anew by itself because
//! the schema has changed; so the device whose statement runs is known here in both phases.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use crate::grant::{Grant, is_reserved};

/// A device as the rules see it.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    /// Its name.
    pub device: Arc<str>,
    /// What it may touch.
    pub grant: Arc<Grant>,
}

/// The rules of one connection, shared between the thread that owns it and SQLite's callback.
#[derive(Clone, Default)]
pub(crate) struct Rules(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Whose statement is compiled or run; none for the host's own.
    subject: Option<Subject>,
    /// Whether a statement is being run: questions then come from a renewed compilation.
    running: bool,
    /// Whether the statement was found to be a change of the schema that is allowed: SQLite then
    /// asks for the steps that it takes on its own tables.
    schema_change: bool,
    /// Names without a column that may be common table expressions or tables.
    unresolved: Vec<String>,
    /// Whether a renewed compilation met such a name.
    stale: bool,
    /// Why the statement was denied.
    denied: Option<String>,
}

/// What a compilation left to be decided.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Names without a column that may be common table expressions or tables.
    pub unresolved: Vec<String>,
    /// Why the statement was denied, if it was.
    pub denied: Option<String>,
    /// Whether the statement is an allowed change of the schema.
    pub schema_change: bool,
    /// Whether the statement must be compiled by its caller again.
    pub stale: bool,
}

/// Tables of SQLite's own that show the schema.
const SCHEMA_TABLES: [&str; 4] = [
    "sqlite_master",
    "sqlite_schema",
    "sqlite_temp_master",
    "sqlite_temp_schema",
];

/// Tables of SQLite's own that follow changes of the schema.
const SHADOWS: [&str; 3] = ["sqlite_sequence", "sqlite_stat1", "sqlite_stat4"];

/// Table-valued functions without access to tables.
const TABLE_FUNCTIONS: [&str; 2] = ["json_each", "json_tree"];

/// Pragmas that only show the schema.
const PRAGMAS: [&str; 7] = [
    "table_info",
    "table_xinfo",
    "table_list",
    "index_list",
    "index_info",
    "index_xinfo",
    "foreign_key_list",
];

/// What `ALTER TABLE … ADD COLUMN` runs to check existing rows.
const CHECK: &str = "quick_check";

impl Rules {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Compilation starts for a device, or for the host.
    pub fn compile(&self, subject: Option<Subject>) {
        *self.lock() = State {
            subject,
            ..State::default()
        };
    }

    /// A compiled statement starts to run for a device, or for the host. SQLite asks about some
    /// steps of a change of the schema only then.
    pub fn run(&self, subject: Option<Subject>, schema_change: bool) {
        *self.lock() = State {
            subject,
            running: true,
            schema_change,
            ..State::default()
        };
    }

    /// Takes what compilation left.
    pub fn outcome(&self) -> Outcome {
        let mut state = self.lock();
        Outcome {
            unresolved: std::mem::take(&mut state.unresolved),
            denied: state.denied.take(),
            schema_change: state.schema_change,
            stale: std::mem::take(&mut state.stale),
        }
    }

    /// SQLite's question.
    pub fn decide(&self, context: &AuthContext<'_>) -> Authorization {
        self.lock().decide(context)
    }
}

impl State {
    fn decide(&mut self, context: &AuthContext<'_>) -> Authorization {
        let Some(subject) = self.subject.clone() else {
            return Authorization::Allow;
        };
        match self.judge(&subject.grant, context) {
            Ok(()) => Authorization::Allow,
            Err(action) => {
                let text = format!("device `{}` may not {action}", subject.device);
                self.denied.get_or_insert(text);
                Authorization::Deny
            }
        }
    }

    /// Whether the grant covers an action; else what the device may not do.
    fn judge(&mut self, grant: &Grant, context: &AuthContext<'_>) -> Result<(), String> {
        use AuthAction as A;
        match context.action {
            A::Select | A::Recursive => Ok(()),
            A::Function { function_name } => function(function_name),
            A::Read {
                table_name,
                column_name,
            } => self.read(grant, table_name, column_name, context.database_name),
            A::Insert { table_name } | A::Delete { table_name } | A::Update { table_name, .. } => {
                self.change(grant, table_name)
            }
            A::CreateTable { table_name } | A::DropTable { table_name } => {
                if self.schema_change && is_shadow(table_name) {
                    return Ok(());
                }
                self.schema(grant, table_name)
            }
            A::CreateView { view_name } | A::DropView { view_name } => {
                self.schema(grant, view_name)
            }
            A::AlterTable { table_name, .. } => self.schema(grant, table_name),
            A::CreateIndex {
                index_name,
                table_name,
            }
            | A::DropIndex {
                index_name,
                table_name,
            } => {
                let lower = index_name.to_ascii_lowercase();
                if is_reserved(&lower) && !lower.starts_with("sqlite_autoindex_") {
                    return Err(format!(
                        "call an index `{index_name}`: the name is reserved"
                    ));
                }
                self.schema(grant, table_name)
            }
            A::Reindex { .. } if self.schema_change => Ok(()),
            A::Pragma { pragma_name, .. } => self.pragma(pragma_name),
            A::Transaction { .. } | A::Savepoint { .. } => {
                Err("begin or end transactions: all that a handler writes is one already".into())
            }
            A::CreateTempTable { table_name } | A::DropTempTable { table_name } => {
                Err(format!("use the temporary table `{table_name}`"))
            }
            A::CreateTrigger { trigger_name, .. }
            | A::DropTrigger { trigger_name, .. }
            | A::CreateTempTrigger { trigger_name, .. }
            | A::DropTempTrigger { trigger_name, .. } => {
                Err(format!("use the trigger `{trigger_name}`"))
            }
            A::CreateVtable {
                table_name,
                module_name,
            }
            | A::DropVtable {
                table_name,
                module_name,
            } => Err(format!(
                "use the virtual table `{table_name}` ({module_name})"
            )),
            A::Attach { .. } | A::Detach { .. } => Err("attach databases".into()),
            ref other => Err(format!("do this: {other:?}")),
        }
    }

    fn read(
        &mut self,
        grant: &Grant,
        table: &str,
        column: &str,
        database: Option<&str>,
    ) -> Result<(), String> {
        let lower = table.to_ascii_lowercase();
        let known = lower.as_str();
        if grant.may_read(known)
            || SCHEMA_TABLES.contains(&known)
            || TABLE_FUNCTIONS.contains(&known)
            || (self.schema_change && SHADOWS.contains(&known))
        {
            return Ok(());
        }
        if let Some(pragma) = known.strip_prefix("pragma_") {
            return self.pragma(pragma);
        }
        if column.is_empty() && database.is_none() {
            // `SELECT count(*) FROM x` is reported like this for a table and for a common table
            // expression alike. Whether a table has the name is looked up after the compilation.
            if !self.running {
                self.unresolved.push(lower);
                return Ok(());
            }
            self.stale = true;
        }
        Err(format!(
            "read table `{table}`: its store grant names it neither in `tables` nor in `read`"
        ))
    }

    fn change(&self, grant: &Grant, table: &str) -> Result<(), String> {
        let lower = table.to_ascii_lowercase();
        // SQLite refuses statements that write its schema tables itself; what it asks about here
        // are its own steps in a change of the schema.
        if grant.may_write(&lower)
            || SCHEMA_TABLES.contains(&lower.as_str())
            || (self.schema_change && SHADOWS.contains(&lower.as_str()))
        {
            return Ok(());
        }
        Err(if grant.may_read(&lower) {
            format!("write table `{table}`: its store grant names it in `read`, not in `tables`")
        } else {
            format!("write table `{table}`: its store grant does not name it in `tables`")
        })
    }

    fn schema(&mut self, grant: &Grant, table: &str) -> Result<(), String> {
        if grant.may_write(&table.to_ascii_lowercase()) {
            self.schema_change = true;
            return Ok(());
        }
        Err(format!(
            "create, alter or drop `{table}`: its store grant does not name it in `tables`"
        ))
    }

    fn pragma(&self, name: &str) -> Result<(), String> {
        let lower = name.to_ascii_lowercase();
        if PRAGMAS.contains(&lower.as_str()) || (self.schema_change && lower == CHECK) {
            return Ok(());
        }
        Err(format!(
            "use PRAGMA {name}: only those that show the schema are open ({})",
            PRAGMAS.join(", ")
        ))
    }
}

fn is_shadow(table: &str) -> bool {
    SHADOWS.contains(&table.to_ascii_lowercase().as_str())
}

fn function(name: &str) -> Result<(), String> {
    match name.to_ascii_lowercase().as_str() {
        "load_extension" => Err("load extensions".into()),
        "fts3_tokenizer" => Err("register tokenizers".into()),
        // SQLite calls it for ALTER TABLE … RENAME TO, whose new name it does not report.
        "sqlite_rename_table" => Err("rename tables: create the new one and copy the rows".into()),
        _ => Ok(()),
    }
}
