//! What the lamp shows, from what was asked for and the time. Pure: no kernel in here.

use serde::{Deserialize, Serialize};
use weihe_plugin_kit::{Blink, Ramp};
use weihe_sdk::{Duration, Timestamp};

/// Between two steps of fading: 25 a second look smooth.
const FADE_STEP: Duration = Duration::from_millis(40);

/// What is shown at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moment {
    /// In per cent.
    pub brightness: f64,
    /// When it changes.
    pub next: Option<Duration>,
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Show {
    on: bool,
    brightness: Ramp,
    blink: Option<Blink>,
}

impl Default for Show {
    fn default() -> Self {
        Show {
            on: false,
            brightness: Ramp::at(100.0),
            blink: None,
        }
    }
}

impl Show {
    /// The same, on or off.
    pub fn switched(mut self, on: bool) -> Self {
        self.switch(on);
        self
    }

    /// On with the brightness that it had, or off.
    pub fn switch(&mut self, on: bool) {
        self.blink = None;
        self.on = on;
        // On at a brightness of nothing would be a riddle.
        if on && self.brightness.target() == 0.0 {
            self.brightness = Ramp::at(100.0);
        }
    }

    /// A brightness in per cent, within a span. It switches on, or off where it is 0.
    pub fn dim(&mut self, percent: f64, now: Timestamp, span: Duration) {
        let before = match self.on {
            true => self.brightness,
            false => Ramp::at(0.0),
        };
        self.brightness = before.to(percent.clamp(0.0, 100.0), now, span);
        self.blink = None;
        self.on = percent > 0.0 || !span.is_zero();
    }

    /// Blinks.
    pub fn blink(&mut self, blink: Blink) {
        self.switch(true);
        self.blink = Some(blink);
    }

    /// Whether it is switched on, or blinks.
    pub fn is_on(&self) -> bool {
        self.on && self.brightness.target() > 0.0
    }

    /// Whether it blinks.
    pub fn is_blinking(&self, now: Timestamp) -> bool {
        self.blink.is_some_and(|blink| blink.moment(now).is_some())
    }

    /// The brightness that it has, or fades to, in per cent.
    pub fn target(&self) -> f64 {
        if self.on {
            self.brightness.target()
        } else {
            0.0
        }
    }

    /// What is shown now. Blinking that is over leaves it off.
    pub fn moment(&mut self, now: Timestamp) -> Moment {
        if !self.on {
            return Moment {
                brightness: 0.0,
                next: None,
            };
        }
        let fading = (!self.brightness.is_over(now)).then_some(FADE_STEP);
        let brightness = self.brightness.value(now);
        let Some(blink) = self.blink else {
            return Moment {
                brightness,
                next: fading,
            };
        };
        match blink.moment(now) {
            Some((lit, next)) => Moment {
                brightness: if lit { brightness } else { 0.0 },
                next: Some(fading.map_or(next, |step| step.min(next))),
            },
            None => {
                self.switch(false);
                Moment {
                    brightness: 0.0,
                    next: None,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_nanos(ms * 1_000_000)
    }

    #[test]
    fn it_blinks_as_often_as_asked_and_is_off_then() {
        let mut show = Show::default();
        let (lit, dark) = (Duration::from_millis(100), Duration::from_millis(200));
        show.blink(Blink {
            since: at(0),
            lit,
            dark,
            times: Some(2),
        });
        let shown = |show: &mut Show, ms| show.moment(at(ms)).brightness > 0.0;
        let seen = [0, 99, 100, 299, 300, 399, 400, 600].map(|ms| shown(&mut show, ms));
        assert_eq!(seen, [true, true, false, false, true, true, false, false]);
        assert!(!show.is_on() && show.moment(at(600)).next.is_none());
    }

    #[test]
    fn it_fades_from_dark_and_comes_back_as_bright_as_it_was() {
        let mut show = Show::default();
        show.dim(50.0, at(0), Duration::from_secs(1));
        assert_eq!(show.moment(at(500)).brightness, 25.0);
        assert_eq!(
            show.moment(at(1_000)),
            Moment {
                brightness: 50.0,
                next: None
            }
        );
        show.switch(false);
        assert_eq!(
            (show.moment(at(1_500)).brightness, show.target()),
            (0.0, 0.0)
        );
        show.switch(true);
        assert_eq!(show.moment(at(2_000)).brightness, 50.0);
        show.dim(0.0, at(3_000), Duration::ZERO);
        show.switch(true);
        assert_eq!(show.target(), 100.0);
    }
}
