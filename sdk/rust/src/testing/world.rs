//! What the fake kernel knows and records.

use super::board::Parts;
use super::fault::Fault;
use super::grants::Grants;
use super::guomi::TestKey;
use crate::bindings::imports::weihe::plugin::schedule::EveryOptions;
use crate::log::Level;
use crate::{
    CallError, CallId, EventBuf, FailSafeFrame, Failure, LinkState, PeerId, Quality, Request, Rows,
    SqlError, SqlValue, SubscribeOptions, SubscriptionId, Ticket, Timestamp, ValueBuf,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

/// A sample that the plugin published.
///
/// ```no_run
/// # use weihe_sdk::{prelude::*, testing::*};
/// # #[allow(unused_mut)]
/// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
/// let Published { topic, value, .. } = &kernel.published()[0];
/// println!("{topic}: {}", value.as_value());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// Where to.
    pub topic: String,
    /// When it was taken: as the plugin said, or the fake clock's now.
    pub time: Timestamp,
    /// How far it can be trusted.
    pub quality: Quality,
    /// The sample.
    pub value: ValueBuf,
    /// The event that caused it, as an index of the batch that was handled.
    pub cause: Option<u32>,
}

/// A timer that is set.
///
/// ```no_run
/// # use weihe_sdk::{prelude::*, testing::*};
/// # #[allow(unused_mut)]
/// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
/// for (name, Timer { due, .. }) in kernel.timers() {
///     println!("{name} ticks at {due}");
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Timer {
    /// When it ticks next.
    pub due: Timestamp,
    /// Its period in nanoseconds; `None` ticks once, or on the calendar.
    pub period: Option<u64>,
    /// Its cron expression, for one on the calendar.
    pub cron: Option<String>,
    /// How it ticks.
    pub options: Option<EveryOptions>,
}

/// A call on another device.
///
/// ```no_run
/// # use weihe_sdk::{prelude::*, testing::*};
/// # #[allow(unused_mut)]
/// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
/// let OutgoingCall { id, .. } = kernel.calls()[0];
/// kernel.answer(id, Err("the pump is off"))?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct OutgoingCall {
    /// The call's id, to answer it with [`FakeKernel::answer`](super::FakeKernel::answer).
    pub id: CallId,
    /// The device.
    pub device: String,
    /// The command.
    pub command: String,
    /// The arguments.
    pub arguments: serde_json::Value,
    /// How long the answer is awaited, in nanoseconds.
    pub timeout: u64,
}

/// A request that the plugin submitted.
///
/// ```no_run
/// # use weihe_sdk::{prelude::*, testing::*};
/// # #[allow(unused_mut)]
/// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
/// let Submitted { ticket, .. } = kernel.submitted()[0];
/// kernel.reply(ticket, Ok(b"OK\n"))?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Submitted {
    /// The connection.
    pub connection: String,
    /// To reply to it with [`FakeKernel::reply`](super::FakeKernel::reply).
    pub ticket: Ticket,
    /// What was asked.
    pub request: Request,
}

/// Bytes that the plugin sent without awaiting a reply.
///
/// ```no_run
/// # use weihe_sdk::{prelude::*, testing::*};
/// # #[allow(unused_mut)]
/// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
/// let Sent { connection, bytes, .. } = &kernel.sent()[0];
/// assert_eq!((connection.as_str(), bytes.len()), ("line", 5));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The connection.
    pub connection: String,
    /// The peer of a listener.
    pub peer: Option<PeerId>,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// A message in the log.
///
/// ```no_run
/// # use weihe_sdk::{prelude::*, testing::*};
/// # #[allow(unused_mut)]
/// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
/// let warned = kernel.logs().iter().any(|Log { level, .. }| *level == weihe_sdk::log::Level::Warn);
/// assert!(warned);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Log {
    /// How much it matters.
    pub level: Level,
    /// Where it comes from.
    pub context: String,
    /// What it says.
    pub message: String,
}

/// A call of a database, for the test to answer.
///
/// ```
/// use weihe_sdk::testing::SqlCall;
/// fn is_a_write(call: &SqlCall<'_>) -> bool {
///     matches!(call, SqlCall::Execute(..) | SqlCall::ExecuteMany(..))
/// }
/// # let _ = is_a_write;
/// ```
#[derive(Debug)]
pub enum SqlCall<'a> {
    /// A database is opened.
    Open(&'a str),
    /// One statement that changes something.
    Execute(&'a str, &'a [SqlValue<'a>]),
    /// One statement for many rows.
    ExecuteMany(&'a str, &'a [&'a [SqlValue<'a>]]),
    /// One statement that reads.
    Query(&'a str, &'a [SqlValue<'a>]),
}

/// What a database answers.
///
/// ```
/// use weihe_sdk::{Rows, SqlValueBuf, testing::SqlAnswer};
/// let one_row = SqlAnswer::Found(Rows {
///     columns: vec!["count(*)".to_owned()],
///     rows: vec![vec![SqlValueBuf::Integer(2)]],
/// });
/// # drop(one_row);
/// ```
#[derive(Debug, Clone)]
pub enum SqlAnswer {
    /// So many rows were changed (also: opened).
    Changed(u64),
    /// What a query found.
    Found(Rows),
}

pub(super) type SqlSeam = Box<dyn FnMut(SqlCall<'_>) -> Result<SqlAnswer, SqlError>>;
pub(super) type LineSeam = Box<dyn FnMut(&str, &Request) -> Result<Vec<u8>, Failure>>;

/// What a handler does. Dropped when the handler fails.
#[derive(Debug, Clone, Default)]
pub(super) struct Effects {
    pub(super) published: Vec<Published>,
    pub(super) timers: BTreeMap<String, Timer>,
    pub(super) subscriptions: BTreeMap<String, (SubscriptionId, SubscribeOptions)>,
    pub(super) calls: Vec<OutgoingCall>,
    pub(super) answers: Vec<(CallId, Result<String, CallError>)>,
    pub(super) submitted: Vec<Submitted>,
    pub(super) sent: Vec<Sent>,
    pub(super) cancelled: Vec<Ticket>,
    pub(super) disconnected: Vec<PeerId>,
    /// By connection.
    pub(super) fail_safe: BTreeMap<String, Vec<FailSafeFrame>>,
    pub(super) keys: BTreeMap<(String, String), Vec<u8>>,
}

/// All that the fake kernel knows.
#[derive(Default)]
pub(super) struct World {
    /// The device's name.
    pub(super) device: String,
    /// Its own connection.
    pub(super) connection: Option<String>,
    /// Requests that the test has replied to.
    pub(super) replied: BTreeSet<Ticket>,
    /// Where each request was submitted.
    pub(super) tickets: BTreeMap<Ticket, String>,
    pub(super) now: u64,
    pub(super) effects: Effects,
    /// Names of topics and sources; the place in the list is the id.
    pub(super) names: Vec<String>,
    pub(super) last: BTreeMap<String, EventBuf>,
    pub(super) denied: Vec<String>,
    pub(super) faults: Vec<Fault>,
    /// Exchanges that a fault lets fail when the handler has returned.
    pub(super) failing: VecDeque<(String, Ticket, Failure)>,
    /// In the sandbox: the source, the first sequence and the count of the events that were fed last.
    pub(super) fed: Option<(u64, u64, usize)>,
    /// In the sandbox: calls of other devices that no fault was asked about.
    pub(super) new_calls: Vec<(CallId, String)>,
    /// Topics and filters that are granted; none: all.
    pub(super) grants: Option<Grants>,
    pub(super) links: BTreeMap<String, LinkState>,
    /// Why links are down.
    pub(super) down: BTreeMap<String, String>,
    pub(super) next_id: u64,
    /// The native board. What a plugin does to hardware is not undone when a handler fails.
    pub(super) board: Parts,
    /// The key store.
    pub(super) secrets: BTreeMap<String, TestKey>,
    pub(super) sql: Option<SqlSeam>,
    pub(super) line: Option<LineSeam>,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("now", &self.now)
            .field("effects", &self.effects)
            .finish()
    }
}

impl World {
    pub(super) fn id_of(&mut self, name: &str) -> u32 {
        let index = self
            .names
            .iter()
            .position(|known| known == name)
            .unwrap_or_else(|| {
                self.names.push(name.to_owned());
                self.names.len() - 1
            });
        index as u32
    }

    pub(super) fn name_of(&self, id: u32) -> Option<String> {
        self.names.get(id as usize).cloned()
    }

    /// Sets the wall clock; what counts spans goes with it.
    pub(super) fn set_clock(&mut self, now: Timestamp) {
        let (before, after) = (self.now, now.as_nanos());
        for timer in self.effects.timers.values_mut() {
            if timer.cron.is_none() {
                let left = timer.due.as_nanos().saturating_sub(before);
                timer.due = Timestamp::from_nanos(after.saturating_add(left));
            }
        }
        self.now = after;
    }

    /// Where a request was submitted: by its ticket, or the device's own connection.
    pub(super) fn connection_of(&self, ticket: Ticket) -> String {
        let submitted = self.tickets.get(&ticket).cloned();
        submitted.unwrap_or_else(|| self.connection.clone().unwrap_or_default())
    }

    /// Whether something was made to fail.
    pub(super) fn faulty(&self) -> bool {
        !self.faults.is_empty()
    }

    pub(super) fn take_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }
}
