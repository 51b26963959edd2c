//! Polls: puts the groups' reads on the line, and says what becomes of them.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value as Json, json};
use weihe_modbus::{Asked, Mode, Request};
use weihe_sdk::{Context, Duration, Error, Every, Failure, Priority, Reply, Ticket, Timestamp};

use crate::config::Config;
use crate::groups::{Group, Plan, PolledRead};
use crate::line::Trouble;
use crate::means::Means;
use crate::point::{Content, Point};

/// Polls that the device keeps on the connection at a time over TCP: enough that the line never waits
/// for the plugin, few enough that other devices on the line get their turn.
pub const WINDOW: usize = 4;

/// The same on a serial line. Nothing in a reply says which request it answers, so after a time-out the
/// same request goes again before any other that its late reply would fit. The line's own gap between
/// frames is longer than the plugin needs.
pub const SERIAL_WINDOW: usize = 1;

/// How long a poll waits at least for its turn on a busy line before it is given up.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The device's polls.
#[derive(Debug)]
pub struct Poller {
    groups: Vec<Group>,
    reads: Vec<PolledRead>,
    waiting: VecDeque<Due>,
    flying: BTreeMap<Ticket, Flight>,
    window: usize,
    retries: u32,
    /// Whether the unit is taken for dead. Then each read is tried once a poll, so that a dead unit costs
    /// a shared line one time-out a period instead of many.
    silent: bool,
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

impl Poller {
    /// Plans the reads of all points and sets the groups' timers.
    pub fn start(ctx: &mut Context, config: &Config, points: &[Point]) -> Result<Poller, Error> {
        let Plan { groups, reads } = Plan::new(config, points)?;
        for group in &groups {
            ctx.every_with(&group.name, group.period, Every::new().jitter(group.jitter))
                .map_err(|refused| {
                    Error::fatal(format!("poll group `{}`: {refused}", group.name))
                })?;
        }
        Ok(Poller {
            groups,
            reads,
            waiting: VecDeque::new(),
            flying: BTreeMap::new(),
            window: match config.mode {
                Mode::Tcp => WINDOW,
                Mode::Rtu => SERIAL_WINDOW,
            },
            retries: config.retries,
            silent: false,
        })
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
        self.silent = false;
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
        for index in 0..means.points.len() {
            if means.points[index].readable {
                means.lose_point(index, reason, now);
            }
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
                self.silent = false;
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
        let window = if self.silent { 1 } else { self.window };
        while self.flying.len() < window
            && let Some(due) = self.waiting.pop_front()
        {
            let read = &self.reads[due.read];
            let request = Request::Read {
                table: read.table,
                address: read.span.address,
                quantity: read.span.quantity,
            };
            let patience = self.groups[read.group].period.max(PATIENCE);
            let deadline = patience + means.line.timeout();
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
            means.take_point(*point, read.span.address, content, time);
        }
        self.finish(index);
    }

    fn fail(&mut self, due: Due, trouble: &Trouble, means: &mut Means<'_>) {
        let allowed = if self.silent { 1 } else { self.retries + 1 };
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
        if trouble.is_silence() {
            // What waits behind it would meet the same silence.
            let waiting = std::mem::take(&mut self.waiting);
            for due in waiting {
                self.lose(due.read, &reason, means);
            }
            self.silent = true;
        } else if !matches!(trouble, Trouble::Line(_)) {
            self.silent = false;
        }
    }

    fn lose(&mut self, index: usize, reason: &str, means: &mut Means<'_>) {
        let now = means.ctx.now();
        let read = &mut self.reads[index];
        read.outcome = Some(Err(reason.to_owned()));
        for point in &read.points {
            means.lose_point(*point, reason, now);
        }
        self.finish(index);
    }

    fn finish(&mut self, read: usize) {
        let group = &mut self.groups[self.reads[read].group];
        group.unfinished = group.unfinished.saturating_sub(1);
    }
}
