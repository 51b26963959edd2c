//! Warnings that others can cause as often as they like: the first of each is logged, those that follow within a minute
//! are counted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// How long the first stands for those that follow.
const WINDOW: Duration = Duration::from_secs(60);

/// Who is told apart at a time. All others are one.
const WHO: usize = 64;

/// What is told apart of each at a time: a scanner does not hide the expired certificate of an operator behind the same
/// address, and what varies without end is one.
const WHAT: usize = 8;

/// Who, or what, is one too many.
const OTHERS: &str = "others";

/// Which warnings have been logged lately.
#[derive(Debug, Clone, Default)]
pub struct Paced(Arc<Counts>);

/// By who and what: how many were left out.
#[derive(Debug, Default)]
struct Counts(Mutex<HashMap<String, HashMap<String, u64>>>);

impl Paced {
    /// Logs a warning about somebody, unless the same was logged within a minute. It is counted then, and the count is
    /// logged at the end of the minute.
    pub fn warn(&self, who: &str, what: &str, message: &str) {
        let Some((who, what)) = self.0.open(who, what) else {
            return;
        };
        tracing::warn!("{message}");
        let counts = Arc::downgrade(&self.0);
        tokio::spawn(close(counts, who, what));
    }
}

/// Ends a window in time, as long as there is anybody who counts.
async fn close(counts: Weak<Counts>, who: String, what: String) {
    tokio::time::sleep(WINDOW).await;
    if let Some(counts) = counts.upgrade() {
        let left_out = counts.close(&who, &what);
        tell(&who, &what, left_out);
    }
}

fn tell(who: &str, what: &str, left_out: u64) {
    if left_out > 0 {
        tracing::warn!("the control door: {left_out} more of {who} within a minute: {what}");
    }
}

impl Counts {
    /// Opens a window for the first; counts the others.
    fn open(&self, who: &str, what: &str) -> Option<(String, String)> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let who = match all.len() < WHO || all.contains_key(who) {
            true => who,
            false => OTHERS,
        };
        let of = all.entry(who.to_owned()).or_default();
        let what = match of.len() < WHAT || of.contains_key(what) {
            true => what,
            false => OTHERS,
        };
        if let Some(left_out) = of.get_mut(what) {
            *left_out += 1;
            return None;
        }
        of.insert(what.to_owned(), 0);
        Some((who.to_owned(), what.to_owned()))
    }

    /// Closes a window; how many were left out.
    fn close(&self, who: &str, what: &str) -> u64 {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(of) = all.get_mut(who) else { return 0 };
        let left_out = of.remove(what).unwrap_or_default();
        if of.is_empty() {
            all.remove(who);
        }
        left_out
    }
}

impl Drop for Counts {
    /// What was counted is told when the door closes.
    fn drop(&mut self) {
        let all = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        for (who, of) in all.drain() {
            for (what, left_out) in of {
                tell(&who, &what, left_out);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_each_is_said_and_the_others_are_counted() {
        let counts = Counts::default();
        assert!(counts.open("10.0.0.1", "no TLS").is_some());
        for _ in 0..2_000 {
            assert_eq!(counts.open("10.0.0.1", "no TLS"), None);
        }
        assert!(counts.open("10.0.0.1", "expired").is_some());
        assert!(counts.open("10.0.0.2", "no TLS").is_some());
        assert_eq!(counts.close("10.0.0.1", "no TLS"), 2_000);
        assert!(counts.open("10.0.0.1", "no TLS").is_some(), "a new minute");
    }

    #[test]
    fn what_varies_without_end_is_said_a_few_times_and_all_of_it_is_counted() {
        let counts = Counts::default();
        let open = |who: u32, what: u32| counts.open(&who.to_string(), &what.to_string());
        let of_one = (0..1_000).filter_map(|what| open(0, what)).count();
        assert_eq!(of_one, WHAT + 1);
        let of_all = (1..10_000).filter_map(|who| open(who, 0)).count();
        assert_eq!(of_all, WHO);
        assert_eq!(counts.close("0", OTHERS), 1_000 - of_one as u64);
        assert_eq!(counts.close(OTHERS, "0"), 9_999 - of_all as u64);
    }
}
