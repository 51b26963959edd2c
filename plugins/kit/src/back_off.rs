//! How long something that fails is left alone.

use weihe_sdk::Duration;

/// Waits that grow: each is twice as long as the one before, up to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackOff {
    first: Duration,
    last: Duration,
    next: Duration,
}

impl BackOff {
    /// From the first wait to the last.
    pub fn new(first: Duration, last: Duration) -> Self {
        BackOff {
            first,
            last,
            next: first.min(last),
        }
    }

    /// The wait after one more failure.
    pub fn fail(&mut self) -> Duration {
        let longer = Duration::from_nanos(self.next.as_nanos().saturating_mul(2));
        std::mem::replace(&mut self.next, longer.min(self.last))
    }

    /// It has worked: the next failure begins with the first wait.
    pub fn reset(&mut self) {
        self.next = self.first.min(self.last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_last_and_begin_anew_after_a_success() {
        let mut back_off = BackOff::new(Duration::from_secs(1), Duration::from_secs(5));
        let waits = [(); 5].map(|()| back_off.fail().as_secs_f64());
        assert_eq!(waits, [1.0, 2.0, 4.0, 5.0, 5.0]);
        back_off.reset();
        assert_eq!(back_off.fail(), Duration::from_secs(1));
        let mut endless = BackOff::new(Duration::from_secs(1), Duration::from_nanos(u64::MAX));
        assert!((0..80).map(|_| endless.fail()).is_sorted());
    }
}
