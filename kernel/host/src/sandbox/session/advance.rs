//! Time that passes, from deadline to deadline.

use serde_json::{Value as Json, json};
use weihe_kernel::Clock;
use weihe_kernel::connection::LinkState;

use super::Session;

/// Deadlines that one request goes through. A timer of a nanosecond would hold up a test for ever.
const MAX_STEPS: u32 = 1_000_000;

/// Where an advance stops before its end.
pub(super) struct Stop {
    pub(super) at_trouble: bool,
    pub(super) at_wire: bool,
    pub(super) at_return: bool,
    pub(super) when_up: Option<String>,
}

impl Session {
    pub(super) async fn advance(&mut self, nanoseconds: u64, stop: &Stop) -> Result<Json, String> {
        let end = self.clock.monotonic().saturating_add(nanoseconds);
        let is_up = |connection: &str| {
            let connections = self.kernel.status().connections;
            let mut all = connections.iter();
            all.any(|stats| stats.connection == connection && stats.state == LinkState::Up)
        };
        self.seen.take_alarm();
        self.settle(0).await?;
        let mut steps = 0;
        loop {
            if stop.when_up.as_deref().is_some_and(is_up) {
                return Ok(json!({}));
            }
            let alarm = self.seen.take_alarm();
            let stopped = (alarm.trouble && stop.at_trouble)
                || (alarm.wire && stop.at_wire)
                || (alarm.returned && stop.at_return);
            if stopped {
                return Ok(json!({ "stopped": true }));
            }
            let now = self.clock.monotonic();
            let next = self.clock.next_deadline().filter(|at| *at <= end);
            self.clock.advance(next.unwrap_or(end).saturating_sub(now));
            self.settle(0).await?;
            if next.is_none() {
                return Ok(json!({}));
            }
            steps += 1;
            if steps == MAX_STEPS {
                return Err(format!(
                    "{MAX_STEPS} timers and time-outs were due within {nanoseconds} ns: is a period too short?"
                ));
            }
        }
    }
}
