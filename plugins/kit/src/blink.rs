//! On and off, again and again.

use serde::{Deserialize, Serialize};
use weihe_sdk::{CallError, Duration, Timestamp};

/// Half a period when nothing else is asked for.
const HALF: Duration = Duration::from_millis(500);
/// Shorter flashes are beyond what timers are good for.
const SHORTEST: Duration = Duration::from_millis(5);

/// Blinking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blink {
    /// Since when.
    pub since: Timestamp,
    /// How long it is lit each time.
    pub lit: Duration,
    /// How long it is dark each time.
    pub dark: Duration,
    /// How often; `None`: without an end.
    pub times: Option<u32>,
}

impl Blink {
    /// Blinking from now on, as a command asks for it: half a second each when nothing else is said, as long dark as lit.
    pub fn asked(
        now: Timestamp,
        lit: Option<Duration>,
        dark: Option<Duration>,
        times: Option<u32>,
    ) -> Result<Self, CallError> {
        let lit = lit.unwrap_or(HALF);
        let dark = dark.unwrap_or(lit);
        for (key, span) in [("on", lit), ("off", dark)] {
            if span < SHORTEST {
                let text = format!("`{key}`: {span} is shorter than {SHORTEST}");
                return Err(CallError::invalid_argument(text));
            }
        }
        if times == Some(0) {
            return Err(CallError::invalid_argument("`times`: 0 times is never"));
        }
        Ok(Blink {
            since: now,
            lit,
            dark,
            times,
        })
    }

    /// Whether it is lit, and when that changes; `None` when it is over.
    pub fn moment(&self, now: Timestamp) -> Option<(bool, Duration)> {
        let period = self.lit.as_nanos() + self.dark.as_nanos();
        let elapsed = now.since(self.since).as_nanos();
        let (round, within) = (elapsed / period.max(1), elapsed % period.max(1));
        // It ends when it was lit for the last time.
        if self.times.is_some_and(|times| round >= u64::from(times)) {
            return None;
        }
        let lit = within < self.lit.as_nanos();
        let end = if lit { self.lit.as_nanos() } else { period };
        Some((lit, Duration::from_nanos(end - within)))
    }
}
