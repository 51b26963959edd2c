//! `weihe:guomi/cipher` in native code.

use super::keys::Secret;
use super::wit::cipher::{Direction, Mode, Padding};
use super::{Error, Uses, check, over};
use std::cell::RefCell;
use weihe_sm::sm4::{self, Cbc, Ctr, Decryptor, Ecb, Encryptor};

enum State {
    Encrypting(Encryptor),
    Decrypting(Decryptor),
    Counting(Box<Ctr>),
}

pub struct Stream(RefCell<Option<State>>);

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stream(..)")
    }
}

fn block(bytes: &[u8]) -> Result<&[u8; 16], Error> {
    let wrong = |_| Error::Malformed(format!("a mode begins with 16 bytes, not {}", bytes.len()));
    bytes.try_into().map_err(wrong)
}

impl Stream {
    pub fn open(
        key: &Secret,
        direction: Direction,
        mode: Mode<'_>,
        padding: Padding,
    ) -> Result<Self, Error> {
        let padding = match padding {
            Padding::None => sm4::Padding::None,
            Padding::Pkcs7 => sm4::Padding::Pkcs7,
        };
        let encrypts = direction == Direction::Encrypt;
        let key = &key.sm4(if encrypts {
            Uses::ENCRYPT
        } else {
            Uses::DECRYPT
        })?;
        let state = match (mode, encrypts) {
            (Mode::Ctr(counter), _) => State::Counting(Box::new(Ctr::new(key, block(counter)?))),
            (Mode::Cbc(iv), true) => {
                State::Encrypting(Cbc::new(key).encryptor(block(iv)?, padding))
            }
            (Mode::Cbc(iv), false) => {
                State::Decrypting(Cbc::new(key).decryptor(block(iv)?, padding))
            }
            (Mode::Ecb, true) => State::Encrypting(Ecb::new(key).encryptor(padding)),
            (Mode::Ecb, false) => State::Decrypting(Ecb::new(key).decryptor(padding)),
        };
        Ok(Stream(RefCell::new(Some(state))))
    }

    pub fn update(&self, data: &[u8]) -> Result<Vec<u8>, Error> {
        check(data)?;
        Ok(match self.0.borrow_mut().as_mut().ok_or_else(over)? {
            State::Encrypting(state) => state.update(data),
            State::Decrypting(state) => state.update(data),
            State::Counting(state) => state.update(data),
        })
    }

    pub fn finish(&self) -> Result<Vec<u8>, Error> {
        Ok(match self.0.take().ok_or_else(over)? {
            State::Encrypting(state) => state.finish()?,
            State::Decrypting(state) => state.finish()?,
            State::Counting(_) => Vec::new(),
        })
    }
}

fn whole(stream: Stream, data: &[u8]) -> Result<Vec<u8>, Error> {
    let mut out = stream.update(data)?;
    out.extend(stream.finish()?);
    Ok(out)
}

pub fn encrypt(
    key: &Secret,
    mode: Mode<'_>,
    padding: Padding,
    data: &[u8],
) -> Result<Vec<u8>, Error> {
    whole(Stream::open(key, Direction::Encrypt, mode, padding)?, data)
}

pub fn decrypt(
    key: &Secret,
    mode: Mode<'_>,
    padding: Padding,
    data: &[u8],
) -> Result<Vec<u8>, Error> {
    whole(Stream::open(key, Direction::Decrypt, mode, padding)?, data)
}
