//! A steady rate with some slack, as a token bucket.

/// The slack of all rates: a second's worth may go at once.
pub const SLACK: u64 = 1_000_000_000;

/// Tokens come at a steady rate and are kept for [`SLACK`]. Who takes may go into debt, so that what
/// belongs together goes together; the average holds all the same.
///
/// Kept as the time at which the bucket is full again: no token is ever counted. Times are monotonic
/// nanoseconds.
#[derive(Debug, Clone, Copy)]
pub struct Bucket {
    rate: u64,
    full_at: u64,
}

impl Bucket {
    /// A full bucket that gets so many tokens a second; with none, nothing ever has room.
    pub fn new(rate: u32) -> Self {
        Self {
            rate: rate.into(),
            full_at: 0,
        }
    }

    /// Takes tokens, whether there are any or not.
    pub fn take(&mut self, tokens: u64, now: u64) {
        let cost = tokens
            .saturating_mul(SLACK)
            .checked_div(self.rate)
            .unwrap_or(0);
        self.full_at = self.full_at.max(now).saturating_add(cost);
    }

    /// When there is room again: now or earlier when nothing is owed.
    pub fn room_at(&self) -> u64 {
        if self.rate == 0 {
            return u64::MAX;
        }
        self.full_at.saturating_sub(SLACK)
    }

    /// Nanoseconds until nothing is owed any more.
    pub fn owes(&self, now: u64) -> u64 {
        self.room_at().saturating_sub(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seconds_worth_goes_at_once_and_the_average_holds_for_ever() {
        let mut bucket = Bucket::new(1_000);
        bucket.take(1_000, 0);
        assert_eq!(bucket.owes(0), 0, "the slack");
        let mut now = 0;
        let mut taken = 0;
        while now < 10 * SLACK {
            bucket.take(300, now);
            taken += 300;
            now += bucket.owes(now);
        }
        assert!((9_900..=10_300).contains(&taken), "{taken}");
    }

    #[test]
    fn what_was_not_used_is_not_saved_up_beyond_the_slack() {
        let mut bucket = Bucket::new(10);
        let now = 3_600 * SLACK;
        bucket.take(10, now);
        assert_eq!(bucket.owes(now), 0);
        bucket.take(1, now);
        assert_eq!(bucket.owes(now), SLACK / 10);
    }

    #[test]
    fn without_tokens_nothing_has_room_and_without_a_limit_everything() {
        assert_eq!(Bucket::new(0).owes(5), u64::MAX - 5);
        let mut unlimited = Bucket::new(u32::MAX);
        unlimited.take(1_000_000, 0);
        assert_eq!(unlimited.owes(0), 0);
    }
}
