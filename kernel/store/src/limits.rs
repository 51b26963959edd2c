//! Every number that limits something in the store, each with its reason.

use std::time::Duration;

/// Page size of a new database, in bytes. SQLite's default, and the block size of the flash and
/// file systems that boards have: a page is written as one block.
pub const PAGE_BYTES: u32 = 4096;

/// Page cache of each of the two connections. A historian's inner index pages fit; the host stays
/// within its 16 MiB.
pub const CACHE_KIB: i64 = 1024;

/// Pages in the write-ahead log after which they are copied into the database (4 MiB): often
/// enough that a read does not search a long log, rare enough that a page written many times is
/// copied once.
pub const CHECKPOINT_PAGES: u32 = 1000;

/// The write-ahead log is cut back to this after it has been copied, should a long read have made
/// it grow.
pub const LOG_BYTES_KEPT: i64 = 16 << 20;

/// The spans of time that tests shorten. All of the store's times are real ones, not the kernel's
/// clock: they bound work of real threads on a real disk.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// [`BUSY_TIME`].
    pub busy: Duration,
    /// [`TURN_TIME`].
    pub turn: Duration,
    /// [`STATEMENT_TIME`].
    pub statement: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            busy: BUSY_TIME,
            turn: TURN_TIME,
            statement: STATEMENT_TIME,
        }
    }
}

/// How long the store waits for another process that holds the database. Shorter than the time a
/// handler may take (10 s), longer than a backup or an operator's `UPDATE` needs.
pub const BUSY_TIME: Duration = Duration::from_secs(2);

/// Pause between two tries for a database that another process holds.
pub const BUSY_RETRY: Duration = Duration::from_millis(10);

/// How long a device may hold the write turn. A handler writes in milliseconds; one that waits for
/// a slow serial exchange after its first write still fits, and its neighbours wait at most this.
pub const TURN_TIME: Duration = Duration::from_secs(5);

/// Turns that share one COMMIT. More gain nothing: the share of one fsync is then below the cost
/// of the turn itself.
pub const GROUP_TURNS: u32 = 64;

/// How long after its first finished turn a group takes in another one: about two fsyncs of a slow
/// flash, so that grouping at most doubles the time of a commit.
pub const GROUP_TIME: Duration = Duration::from_millis(20);

/// After a device has spoilt a group it commits alone for so many turns, so that a plugin that
/// keeps doing it harms only itself.
pub const ALONE_TURNS: u32 = 100;

/// How long one call of a guest may run in the database. A scan of a million rows fits; an endless
/// recursive query ends here.
pub const STATEMENT_TIME: Duration = Duration::from_secs(2);

/// SQLite instructions between two looks at the clock, about 20 µs of work.
pub const PROGRESS_INSTRUCTIONS: i32 = 2000;

/// Longest statement. The longest that people write by hand are a tenth of it.
pub const STATEMENT_BYTES: usize = 64 << 10;

/// Largest text or blob, in bytes. Data that is larger belongs into files; a sixteenth of a guest's
/// memory.
pub const VALUE_BYTES: usize = 1 << 20;

/// Largest row: one large value and what stands beside it.
pub const ROW_BYTES: usize = VALUE_BYTES + (64 << 10);

/// Largest checkpoint of a device's state: all of a default guest's memory.
pub const STATE_BYTES: usize = 16 << 20;

/// Most rows of one query's result.
pub const RESULT_ROWS: usize = 10_000;

/// Largest result of one query. It must fit beside the guest's own data in 16 MiB, and into what
/// one host call may carry.
pub const RESULT_BYTES: usize = 2 << 20;

/// What a value costs in a result beyond its text or octets: its size in the guest.
pub const VALUE_OVERHEAD: usize = 16;

/// Most columns of a table or result. SQLite's default is 2000.
pub const COLUMNS: i32 = 256;

/// Deepest expression. SQLite's default of 1000 takes stack that the store's threads do not have.
pub const EXPRESSION_DEPTH: i32 = 100;

/// Most terms of one compound SELECT. Each costs code in the prepared statement.
pub const COMPOUND_TERMS: i32 = 100;

/// Highest parameter number. Enough for a hundred rows of ten columns; rows beyond that are what
/// `execute-many` is for.
pub const PARAMETERS: i32 = 1000;

/// Longest pattern of LIKE and GLOB: matching takes time in the product of both lengths.
pub const PATTERN_BYTES: i32 = 1000;

/// Depth of nested triggers and foreign-key actions. SQLite's default of 1000 takes more stack than
/// the store's threads have.
pub const TRIGGER_DEPTH: i32 = 20;

/// Prepared statements kept for one device on one connection. Plugins use a handful.
pub const STATEMENTS_KEPT: usize = 16;

/// Longest name of a table or bucket in a grant.
pub const NAME_BYTES: usize = 64;

/// Longest key. Keys are names, and each is held in the index whole.
pub const KEY_BYTES: usize = 1024;

/// Keys on one page of `list-keys`.
pub const KEYS_PAGE: usize = 256;

/// How long the check of the whole file may take at opening. Files up to about 100 MiB are read
/// whole; of larger ones the first part, so that a host with years of history still starts at once.
pub const CHECK_TIME: Duration = Duration::from_millis(250);

/// Stack of each of the store's two threads. The deepest statements that SQLite accepts (200
/// nested subqueries) get by with less than a quarter; what is not touched costs no memory.
pub const THREAD_STACK: usize = 2 << 20;
