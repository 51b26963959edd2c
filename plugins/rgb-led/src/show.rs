//! What the lamp shows, from what was asked for and the time. Pure: no kernel in here.

use serde::{Deserialize, Serialize};
use weihe_plugin_kit::{Blink, Ramp};
use weihe_sdk::{Duration, Timestamp};

use crate::Color;

/// Between two steps of fading: 25 a second look smooth.
const STEP: Duration = Duration::from_millis(40);

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Show {
    on: bool,
    color: Color,
    ramps: [Ramp; 3],
    blink: Option<Blink>,
    /// Going round the colours: since when, and how long a round takes.
    round: Option<(Timestamp, Duration)>,
}

impl Default for Show {
    fn default() -> Self {
        Show {
            on: false,
            color: Color::WHITE,
            ramps: [Ramp::at(255.0); 3],
            blink: None,
            round: None,
        }
    }
}

impl Show {
    /// On with the colour that it had, or off.
    pub fn switch(&mut self, on: bool) {
        (self.blink, self.round) = (None, None);
        self.on = on;
        if on && self.color == Color::BLACK {
            *self = Show {
                on,
                ..Show::default()
            };
        }
    }

    /// A colour, within a span.
    pub fn color(&mut self, color: Color, now: Timestamp, span: Duration) {
        let shown = self.shown(now);
        let mut at = 0;
        self.ramps = color.0.map(|target| {
            let from = Ramp::at(shown[at]);
            at += 1;
            from.to(f64::from(target), now, span)
        });
        (self.blink, self.round, self.color, self.on) = (None, None, color, true);
    }

    /// Blinks in the colour that it has.
    pub fn blink(&mut self, blink: Blink) {
        self.switch(true);
        self.blink = Some(blink);
    }

    /// Goes round the colours.
    pub fn rainbow(&mut self, now: Timestamp, period: Duration) {
        self.switch(true);
        self.round = Some((now, period));
    }

    /// Whether it is switched on.
    pub fn is_on(&self) -> bool {
        self.on && (self.color != Color::BLACK || self.round.is_some())
    }

    /// The colour that it has, or fades to.
    pub fn target(&self) -> Color {
        if self.on { self.color } else { Color::BLACK }
    }

    fn shown(&self, now: Timestamp) -> [f64; 3] {
        match (self.on, self.round) {
            (false, _) => [0.0; 3],
            (true, Some((since, period))) => {
                hue(now.since(since).as_secs_f64() / period.as_secs_f64())
            }
            (true, None) => self.ramps.map(|ramp| ramp.value(now)),
        }
    }

    /// What is shown now, 0 to 255, and when that changes. Blinking that is over leaves it off.
    pub fn moment(&mut self, now: Timestamp) -> ([f64; 3], Option<Duration>) {
        let shown = self.shown(now);
        let moves = self.round.is_some() || self.ramps.iter().any(|ramp| !ramp.is_over(now));
        let step = (self.on && moves).then_some(STEP);
        match self.blink.map(|blink| blink.moment(now)) {
            None => (shown, step),
            Some(Some((lit, next))) => {
                let next = step.map_or(next, |step| step.min(next));
                (if lit { shown } else { [0.0; 3] }, Some(next))
            }
            Some(None) => {
                self.switch(false);
                ([0.0; 3], None)
            }
        }
    }
}

/// The colour at a place of the circle, 0 to 1: red, green, blue and red again.
fn hue(turns: f64) -> [f64; 3] {
    let place = turns.rem_euclid(1.0) * 6.0;
    [5.0, 3.0, 1.0].map(|offset| {
        let distance = (place + offset).rem_euclid(6.0);
        // HSV to RGB with full saturation and value (A. R. Smith, 1978).
        let value = 1.0 - distance.min(4.0 - distance).clamp(0.0, 1.0);
        value * 255.0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_nanos(ms * 1_000_000)
    }

    #[test]
    fn it_fades_from_what_is_shown() {
        let mut show = Show::default();
        show.color(Color([200, 0, 100]), at(0), Duration::from_secs(1));
        assert_eq!(show.moment(at(500)), ([100.0, 0.0, 50.0], Some(STEP)));
        show.color(Color([0, 0, 0]), at(500), Duration::from_secs(1));
        assert_eq!(show.moment(at(1_000)).0, [50.0, 0.0, 25.0]);
        assert_eq!(show.moment(at(1_500)), ([0.0; 3], None));
        assert!(!show.is_on());
    }

    #[test]
    fn a_round_begins_with_red_and_passes_green_and_blue() {
        assert_eq!(hue(0.0), [255.0, 0.0, 0.0]);
        assert_eq!(hue(1.0 / 3.0).map(f64::round), [0.0, 255.0, 0.0]);
        assert_eq!(hue(2.0 / 3.0).map(f64::round), [0.0, 0.0, 255.0]);
        assert_eq!(hue(1.0 / 6.0).map(f64::round), [255.0, 255.0, 0.0]);
    }
}
