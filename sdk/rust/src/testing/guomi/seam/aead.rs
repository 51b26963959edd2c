//! `weihe:guomi/aead` in native code.

use super::keys::Secret;
use super::wit::aead::Mode;
use super::{Error, Uses, check, over};
use std::cell::RefCell;
use weihe_sm::sm4::{Aead, GcmSealer, Key, TAG};

fn of(mode: Mode, key: &Key) -> Aead {
    match mode {
        Mode::Gcm => Aead::gcm(key),
        Mode::Ccm => Aead::ccm(key),
    }
}

pub fn seal(
    key: &Secret,
    mode: Mode,
    nonce: &[u8],
    associated: &[u8],
    data: &[u8],
) -> Result<Vec<u8>, Error> {
    check(data)?;
    let mut sealed = data.to_vec();
    let tag = of(mode, &key.sm4(Uses::ENCRYPT)?).seal(nonce, associated, &mut sealed)?;
    sealed.extend(tag);
    Ok(sealed)
}

pub fn open(
    key: &Secret,
    mode: Mode,
    nonce: &[u8],
    associated: &[u8],
    sealed: &[u8],
) -> Result<Vec<u8>, Error> {
    let key = key.sm4(Uses::DECRYPT)?;
    let Some((data, tag)) = sealed.split_last_chunk::<{ TAG }>() else {
        return Err(Error::DecryptFailed);
    };
    check(data)?;
    let mut opened = data.to_vec();
    of(mode, &key).open(nonce, associated, &mut opened, tag)?;
    Ok(opened)
}

pub struct Sealing(RefCell<Option<GcmSealer>>);

impl std::fmt::Debug for Sealing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealing(..)")
    }
}

impl Sealing {
    pub fn begin(key: &Secret, nonce: &[u8], associated: &[u8]) -> Result<Self, Error> {
        let sealer = GcmSealer::new(&key.sm4(Uses::ENCRYPT)?, nonce, associated)?;
        Ok(Sealing(RefCell::new(Some(sealer))))
    }

    pub fn update(&self, data: &[u8]) -> Result<Vec<u8>, Error> {
        check(data)?;
        Ok(self
            .0
            .borrow_mut()
            .as_mut()
            .ok_or_else(over)?
            .update(data)?)
    }

    pub fn finish(&self) -> Result<Vec<u8>, Error> {
        Ok(self.0.take().ok_or_else(over)?.finish().to_vec())
    }
}
