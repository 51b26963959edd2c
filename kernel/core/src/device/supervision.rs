//! When a trapped device is started again, and when it is given up.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::event::TopicId;

/// The pause after the first trap, in nanoseconds: short, since most faults are one bad input.
pub const FIRST_PAUSE: u64 = 10_000_000;

/// The longest pause, in nanoseconds: half a minute, so that a line that comes back is used soon.
pub const LONGEST_PAUSE: u64 = 30_000_000_000;

/// More charges than so many within [`WINDOW`] and the device is given up.
pub const BUDGET: usize = 10;

/// The span in which charges count, in nanoseconds: five minutes. Healthy time beyond it resets
/// the budget.
pub const WINDOW: u64 = 300_000_000_000;

/// Where inputs come from. When one of an origin is handled, the plugin can handle what comes from
/// there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Events of a topic.
    Topic(TopicId),
    /// Replies and bytes of a connection.
    Connection(Arc<str>),
}

/// What a trap is charged to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Blame {
    /// The plugin: nothing else is known to be at fault.
    Plugin,
    /// One of the inputs in hand, perhaps: they are delivered again to find out.
    Search,
    /// The one input in hand, which is not delivered any more.
    Poison(Origin),
}

/// The restarts of one device. Times are monotonic nanoseconds.
///
/// Each trap is one charge. When it turns out that an input was the cause, the charges of the
/// search are replaced by a single one, and that is taken back as soon as an input of the same
/// origin is handled: bad samples among good ones cost nothing in the end, while a plugin that
/// can handle nothing (of a topic, say) is given up after a few inputs.
#[derive(Debug, Default)]
pub struct Restarts {
    charges: VecDeque<(u64, Blame)>,
}

impl Restarts {
    /// Charges a trap at `now`; returns the pause before the next instance, or `None` when the
    /// budget is spent.
    pub fn after_trap(&mut self, now: u64, blame: Blame) -> Option<u64> {
        let since = now.saturating_sub(WINDOW);
        while self.charges.front().is_some_and(|(at, _)| *at < since) {
            self.charges.pop_front();
        }
        if let Blame::Poison(_) = blame {
            self.charges.retain(|(_, blame)| *blame != Blame::Search);
        }
        self.charges.push_back((now, blame));
        if self.charges.len() > BUDGET {
            return None;
        }
        let doublings = u32::try_from(self.charges.len().saturating_sub(1)).unwrap_or(u32::MAX);
        let pause = FIRST_PAUSE.saturating_mul(1_u64.checked_shl(doublings).unwrap_or(u64::MAX));
        Some(pause.min(LONGEST_PAUSE))
    }

    /// All inputs that were delivered again are handled: what is still charged to the search was
    /// nobody's fault but the plugin's.
    pub fn searched(&mut self) {
        for (_, blame) in &mut self.charges {
            if *blame == Blame::Search {
                *blame = Blame::Plugin;
            }
        }
    }

    /// When traps were charged that still count, as far as none has aged since.
    pub fn charges(&self) -> impl ExactSizeIterator<Item = u64> + '_ {
        self.charges.iter().map(|(at, _)| *at)
    }

    /// Whether anything is charged to an input.
    pub fn found_poison(&self) -> bool {
        let poison = |blame: &Blame| matches!(blame, Blame::Poison(_));
        self.charges.iter().any(|(_, blame)| poison(blame))
    }

    /// An input was handled: what others of its origin are charged with is taken back.
    pub fn handled(&mut self, origin: Origin) {
        let proven = Blame::Poison(origin);
        self.charges.retain(|(_, blame)| *blame != proven);
    }
}

/// The pause before an input that asked for a retry is delivered again: a tenth of a second,
/// doubled with each attempt, at most ten seconds.
pub fn retry_pause(attempt: u16) -> u64 {
    const FIRST: u64 = 100_000_000;
    const LONGEST: u64 = 10_000_000_000;
    let doublings = u32::from(attempt.saturating_sub(1));
    FIRST
        .saturating_mul(1_u64.checked_shl(doublings).unwrap_or(u64::MAX))
        .min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_the_budget_ends() {
        let mut restarts = Restarts::default();
        let pauses: Vec<_> = (0..BUDGET)
            .map(|_| restarts.after_trap(0, Blame::Plugin))
            .collect();
        assert_eq!(pauses[0], Some(FIRST_PAUSE));
        assert_eq!(pauses[1], Some(2 * FIRST_PAUSE));
        assert!(pauses.iter().all(Option::is_some));
        assert_eq!(restarts.after_trap(0, Blame::Plugin), None);
    }

    fn poison(topic: u32) -> Blame {
        Blame::Poison(Origin::Topic(TopicId(topic)))
    }

    #[test]
    fn a_poisonous_input_costs_one_charge_however_long_it_took_to_find() {
        let mut restarts = Restarts::default();
        for _ in 0..BUDGET {
            restarts.after_trap(0, Blame::Search);
            restarts.after_trap(0, Blame::Search);
            assert!(restarts.after_trap(0, poison(1)).is_some());
        }
        assert_eq!(restarts.after_trap(0, Blame::Search), None);
    }

    #[test]
    fn a_handled_input_takes_back_what_its_origin_was_charged_and_nothing_else() {
        let mut restarts = Restarts::default();
        for _ in 0..5 {
            restarts.after_trap(0, poison(1));
            restarts.after_trap(0, poison(2));
        }
        restarts.handled(Origin::Topic(TopicId(1)));
        assert!(restarts.found_poison());
        let pauses = (0..).map_while(|_| restarts.after_trap(0, Blame::Plugin));
        assert_eq!(pauses.count(), 5);
    }

    #[test]
    fn a_search_that_finds_nothing_stays_charged() {
        let mut restarts = Restarts::default();
        for _ in 0..BUDGET {
            restarts.after_trap(0, Blame::Search);
            restarts.searched();
        }
        assert_eq!(restarts.after_trap(0, poison(1)), None);
    }

    #[test]
    fn healthy_time_resets_the_budget() {
        let mut restarts = Restarts::default();
        for _ in 0..BUDGET {
            restarts.after_trap(0, Blame::Plugin);
        }
        let next = restarts.after_trap(WINDOW + 1, Blame::Plugin);
        assert_eq!(next, Some(FIRST_PAUSE));
    }

    #[test]
    fn retries_wait_longer_each_time_but_never_for_ever() {
        assert_eq!(retry_pause(1), 100_000_000);
        assert_eq!(retry_pause(2), 200_000_000);
        assert_eq!(retry_pause(u16::MAX), 10_000_000_000);
    }
}
