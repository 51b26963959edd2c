//! Our side of what is measured, as OpenSSL's program has it: the same keys, data and order.

use weihe_sm::sm2::{Layout, PrivateKey, Signature};
use weihe_sm::sm3::{Hmac, digest};
use weihe_sm::sm4::{Aead, Backend, Cbc, Cipher, Ctr, Key, NONCE, Padding};

use crate::{pki, text};

/// Something that is done again and again.
pub trait Work {
    /// Does it once.
    fn once(&mut self) -> Result<(), String>;

    /// What it came to.
    fn result(&self) -> Vec<u8>;
}

/// What both sides compute with.
pub fn data(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at * 7 + 3) as u8).collect()
}

const IV: [u8; 16] = [1; 16];

fn key() -> Result<Key, String> {
    let bytes: [u8; 16] = std::array::from_fn(|at| at as u8);
    Key::from_bytes(&bytes).map_err(text)
}

/// Work on data where it is, with something after it: a tag.
struct InPlace<F> {
    data: Vec<u8>,
    after: Vec<u8>,
    work: F,
}

type Made = Result<Box<dyn Work>, String>;

fn in_place<F>(size: usize, work: F) -> Made
where
    F: FnMut(&mut Vec<u8>, &mut Vec<u8>) -> Result<(), weihe_sm::Error> + 'static,
{
    Ok(Box::new(InPlace {
        data: data(size),
        after: Vec::new(),
        work,
    }))
}

impl<F> Work for InPlace<F>
where
    F: FnMut(&mut Vec<u8>, &mut Vec<u8>) -> Result<(), weihe_sm::Error>,
{
    fn once(&mut self) -> Result<(), String> {
        (self.work)(&mut self.data, &mut self.after).map_err(text)
    }

    fn result(&self) -> Vec<u8> {
        [&self.data[..], &self.after].concat()
    }
}

fn aead(size: usize, aead: Aead) -> Made {
    in_place(size, move |data, tag| {
        let made = aead.seal(&IV[..NONCE], b"", data)?;
        tag.resize(made.len(), 0);
        tag.copy_from_slice(&made);
        Ok(())
    })
}

pub fn gcm(backend: Backend, size: usize) -> Made {
    aead(size, Aead::gcm(Cipher::on(backend, &key()?)))
}

pub fn ccm(backend: Backend, size: usize) -> Made {
    aead(size, Aead::ccm(Cipher::on(backend, &key()?)))
}

pub fn ctr(backend: Backend, size: usize) -> Made {
    let mut ctr = Ctr::new(Cipher::on(backend, &key()?), &IV);
    in_place(size, move |data, _| {
        ctr.apply(data);
        Ok(())
    })
}

pub fn cbc(backend: Backend, size: usize) -> Made {
    let cbc = Cbc::new(Cipher::on(backend, &key()?));
    in_place(size, move |data, _| {
        *data = cbc.encrypt(&IV, Padding::None, data)?;
        Ok(())
    })
}

/// Work whose few bytes stand apart from the data.
struct Apart<F> {
    data: Vec<u8>,
    made: Vec<u8>,
    work: F,
}

fn apart<F>(data: Vec<u8>, work: F) -> Made
where
    F: FnMut(&[u8]) -> Result<Vec<u8>, weihe_sm::Error> + 'static,
{
    Ok(Box::new(Apart {
        data,
        made: Vec::new(),
        work,
    }))
}

impl<F> Work for Apart<F>
where
    F: FnMut(&[u8]) -> Result<Vec<u8>, weihe_sm::Error>,
{
    fn once(&mut self) -> Result<(), String> {
        self.made = (self.work)(&self.data).map_err(text)?;
        Ok(())
    }

    fn result(&self) -> Vec<u8> {
        self.made.clone()
    }
}

pub fn sm3(size: usize) -> Made {
    apart(data(size), |data| Ok(digest(data).to_vec()))
}

pub fn hmac(size: usize) -> Made {
    let key = key()?;
    apart(data(size), move |data| {
        let mut mac = Hmac::new(key.as_bytes());
        mac.update(data);
        Ok(mac.finish().to_vec())
    })
}

/// The server's key, which both sides use.
pub fn pair() -> Result<PrivateKey, String> {
    let file = pki("server.key.pem");
    let pem = std::fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?;
    PrivateKey::from_pem(&pem, None).map_err(text)
}

/// As an array: what is signed is a digest.
fn signed() -> [u8; 32] {
    std::array::from_fn(|at| (at * 7 + 3) as u8)
}

pub fn sign() -> Made {
    let (key, digest) = (pair()?, signed());
    apart(Vec::new(), move |_| Ok(key.sign_digest(&digest)?.to_der()))
}

/// Of one signature.
pub fn verify(der: &[u8]) -> Made {
    let (key, digest) = (pair()?.public_key(), signed());
    apart(der.to_vec(), move |der| {
        key.verify_digest(&digest, &Signature::from_der(der)?)?;
        Ok(digest.to_vec())
    })
}

pub fn encrypt(size: usize) -> Made {
    let key = pair()?.public_key();
    apart(data(size), move |data| key.encrypt(Layout::Der, data))
}

/// Of one ciphertext.
pub fn decrypt(ciphertext: &[u8]) -> Made {
    let key = pair()?;
    apart(ciphertext.to_vec(), move |ciphertext| {
        Ok(key.decrypt(Layout::Der, ciphertext)?.to_vec())
    })
}
