//! `weihe:guomi/mac` in native code.

use super::keys::Secret;
use super::{Error, Uses, check, has};
use std::cell::RefCell;
use weihe_sm::sm3::Hmac;

fn made(key: &[u8], data: &[u8]) -> Result<Hmac, Error> {
    check(data)?;
    let mut mac = Hmac::new(key);
    mac.update(data);
    Ok(mac)
}

pub fn hmac_sm3(key: &Secret, data: &[u8]) -> Result<Vec<u8>, Error> {
    Ok(made(key.to(Uses::MAC)?, data)?.finish().to_vec())
}

pub fn verify(key: &Secret, data: &[u8], code: &[u8]) -> Result<bool, Error> {
    Ok(made(key.to(Uses::VERIFY)?, data)?.verify(code).is_ok())
}

#[derive(Debug)]
pub struct Hasher {
    state: RefCell<Hmac>,
    uses: Uses,
}

impl Hasher {
    pub fn open(key: &Secret) -> Result<Self, Error> {
        let bytes = key.to(Uses::MAC).or_else(|_| key.to(Uses::VERIFY))?;
        Ok(Hasher {
            state: RefCell::new(Hmac::new(bytes)),
            uses: key.uses,
        })
    }

    pub fn update(&self, data: &[u8]) -> Result<(), Error> {
        check(data)?;
        self.state.borrow_mut().update(data);
        Ok(())
    }

    fn state(&self, wanted: Uses) -> Result<Hmac, Error> {
        match has(self.uses, wanted) {
            true => Ok(self.state.borrow().clone()),
            false => Err(Error::WrongUse(
                "the key was not opened for this".to_owned(),
            )),
        }
    }

    pub fn finish(&self) -> Result<Vec<u8>, Error> {
        Ok(self.state(Uses::MAC)?.finish().to_vec())
    }

    pub fn verify(&self, code: &[u8]) -> Result<bool, Error> {
        Ok(self.state(Uses::VERIFY)?.verify(code).is_ok())
    }
}
