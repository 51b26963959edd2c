//! Distances from the times of echoes. Pure: no kernel in here.

use weihe_sdk::{Duration, Timestamp};

/// The speed of sound in dry air, in centimetres a second: 331.3 m/s at 0 degrees Celsius, by the root of the absolute
/// temperature.
pub fn speed_of_sound(celsius: f64) -> f64 {
    33_130.0 * (1.0 + celsius / 273.15).max(0.0).sqrt()
}

/// The distance, in centimetres, from where sound comes back in such a time.
pub fn distance(echo: Duration, celsius: f64) -> f64 {
    echo.as_secs_f64() * speed_of_sound(celsius) / 2.0
}

/// A measurement under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Waiting {
    /// None.
    #[default]
    Idle,
    /// For the beginning of the echo.
    Rise,
    /// For its end.
    Fall(Timestamp),
}

impl Waiting {
    /// Takes an edge of the line. Returns how long the echo was, when it has ended.
    pub fn edge(&mut self, active: bool, time: Timestamp) -> Option<Duration> {
        match (*self, active) {
            (Waiting::Rise, true) => {
                *self = Waiting::Fall(time);
                None
            }
            (Waiting::Fall(since), false) => {
                *self = Waiting::Idle;
                Some(time.since(since))
            }
            // An end without a beginning: it belongs to a measurement that was given up.
            _ => None,
        }
    }
}

/// The last distances, of which the middle one counts: one echo from somewhere else does not.
#[derive(Debug, Clone, Default)]
pub struct Middle {
    last: Vec<f64>,
}

impl Middle {
    /// Takes a distance; the middle one of the last so many.
    pub fn take(&mut self, distance: f64, samples: usize) -> f64 {
        if self.last.len() >= samples {
            self.last.remove(0);
        }
        self.last.push(distance);
        let mut sorted = self.last.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    }

    /// Forgets them.
    pub fn clear(&mut self) {
        self.last.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_the_air_as_warm_as_it_is() {
        // 343.2 m/s at 20 degrees.
        assert!((speed_of_sound(20.0) - 34_320.0).abs() < 10.0);
        let echo = Duration::from_nanos(5_827_000);
        assert!((distance(echo, 20.0) - 100.0).abs() < 0.1);
        assert!(distance(echo, 0.0) < 97.0);
    }

    #[test]
    fn an_end_without_a_beginning_is_nothing() {
        let at = |us: u64| Timestamp::from_nanos(us * 1_000);
        let mut waiting = Waiting::Rise;
        assert_eq!(waiting.edge(false, at(1)), None);
        assert_eq!(waiting.edge(true, at(100)), None);
        assert_eq!(
            waiting.edge(false, at(600)),
            Some(Duration::from_nanos(500_000))
        );
        assert_eq!(waiting.edge(true, at(700)), None);
    }

    #[test]
    fn one_stray_echo_does_not_count() {
        let mut middle = Middle::default();
        let seen = [100.0, 101.0, 7.0, 102.0].map(|distance| middle.take(distance, 3));
        assert_eq!(seen, [100.0, 101.0, 100.0, 101.0]);
    }
}
