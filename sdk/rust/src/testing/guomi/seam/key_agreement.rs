//! `weihe:guomi/key-agreement` in native code.

use super::keys::Secret;
use super::{DEFAULT_ID, Error, PrivateKey, over, point};
use std::cell::RefCell;
use weihe_sm::sm2::exchange;

pub use super::wit::key_agreement::Parties;

#[derive(Debug)]
pub struct Initiator {
    begun: RefCell<Option<exchange::Initiator>>,
    point: [u8; 65],
    length: usize,
}

#[derive(Debug)]
pub struct Responder {
    begun: RefCell<Option<exchange::Responder>>,
    agreed: RefCell<Option<exchange::Agreed>>,
    length: usize,
}

fn peer<'a>(parties: &Parties<'a>) -> Result<exchange::Party<'a>, Error> {
    match parties.length {
        1..=1024 => Ok(exchange::Party {
            key: point(parties.peer_key)?,
            id: parties.peer_id.unwrap_or(DEFAULT_ID),
        }),
        length => Err(Error::TooLong(format!(
            "bytes to agree on: {length} is not between 1 and 1024"
        ))),
    }
}

impl Initiator {
    pub(super) fn begin(key: &PrivateKey, parties: &Parties<'_>) -> Result<Self, Error> {
        let own = parties.own_id.unwrap_or(DEFAULT_ID);
        let begun = exchange::Initiator::new(key, own, peer(parties)?)?;
        Ok(Initiator {
            point: begun.point(),
            begun: RefCell::new(Some(begun)),
            length: parties.length as usize,
        })
    }

    pub fn point(&self) -> Vec<u8> {
        self.point.to_vec()
    }

    pub fn finish(&self, point: &[u8], confirmation: &[u8]) -> Result<(Secret, Vec<u8>), Error> {
        let begun = self.begun.take().ok_or_else(over)?;
        let agreed = begun.finish(point, self.length)?;
        let own = agreed.confirmation().to_vec();
        Ok((Secret::loose(&agreed.confirm(confirmation)?), own))
    }
}

impl Responder {
    pub(super) fn begin(key: &PrivateKey, parties: &Parties<'_>) -> Result<Self, Error> {
        let own = parties.own_id.unwrap_or(DEFAULT_ID);
        let begun = exchange::Responder::new(key, own, peer(parties)?)?;
        Ok(Responder {
            begun: RefCell::new(Some(begun)),
            agreed: RefCell::new(None),
            length: parties.length as usize,
        })
    }

    pub fn respond(&self, point: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Error> {
        let begun = self.begun.take().ok_or_else(over)?;
        let own = begun.point().to_vec();
        let agreed = begun.finish(point, self.length)?;
        let confirmation = agreed.confirmation().to_vec();
        *self.agreed.borrow_mut() = Some(agreed);
        Ok((own, confirmation))
    }

    pub fn finish(&self, confirmation: &[u8]) -> Result<Secret, Error> {
        let agreed = self.agreed.take().ok_or_else(over)?;
        Ok(Secret::loose(&agreed.confirm(confirmation)?))
    }
}
