//! What was read from the host, and how fast things went since the reading before.

use std::collections::BTreeSet;

use weihe_kernel::connection::ConnectionStats;
use weihe_kernel::device::{DeviceStatus, Usage};

use crate::system::Ps;

/// Readings that are closer together than this tell no rates, in nanoseconds: what a handler does in bursts
/// would look like a storm.
const TOO_CLOSE: u64 = 200_000_000;

/// A reading, and the one before it, if that was of the same start of the host.
#[derive(Debug, Clone)]
pub struct Reading {
    pub ps: Ps,
    before: Option<Box<Ps>>,
}

/// How fast a device was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Speed {
    /// Events handled a second.
    pub events: f64,
    /// Events published a second.
    pub published: f64,
    /// The share of time for which it kept its lane, in percent; none before the second reading.
    pub lane: Option<f64>,
}

impl Reading {
    /// A first reading.
    pub fn first(ps: Ps) -> Self {
        Self { ps, before: None }
    }

    /// The next one.
    pub fn next(self, ps: Ps) -> Self {
        let same = self.ps.host.boot == ps.host.boot && self.ps.host.pid == ps.host.pid;
        let close = ps.status.uptime < self.ps.status.uptime.saturating_add(TOO_CLOSE);
        let before = match (same, close) {
            (true, false) => Some(Box::new(self.ps)),
            (true, true) => self.before,
            (false, _) => None,
        };
        Self { ps, before }
    }

    fn seconds(&self) -> Option<(f64, &Ps)> {
        let before = self.before.as_deref()?;
        let span = self.ps.status.uptime.checked_sub(before.status.uptime)?;
        (span > 0).then(|| (span as f64 / 1e9, before))
    }

    /// How fast a device was since the reading before; without one, over the host's own window.
    pub fn speed(&self, device: &DeviceStatus) -> Speed {
        let Usage { rates, .. } = &device.usage;
        let fallback = Speed {
            events: rates.events,
            published: rates.published,
            lane: None,
        };
        let Some((seconds, before)) = self.seconds() else {
            return fallback;
        };
        let same = |other: &&DeviceStatus| other.name == device.name;
        let Some(before) = before.status.devices.iter().find(same) else {
            return fallback;
        };
        let rate = |now: u64, then: u64| now.saturating_sub(then) as f64 / seconds;
        Speed {
            events: rate(device.events, before.events),
            published: rate(device.published, before.published),
            lane: Some(rate(device.usage.running, before.usage.running) / 1e7),
        }
    }

    /// Exchanges of a connection a second; without a reading before, since the host started.
    pub fn exchanges(&self, connection: &ConnectionStats) -> f64 {
        let since_start = || {
            let seconds = self.ps.status.uptime as f64 / 1e9;
            connection.counters.replies as f64 / seconds.max(1.0)
        };
        let Some((seconds, before)) = self.seconds() else {
            return since_start();
        };
        let same = |other: &&ConnectionStats| other.connection == connection.connection;
        match before.status.connections.iter().find(same) {
            Some(before) => {
                let replies = connection.counters.replies;
                replies.saturating_sub(before.counters.replies) as f64 / seconds
            }
            None => since_start(),
        }
    }

    /// The lanes on which devices live.
    pub fn lanes(&self) -> usize {
        let lanes = self.ps.status.devices.iter().map(|device| &*device.lane);
        lanes.collect::<BTreeSet<_>>().len()
    }
}
