//! What a device uses: levels, and times over the last seconds. Written once a call into its plugin.

use crate::connection::{Histogram, Latency};

/// Half of what the times are over: they are of the last five to ten seconds, so that they show what is
/// now, and a rare event is still seen.
const HALF: u64 = 5_000_000_000;

/// What an instance says it has used. Of the calls since it was asked last, where it is no level.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InstanceUse {
    /// Bytes of linear memory.
    pub memory: u64,
    /// Elements of tables.
    pub table_elements: u64,
    /// Calls into it.
    pub calls: u64,
    /// The longest call that was interrupted or waited, in nanoseconds; zero when none was.
    pub longest: u64,
    /// The most processor time of one call that was interrupted, in nanoseconds.
    pub processor: u64,
    /// Nanoseconds in which its calls had left the lane to others.
    pub waited: u64,
}

/// A level, and the highest it has been since the host started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Peak {
    /// The last one.
    pub now: u64,
    /// The highest.
    pub peak: u64,
}

impl Peak {
    pub(super) fn set(&mut self, now: u64) {
        self.now = now;
        self.peak = self.peak.max(now);
    }
}

/// What a handler did, as far as it is bounded.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Handled {
    /// Nanoseconds from its beginning to its return.
    pub(super) took: u64,
    /// Events that it was given, and their payloads.
    pub(super) batch: Option<(u64, u64)>,
    /// When the event that waited longest was published, as far as that is known.
    pub(super) since: Option<u64>,
    /// Publications, and their payloads.
    pub(super) published: (u64, u64),
    /// What else it ordered.
    pub(super) effects: u64,
}

/// Counters of which rates are made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events handled.
    pub events: u64,
    /// Events published.
    pub published: u64,
    /// Log records.
    pub logged: u64,
}

/// What a device uses.
#[derive(Debug, Default)]
pub struct Gauges {
    /// Linear memory, in bytes.
    pub memory: Peak,
    /// Elements of tables.
    pub table_elements: Peak,
    /// Wall-clock time of one call.
    pub call_time: Peak,
    /// Processor time of one call.
    pub cpu_time: Peak,
    /// Publications of one handler call.
    pub outbox_events: Peak,
    /// What else one handler call ordered.
    pub outbox_effects: Peak,
    /// Payloads of one handler call's publications.
    pub outbox_bytes: Peak,
    /// Events in one batch.
    pub batch: Peak,
    /// Payloads in one batch.
    pub batch_bytes: Peak,
    /// Timers.
    pub timers: Peak,
    /// Nanoseconds for which its calls kept the lane.
    pub running: u64,
    /// When restarts were charged, on the monotonic clock.
    pub charges: Vec<u64>,
    now: Half,
    before: Option<Half>,
}

/// Some seconds.
#[derive(Debug, Default)]
struct Half {
    began: u64,
    counts: Counts,
    /// Made when something is measured: a device that rests has none.
    handling: Option<Histogram>,
    latency: Option<Histogram>,
}

impl Gauges {
    /// Notes a call that returned at `now`. `counts` are those before it.
    pub(super) fn note(&mut self, now: u64, handled: &Handled, used: &InstanceUse, counts: Counts) {
        self.turn(now, counts);
        self.memory.set(used.memory);
        self.table_elements.set(used.table_elements);
        let running = handled.took.saturating_sub(used.waited);
        self.running = self.running.saturating_add(running);
        // A plugin that takes events singly was called several times.
        let calls = used.calls.max(1);
        self.call_time.set((handled.took / calls).max(used.longest));
        self.cpu_time.set(match used.processor {
            // It was not interrupted, so it had the processor all the time, or was put off it.
            0 => running / calls,
            processor => processor,
        });
        self.outbox_events.set(handled.published.0);
        self.outbox_bytes.set(handled.published.1);
        self.outbox_effects.set(handled.effects);
        if let Some((events, bytes)) = handled.batch {
            self.batch.set(events);
            self.batch_bytes.set(bytes);
        }
        let handling = self.now.handling.get_or_insert_default();
        handling.record(handled.took);
        if let Some(since) = handled.since {
            let latency = self.now.latency.get_or_insert_default();
            latency.record(now.saturating_sub(since));
        }
    }

    /// Begins the next half when it is time.
    fn turn(&mut self, now: u64, counts: Counts) {
        let age = now.saturating_sub(self.now.began);
        if age < HALF {
            return;
        }
        let next = Half {
            began: now,
            counts,
            ..Half::default()
        };
        let last = std::mem::replace(&mut self.now, next);
        // What is older than both halves says nothing about now.
        self.before = (age < 2 * HALF).then_some(last);
    }

    /// The counters' rates, the spans of handlers, and those from publication to a handler's return,
    /// over the last seconds.
    pub(super) fn window(&mut self, now: u64, counts: Counts) -> (Rates, Latency, Latency) {
        self.turn(now, counts);
        let first = self.before.as_ref().unwrap_or(&self.now);
        // Of the very first moments no rate can be told.
        let seconds = (now.saturating_sub(first.began) as f64 / 1e9).max(1.0);
        let rate = |now: u64, then: u64| now.saturating_sub(then) as f64 / seconds;
        let rates = Rates {
            events: rate(counts.events, first.counts.events),
            published: rate(counts.published, first.counts.published),
            logged: rate(counts.logged, first.counts.logged),
        };
        let halves = || self.before.iter().chain([&self.now]);
        let handling = sum(halves().filter_map(|half| half.handling.as_ref()));
        let latency = sum(halves().filter_map(|half| half.latency.as_ref()));
        (rates, handling, latency)
    }
}

fn sum<'a>(histograms: impl Iterator<Item = &'a Histogram>) -> Latency {
    let mut sum: Option<Histogram> = None;
    for histogram in histograms {
        match &mut sum {
            Some(sum) => sum.absorb(histogram),
            None => sum = Some(histogram.clone()),
        }
    }
    sum.map(|sum| sum.snapshot()).unwrap_or_default()
}

/// Rates over the last seconds, a second.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Rates {
    /// Events handled.
    pub events: f64,
    /// Events published.
    pub published: f64,
    /// Log records written.
    pub logged: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn took(took: u64, since: u64) -> Handled {
        Handled {
            took,
            since: Some(since),
            batch: Some((3, 100)),
            ..Handled::default()
        }
    }

    fn counts(events: u64) -> Counts {
        Counts {
            events,
            ..Counts::default()
        }
    }

    #[test]
    fn figures_are_of_the_last_seconds_and_levels_keep_their_peaks() {
        let mut gauges = Gauges::default();
        let start = 1_000 * SECOND;
        for second in 0..20 {
            let now = start + second * SECOND;
            // Slow at first, then quick.
            let span = if second < 5 {
                SECOND / 10
            } else {
                SECOND / 1_000
            };
            gauges.note(
                now,
                &took(span, now - 2 * span),
                &InstanceUse::default(),
                counts(second * 30),
            );
        }
        let (rates, handling, latency) = gauges.window(start + 20 * SECOND, counts(600));
        assert!((29.0..=31.0).contains(&rates.events), "{rates:?}");
        assert!(handling.p99 < 2 * SECOND / 1_000, "{handling:?}");
        assert!((5..=10).contains(&handling.count), "{handling:?}");
        assert!(latency.p50 > handling.p50, "{latency:?}");
        assert_eq!(gauges.call_time.peak, SECOND / 10);
        assert_eq!(gauges.batch, Peak { now: 3, peak: 3 });
        // After a rest nothing of it is left.
        let (rates, handling, _) = gauges.window(start + 60 * SECOND, counts(600));
        assert_eq!((rates, handling), (Rates::default(), Latency::default()));
    }

    #[test]
    fn the_time_of_a_call_is_not_that_of_a_whole_batch_of_calls() {
        let mut gauges = Gauges::default();
        let used = InstanceUse {
            calls: 100,
            ..InstanceUse::default()
        };
        gauges.note(SECOND, &took(SECOND, 0), &used, Counts::default());
        assert_eq!(gauges.call_time.peak, SECOND / 100);
        let waited = InstanceUse {
            calls: 1,
            longest: SECOND,
            processor: SECOND / 50,
            waited: SECOND / 2,
            ..InstanceUse::default()
        };
        gauges.note(2 * SECOND, &took(SECOND, 0), &waited, Counts::default());
        assert_eq!(gauges.call_time.peak, SECOND);
        assert_eq!(gauges.cpu_time.peak, SECOND / 50);
        assert_eq!(gauges.running, SECOND + SECOND / 2);
    }
}
