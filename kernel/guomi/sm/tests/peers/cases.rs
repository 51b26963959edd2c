//! What is held against a peer on random data: each subject is a function that draws some, and says where both differ.

use std::num::NonZeroU32;

use weihe_sm::{
    random,
    sm3::{self, Hmac, hkdf, pbkdf2},
    sm4::{Aead, Cbc, Ctr, Ecb, Key, Padding},
};

use crate::line::Peer;

pub type Round = fn(&mut Peer) -> Result<(), String>;

/// A name, and one round.
pub type Subject = (&'static str, Round);

/// Hashes and ciphers in the modes that nearly everyone has.
pub const COMMON: [Subject; 4] = [
    ("SM3", hash),
    ("HMAC-SM3", mac),
    ("SM4-ECB", ecb),
    ("SM4-CBC", cbc),
];

/// What OpenSSL has beyond these.
pub const MORE: [Subject; 4] = [
    ("SM4-CTR", ctr),
    ("SM4-GCM", gcm),
    ("HKDF-SM3", expanded),
    ("PBKDF2-SM3", stretched),
];

pub fn bytes(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    random(&mut bytes).expect("random numbers");
    bytes
}

pub fn array<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    random(&mut bytes).expect("random numbers");
    bytes
}

pub fn number(below: usize) -> usize {
    u64::from_be_bytes(array()) as usize % below
}

/// Some data: often about as long as blocks and digests, sometimes long.
pub fn data() -> Vec<u8> {
    bytes(match number(8) {
        0 => number(3),
        1 => 14 + number(4),
        2 => 30 + number(5),
        3 => 53 + number(13),
        4 => number(5000),
        _ => number(300),
    })
}

pub fn same(what: &str, ours: &[u8], theirs: &[u8], of: &[&[u8]]) -> Result<(), String> {
    match ours == theirs {
        true => Ok(()),
        false => Err(format!(
            "{what}: {ours:02x?} here, {theirs:02x?} there, of {of:02x?}"
        )),
    }
}

pub fn well<T>(what: Result<T, weihe_sm::Error>) -> Result<T, String> {
    what.map_err(|error| error.to_string())
}

fn hash(peer: &mut Peer) -> Result<(), String> {
    let data = data();
    let theirs = peer.bytes("sm3", &[&data])?;
    same("SM3", &sm3::digest(&data), &theirs, &[&data])
}

fn mac(peer: &mut Peer) -> Result<(), String> {
    let (key, data) = (bytes(1 + number(150)), data());
    let theirs = peer.bytes("hmac", &[&key, &data])?;
    let mut mac = Hmac::new(&key);
    mac.update(&data);
    same("HMAC", &mac.finish(), &theirs, &[&key, &data])
}

fn ecb(peer: &mut Peer) -> Result<(), String> {
    let (key, data) = (array::<16>(), data());
    let ecb = Ecb::new(&well(Key::from_bytes(&key))?);
    let ours = well(ecb.encrypt(Padding::Pkcs7, &data))?;
    let theirs = peer.bytes("ecb", &[&key, &data])?;
    same("encrypted", &ours, &theirs, &[&key, &data])?;
    let back = peer.bytes("ecb-open", &[&key, &ours])?;
    same("decrypted", &data, &back, &[&key, &ours])
}

fn cbc(peer: &mut Peer) -> Result<(), String> {
    let (key, iv, data) = (array::<16>(), array::<16>(), data());
    let cbc = Cbc::new(&well(Key::from_bytes(&key))?);
    let ours = well(cbc.encrypt(&iv, Padding::Pkcs7, &data))?;
    let theirs = peer.bytes("cbc", &[&key, &iv, &data])?;
    same("encrypted", &ours, &theirs, &[&key, &iv, &data])?;
    let back = peer.bytes("cbc-open", &[&key, &iv, &ours])?;
    same("decrypted", &data, &back, &[&key, &iv, &ours])
}

fn ctr(peer: &mut Peer) -> Result<(), String> {
    let (key, mut counter, data) = (array::<16>(), array::<16>(), data());
    if number(4) == 0 {
        // Where the counter comes round.
        counter[..15].fill(0xff);
    }
    let ours = Ctr::new(&well(Key::from_bytes(&key))?, &counter).update(&data);
    let theirs = peer.bytes("ctr", &[&key, &counter, &data])?;
    same("CTR", &ours, &theirs, &[&key, &counter, &data])
}

fn gcm(peer: &mut Peer) -> Result<(), String> {
    let (key, associated, data) = (array::<16>(), data(), data());
    // OpenSSL takes 8 bytes at least here.
    let nonce = bytes(match number(3) {
        0 => 8 + number(60),
        _ => 12,
    });
    let aead = Aead::gcm(&well(Key::from_bytes(&key))?);
    let mut ours = data.clone();
    let tag = well(aead.seal(&nonce, &associated, &mut ours))?;
    let theirs = peer.bytes("gcm", &[&key, &nonce, &associated, &data])?;
    let whole = [&ours[..], &tag].concat();
    let all = [&key[..], &nonce, &associated, &data];
    same("GCM", &whole, &theirs, &all)
}

fn expanded(peer: &mut Peer) -> Result<(), String> {
    let (salt, input, info) = (data(), data(), data());
    let mut ours = vec![0; 1 + number(255 * 32)];
    well(hkdf::derive(&salt, &input, &info, &mut ours))?;
    let length = (ours.len() as u32).to_be_bytes();
    let theirs = peer.bytes("hkdf", &[&salt, &input, &info, &length])?;
    same("HKDF", &ours, &theirs, &[&salt, &input, &info])
}

fn stretched(peer: &mut Peer) -> Result<(), String> {
    let (password, salt) = (data(), data());
    let (rounds, length) = (1 + number(50) as u32, 1 + number(100));
    let ours = well(pbkdf2(
        &password,
        &salt,
        NonZeroU32::new(rounds).ok_or("no rounds")?,
        length,
    ))?;
    let (times, length) = (rounds.to_be_bytes(), (length as u32).to_be_bytes());
    let theirs = peer.bytes("pbkdf2", &[&password, &salt, &times, &length])?;
    same("PBKDF2", &ours, &theirs, &[&password, &salt, &times])
}
