//! Pauses between attempts to open: exponential, with jitter.

use super::limits::JITTER_PERCENT;

/// The pauses of one connection.
pub(super) struct Backoff {
    min: u64,
    max: u64,
    next: u64,
    random: u64,
}

impl Backoff {
    /// Pauses from `min` to `max` nanoseconds. `seed` tells connections apart.
    pub(super) fn new(min: u64, max: u64, seed: u64) -> Self {
        Self {
            min,
            max,
            next: min,
            // Never 0, the one state that the generator cannot leave.
            random: seed | 1,
        }
    }

    /// The next pause; the one after it is twice as long.
    pub(super) fn pause(&mut self) -> u64 {
        let pause = self.next;
        self.next = pause.saturating_mul(2).min(self.max);
        // xorshift64: spreads connections apart, nothing depends on its quality.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let reach = pause / 100 * JITTER_PERCENT;
        let offset = self.random % reach.saturating_mul(2).saturating_add(1);
        (pause - reach).saturating_add(offset)
    }

    /// The link was sound: the next pause is the first again.
    pub(super) fn reset(&mut self) {
        self.next = self.min;
    }
}

/// A seed from a connection's name (FNV-1a), so that the same system pauses the same way twice.
pub(super) fn seed(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_start_over() {
        let mut backoff = Backoff::new(1_000, 8_000, seed("field"));
        for expected in [1_000, 2_000, 4_000, 8_000, 8_000] {
            let pause = backoff.pause();
            assert!(
                (expected * 8 / 10..=expected * 12 / 10).contains(&pause),
                "{pause}"
            );
        }
        backoff.reset();
        assert!(backoff.pause() <= 1_200);
    }

    #[test]
    fn two_connections_do_not_knock_together() {
        let pauses = |name| {
            let mut backoff = Backoff::new(1_000_000, 1_000_000, seed(name));
            [backoff.pause(), backoff.pause(), backoff.pause()]
        };
        assert_ne!(pauses("one"), pauses("two"));
        assert_eq!(pauses("one"), pauses("one"));
    }

    #[test]
    fn the_longest_spans_do_not_overflow() {
        let mut backoff = Backoff::new(u64::MAX, u64::MAX, 0);
        assert!(backoff.pause() > 0);
        assert!(Backoff::new(0, 0, 7).pause() == 0);
    }
}
