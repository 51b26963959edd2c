//! What the device counts.

use serde::Serialize;
use weihe_sdk::Duration;

/// Counters since the instance started.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Stats {
    /// Requests handed to the connection, repetitions included.
    pub requests: u64,
    /// Replies that carried what was asked for.
    pub replies: u64,
    /// Replies that refused the request.
    pub exceptions: u64,
    /// Requests without a reply in time.
    pub timeouts: u64,
    /// Replies that could not be read or did not answer the request.
    pub wrong_replies: u64,
    /// Requests that the connection gave back: link down, queue full, deadline passed.
    pub line_failures: u64,
    /// Repetitions.
    pub retries: u64,
    /// Polls left out because the one before was still under way.
    pub skipped_polls: u64,
    /// Writes that the unit confirmed (or broadcasts that were sent).
    pub writes: u64,
    /// Samples published.
    pub samples: u64,
    /// From the last byte sent to the last byte received, in milliseconds.
    pub round_trip_ms: RoundTrip,
}

/// Times of sound exchanges.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RoundTrip {
    /// Of the last one.
    pub last: f64,
    /// The mean.
    pub mean: f64,
    /// The longest.
    pub max: f64,
}

impl Stats {
    /// Counts a reply that took so long.
    pub fn answered(&mut self, took: Duration) {
        self.replies += 1;
        let ms = took.as_secs_f64() * 1e3;
        let trip = &mut self.round_trip_ms;
        trip.last = ms;
        trip.max = trip.max.max(ms);
        trip.mean += (ms - trip.mean) / self.replies as f64;
    }
}
