//! What a device uses of each of its limits, as `ps` shows it.

use std::sync::PoisonError;
use std::sync::atomic::Ordering::Relaxed;

use serde::{Deserialize, Serialize};

use crate::bus::SubscriptionStatus;
use crate::connection::Latency;

use super::gauges::{Counts, Gauges, Peak, Rates};
use super::shared::Device;
use super::status::DeviceState;
use super::supervision::{BUDGET, WINDOW};

/// What a budget is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Things.
    Count,
    /// Bytes.
    Bytes,
    /// Nanoseconds.
    Nanoseconds,
    /// Things a second.
    PerSecond,
}

/// What a device uses of one of its limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetStatus {
    /// The limit, as in `[device.NAME.limits]`; `restarts` for the restart budget.
    pub limit: String,
    /// What it is counted in.
    pub unit: Unit,
    /// What is used now, or was by the last call; none where that cannot be told.
    pub now: Option<u64>,
    /// The most since the host started, where it is kept.
    pub peak: Option<u64>,
    /// The limit's value.
    pub most: u64,
}

/// From this share of a limit on it is nearly reached, in percent.
pub const NEAR: u64 = 80;

impl BudgetStatus {
    /// Whether the limit is nearly reached, or was. A full batch is not: there is another.
    pub fn is_near(&self) -> bool {
        let used = self.now.max(self.peak).unwrap_or(0);
        let bounded = !matches!(self.limit.as_str(), "batch" | "batch-bytes");
        bounded && used > 0 && used.saturating_mul(100) >= self.most.saturating_mul(NEAR)
    }

    /// How much of the limit is used now, in percent.
    pub fn percent(&self) -> Option<u64> {
        let now = self.now?;
        now.saturating_mul(100).checked_div(self.most)
    }
}

/// What a device uses.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Nanoseconds for which calls into its plugin kept the lane, waiting not included.
    pub running: u64,
    /// Over the last five to ten seconds.
    pub rates: Rates,
    /// How long calls into the plugin took, over the last five to ten seconds.
    pub handling: Latency,
    /// From the publication of an event to the return of its handler, over the last five to ten
    /// seconds: the event that waited longest in each batch, among those of which it is known.
    pub latency: Latency,
    /// Each limit.
    pub budgets: Vec<BudgetStatus>,
}

fn budget(limit: &str, unit: Unit, now: Option<u64>, peak: Option<u64>, most: u64) -> BudgetStatus {
    BudgetStatus {
        limit: limit.to_owned(),
        unit,
        now,
        peak,
        most,
    }
}

impl Device {
    /// What it uses, given its subscriptions.
    pub fn usage(&self, subscriptions: &[&SubscriptionStatus]) -> Usage {
        let now = self.clock.monotonic();
        let counts = self.counts();
        let mut gauges = self
            .live
            .gauges
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (rates, handling, latency) = gauges.window(now, counts);
        let running = gauges.running;
        let mut budgets = self.levels(&gauges, now);
        drop(gauges);
        budgets.extend(self.rates(&rates));
        budgets.extend(self.holdings());
        budgets.extend(queues(subscriptions));
        Usage {
            running,
            rates,
            handling,
            latency,
            budgets,
        }
    }

    /// The counters of which rates are made.
    pub(super) fn counts(&self) -> Counts {
        let counters = &self.live.counters;
        Counts {
            events: counters.events.load(Relaxed),
            published: counters.published.load(Relaxed),
            logged: self.words.said(),
        }
    }

    /// What is measured with each call.
    fn levels(&self, gauges: &Gauges, now: u64) -> Vec<BudgetStatus> {
        use Unit::{Bytes, Count, Nanoseconds};
        let limits = &self.spec.limits;
        // Without an instance there is no memory.
        let alive = !matches!(
            self.live.get().0,
            DeviceState::Restarting | DeviceState::Failed | DeviceState::Stopped
        );
        let level = |limit: &str, unit, of: Peak, most: u64| {
            budget(limit, unit, Some(of.now), Some(of.peak), most)
        };
        let held = |of: Peak| Peak {
            now: if alive { of.now } else { 0 },
            ..of
        };
        let recent = gauges.charges.iter().filter(|at| **at + WINDOW >= now);
        vec![
            level("memory", Bytes, held(gauges.memory), limits.memory.0),
            level(
                "table-elements",
                Count,
                held(gauges.table_elements),
                limits.table_elements.into(),
            ),
            // The engine does not tell how much of it a call has used.
            budget("host-call-data", Bytes, None, None, limits.host_call_data.0),
            level(
                "call-time",
                Nanoseconds,
                gauges.call_time,
                limits.call_time.nanoseconds(),
            ),
            level(
                "cpu-time",
                Nanoseconds,
                gauges.cpu_time,
                limits.cpu_time.nanoseconds(),
            ),
            level(
                "outbox-events",
                Count,
                gauges.outbox_events,
                limits.outbox_events.into(),
            ),
            level(
                "outbox-effects",
                Count,
                gauges.outbox_effects,
                limits.outbox_effects.into(),
            ),
            level(
                "outbox-bytes",
                Bytes,
                gauges.outbox_bytes,
                limits.outbox_bytes.0,
            ),
            level("batch", Count, gauges.batch, limits.batch.into()),
            level(
                "batch-bytes",
                Bytes,
                gauges.batch_bytes,
                limits.batch_bytes.0,
            ),
            level("timers", Count, gauges.timers, limits.timers.into()),
            budget(
                "restarts",
                Count,
                Some(recent.count() as u64),
                None,
                BUDGET as u64,
            ),
        ]
    }

    fn rates(&self, rates: &Rates) -> [BudgetStatus; 2] {
        let limits = &self.spec.limits;
        let rate = |limit: &str, rate: f64, most: u32| {
            // Rounded up: what is slow is not nothing.
            let rate = rate.ceil() as u64;
            budget(limit, Unit::PerSecond, Some(rate), None, most.into())
        };
        [
            rate("publish-rate", rates.published, limits.publish_rate),
            rate("log-rate", rates.logged, limits.log_rate),
        ]
    }

    /// What the device holds besides.
    fn holdings(&self) -> [BudgetStatus; 4] {
        let limits = &self.spec.limits;
        let count = |limit: &str, now: usize, peak: Option<u64>, most: u32| {
            budget(limit, Unit::Count, Some(now as u64), peak, most.into())
        };
        let peaks = &self.live.peaks;
        let (tickets, calls) = (self.open_tickets(), self.open_calls());
        [
            // Topics are never given back.
            count(
                "topics",
                self.topic_count(),
                Some(self.topic_count() as u64),
                limits.topics,
            ),
            count(
                "subscriptions",
                self.mailbox.subscription_count(),
                None,
                limits.subscriptions,
            ),
            count(
                "tickets",
                tickets,
                Some(peaks.tickets.load(Relaxed)),
                limits.tickets,
            ),
            count(
                "calls",
                calls,
                Some(peaks.calls.load(Relaxed)),
                limits.calls,
            ),
        ]
    }
}

/// The queue that is the fullest now, and the fullest that any has been; where their sizes differ, in
/// parts of the former's.
fn queues(subscriptions: &[&SubscriptionStatus]) -> Vec<BudgetStatus> {
    let fullest = |limit: &str, unit, level: fn(&SubscriptionStatus) -> [usize; 3]| {
        let levels = || subscriptions.iter().map(|queue| level(queue));
        let filled = |used: usize, most: usize| used as f64 / most.max(1) as f64;
        let [now, _, most] = levels().max_by(|[one, _, room], [other, _, space]| {
            filled(*one, *room).total_cmp(&filled(*other, *space))
        })?;
        let peaks = levels().map(|[_, peak, most]| filled(peak, most));
        let peak = (peaks.fold(0.0, f64::max) * most as f64).round() as u64;
        Some(budget(
            limit,
            unit,
            Some(now as u64),
            Some(peak),
            most as u64,
        ))
    };
    let events = fullest("queue", Unit::Count, |queue| {
        [queue.queued, queue.peak, queue.capacity]
    });
    let bytes = fullest("queue-bytes", Unit::Bytes, |queue| {
        [queue.bytes, queue.peak_bytes, queue.byte_capacity]
    });
    events.into_iter().chain(bytes).collect()
}
