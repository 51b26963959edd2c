//! SM4 and its modes against the vectors of the standards.
#![allow(clippy::unwrap_used)]

use weihe_sm::sm4::{Aead, Ecb, GcmOpener, GcmSealer, Key, Padding, TAG};

const KEY: &str = "0123456789abcdeffedcba9876543210";
/// RFC 8998, appendix A: what both modes are given.
const NONCE: &str = "00001234567800000000abcd";
const ASSOCIATED: &str = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
const PLAIN: &str = "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd\
                     eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa";

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
        .collect()
}

fn key() -> Key {
    Key::from_bytes(&hex(KEY)).unwrap()
}

/// GM/T 0002-2012, appendix A.1.
#[test]
fn a_block_is_encrypted_as_in_the_standard() {
    let ecb = Ecb::new(&key());
    let encrypted = ecb.encrypt(Padding::None, &hex(KEY)).unwrap();
    assert_eq!(encrypted, hex("681edf34d206965e86b3e94f536e4246"));
    assert_eq!(ecb.decrypt(Padding::None, &encrypted).unwrap(), hex(KEY));
}

fn agrees(aead: &Aead, encrypted: &str, tag: &str) {
    let mut data = hex(PLAIN);
    let made = aead.seal(&hex(NONCE), &hex(ASSOCIATED), &mut data).unwrap();
    assert_eq!(data, hex(encrypted));
    assert_eq!(made.to_vec(), hex(tag));
    aead.open(&hex(NONCE), &hex(ASSOCIATED), &mut data, &made)
        .unwrap();
    assert_eq!(data, hex(PLAIN));
}

const GCM: &str = "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735\
                   d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d";
const GCM_TAG: &str = "83de3541e4c2b58177e065a9bf7b62ec";

/// RFC 8998, appendix A.1.
#[test]
fn gcm_agrees_with_rfc_8998() {
    agrees(&Aead::gcm(&key()), GCM, GCM_TAG);
}

/// RFC 8998, appendix A.1, whatever the pieces are.
#[test]
fn gcm_in_pieces_agrees_with_rfc_8998() {
    for size in 1..=64 {
        let mut sealer = GcmSealer::new(&key(), &hex(NONCE), &hex(ASSOCIATED)).unwrap();
        let mut opener = GcmOpener::new(&key(), &hex(NONCE), &hex(ASSOCIATED)).unwrap();
        let mut encrypted = Vec::new();
        for piece in hex(PLAIN).chunks(size) {
            let more = sealer.update(piece).unwrap();
            opener.update(&more).unwrap();
            encrypted.extend(more);
        }
        assert_eq!(encrypted, hex(GCM));
        let tag: [u8; TAG] = sealer.finish();
        assert_eq!(tag.to_vec(), hex(GCM_TAG));
        assert_eq!(opener.finish(&tag).unwrap(), hex(PLAIN));
    }
}

/// RFC 8998, appendix A.2.
#[test]
fn ccm_agrees_with_rfc_8998() {
    agrees(
        &Aead::ccm(&key()),
        "48af93501fa62adbcd414cce6034d895dda1bf8f132f042098661572e7483094\
         fd12e518ce062c98acee28d95df4416bed31a2f04476c18bb40c84a74b97dc5b",
        "16842d4fa186f56ab33256971fa110f4",
    );
}
