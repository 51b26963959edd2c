//! Polls: groups of points, read on a timer by as few requests as possible.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value as Json, json};
use weihe_modbus::{Asked, Request, Table};
use weihe_sdk::{Context, Duration, Error, Every, Failure, Priority, Reply, Ticket, Timestamp};

use crate::config::{Config, DEFAULT_GROUP, PointConfig};
use crate::line::Trouble;
use crate::means::Means;
use crate::plan::{Limits, Span, plan};
use crate::point::{Content, Point};

/// Polls that the device keeps on the connection at a time: enough that the line never waits for the
/// plugin, few enough that other devices on the line get their turn.
pub const WINDOW: usize = 4;

/// How long a poll waits at least for its turn on a busy line before it is given up.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The device's polls.
#[derive(Debug)]
pub struct Poller {
    groups: Vec<Group>,
    reads: Vec<PolledRead>,
    waiting: VecDeque<Due>,
    flying: BTreeMap<Ticket, Flight>,
    retries: u32,
    /// Why the unit is taken for dead. Then each read is tried once a poll, so that a dead unit costs a
    /// shared line one time-out a period instead of many.
    silent: Option<String>,
}

#[derive(Debug)]
struct Group {
    name: String,
    period: Duration,
    reads: Vec<usize>,
    unfinished: usize,
}

#[derive(Debug)]
struct PolledRead {
    table: Table,
    span: Span,
    points: Vec<usize>,
    group: usize,
    outcome: Option<Result<(), String>>,
}

#[derive(Debug, Clone, Copy)]
struct Due {
    read: usize,
    attempt: u32,
}

#[derive(Debug)]
struct Flight {
    due: Due,
    asked: Asked,
}

/// The group of a point: its name, and its period where no group of that name is configured.
fn group_of(config: &Config, point: &PointConfig) -> Result<(String, Option<Duration>), String> {
    match (&point.group, point.period) {
        (Some(_), Some(_)) => Err("`group` and `period` exclude each other".to_owned()),
        (Some(group), None) if config.groups.contains_key(group) => Ok((group.clone(), None)),
        (Some(group), None) => {
            let known: Vec<&str> = config.groups.keys().map(String::as_str).collect();
            Err(format!(
                "group `{group}` is not in `groups`; there {}",
                if known.is_empty() {
                    "is none".to_owned()
                } else {
                    format!("are: {}", known.join(", "))
                }
            ))
        }
        (None, Some(period)) => Ok((format!("every {period}"), Some(period))),
        (None, None) if config.groups.contains_key(DEFAULT_GROUP) => {
            Ok((DEFAULT_GROUP.to_owned(), None))
        }
        (None, None) => Ok((DEFAULT_GROUP.to_owned(), Some(config.period))),
    }
}

impl Poller {
    /// Plans the reads of all points and sets the groups' timers.
    pub fn start(ctx: &mut Context, config: &Config, points: &[Point]) -> Result<Poller, Error> {
        let mut members: BTreeMap<String, (Duration, Duration, Vec<usize>)> = BTreeMap::new();
        for (index, (point, written)) in points.iter().zip(&config.points).enumerate() {
            let (name, period) =
                group_of(config, written).map_err(|text| at(&point.name, &text))?;
            if !point.readable {
                continue;
            }
            let (period, jitter) = match (period, config.groups.get(&name)) {
                (None, Some(group)) => (group.period, group.jitter),
                (period, _) => (period.unwrap_or(config.period), Duration::ZERO),
            };
            let entry = members
                .entry(name)
                .or_insert_with(|| (period, jitter, Vec::new()));
            entry.2.push(index);
        }
        let mut poller = Poller {
            groups: Vec::new(),
            reads: Vec::new(),
            waiting: VecDeque::new(),
            flying: BTreeMap::new(),
            retries: config.retries,
            silent: None,
        };
        for (name, (period, jitter, members)) in members {
            ctx.every_with(&name, period, Every::new().jitter(jitter))
                .map_err(|refused| Error::fatal(format!("poll group `{name}`: {refused}")))?;
            poller.add_group(config, points, name, period, &members)?;
        }
        Ok(poller)
    }

    fn add_group(
        &mut self,
        config: &Config,
        points: &[Point],
        name: String,
        period: Duration,
        members: &[usize],
    ) -> Result<(), Error> {
        let group = self.groups.len();
        let first = self.reads.len();
        for table in Table::ALL {
            let members: Vec<usize> = members
                .iter()
                .copied()
                .filter(|index| points[*index].table == table)
                .collect();
            let spans: Vec<Span> = members.iter().map(|index| points[*index].span).collect();
            let holes: Vec<Span> = config
                .holes
                .iter()
                .filter(|hole| hole.table == table)
                .map(|hole| Span {
                    address: hole.address,
                    quantity: hole.quantity,
                })
                .collect();
            let limits = Limits {
                max_quantity: if table.is_bits() {
                    config.max_bits
                } else {
                    config.max_registers
                },
                max_gap: config.max_gap,
            };
            let reads = plan(&spans, limits, &holes)
                .map_err(|error| at(&points[members[error.point()]].name, &error.to_string()))?;
            self.reads.extend(reads.into_iter().map(|read| {
                PolledRead {
                    table,
                    span: read.span,
                    points: read
                        .points
                        .into_iter()
                        .map(|index| members[index])
                        .collect(),
                    group,
                    outcome: None,
                }
            }));
        }
        self.groups.push(Group {
            name,
            period,
            reads: (first..self.reads.len()).collect(),
            unfinished: 0,
        });
        Ok(())
    }

    /// Whether this exchange is a poll's.
    pub fn owns(&self, ticket: Ticket) -> bool {
        self.flying.contains_key(&ticket)
    }

    /// Polls the group of this timer, unless its last poll is still under way.
    pub fn tick(&mut self, timer: &str, means: &mut Means<'_>) {
        let Some(group) = self.groups.iter().position(|group| group.name == timer) else {
            return;
        };
        if self.groups[group].unfinished > 0 {
            means.stats.skipped_polls += 1;
            return;
        }
        self.poll(group);
        self.submit(means);
    }

    /// Polls every group now: the link has come up.
    pub fn resume(&mut self, means: &mut Means<'_>) {
        self.forget();
        self.silent = None;
        for read in &mut self.reads {
            read.outcome = None;
        }
        for group in 0..self.groups.len() {
            self.poll(group);
        }
        self.submit(means);
    }

    /// Gives up every poll: the link is down. All points that are polled go bad.
    pub fn suspend(&mut self, reason: &str, means: &mut Means<'_>) {
        self.forget();
        let now = means.ctx.now();
        for point in means.points.iter_mut().filter(|point| point.readable) {
            point.lose(means.ctx, reason, now, means.stats);
        }
    }

    /// Takes the outcome of a poll's exchange.
    pub fn replied(
        &mut self,
        ticket: Ticket,
        outcome: Result<Reply, Failure>,
        means: &mut Means<'_>,
    ) {
        let Some(Flight { due, asked }) = self.flying.remove(&ticket) else {
            return;
        };
        match means.line.read(&asked, outcome, means.stats) {
            Ok(answered) => {
                self.silent = None;
                let content = answered.reply.and_then(Content::of_reply);
                if let Some(content) = content {
                    self.take(due.read, &content, answered.time, means);
                }
            }
            Err(trouble) => self.fail(due, &trouble, means),
        }
        self.submit(means);
    }

    /// What is wrong with the reads, in one line; none while some have no outcome yet.
    pub fn status(&self) -> Option<String> {
        let mut errors = self.reads.iter().filter_map(|read| match &read.outcome {
            Some(Err(error)) => Some(error),
            _ => None,
        });
        if let Some(first) = errors.next() {
            return Some(match errors.count() {
                0 => first.clone(),
                more => format!("{first} (and {more} more)"),
            });
        }
        let complete = self.reads.iter().all(|read| read.outcome.is_some());
        complete.then(|| "ok".to_owned())
    }

    /// The planned reads, in JSON.
    pub fn to_json(&self) -> Json {
        self.reads
            .iter()
            .map(|read| {
                let group = &self.groups[read.group];
                let mut entry = json!({
                    "group": group.name,
                    "period-s": group.period.as_secs_f64(),
                    "table": read.table.name(),
                    "address": read.span.address,
                    "quantity": read.span.quantity,
                    "points": read.points.len(),
                });
                if let Some(Err(error)) = &read.outcome {
                    entry["error"] = json!(error);
                }
                entry
            })
            .collect()
    }

    fn poll(&mut self, group: usize) {
        let group = &mut self.groups[group];
        group.unfinished = group.reads.len();
        let due = |read: &usize| Due {
            read: *read,
            attempt: 1,
        };
        self.waiting.extend(group.reads.iter().map(due));
    }

    fn forget(&mut self) {
        self.waiting.clear();
        self.flying.clear();
        for group in &mut self.groups {
            group.unfinished = 0;
        }
    }

    /// Keeps the window full. A silent unit is asked one thing at a time.
    fn submit(&mut self, means: &mut Means<'_>) {
        let window = if self.silent.is_some() { 1 } else { WINDOW };
        while self.flying.len() < window
            && let Some(due) = self.waiting.pop_front()
        {
            let read = &self.reads[due.read];
            let request = Request::Read {
                table: read.table,
                address: read.span.address,
                quantity: read.span.quantity,
            };
            let deadline = self.groups[read.group].period.max(PATIENCE);
            means.stats.requests += 1;
            match means.line.submit(&request, Priority::Poll, deadline) {
                Ok((ticket, asked)) => {
                    self.flying.insert(ticket, Flight { due, asked });
                }
                Err(trouble) => self.fail(due, &trouble, means),
            }
        }
    }

    fn take(&mut self, index: usize, content: &Content, time: Timestamp, means: &mut Means<'_>) {
        let read = &mut self.reads[index];
        read.outcome = Some(Ok(()));
        for point in &read.points {
            let point = &mut means.points[*point];
            let value = point.decode(read.span.address, content);
            point.take(means.ctx, value, time, means.stats);
        }
        self.finish(index);
    }

    fn fail(&mut self, due: Due, trouble: &Trouble, means: &mut Means<'_>) {
        let allowed = if self.silent.is_some() {
            1
        } else {
            self.retries + 1
        };
        if trouble.is_worth_a_retry() && due.attempt < allowed {
            means.stats.retries += 1;
            self.waiting.push_front(Due {
                attempt: due.attempt + 1,
                ..due
            });
            return;
        }
        let read = &self.reads[due.read];
        let (first, last) = (read.span.address, read.span.end() - 1);
        let reason = if u32::from(first) == last {
            format!("{} {first}: {trouble}", read.table)
        } else {
            format!("{} {first} to {last}: {trouble}", read.table)
        };
        self.lose(due.read, &reason, means);
        match trouble {
            Trouble::Silence(text) => {
                // What waits behind it would meet the same silence.
                let waiting = std::mem::take(&mut self.waiting);
                for due in waiting {
                    self.lose(due.read, &reason, means);
                }
                self.silent = Some(text.clone());
            }
            Trouble::Wrong(_) | Trouble::Refused { .. } => self.silent = None,
            Trouble::Line(_) => {}
        }
    }

    fn lose(&mut self, index: usize, reason: &str, means: &mut Means<'_>) {
        let now = means.ctx.now();
        let read = &mut self.reads[index];
        read.outcome = Some(Err(reason.to_owned()));
        for point in &read.points {
            means.points[*point].lose(means.ctx, reason, now, means.stats);
        }
        self.finish(index);
    }

    fn finish(&mut self, read: usize) {
        let group = &mut self.groups[self.reads[read].group];
        group.unfinished = group.unfinished.saturating_sub(1);
    }
}

/// A mistake in a point's configuration.
pub fn at(point: &str, text: &str) -> Error {
    Error::fatal(format!("point `{point}`: {text}"))
}
