//! What a connection counts: cheap to keep, a snapshot to show.

use serde::{Deserialize, Serialize};

use super::types::{Failure, LinkState, PeerId, Reply};

/// Counters of exchanges, of a connection or of one of its devices, since the host started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Counters {
    /// Requests accepted.
    pub requests: u64,
    /// Exchanges that ended well, those that await no reply included.
    pub replies: u64,
    /// Exchanges without a complete reply in time.
    pub timeouts: u64,
    /// Requests whose deadline passed before the line was free.
    pub expired: u64,
    /// Requests that were cancelled.
    pub cancelled: u64,
    /// Requests that failed because the link was down or broke.
    pub link_down: u64,
    /// Replies that could not be framed.
    pub framing: u64,
    /// Requests refused because a queue was full, or wrong in themselves.
    pub refused: u64,
    /// Bytes received during exchanges that belonged to no reply.
    pub skipped_bytes: u64,
    /// Bytes received that no exchange was waiting for.
    pub unasked_bytes: u64,
    /// Unasked bytes that were dropped because a device did not keep up or none was attached.
    pub dropped_bytes: u64,
}

impl Counters {
    pub(super) fn count(&mut self, outcome: &Result<Reply, Failure>) {
        match outcome {
            Ok(_) => self.replies += 1,
            Err(Failure::Timeout(_)) => self.timeouts += 1,
            Err(Failure::Expired) => self.expired += 1,
            Err(Failure::LinkDown(_)) => self.link_down += 1,
            Err(Failure::Framing(_)) => self.framing += 1,
            Err(Failure::Cancelled) => self.cancelled += 1,
            Err(Failure::QueueFull | Failure::Invalid(_)) => self.refused += 1,
        }
    }
}

/// Buckets for each doubling: a quantile is at most an eighth too high.
const STEPS: usize = 8;
/// The first bucket ends here: what is faster than 2^10 ns (a microsecond) is not told apart.
const FIRST: u32 = 10;
/// Doublings up to 2^40 ns, eighteen minutes; what is longer counts as that.
const DOUBLINGS: usize = 30;

/// A histogram of spans with logarithmic buckets.
#[derive(Debug, Clone)]
pub(crate) struct Histogram {
    buckets: Box<[u32; STEPS * DOUBLINGS]>,
    count: u64,
    last: u64,
    longest: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            buckets: Box::new([0; STEPS * DOUBLINGS]),
            count: 0,
            last: 0,
            longest: 0,
        }
    }
}

impl Histogram {
    pub(crate) fn record(&mut self, span: u64) {
        self.count += 1;
        self.last = span;
        self.longest = self.longest.max(span);
        if let Some(bucket) = self.buckets.get_mut(bucket(span)) {
            *bucket = bucket.saturating_add(1);
        }
    }

    fn quantile(&self, percent: u64) -> u64 {
        let total: u64 = self.buckets.iter().map(|count| u64::from(*count)).sum();
        let wanted = (total * percent).div_ceil(100).max(1);
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += u64::from(*count);
            if seen >= wanted {
                return upper(index).min(self.longest);
            }
        }
        0
    }

    /// Adds what another one has recorded, later.
    pub(crate) fn absorb(&mut self, later: &Self) {
        for (bucket, more) in self.buckets.iter_mut().zip(later.buckets.iter()) {
            *bucket = bucket.saturating_add(*more);
        }
        self.count += later.count;
        if later.count > 0 {
            self.last = later.last;
        }
        self.longest = self.longest.max(later.longest);
    }

    pub(crate) fn snapshot(&self) -> Latency {
        Latency {
            count: self.count,
            last: self.last,
            p50: self.quantile(50),
            p99: self.quantile(99),
            longest: self.longest,
        }
    }
}

fn bucket(span: u64) -> usize {
    let span = span.max(1 << FIRST);
    let doubling = span.ilog2() - FIRST;
    // The three bits below the leading one.
    let step = (span >> (span.ilog2() - 3)) as usize % STEPS;
    (doubling as usize * STEPS + step).min(STEPS * DOUBLINGS - 1)
}

/// The largest span in a bucket.
fn upper(index: usize) -> u64 {
    let start = 1u64 << (FIRST as usize + index / STEPS);
    start + start / STEPS as u64 * (index % STEPS + 1) as u64 - 1
}

/// Spans in nanoseconds. The quantiles are at most an eighth too high; those of a connection are since the
/// host started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// How many were measured.
    pub count: u64,
    /// The newest.
    pub last: u64,
    /// Half of them were at most this long.
    pub p50: u64,
    /// All but one in a hundred were at most this long.
    pub p99: u64,
    /// The longest.
    pub longest: u64,
}

/// The counters and times of a connection or a device.
#[derive(Default, Clone)]
pub(super) struct Tally {
    pub(super) counters: Counters,
    pub(super) wait: Histogram,
    pub(super) round_trip: Histogram,
}

/// What one device has done at a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DeviceStats {
    /// The device.
    pub device: String,
    /// Its exchanges.
    #[serde(flatten)]
    pub counters: Counters,
    /// Its requests that wait for their turn now.
    pub queued: usize,
    /// Notices that wait for the device now.
    pub undelivered: usize,
    /// From submission to the last byte sent.
    pub wait: Latency,
    /// From the last byte sent to the last byte of the reply.
    pub round_trip: Latency,
}

/// A peer of a listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PeerStats {
    /// Its id.
    pub peer: PeerId,
    /// Its address.
    pub address: String,
    /// When it was accepted, in nanoseconds since 1970.
    pub since: u64,
    /// Bytes received from it.
    pub bytes_in: u64,
    /// Bytes sent to it.
    pub bytes_out: u64,
}

/// A connection, as it is now and since the host started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ConnectionStats {
    /// Its name in `weihe.toml`.
    pub connection: String,
    /// What it leads to.
    pub endpoint: String,
    /// Whether anything can be said.
    pub state: LinkState,
    /// Why it is down; empty otherwise.
    pub reason: String,
    /// Since when it is in this state, in nanoseconds since 1970.
    pub since: u64,
    /// Exchanges of all devices.
    #[serde(flatten)]
    pub counters: Counters,
    /// Requests that wait for their turn now.
    pub queued: usize,
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
    /// How often it came up.
    pub opened: u64,
    /// How often it broke or could not be opened.
    pub failures: u64,
    /// Peers that were turned away because there were too many.
    pub refused_peers: u64,
    /// From submission to the last byte sent.
    pub wait: Latency,
    /// From the last byte sent to the last byte of the reply.
    pub round_trip: Latency,
    /// Its devices.
    pub devices: Vec<DeviceStats>,
    /// The peers of a listener.
    pub peers: Vec<PeerStats>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quantiles_are_near_the_truth() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.snapshot(), Latency::default());
        for millis in 1..=100u64 {
            histogram.record(millis * 1_000_000);
        }
        let shown = histogram.snapshot();
        assert!((50_000_000..=57_000_000).contains(&shown.p50), "{shown:?}");
        assert!((99_000_000..=100_000_000).contains(&shown.p99), "{shown:?}");
        assert_eq!(
            (shown.last, shown.longest, shown.count),
            (100_000_000, 100_000_000, 100)
        );
    }

    proptest! {
        #[test]
        fn every_span_lies_below_the_end_of_its_bucket(span in 0u64..(1 << 39)) {
            let end = upper(bucket(span));
            prop_assert!(span <= end);
            prop_assert!(end <= span.max(1 << FIRST) / 8 * 9 + 9);
        }

        #[test]
        fn no_span_is_too_long(span in any::<u64>()) {
            prop_assert!(bucket(span) < STEPS * DOUBLINGS);
        }
    }
}
