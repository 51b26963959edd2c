//! What the bridge does, from what was asked for and the time. Pure: no kernel in here.

use serde::{Deserialize, Serialize};
use weihe_plugin_kit::Ramp;
use weihe_sdk::{Duration, Timestamp};

/// Between two steps of a changing speed.
const STEP: Duration = Duration::from_millis(20);

/// What a motor is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wish {
    /// To turn freely, without current.
    Coast,
    /// To be held by its own current: both ends of it are joined.
    Brake,
    /// To turn with a speed in per cent, backward below 0.
    Turn(f64),
}

/// What the bridge does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bridge {
    /// Both halves are off.
    Coast,
    /// Both halves are on.
    Brake,
    /// One half is on, with a share of the time in per cent.
    Turn {
        /// Which half.
        forward: bool,
        /// 0 to 100.
        speed: f64,
    },
}

/// A motor.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Drive {
    wish: Wish,
    /// The speed, on its way to what is wished.
    ramp: Ramp,
    /// The direction in which current went last.
    forward: bool,
    /// When current went last; `None`: it does, or never did.
    since: Option<Timestamp>,
    /// Current goes in a direction.
    live: bool,
}

impl Default for Drive {
    fn default() -> Self {
        Drive {
            wish: Wish::Coast,
            ramp: Ramp::at(0.0),
            forward: true,
            since: None,
            live: false,
        }
    }
}

impl Drive {
    /// What is wished.
    pub fn wish(&self) -> Wish {
        self.wish
    }

    /// Asks for something. A speed changes by so many per cent a second; 0: at once.
    pub fn ask(&mut self, wish: Wish, now: Timestamp, acceleration: f64) {
        self.wish = wish;
        self.ramp = match wish {
            Wish::Turn(speed) => self.ramp.with_speed(speed, now, acceleration),
            Wish::Coast | Wish::Brake => Ramp::at(0.0),
        };
    }

    /// What the bridge does now, and when that changes.
    pub fn bridge(&mut self, now: Timestamp, dead_time: Duration) -> (Bridge, Option<Duration>) {
        let speed = match self.wish {
            Wish::Turn(_) => self.ramp.value(now),
            Wish::Coast | Wish::Brake => 0.0,
        };
        let moves = (!self.ramp.is_over(now)).then_some(STEP);
        let wanted = match (self.wish, speed != 0.0) {
            (Wish::Brake, _) => None,
            (_, false) => {
                self.rest(now);
                return (Bridge::Coast, moves);
            }
            (_, true) => Some(speed > 0.0),
        };
        // The other way, or both halves: only when the last current has died away.
        if wanted != Some(self.forward) {
            self.rest(now);
            let left = self
                .since
                .map(|since| dead_time.saturating_sub(now.since(since)));
            if let Some(left) = left.filter(|left| !left.is_zero()) {
                return (Bridge::Coast, Some(left));
            }
        }
        match wanted {
            None => (Bridge::Brake, None),
            Some(forward) => {
                (self.forward, self.live, self.since) = (forward, true, None);
                (
                    Bridge::Turn {
                        forward,
                        speed: speed.abs(),
                    },
                    moves,
                )
            }
        }
    }

    fn rest(&mut self, now: Timestamp) {
        if self.live {
            (self.live, self.since) = (false, Some(now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_nanos((1_000 + ms) * 1_000_000)
    }

    const DEAD: Duration = Duration::from_millis(50);

    fn turn(forward: bool, speed: f64) -> Bridge {
        Bridge::Turn { forward, speed }
    }

    #[test]
    fn between_two_directions_and_before_braking_it_coasts() {
        let mut drive = Drive::default();
        drive.ask(Wish::Turn(80.0), at(0), 0.0);
        assert_eq!(drive.bridge(at(0), DEAD), (turn(true, 80.0), None));
        drive.ask(Wish::Turn(-30.0), at(10), 0.0);
        assert_eq!(drive.bridge(at(10), DEAD), (Bridge::Coast, Some(DEAD)));
        assert_eq!(
            drive.bridge(at(40), DEAD),
            (Bridge::Coast, Some(Duration::from_millis(20)))
        );
        assert_eq!(drive.bridge(at(60), DEAD), (turn(false, 30.0), None));
        drive.ask(Wish::Brake, at(70), 0.0);
        assert_eq!(drive.bridge(at(70), DEAD).0, Bridge::Coast);
        assert_eq!(drive.bridge(at(120), DEAD), (Bridge::Brake, None));
        drive.ask(Wish::Coast, at(130), 0.0);
        assert_eq!(drive.bridge(at(130), DEAD), (Bridge::Coast, None));
    }

    #[test]
    fn the_same_direction_again_does_not_wait() {
        let mut drive = Drive::default();
        drive.ask(Wish::Turn(80.0), at(0), 0.0);
        drive.bridge(at(0), DEAD);
        drive.ask(Wish::Coast, at(10), 0.0);
        drive.bridge(at(10), DEAD);
        drive.ask(Wish::Turn(20.0), at(11), 0.0);
        assert_eq!(drive.bridge(at(11), DEAD), (turn(true, 20.0), None));
    }

    #[test]
    fn a_speed_changes_evenly_and_through_standing_still() {
        let mut drive = Drive::default();
        drive.ask(Wish::Turn(50.0), at(0), 100.0);
        assert_eq!(drive.bridge(at(0), DEAD).0, Bridge::Coast);
        assert_eq!(drive.bridge(at(250), DEAD), (turn(true, 25.0), Some(STEP)));
        drive.ask(Wish::Turn(-50.0), at(500), 100.0);
        assert_eq!(drive.bridge(at(750), DEAD).0, turn(true, 25.0));
        assert_eq!(drive.bridge(at(1_020), DEAD).0, Bridge::Coast);
        assert_eq!(drive.bridge(at(1_250), DEAD).0, turn(false, 25.0));
    }
}
