//! Which relay may be on when. Pure: no kernel in here.

use serde::{Deserialize, Serialize};
use weihe_sdk::{Duration, Timestamp};

/// What holds for all relays of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rules {
    /// At most one is on, and between two there is at least this.
    pub interlock: Option<Duration>,
    /// On for so long at least.
    pub min_on: Duration,
    /// Off for so long at least.
    pub min_off: Duration,
    /// On for so long at most.
    pub max_on: Option<Duration>,
}

/// A relay.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Contact {
    /// Whether it is on.
    pub on: bool,
    /// Since when.
    pub since: Timestamp,
    /// What it is asked to be.
    pub wanted: bool,
    /// For how long it is asked to be on, from when it is.
    pulse: Option<Duration>,
    /// When it goes off by itself.
    pub until: Option<Timestamp>,
}

impl Contact {
    /// One that has been on or off since then.
    pub fn new(on: bool, since: Timestamp) -> Self {
        Contact {
            on,
            since,
            wanted: on,
            pulse: None,
            until: None,
        }
    }

    /// Asks it to be on or off, on for a time if one is said.
    pub fn ask(&mut self, on: bool, pulse: Option<Duration>, now: Timestamp, rules: &Rules) {
        self.wanted = on;
        self.pulse = pulse.filter(|_| on);
        // One that is on already: its time begins anew.
        self.until = (on && self.on).then(|| self.end(now, rules)).flatten();
    }

    fn end(&self, now: Timestamp, rules: &Rules) -> Option<Timestamp> {
        let most = rules.max_on.map(|most| self.since.max(now) + most);
        let pulse = self.pulse.map(|pulse| now + pulse);
        [most, pulse].into_iter().flatten().min()
    }

    /// It was switched.
    fn switched(&mut self, on: bool, now: Timestamp, rules: &Rules) {
        if self.on != on {
            (self.on, self.since) = (on, now);
            self.until = if on { self.end(now, rules) } else { None };
        }
    }
}

/// Asks one to be on or off. With an interlock, one that is asked to be on takes the others' turn.
pub fn ask(
    contacts: &mut [Contact],
    index: usize,
    on: bool,
    pulse: Option<Duration>,
    now: Timestamp,
    rules: &Rules,
) {
    for (other, contact) in contacts.iter_mut().enumerate() {
        if other == index {
            contact.ask(on, pulse, now, rules);
        } else if on && rules.interlock.is_some() {
            contact.ask(false, None, now, rules);
        }
    }
}

/// What each is to be now. Those whose time has ended are asked to be off.
pub fn outputs(contacts: &mut [Contact], now: Timestamp, rules: &Rules) -> Vec<bool> {
    for contact in contacts.iter_mut() {
        if contact.until.is_some_and(|until| until <= now) {
            contact.ask(false, None, now, rules);
        }
    }
    (0..contacts.len())
        .map(|index| {
            let contact = &contacts[index];
            match contact.wanted == contact.on {
                true => contact.on,
                false => {
                    (wait(contacts, index, now, rules) == Some(Duration::ZERO)) == contact.wanted
                }
            }
        })
        .collect()
}

/// The relays were set like this.
pub fn switched(contacts: &mut [Contact], outputs: &[bool], now: Timestamp, rules: &Rules) {
    for (contact, on) in contacts.iter_mut().zip(outputs) {
        contact.switched(*on, now, rules);
    }
}

/// For how long one must stay as it is; `None` until another goes off.
fn wait(contacts: &[Contact], index: usize, now: Timestamp, rules: &Rules) -> Option<Duration> {
    let contact = &contacts[index];
    let left = |since: Timestamp, span: Duration| span.saturating_sub(now.since(since));
    if contact.on {
        return Some(left(contact.since, rules.min_on));
    }
    let mut longest = left(contact.since, rules.min_off);
    if let Some(pause) = rules.interlock {
        for (other, that) in contacts.iter().enumerate() {
            if other == index {
                continue;
            }
            if that.on {
                return None;
            }
            longest = longest.max(left(that.since, pause));
        }
    }
    Some(longest)
}

/// When something changes by itself.
pub fn next(contacts: &[Contact], now: Timestamp, rules: &Rules) -> Option<Duration> {
    let ends = contacts.iter().filter_map(|contact| contact.until);
    let ends = ends.map(|until| until.since(now));
    let waits = (0..contacts.len())
        .filter(|index| contacts[*index].wanted != contacts[*index].on)
        .filter_map(|index| wait(contacts, index, now, rules));
    ends.chain(waits).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_nanos((1_000 + secs) * 1_000_000_000)
    }

    const SECOND: Duration = Duration::from_secs(1);

    /// Two relays, off for long.
    fn two() -> Vec<Contact> {
        vec![Contact::new(false, Timestamp::from_nanos(0)); 2]
    }

    fn step(contacts: &mut [Contact], now: Timestamp, rules: &Rules) -> Vec<bool> {
        let outputs = outputs(contacts, now, rules);
        switched(contacts, &outputs, now, rules);
        outputs
    }

    #[test]
    fn with_an_interlock_one_goes_off_and_the_other_waits() {
        let rules = Rules {
            interlock: Some(SECOND),
            ..Rules::default()
        };
        let mut both = two();
        ask(&mut both, 0, true, None, at(0), &rules);
        assert_eq!(step(&mut both, at(0), &rules), [true, false]);
        ask(&mut both, 1, true, None, at(5), &rules);
        assert_eq!(step(&mut both, at(5), &rules), [false, false]);
        assert_eq!(next(&both, at(5), &rules), Some(SECOND));
        assert_eq!(step(&mut both, at(6), &rules), [false, true]);
        assert_eq!(next(&both, at(6), &rules), None);
    }

    #[test]
    fn least_times_are_kept_and_made_up_for() {
        let rules = Rules {
            min_on: Duration::from_secs(10),
            min_off: Duration::from_secs(5),
            ..Rules::default()
        };
        let mut one = vec![two()[0]];
        ask(&mut one, 0, true, None, at(0), &rules);
        step(&mut one, at(0), &rules);
        ask(&mut one, 0, false, None, at(3), &rules);
        assert_eq!(step(&mut one, at(3), &rules), [true]);
        assert_eq!(next(&one, at(3), &rules), Some(Duration::from_secs(7)));
        assert_eq!(step(&mut one, at(10), &rules), [false]);
        ask(&mut one, 0, true, None, at(11), &rules);
        assert_eq!(step(&mut one, at(11), &rules), [false]);
        assert_eq!(step(&mut one, at(15), &rules), [true]);
    }

    #[test]
    fn a_pulse_ends_and_the_longest_time_ends_everything() {
        let rules = Rules {
            max_on: Some(Duration::from_secs(60)),
            ..Rules::default()
        };
        let mut one = vec![two()[0]];
        ask(&mut one, 0, true, Some(SECOND), at(0), &rules);
        assert_eq!(step(&mut one, at(0), &rules), [true]);
        assert_eq!(next(&one, at(0), &rules), Some(SECOND));
        assert_eq!(step(&mut one, at(1), &rules), [false]);
        ask(&mut one, 0, true, None, at(2), &rules);
        step(&mut one, at(2), &rules);
        assert_eq!(step(&mut one, at(61), &rules), [true]);
        assert_eq!(step(&mut one, at(62), &rules), [false]);
        assert!(!one[0].wanted);
    }
}
