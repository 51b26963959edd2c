//! `weihe:guomi/digest` in native code.

use super::{Error, check};
use std::cell::RefCell;

pub fn sm3(data: &[u8]) -> Result<Vec<u8>, Error> {
    check(data)?;
    Ok(weihe_sm::sm3::digest(data).to_vec())
}

#[derive(Debug, Default)]
pub struct Hasher(RefCell<weihe_sm::sm3::Sm3>);

impl Hasher {
    pub fn open() -> Result<Self, Error> {
        Ok(Self::default())
    }

    pub fn update(&self, data: &[u8]) -> Result<(), Error> {
        check(data)?;
        self.0.borrow_mut().update(data);
        Ok(())
    }

    pub fn finish(&self) -> Result<Vec<u8>, Error> {
        Ok(self.0.take().finish().to_vec())
    }
}
