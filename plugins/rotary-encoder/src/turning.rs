//! Quadrature: from the levels of two contacts to steps. Pure: no kernel in here.

use rotary_encoder_embedded::Direction;
use rotary_encoder_embedded::quadrature::QuadratureTableMode;
use serde::{Deserialize, Serialize};

/// What survives a swap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Place {
    /// The levels of the contacts.
    pub levels: [bool; 2],
    /// Where it is, in changes of the contacts.
    pub quarters: i64,
    /// Where it is, in steps.
    pub steps: i64,
}

/// An encoder.
pub struct Turning {
    place: Place,
    table: QuadratureTableMode,
    /// Changes for a step.
    per_step: i64,
}

impl std::fmt::Debug for Turning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.place.fmt(f)
    }
}

impl Turning {
    /// One in a place.
    pub fn new(place: Place, per_step: i64) -> Self {
        let mut table = QuadratureTableMode::new(1);
        // It begins with both contacts open; what it takes for a turn here is none.
        let [a, b] = place.levels;
        table.update(a, b);
        Turning {
            place,
            table,
            per_step,
        }
    }

    /// Where it is.
    pub fn place(&self) -> Place {
        self.place
    }

    /// A contact has changed. Returns the steps that are complete by it, clockwise above 0.
    pub fn change(&mut self, contact: usize, closed: bool) -> i64 {
        self.place.levels[contact] = closed;
        let [a, b] = self.place.levels;
        self.place.quarters += match self.table.update(a, b) {
            Direction::Clockwise => 1,
            Direction::Anticlockwise => -1,
            Direction::None => 0,
        };
        // At rest both contacts are open. Where a change was missed, the rest tells.
        if self.per_step == 4 && !a && !b {
            self.place.quarters = (self.place.quarters + 2).div_euclid(4) * 4;
        }
        // A step counts when it is complete, in either direction, so that trembling between two is none.
        let away = self.place.quarters - self.place.steps * self.per_step;
        let steps = away / self.per_step;
        self.place.steps += steps;
        steps
    }

    /// The contacts were looked at: what they are is where it goes on from.
    pub fn look(&mut self, levels: [bool; 2]) -> i64 {
        let changed: Vec<usize> = (0..2)
            .filter(|at| levels[*at] != self.place.levels[*at])
            .collect();
        changed
            .into_iter()
            .map(|at| self.change(at, levels[at]))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The changes of a step clockwise: A closes, B closes, A opens, B opens.
    const STEP: [(usize, bool); 4] = [(0, true), (1, true), (0, false), (1, false)];

    fn turn(turning: &mut Turning, changes: impl IntoIterator<Item = (usize, bool)>) -> Vec<i64> {
        changes
            .into_iter()
            .map(|(contact, closed)| turning.change(contact, closed))
            .collect()
    }

    #[test]
    fn a_step_counts_when_it_is_complete_in_both_directions() {
        let mut turning = Turning::new(Place::default(), 4);
        assert_eq!(turn(&mut turning, STEP), [0, 0, 0, 1]);
        let back = [(1, true), (0, true), (1, false), (0, false)];
        assert_eq!(turn(&mut turning, back), [0, 0, 0, -1]);
        assert_eq!(turning.place().steps, 0);
    }

    #[test]
    fn trembling_and_bouncing_are_no_steps() {
        let mut turning = Turning::new(Place::default(), 4);
        let bouncing = [
            (0, true),
            (0, false),
            (0, true),
            (1, true),
            (1, false),
            (1, true),
        ];
        assert_eq!(turn(&mut turning, bouncing).iter().sum::<i64>(), 0);
        assert_eq!(turn(&mut turning, [(0, false), (1, false)]), [0, 1]);
    }

    #[test]
    fn a_swap_in_the_middle_of_a_step_loses_nothing() {
        for at in 0..=4 {
            let mut old = Turning::new(Place::default(), 4);
            let before: i64 = turn(&mut old, STEP.into_iter().take(at)).iter().sum();
            let mut new = Turning::new(old.place(), 4);
            let after: i64 = turn(&mut new, STEP.into_iter().skip(at)).iter().sum();
            assert_eq!(before + after, 1, "{at}");
        }
    }

    #[test]
    fn half_steps_and_quarter_steps_count_as_told() {
        for (per_step, count) in [(1, 4), (2, 2)] {
            let mut turning = Turning::new(Place::default(), per_step);
            assert_eq!(turn(&mut turning, STEP).iter().sum::<i64>(), count);
        }
    }
}
