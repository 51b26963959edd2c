//! A push button: a contact that bounces, and presses that mean something.

use serde::{Deserialize, Serialize};
use weihe_sdk::Timestamp;

use crate::{Debounce, Gesture, Press, Timing};

/// What has become certain of a push button.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// It was pressed (true) or released at a time.
    Pressed(bool, Timestamp),
    /// Something was meant.
    Meant(Gesture),
}

/// What is known of a push button. It survives a swap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Push {
    contact: Debounce,
    press: Press,
}

impl Push {
    /// One that is pressed or not. A press that began before is none.
    pub fn new(pressed: bool) -> Self {
        Push {
            contact: Debounce::new(pressed),
            press: Press::default(),
        }
    }

    /// Whether it is pressed.
    pub fn is_pressed(&self) -> bool {
        self.contact.is_active()
    }

    /// Takes an edge, or the level as it was read.
    pub fn edge(&mut self, active: bool, time: Timestamp, timing: &Timing) -> Vec<Said> {
        let mut said = Vec::new();
        let before = self.contact.edge(active, time, timing.debounce);
        self.change(before, timing, &mut said);
        self.look(time, timing, &mut said);
        said
    }

    /// What has become certain by now.
    pub fn due(&mut self, now: Timestamp, timing: &Timing) -> Vec<Said> {
        let mut said = Vec::new();
        self.look(now, timing, &mut said);
        said
    }

    /// When to look next, if no edge comes.
    pub fn next(&self, timing: &Timing) -> Option<Timestamp> {
        let contact = self.contact.next(timing.debounce);
        contact.or(self.press.next(timing))
    }

    fn look(&mut self, now: Timestamp, timing: &Timing, said: &mut Vec<Said>) {
        let change = self.contact.due(now, timing.debounce);
        self.change(change, timing, said);
        // What a pending change may end is not certain yet.
        if self.contact.next(timing.debounce).is_none() {
            said.extend(self.press.due(now, timing).map(Said::Meant));
        }
    }

    fn change(&mut self, change: Option<(bool, Timestamp)>, timing: &Timing, said: &mut Vec<Said>) {
        let Some((pressed, time)) = change else {
            return;
        };
        // What went before the change was meant before it.
        let [before, after] = self.press.change(pressed, time, timing);
        said.extend(before.map(Said::Meant));
        said.push(Said::Pressed(pressed, time));
        said.extend(after.map(Said::Meant));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weihe_sdk::Duration;

    #[test]
    fn a_long_press_that_ends_during_a_bounce_is_told_in_order() {
        let at = |ms: u64| Timestamp::from_nanos(ms * 1_000_000);
        let timing = Timing {
            debounce: Duration::from_millis(10),
            long: Duration::from_millis(500),
            double: Duration::ZERO,
        };
        let mut push = Push::new(false);
        assert_eq!(push.edge(true, at(0), &timing), []);
        assert_eq!(push.due(at(10), &timing), [Said::Pressed(true, at(0))]);
        // Released a moment before it is long: what is certain waits until the contact is steady.
        assert_eq!(push.edge(false, at(495), &timing), []);
        assert_eq!(push.due(at(500), &timing), []);
        assert_eq!(
            push.due(at(505), &timing),
            [
                Said::Pressed(false, at(495)),
                Said::Meant(Gesture::Clicks(1))
            ]
        );
    }
}
