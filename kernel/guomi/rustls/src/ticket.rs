use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use rustls::{crypto::GetRandomFailed, server::ProducesTickets, ticketer::TicketRotator};
use weihe_sm::sm4::{Aead, Key, NONCE, TAG};

use crate::Error;

/// Seconds for which one key makes tickets: six hours. It opens them for as long again.
const ROTATION: u32 = 6 * 60 * 60;
/// Bytes that name a key, so that a ticket of another is told from one that was tampered with.
const NAME: usize = 16;

/// Session tickets under SM4-GCM, with a random key that is replaced every six hours; a ticket can be used for twelve
/// at most.
///
/// [`server_config`](crate::server_config) has one. Servers that shall resume one another's sessions share it.
///
/// # Errors
/// [`Error::Rustls`] where the system has no random bytes.
pub fn ticketer() -> Result<Arc<dyn ProducesTickets>, Error> {
    Ok(Arc::new(TicketRotator::new(ROTATION, generate)?))
}

fn generate() -> Result<Box<dyn ProducesTickets>, GetRandomFailed> {
    let mut name = [0; NAME];
    weihe_sm::random(&mut name).map_err(|_| GetRandomFailed)?;
    let key = Key::generate().map_err(|_| GetRandomFailed)?;
    Ok(Box::new(Ticketer {
        name,
        aead: Aead::gcm(&key),
        longest: AtomicUsize::new(0),
    }))
}

/// Tickets under one key: its name, a random nonce, the sealed session, the tag.
#[derive(Debug)]
struct Ticketer {
    name: [u8; NAME],
    aead: Aead,
    /// The length of the longest ticket so far: a longer one cannot be ours, and decrypting it would be work for
    /// nothing.
    longest: AtomicUsize,
}

impl ProducesTickets for Ticketer {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        2 * ROTATION
    }

    fn encrypt(&self, session: &[u8]) -> Option<Vec<u8>> {
        // Random, as a counter would tell how many sessions there were. 2^32 tickets would be too many for it; no
        // server makes as many in six hours.
        let mut nonce = [0; NONCE];
        weihe_sm::random(&mut nonce).ok()?;
        let head = NAME + NONCE;
        let mut ticket = Vec::with_capacity(head + session.len() + TAG);
        ticket.extend_from_slice(&self.name);
        ticket.extend_from_slice(&nonce);
        ticket.extend_from_slice(session);
        let sealed = ticket.get_mut(head..)?;
        let tag = self.aead.seal(&nonce, &self.name, sealed).ok()?;
        ticket.extend_from_slice(&tag);
        self.longest.fetch_max(ticket.len(), Ordering::Relaxed);
        Some(ticket)
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        if ticket.len() > self.longest.load(Ordering::Relaxed) {
            return None;
        }
        let (name, rest) = ticket.split_first_chunk::<NAME>()?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE>()?;
        let (sealed, tag) = rest.split_last_chunk::<TAG>()?;
        if *name != self.name {
            return None;
        }
        let mut session = sealed.to_vec();
        self.aead.open(nonce, name, &mut session, tag).ok()?;
        Some(session)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_opens_whole_and_with_its_own_key_only() {
        let ticketer = generate().unwrap();
        let ticket = ticketer.encrypt(b"session").unwrap();
        assert_eq!(ticketer.decrypt(&ticket).as_deref(), Some(&b"session"[..]));
        assert_eq!(generate().unwrap().decrypt(&ticket), None);
        for length in 0..ticket.len() {
            assert_eq!(ticketer.decrypt(&ticket[..length]), None);
        }
        for at in 0..ticket.len() {
            let mut tampered = ticket.clone();
            tampered[at] ^= 1;
            assert_eq!(ticketer.decrypt(&tampered), None, "byte {at}");
        }
        let mut long = ticket.clone();
        long.push(0);
        assert_eq!(ticketer.decrypt(&long), None);
    }

    #[test]
    fn two_tickets_of_one_session_have_nothing_in_common_but_the_key() {
        let ticketer = generate().unwrap();
        let (one, two) = (
            ticketer.encrypt(b"session").unwrap(),
            ticketer.encrypt(b"session").unwrap(),
        );
        assert_eq!(one[..NAME], two[..NAME]);
        assert_ne!(one[NAME..], two[NAME..]);
    }
}
