use weihe_sm::{
    Error,
    sm2::{DEFAULT_ID, PrivateKey, PublicKey},
};

use crate::common::{N, hex, plus};

#[test]
fn numbers_that_are_no_private_key_are_refused() {
    let n = hex(N);
    for bytes in [
        vec![0; 32],
        plus(&n, -1).to_vec(),
        n.clone(),
        plus(&n, 1).to_vec(),
        vec![0xff; 32],
        vec![1; 31],
        vec![1; 33],
        vec![1; 24],
        vec![],
    ] {
        let refused = PrivateKey::from_bytes(&bytes);
        assert_eq!(refused.err(), Some(Error::PrivateKey), "{bytes:02x?}");
    }
    for bytes in [plus(&[0; 32], 1), plus(&n, -2)] {
        let key = PrivateKey::from_bytes(&bytes).unwrap();
        assert_eq!(*key.to_bytes(), bytes);
        let signature = key.sign(DEFAULT_ID, b"open").unwrap();
        let public = key.public_key();
        public.verify(DEFAULT_ID, b"open", &signature).unwrap();
    }
}

#[test]
fn points_that_are_no_public_key_are_refused() {
    let point = PrivateKey::generate().unwrap().public_key().to_sec1();
    let mut off = point;
    off[64] ^= 1;
    // p, the field's size (GB/T 32918.5-2017, 2): a coordinate has to be below it.
    let p = hex("FFFFFFFE FFFFFFFF FFFFFFFF FFFFFFFF FFFFFFFF 00000000 FFFFFFFF FFFFFFFF");
    for (why, bytes) in [
        ("off the curve", off.to_vec()),
        ("the point at infinity", vec![0]),
        ("the point at infinity, filled up", vec![0; 65]),
        ("nothing", vec![]),
        ("zeros", [&[4][..], &[0; 64]].concat()),
        ("x is p", [&[4][..], &p, &point[33..]].concat()),
        ("y is p", [&point[..33], &p].concat()),
        ("too short", point[..64].to_vec()),
        ("too long", [&point[..], &[0]].concat()),
        ("without its first byte", point[1..].to_vec()),
        ("the mixed form", [&[6][..], &point[1..]].concat()),
        ("the compact form", [&[5][..], &point[1..33]].concat()),
        ("compressed x is p", [&[2][..], &p].concat()),
        ("a compressed point of another length", point[..33].to_vec()),
    ] {
        assert_eq!(PublicKey::from_sec1(&bytes), Err(Error::PublicKey), "{why}");
    }
}

#[test]
fn a_point_comes_back_from_its_compressed_form() {
    for _ in 0..8 {
        let key = PrivateKey::generate().unwrap().public_key();
        assert_eq!(PublicKey::from_sec1(&key.to_compressed()), Ok(key));
        assert_eq!(PublicKey::from_sec1(&key.to_sec1()), Ok(key));
    }
}

#[test]
fn what_is_printed_of_a_private_key_does_not_hold_it() {
    let key = PrivateKey::from_bytes(&[0x2a; 32]).unwrap();
    let printed = format!("{key:?} {key:#?}");
    assert!(
        !printed.contains("2a2a") && !printed.contains("42"),
        "{printed}"
    );
    assert!(!printed.to_lowercase().contains("secret"), "{printed}");
}

#[test]
fn both_sides_of_a_diffie_hellman_exchange_agree() {
    let one = PrivateKey::generate().unwrap();
    let two = PrivateKey::generate().unwrap();
    assert_eq!(one.agree(&two.public_key()), two.agree(&one.public_key()));
}
