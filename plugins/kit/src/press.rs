//! What presses of a button mean.

use serde::{Deserialize, Serialize};
use weihe_sdk::{Duration, Timestamp};

/// How long what lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// The contact has changed when it has been steady for so long.
    pub debounce: Duration,
    /// A press that lasts so long is a long one.
    pub long: Duration,
    /// Clicks with less than this between them belong together; zero: each stands alone.
    pub double: Duration,
}

/// What was meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gesture {
    /// So many short presses in a row.
    Clicks(u32),
    /// A press that has become long.
    Long,
}

/// The memory of presses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Press {
    /// Since when it is pressed.
    pressed: Option<Timestamp>,
    /// The press under way is a long one.
    long: bool,
    /// Clicks that wait for another.
    clicks: u32,
    /// When the last of them ended.
    released: Option<Timestamp>,
}

impl Press {
    /// Takes a change.
    pub fn change(
        &mut self,
        pressed: bool,
        time: Timestamp,
        timing: &Timing,
    ) -> [Option<Gesture>; 2] {
        let before = self.due(time, timing);
        let mut after = None;
        if pressed {
            (self.pressed, self.long) = (Some(time), false);
        } else if self.pressed.take().is_some() && !self.long {
            self.clicks += 1;
            self.released = Some(time);
            after = self.due(time, timing);
        }
        [before, after]
    }

    /// What has become certain by now.
    pub fn due(&mut self, now: Timestamp, timing: &Timing) -> Option<Gesture> {
        if let Some(since) = self.pressed {
            if self.long || now.since(since) < timing.long {
                return None;
            }
            self.long = true;
            // Clicks that went before are part of nothing any more.
            self.clicks = 0;
            return Some(Gesture::Long);
        }
        if self.clicks == 0 || now.since(self.released?) < timing.double {
            return None;
        }
        Some(Gesture::Clicks(std::mem::take(&mut self.clicks)))
    }

    /// When to look next, if nothing changes.
    pub fn next(&self, timing: &Timing) -> Option<Timestamp> {
        match self.pressed {
            Some(since) => (!self.long).then_some(since + timing.long),
            None if self.clicks > 0 => Some(self.released? + timing.double),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMING: Timing = Timing {
        debounce: Duration::ZERO,
        long: Duration::from_millis(1_000),
        double: Duration::from_millis(300),
    };

    fn ms(count: u64) -> Timestamp {
        Timestamp::from_nanos(count * 1_000_000)
    }

    /// What changes at these times mean, beginning with a press.
    fn meant(times: &[u64], end: u64) -> Vec<Gesture> {
        let mut press = Press::default();
        let mut meant = Vec::new();
        for (index, time) in times.iter().enumerate() {
            meant.extend(
                press
                    .change(index % 2 == 0, ms(*time), &TIMING)
                    .into_iter()
                    .flatten(),
            );
        }
        while let Some(next) = press.next(&TIMING).filter(|next| *next <= ms(end)) {
            meant.extend(press.due(next, &TIMING));
        }
        meant
    }

    #[test]
    fn clicks_belong_together_when_they_are_close() {
        assert_eq!(meant(&[0, 100], 399), []);
        assert_eq!(meant(&[0, 100], 400), [Gesture::Clicks(1)]);
        assert_eq!(meant(&[0, 100, 200, 300], 1_000), [Gesture::Clicks(2)]);
        let apart = [Gesture::Clicks(1), Gesture::Clicks(1)];
        assert_eq!(meant(&[0, 100, 500, 600], 2_000), apart);
    }

    #[test]
    fn a_long_press_is_said_while_it_lasts_and_is_no_click() {
        assert_eq!(meant(&[0], 1_000), [Gesture::Long]);
        assert_eq!(meant(&[0, 1_500], 9_000), [Gesture::Long]);
        // Seen late, after the release.
        let mut press = Press::default();
        assert_eq!(press.change(true, ms(0), &TIMING), [None, None]);
        assert_eq!(
            press.change(false, ms(1_500), &TIMING),
            [Some(Gesture::Long), None]
        );
    }

    #[test]
    fn without_a_time_between_each_click_is_said_at_once() {
        let timing = Timing {
            double: Duration::ZERO,
            ..TIMING
        };
        let mut press = Press::default();
        press.change(true, ms(0), &timing);
        assert_eq!(
            press.change(false, ms(50), &timing),
            [None, Some(Gesture::Clicks(1))]
        );
    }
}
