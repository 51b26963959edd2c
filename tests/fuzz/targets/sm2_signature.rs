//! Signatures of SM2, in DER and as r and s: read in one form only, and none but the one that was made is verified.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use weihe_fuzz::{Changes, KEY, changed};
use weihe_sm::sm2::{DEFAULT_ID, Signature};

const MESSAGE: &[u8] = b"valve open";

static VALID: LazyLock<Signature> = LazyLock::new(|| KEY.sign(DEFAULT_ID, MESSAGE).unwrap());

fuzz_target!(|input: (u8, Changes, &[u8])| {
    let (which, changes, bytes) = input;
    match which % 4 {
        0 => der(&changed(&VALID.to_der(), &changes)),
        1 => raw(&changed(&VALID.to_bytes(), &changes)),
        2 => der(bytes),
        _ => raw(bytes),
    }
});

fn der(bytes: &[u8]) {
    if let Ok(signature) = Signature::from_der(bytes) {
        assert_eq!(signature.to_der(), bytes);
        raw(&signature.to_bytes());
    }
}

fn raw(bytes: &[u8]) {
    if let Ok(signature) = Signature::from_bytes(bytes) {
        assert_eq!(signature.to_bytes(), bytes);
        assert_eq!(Signature::from_der(&signature.to_der()), Ok(signature));
        let verified = KEY.public_key().verify(DEFAULT_ID, MESSAGE, &signature);
        assert_eq!(verified.is_ok(), signature == *VALID);
    }
}
