//! Who is served at the door: so many at a time, and a few of each certificate.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use super::role::Role;

/// Operators at a time.
pub const OPERATORS: usize = 16;

/// Operators of one certificate at a time: nobody holds the door shut alone.
pub const OF_EACH: usize = 4;

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// The certificate has as many as it may.
    Certificate,
    /// All are taken, and by nobody whose role is lower.
    Door,
}

/// The places at a door.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// From the oldest to the newest. Those who have left are known by their closed channels.
    taken: Arc<Mutex<Vec<Taken>>>,
}

#[derive(Debug)]
struct Taken {
    fingerprint: String,
    role: Role,
    until: oneshot::Sender<()>,
}

impl Places {
    /// A place for one who has a role. Where all are taken, somebody of the lowest role gives way to a higher one: of the
    /// certificate that has most places in that role, who came first.
    pub fn enter(&self, fingerprint: &str, role: Role) -> Result<Place, Full> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.retain(|place| !place.until.is_closed());
        let of = |fingerprint: &str| {
            let all = taken.iter();
            all.filter(|place| place.fingerprint == fingerprint).count()
        };
        if of(fingerprint) >= OF_EACH {
            return Err(Full::Certificate);
        }
        if taken.len() >= OPERATORS {
            let lowest = taken.iter().map(|place| place.role).min();
            let lowest = lowest.filter(|lowest| *lowest < role).ok_or(Full::Door)?;
            let lows = || taken.iter().filter(|place| place.role == lowest);
            let most = lows().map(|place| of(&place.fingerprint)).max();
            let first = taken
                .iter()
                .position(|place| place.role == lowest && Some(of(&place.fingerprint)) == most);
            // The other end of its channel is closed with this.
            first.map(|first| taken.remove(first));
        }
        let (until, over) = oneshot::channel();
        taken.push(Taken {
            fingerprint: fingerprint.to_owned(),
            role,
            until,
        });
        Ok(Place(over))
    }
}

/// A place at the door, until it is dropped.
#[derive(Debug)]
pub struct Place(oneshot::Receiver<()>);

impl Place {
    /// Waits until a higher role needs the place.
    pub async fn over(&mut self) {
        // Nothing is ever sent.
        let _ = (&mut self.0).await;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn gives_way(place: &mut Place) -> bool {
        place.0.try_recv() == Err(oneshot::error::TryRecvError::Closed)
    }

    /// Readers of four certificates, who take all places.
    fn crowded() -> (Places, Vec<Place>) {
        let places = Places::default();
        let enter =
            |number: usize| places.enter(&format!("reader-{}", number / OF_EACH), Role::Read);
        let taken = (0..OPERATORS)
            .map(|number| enter(number).unwrap())
            .collect();
        (places, taken)
    }

    #[test]
    fn a_certificate_has_a_few_places_and_gets_one_back_when_it_leaves() {
        let places = Places::default();
        let enter = |who: &str| places.enter(who, Role::Admin);
        let mut taken: Vec<Place> = (0..OF_EACH).map(|_| enter("a").unwrap()).collect();
        assert_eq!(enter("a").unwrap_err(), Full::Certificate);
        let other = enter("b");
        assert!(other.is_ok());
        drop(taken.pop());
        assert!(enter("a").is_ok());
    }

    #[test]
    fn a_higher_role_gets_the_place_of_a_lower_one_and_nobody_of_the_same() {
        let (places, mut readers) = crowded();
        assert_eq!(places.enter("other", Role::Read).unwrap_err(), Full::Door);
        let hand = places.enter("hand", Role::Operate).unwrap();
        assert!(gives_way(&mut readers[0]));
        let mut chief = places.enter("chief", Role::Admin).unwrap();
        // The first certificate has fewer than the others by now.
        assert!(gives_way(&mut readers[OF_EACH]));
        let left = readers
            .iter_mut()
            .filter_map(|place| (!gives_way(place)).then_some(()));
        assert_eq!(left.count(), OPERATORS - 2, "places stay as many");
        assert!(!gives_way(&mut chief));
        drop(hand);
    }

    #[test]
    fn among_administrators_nobody_gives_way() {
        let places = Places::default();
        let enter = |number: usize| places.enter(&format!("chief-{number}"), Role::Admin);
        let taken: Vec<Place> = (0..OPERATORS)
            .map(|number| enter(number).unwrap())
            .collect();
        assert_eq!(enter(OPERATORS).unwrap_err(), Full::Door);
        drop(taken);
        assert!(enter(OPERATORS).is_ok());
    }
}
