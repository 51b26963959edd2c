//! Ciphertexts of SM2 in each layout: what is decrypted is what was encrypted, and all else is one error.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use weihe_fuzz::{Changes, KEY, changed};
use weihe_sm::{
    Error,
    sm2::{Layout, PublicKey},
};

const LAYOUTS: [Layout; 3] = [Layout::C1C3C2, Layout::C1C2C3, Layout::Der];
const TEXT: &[u8] = b"setpoint 42, valve open";

/// One of each layout, and two with C1 compressed.
static VALID: LazyLock<[(Layout, Vec<u8>); 5]> = LazyLock::new(|| {
    let encrypt = |layout| KEY.public_key().encrypt(layout, TEXT).unwrap();
    let short = |layout| {
        let long = encrypt(layout);
        let c1 = PublicKey::from_sec1(&long[..65]).unwrap().to_compressed();
        [&c1[..], &long[65..]].concat()
    };
    [
        (Layout::C1C3C2, encrypt(Layout::C1C3C2)),
        (Layout::C1C2C3, encrypt(Layout::C1C2C3)),
        (Layout::Der, encrypt(Layout::Der)),
        (Layout::C1C3C2, short(Layout::C1C3C2)),
        (Layout::C1C2C3, short(Layout::C1C2C3)),
    ]
});

fuzz_target!(|input: (u8, Changes, &[u8])| {
    let (which, changes, bytes) = input;
    let Some((layout, valid)) = VALID.get(usize::from(which % 8)) else {
        for layout in LAYOUTS {
            assert_eq!(KEY.decrypt(layout, bytes), Err(Error::Decrypt));
        }
        return;
    };
    let changed = changed(valid, &changes);
    match KEY.decrypt(*layout, &changed) {
        Ok(text) => assert!(*text == TEXT && changed == *valid),
        Err(error) => assert_eq!(error, Error::Decrypt),
    }
});
