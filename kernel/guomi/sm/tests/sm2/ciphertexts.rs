use proptest::prelude::*;
use weihe_sm::{
    Error,
    sm2::{Layout, PrivateKey, PublicKey},
};

const LAYOUTS: [Layout; 3] = [Layout::C1C3C2, Layout::C1C2C3, Layout::Der];

fn key() -> PrivateKey {
    PrivateKey::generate().unwrap()
}

#[test]
fn what_was_encrypted_is_decrypted_in_each_layout_and_no_other() {
    let key = key();
    for layout in LAYOUTS {
        let ciphertext = key.public_key().encrypt(layout, b"setpoint 42").unwrap();
        assert_eq!(*key.decrypt(layout, &ciphertext).unwrap(), b"setpoint 42");
        for other in LAYOUTS.into_iter().filter(|other| *other != layout) {
            assert_eq!(key.decrypt(other, &ciphertext), Err(Error::Decrypt));
        }
        let stranger = PrivateKey::generate().unwrap();
        assert_eq!(stranger.decrypt(layout, &ciphertext), Err(Error::Decrypt));
    }
}

#[test]
fn no_changed_byte_no_cut_and_no_addition_is_taken() {
    let key = key();
    for layout in LAYOUTS {
        let ciphertext = key.public_key().encrypt(layout, b"valve").unwrap();
        for at in 0..ciphertext.len() {
            let cut = key.decrypt(layout, &ciphertext[..at]);
            assert_eq!(cut, Err(Error::Decrypt), "{layout:?} cut at {at}");
            let mut changed = ciphertext.clone();
            changed[at] ^= 1;
            let changed = key.decrypt(layout, &changed);
            assert_eq!(changed, Err(Error::Decrypt), "{layout:?} changed at {at}");
        }
        let longer = [&ciphertext[..], &[0]].concat();
        assert_eq!(key.decrypt(layout, &longer), Err(Error::Decrypt));
    }
}

#[test]
fn an_empty_plaintext_has_no_ciphertext() {
    let key = key();
    for layout in LAYOUTS {
        let refused = key.public_key().encrypt(layout, b"");
        assert!(matches!(refused, Err(Error::Length { found: 0, .. })));
    }
    // C1 and C3 alone.
    let ciphertext = key.public_key().encrypt(Layout::C1C3C2, b"x").unwrap();
    let refused = key.decrypt(Layout::C1C3C2, &ciphertext[..97]);
    assert_eq!(refused, Err(Error::Decrypt));
}

/// An attacker who gets points off the curve multiplied learns the key (GB/T 32918.4-2016, 7.1, B1).
#[test]
fn c1_has_to_be_a_point_of_the_curve() {
    let key = key();
    let right = key.public_key().encrypt(Layout::C1C3C2, b"valve").unwrap();
    let mut off = right.clone();
    off[40] ^= 0x10;
    let infinity = [&[0][..], &right[65..]].concat();
    let zeros = [&[4][..], &[0; 64], &right[65..]].concat();
    let bare = right[1..].to_vec();
    let mixed = [&[6][..], &right[1..]].concat();
    for bytes in [off, infinity, zeros, bare, mixed, vec![4], vec![2], vec![]] {
        for layout in LAYOUTS {
            assert_eq!(key.decrypt(layout, &bytes), Err(Error::Decrypt));
        }
    }
}

#[test]
fn c1_may_be_compressed() {
    let key = key();
    for layout in [Layout::C1C3C2, Layout::C1C2C3] {
        let long = key.public_key().encrypt(layout, b"valve").unwrap();
        let c1 = PublicKey::from_sec1(&long[..65]).unwrap().to_compressed();
        let short = [&c1[..], &long[65..]].concat();
        assert_eq!(*key.decrypt(layout, &short).unwrap(), b"valve");
        // The other of the two points with this x.
        let mut other = short.clone();
        other[0] ^= 1;
        assert_eq!(key.decrypt(layout, &other), Err(Error::Decrypt));
    }
}

#[test]
fn one_byte_is_never_sent_as_it_is() {
    // A key stream of one byte is zero every 256th time, and must not be used then (6.1, A5).
    let public = key().public_key();
    for _ in 0..1000 {
        let ciphertext = public.encrypt(Layout::C1C3C2, b"!").unwrap();
        assert_ne!(ciphertext[97], b'!');
    }
}

#[test]
fn der_is_taken_in_its_one_form_only() {
    let key = key();
    let right = key.public_key().encrypt(Layout::Der, b"valve").unwrap();
    assert_eq!(right[0], 0x30);
    let longer = [&[0x30, 0x81, right[1]][..], &right[2..]].concat();
    assert_eq!(key.decrypt(Layout::Der, &longer), Err(Error::Decrypt));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_plaintext_comes_back(
        plaintext in prop::collection::vec(any::<u8>(), 1..300),
        layout in prop::sample::select(LAYOUTS.to_vec()),
    ) {
        let key = key();
        let ciphertext = key.public_key().encrypt(layout, &plaintext).unwrap();
        prop_assert_eq!(&*key.decrypt(layout, &ciphertext).unwrap(), &plaintext);
    }

    #[test]
    fn any_bytes_are_refused_without_a_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        layout in prop::sample::select(LAYOUTS.to_vec()),
    ) {
        prop_assert_eq!(key().decrypt(layout, &bytes), Err(Error::Decrypt));
    }
}
