//! SM4-GCM where the counter of 32 bits comes round in the middle of a message. Nonces of 12 bytes begin at 1, so no
//! message is long enough; others begin anywhere, and an implementation that carries into the bits above, or counts
//! less of them, is right nearly always.
#![allow(clippy::unwrap_used)]

use aes_gcm::{AesGcm, KeyInit, aead::Aead as _, aead::Payload, aead::consts::U16};
use weihe_sm::sm4::{Aead, Backend, Cipher, Ecb, GcmOpener, GcmSealer, Key, Padding};

const KEY: [u8; 16] = [0x3c; 16];

/// The product in the field of GCM (SP 800-38D, 6.3).
fn product(one: u128, two: u128) -> u128 {
    let (mut sum, mut shifted) = (0, two);
    for at in (0..128).rev() {
        if one >> at & 1 == 1 {
            sum ^= shifted;
        }
        let carry = shifted & 1;
        shifted >>= 1;
        if carry == 1 {
            shifted ^= 0xe1 << 120;
        }
    }
    sum
}

/// The number whose product with this one is 1: its power 2^128 - 2.
fn inverse(number: u128) -> u128 {
    let (mut power, mut result) = (number, 1 << 127);
    for _ in 1..128 {
        power = product(power, power);
        result = product(result, power);
    }
    result
}

fn block(number: u128) -> u128 {
    let ecb = Ecb::new(&Key::from_bytes(&KEY).unwrap());
    let encrypted = ecb.encrypt(Padding::None, &number.to_be_bytes()).unwrap();
    u128::from_be_bytes(encrypted.try_into().unwrap())
}

/// The nonce of 16 bytes under which the counter begins with `first` (SP 800-38D, 7.1, step 2, the other way round).
fn nonce(first: u128) -> [u8; 16] {
    let back = inverse(block(0));
    product(product(first, back) ^ 128, back).to_be_bytes()
}

/// `first` and the next values, of which only the lowest 32 bits count on.
fn counted(first: u128) -> impl Iterator<Item = u128> {
    let above = first & !u128::from(u32::MAX);
    (0..).map(move |more| above | u128::from((first as u32).wrapping_add(more)))
}

#[test]
fn the_counter_comes_round_within_its_32_bits() {
    let data: Vec<u8> = (0..3000u32).map(|at| at as u8).collect();
    for low in [
        u32::MAX,
        u32::MAX - 1,
        u32::MAX - 7,
        u32::MAX - 33,
        u32::MAX - 100,
        0,
    ] {
        // Ones above, so that a carry would go far.
        for above in [u128::MAX << 32, 0x0123_4567 << 96] {
            let first = above | u128::from(low);
            let nonce = nonce(first);
            let stream: Vec<u8> = counted(first)
                .skip(1)
                .take(data.len().div_ceil(16))
                .flat_map(|value| block(value).to_be_bytes())
                .collect();
            let expected: Vec<u8> = data
                .iter()
                .zip(&stream)
                .map(|(one, two)| one ^ two)
                .collect();
            let payload = Payload {
                msg: &data,
                aad: b"head",
            };
            let theirs = AesGcm::<sm4::Sm4, U16>::new(&KEY.into());
            let theirs = theirs.encrypt(&nonce.into(), payload).unwrap();
            assert_eq!(&theirs[..data.len()], expected, "the test counts wrongly");
            let tag: [u8; 16] = theirs[data.len()..].try_into().unwrap();

            for backend in Backend::all_here() {
                let cipher = Cipher::on(backend, &Key::from_bytes(&KEY).unwrap());
                let gcm = Aead::gcm(cipher.clone());
                let mut buffer = data.clone();
                assert_eq!(gcm.seal(&nonce, b"head", &mut buffer), Ok(tag));
                assert!(buffer == expected, "{backend:?} from {first:032x}");
                gcm.open(&nonce, b"head", &mut buffer, &tag).unwrap();
                assert!(buffer == data, "{backend:?} from {first:032x}");

                let mut sealer = GcmSealer::new(cipher.clone(), &nonce, b"head").unwrap();
                let mut opener = GcmOpener::new(cipher, &nonce, b"head").unwrap();
                let mut sealed = Vec::new();
                for piece in data.chunks(37) {
                    sealed.extend(sealer.update(piece).unwrap());
                }
                assert!(
                    sealed == expected,
                    "{backend:?} from {first:032x}, in pieces"
                );
                assert_eq!(sealer.finish(), tag);
                for piece in sealed.chunks(41) {
                    opener.update(piece).unwrap();
                }
                assert_eq!(opener.finish(&tag).unwrap(), data);
            }
        }
    }
}
