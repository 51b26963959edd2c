//! When the next step is due, and in which direction. Pure: no kernel in here.

use serde::{Deserialize, Serialize};
use weihe_sdk::{Duration, Timestamp};

/// Where it is to go.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Goal {
    /// It stands, or comes to stand.
    Stand,
    /// To a step.
    To(i64),
    /// On and on, in a direction.
    Run {
        /// Whether steps are counted up.
        up: bool,
    },
}

/// How fast.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Pace {
    /// Steps a second.
    pub speed: f64,
    /// Steps a second, a second; 0: at once.
    pub acceleration: f64,
}

/// A motor on its way. The speed changes by 2a of its square a step, so that ramps are straight.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Motion {
    position: i64,
    goal: Goal,
    pace: Pace,
    /// Steps a second with which the last step was made; 0 where it stands.
    speed: f64,
    /// The direction of the last step.
    up: bool,
    /// When the next step is due.
    due: Option<Timestamp>,
}

impl Motion {
    /// One that stands.
    pub fn at(position: i64) -> Self {
        Motion {
            position,
            goal: Goal::Stand,
            pace: Pace {
                speed: 1.0,
                acceleration: 0.0,
            },
            speed: 0.0,
            up: true,
            due: None,
        }
    }

    /// Where it is, in steps.
    pub fn position(&self) -> i64 {
        self.position
    }

    /// Where it is to go.
    pub fn goal(&self) -> Goal {
        self.goal
    }

    /// Whether it is on its way.
    pub fn is_moving(&self) -> bool {
        self.due.is_some()
    }

    /// Calls the place where it stands by another number.
    pub fn call_position(&mut self, position: i64) {
        *self = Motion::at(position);
    }

    /// Sets out for something.
    pub fn go(&mut self, goal: Goal, pace: Pace, now: Timestamp) {
        self.goal = goal;
        self.pace = pace;
        if self.due.is_none() {
            self.due = self.wanted().map(|up| {
                self.up = up;
                now
            });
        }
    }

    /// Comes to stand, as fast as it may.
    pub fn stop(&mut self) {
        self.goal = Goal::Stand;
        if self.pace.acceleration == 0.0 {
            (self.due, self.speed) = (None, 0.0);
        }
    }

    /// The direction in which it is to go; `None` where it is to stand.
    fn wanted(&self) -> Option<bool> {
        match self.goal {
            Goal::Stand => None,
            Goal::To(target) if target == self.position => None,
            Goal::To(target) => Some(target > self.position),
            Goal::Run { up } => Some(up),
        }
    }

    /// When the next step is due.
    pub fn due(&self) -> Option<Timestamp> {
        self.due
    }

    /// The least time between two steps.
    pub fn least(&self) -> Duration {
        Duration::from_nanos((1e9 / self.pace.speed.max(self.speed)) as u64)
    }

    /// Makes the step that is due. Returns its direction.
    pub fn step(&mut self) -> Option<bool> {
        let due = self.due?;
        let up = self.up;
        self.position += if up { 1 } else { -1 };
        self.speed = self.next_speed();
        if self.speed == 0.0 {
            self.due = self.wanted().map(|wanted| {
                // Turning round costs as much time as a first step.
                self.up = wanted;
                due + span(self.first_speed())
            });
        } else {
            self.due = Some(due + span(self.speed));
        }
        Some(up)
    }

    /// The speed from which and to which it can jump.
    fn first_speed(&self) -> f64 {
        let Pace {
            speed,
            acceleration,
        } = self.pace;
        match acceleration > 0.0 {
            true => acceleration.sqrt().min(speed),
            false => speed,
        }
    }

    /// The speed of the step after this one; 0 to stand.
    fn next_speed(&self) -> f64 {
        let Pace {
            speed: most,
            acceleration,
        } = self.pace;
        let goes_on = self.wanted() == Some(self.up);
        if acceleration == 0.0 {
            return if goes_on { most } else { 0.0 };
        }
        // Speeds by the number of steps in which they are reached from standing, and left again: v² / 2a, taken in the
        // middle of a step.
        let rungs = |speed: f64| match speed > 0.0 {
            true => speed * speed / (2.0 * acceleration) + 0.5,
            false => 0.0,
        };
        let (now, most) = (rungs(self.speed), rungs(most));
        let least = most.min(1.0);
        let slower = now - 1.0;
        let next = if goes_on {
            let left = match self.goal {
                Goal::To(target) => (target - self.position).unsigned_abs() as f64,
                Goal::Stand | Goal::Run { .. } => f64::INFINITY,
            };
            (now + 1.0).min(left).min(most).max(least).max(slower)
        } else if slower < least * 0.999 {
            // Where it wants to be, or where it can turn round.
            0.0
        } else {
            slower
        };
        (2.0 * acceleration * (next - 0.5).max(0.0)).sqrt()
    }

    /// Long after a step was due (the machine slept, the lines were absent), it goes on from now.
    pub fn catch_up(&mut self, now: Timestamp) {
        if let Some(due) = self.due
            && due < now
        {
            self.due = Some(now);
            if now.since(due) > STANDSTILL {
                // What has stood has to start again.
                self.speed = 0.0;
                self.due = self.wanted().map(|up| {
                    self.up = up;
                    now
                });
            }
        }
    }
}

/// A motor that has had no step for so long has lost its momentum.
const STANDSTILL: Duration = Duration::from_millis(100);

fn span(speed: f64) -> Duration {
    Duration::from_nanos((1e9 / speed) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_nanos(1_000_000_000);

    /// Makes all steps until it stands, or so many; when each was due, in milliseconds.
    fn run(motion: &mut Motion, most: usize) -> Vec<f64> {
        let mut times = Vec::new();
        while let Some(due) = motion.due().filter(|_| times.len() < most) {
            times.push(due.since(START).as_secs_f64() * 1e3);
            motion.step();
        }
        times
    }

    #[test]
    fn without_acceleration_steps_are_even() {
        let mut motion = Motion::at(10);
        motion.go(
            Goal::To(6),
            Pace {
                speed: 100.0,
                acceleration: 0.0,
            },
            START,
        );
        assert_eq!(run(&mut motion, 99), [0.0, 10.0, 20.0, 30.0]);
        assert_eq!((motion.position(), motion.is_moving()), (6, false));
    }

    #[test]
    fn with_acceleration_it_speeds_up_slows_down_and_arrives_exactly() {
        for distance in [1, 2, 3, 7, 100, 1_001] {
            let mut motion = Motion::at(0);
            motion.go(
                Goal::To(distance),
                Pace {
                    speed: 400.0,
                    acceleration: 800.0,
                },
                START,
            );
            let times = run(&mut motion, 5_000);
            assert_eq!(
                (times.len() as i64, motion.position()),
                (distance, distance)
            );
            let gaps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
            let least = gaps.iter().copied().fold(f64::INFINITY, f64::min);
            assert!(
                least >= 2.4,
                "{distance}: no faster than 400 a second: {least}"
            );
            // No step is more than twice as fast as the one before.
            assert!(
                gaps.windows(2)
                    .all(|pair| pair[1] > pair[0] / 1.8 && pair[1] < pair[0] * 1.8)
            );
            if distance == 1_001 {
                // Half a second to speed up over 100 steps, and the same to slow down.
                let whole = times[times.len() - 1];
                assert!((whole - 3_000.0).abs() < 60.0, "{whole}");
                assert!((gaps[500] - 2.5).abs() < 0.01);
            }
        }
    }

    #[test]
    fn it_turns_round_only_after_slowing_down_and_still_arrives() {
        let mut motion = Motion::at(0);
        let pace = Pace {
            speed: 400.0,
            acceleration: 800.0,
        };
        motion.go(Goal::To(1_000), pace, START);
        run(&mut motion, 200);
        let turned = motion.position();
        motion.go(Goal::To(0), pace, START);
        let mut furthest = turned;
        while motion.due().is_some() {
            motion.step();
            furthest = furthest.max(motion.position());
        }
        assert!(furthest > turned + 50, "it cannot stop at once: {furthest}");
        assert_eq!(motion.position(), 0);
    }

    #[test]
    fn a_stop_takes_as_long_as_it_has_to() {
        let mut motion = Motion::at(0);
        motion.go(
            Goal::Run { up: true },
            Pace {
                speed: 100.0,
                acceleration: 100.0,
            },
            START,
        );
        run(&mut motion, 200);
        motion.stop();
        let rest = run(&mut motion, 1_000).len();
        assert!((45..=55).contains(&rest), "100² / (2 · 100) steps: {rest}");
        let mut motion = Motion::at(0);
        motion.go(
            Goal::Run { up: false },
            Pace {
                speed: 100.0,
                acceleration: 0.0,
            },
            START,
        );
        run(&mut motion, 5);
        motion.stop();
        assert_eq!((motion.position(), motion.is_moving()), (-5, false));
    }
}
