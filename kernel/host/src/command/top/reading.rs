//! What was read from the host, and how fast things went since the reading before.

use std::collections::{BTreeSet, HashMap};

use weihe_kernel::connection::ConnectionStats;
use weihe_kernel::device::DeviceStatus;

use crate::system::Ps;

/// Readings that are closer together than this tell no rates, in nanoseconds: one event more or less
/// would look like a change of pace. Half the shortest interval.
const TOO_CLOSE: u64 = 50_000_000;

/// A reading, and how fast things were since the one before it, if that was of the same start of the host.
#[derive(Debug, Clone)]
pub struct Reading {
    pub ps: Ps,
    /// By device, as far as both readings have it.
    speeds: HashMap<String, Speed>,
    /// Exchanges a second, by connection.
    exchanges: HashMap<String, f64>,
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
        Self {
            ps,
            speeds: HashMap::new(),
            exchanges: HashMap::new(),
        }
    }

    /// The next one.
    pub fn next(self, ps: Ps) -> Self {
        let same = self.ps.host.boot == ps.host.boot && self.ps.host.pid == ps.host.pid;
        let span = ps.status.uptime.checked_sub(self.ps.status.uptime);
        let span = span.filter(|span| same && *span >= TOO_CLOSE);
        match span {
            Some(span) => Self {
                speeds: speeds(&self.ps.status.devices, &ps.status.devices, span),
                exchanges: exchanges(&self.ps.status.connections, &ps.status.connections, span),
                ps,
            },
            None => Self::first(ps),
        }
    }

    /// How fast a device was since the reading before; without one, over the host's own window.
    pub fn speed(&self, device: &DeviceStatus) -> Speed {
        let rates = &device.usage.rates;
        let known = self.speeds.get(&device.name).copied();
        known.unwrap_or(Speed {
            events: rates.events,
            published: rates.published,
            lane: None,
        })
    }

    /// Exchanges of a connection a second; without a reading before, since the host started.
    pub fn exchanges(&self, connection: &ConnectionStats) -> f64 {
        let known = self.exchanges.get(&connection.connection).copied();
        known.unwrap_or_else(|| {
            let seconds = self.ps.status.uptime as f64 / 1e9;
            connection.counters.replies as f64 / seconds.max(1.0)
        })
    }

    /// The lanes on which devices live.
    pub fn lanes(&self) -> usize {
        let lanes = self.ps.status.devices.iter().map(|device| &*device.lane);
        lanes.collect::<BTreeSet<_>>().len()
    }
}

/// How often a second a counter went up within a span.
fn rate(now: u64, then: u64, span: u64) -> f64 {
    now.saturating_sub(then) as f64 / (span as f64 / 1e9)
}

fn speeds(before: &[DeviceStatus], now: &[DeviceStatus], span: u64) -> HashMap<String, Speed> {
    let before: HashMap<&str, &DeviceStatus> = before
        .iter()
        .map(|device| (&*device.name, device))
        .collect();
    let speed = |device: &DeviceStatus| {
        let then = before.get(&*device.name)?;
        let running = rate(device.usage.running, then.usage.running, span);
        let speed = Speed {
            events: rate(device.events, then.events, span),
            published: rate(device.published, then.published, span),
            lane: Some(running / 1e7),
        };
        Some((device.name.clone(), speed))
    };
    now.iter().filter_map(speed).collect()
}

fn exchanges(
    before: &[ConnectionStats],
    now: &[ConnectionStats],
    span: u64,
) -> HashMap<String, f64> {
    let replies = |connection: &ConnectionStats| connection.counters.replies;
    let before: HashMap<&str, u64> = before
        .iter()
        .map(|connection| (&*connection.connection, replies(connection)))
        .collect();
    let exchanges = |connection: &ConnectionStats| {
        let then = before.get(&*connection.connection)?;
        let rate = rate(replies(connection), *then, span);
        Some((connection.connection.clone(), rate))
    };
    now.iter().filter_map(exchanges).collect()
}
