//! How often something is measured, and how often it is tried again.

use serde::Deserialize;
use weihe_sdk::Duration;

/// The keys that every sensor has, for `#[serde(flatten)]`. Unknown keys are found by the host, which holds the
/// configuration against the schema before it starts the device.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Pace {
    /// From one measurement to the next.
    #[serde(default = "period")]
    pub period: Duration,
    /// How often one that failed is made again at once before the chip counts as down.
    #[serde(default = "retries")]
    pub retries: u32,
    /// How soon a chip that is down is tried again at first.
    #[serde(default = "retry")]
    pub retry: Duration,
    /// How long it is left alone at the most.
    #[serde(default = "retry_max")]
    pub retry_max: Duration,
    /// A reading that has not changed by more than its dead-band is published again after this; zero: never.
    #[serde(default = "refresh")]
    pub refresh: Duration,
}

/// Air changes slowly, and a line in a database every ten seconds is enough to see a door opened.
fn period() -> Duration {
    Duration::from_secs(10)
}

/// Enough for a pulse of interference; a chip that is not there is noticed within a second.
fn retries() -> u32 {
    2
}

fn retry() -> Duration {
    Duration::from_secs(1)
}

/// Whoever plugs a cable in looks at the screen for about so long.
fn retry_max() -> Duration {
    Duration::from_secs(30)
}

fn refresh() -> Duration {
    Duration::from_secs(300)
}

impl Pace {
    /// Whether the spans make sense.
    pub fn check(&self) -> Result<(), String> {
        for (key, span) in [
            ("period", self.period),
            ("retry", self.retry),
            ("retry-max", self.retry_max),
        ] {
            if span.is_zero() {
                return Err(format!("`{key}`: 0 s is too short"));
            }
        }
        if self.retry_max < self.retry {
            return Err(format!(
                "`retry-max`: {} is less than `retry`, which is {}",
                self.retry_max, self.retry
            ));
        }
        Ok(())
    }
}

impl Default for Pace {
    fn default() -> Self {
        Pace {
            period: period(),
            retries: retries(),
            retry: retry(),
            retry_max: retry_max(),
            refresh: refresh(),
        }
    }
}
