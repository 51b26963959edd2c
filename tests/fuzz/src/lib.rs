//! What the targets for national cryptography share: valid input that the generated one changes, keys, and DER.
//!
//! Signatures and authenticated encryption keep arbitrary bytes from getting far. So these targets also begin with
//! something valid, and are given what to change.

pub mod pair;

use std::sync::LazyLock;

use weihe_sm::sm2::{DEFAULT_ID, PrivateKey};

/// What to change: where, how, and a value.
pub type Changes = Vec<(u16, u8, u8)>;

/// `valid` with changes.
pub fn changed(valid: &[u8], changes: &[(u16, u8, u8)]) -> Vec<u8> {
    let mut bytes = valid.to_vec();
    for &(place, how, value) in changes.iter().take(16) {
        let at = usize::from(place) % (bytes.len() + 1);
        match (how % 6, bytes.get_mut(at)) {
            (0, Some(byte)) => *byte ^= value,
            (1, Some(byte)) => *byte = value,
            (2, _) => bytes.insert(at, value),
            (3, Some(_)) => drop(bytes.remove(at)),
            (4, _) => bytes.truncate(at),
            (5, _) => {
                // A piece of it once more, in another place.
                let end = (at + usize::from(value)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                let to = usize::from(place.rotate_left(8)) % (bytes.len() + 1);
                bytes.splice(to..to, piece);
            }
            _ => {}
        }
    }
    bytes
}

/// The key that signs and decrypts here.
pub static KEY: LazyLock<PrivateKey> =
    LazyLock::new(|| PrivateKey::from_bytes(&[7; 32]).expect("a key"));

/// The signature algorithm, SM2 with SM3 (GM/T 0006-2012), as an AlgorithmIdentifier.
const SM2_SM3: &[u8] = &[
    0x30, 0x0a, 0x06, 0x08, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x83, 0x75,
];

/// A certificate or a request: `body` as it is, signed by [`KEY`].
pub fn signed(body: &[u8]) -> Vec<u8> {
    let signature = KEY.sign(DEFAULT_ID, body).expect("a signature").to_der();
    let bits = element(0x03, &[&[0], &signature[..]].concat());
    element(0x30, &[body, SM2_SM3, &bits].concat())
}

/// The first element in what a SEQUENCE holds, with its head: the signed part of a certificate or a request.
pub fn body(der: &[u8]) -> &[u8] {
    let (_, content) = head(der);
    let rest = &der[content..];
    let (length, content) = head(rest);
    &rest[..content + length]
}

/// The length of what an element holds, and where that begins.
fn head(der: &[u8]) -> (usize, usize) {
    match der[1] {
        0x81 => (usize::from(der[2]), 3),
        0x82 => (usize::from(u16::from_be_bytes([der[2], der[3]])), 4),
        short => (usize::from(short), 2),
    }
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let head = match length {
        0..=0x7f => vec![tag, length as u8],
        0x80..=0xff => vec![tag, 0x81, length as u8],
        0x100..=0xffff => [&[tag, 0x82][..], &(length as u16).to_be_bytes()].concat(),
        _ => [&[tag, 0x83][..], &(length as u32).to_be_bytes()[1..]].concat(),
    };
    [&head[..], content].concat()
}
