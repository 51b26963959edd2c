//! Held against the crate `sm-crypto` on random data: what is valid for one is valid for the other. What it takes
//! beyond that is no measure; see the forgery.

use sm_crypto::sm2::{Decrypt, Encrypt, Sign, Verify};
use weihe_sm::{
    random,
    sm2::{DEFAULT_ID, Layout, PrivateKey, Signature},
};

use crate::common::digits;

struct Pair {
    key: PrivateKey,
    private: String,
    public: String,
}

fn pair() -> Pair {
    let key = PrivateKey::generate().unwrap();
    Pair {
        private: digits(&*key.to_bytes()),
        public: digits(&key.public_key().to_sec1()[1..]),
        key,
    }
}

fn message(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    random(&mut bytes).unwrap();
    bytes
}

#[test]
fn each_verifies_what_the_other_signs() {
    for length in [0, 1, 55, 56, 64, 200, 1000] {
        let (pair, message) = (pair(), message(length));
        let ours = pair.key.sign(DEFAULT_ID, &message).unwrap();
        let theirs = Verify::new(&pair.public);
        assert!(theirs.verify_der(&message, &ours.to_der(), true));

        let signature = Sign::new(&pair.private).sign_der(&message, true);
        // Now and then sm-crypto draws a number that the standard forbids, and gives nothing.
        if let Ok(signature) = Signature::from_der(&signature) {
            let public = pair.key.public_key();
            public.verify(DEFAULT_ID, &message, &signature).unwrap();
        }
    }
}

#[test]
fn each_verifies_under_other_identities() {
    let (pair, message) = (pair(), message(100));
    for id in [&b"meter 7"[..], b"ALICE123@YAHOO.COM", &[0, 0xff]] {
        let ours = pair.key.sign(id, &message).unwrap();
        let theirs = Verify::new_with_id(id, &pair.public);
        assert!(theirs.verify_der(&message, &ours.to_der(), true));
        let signature = Sign::new_with_id(id, &pair.private).sign_der(&message, true);
        let signature = Signature::from_der(&signature).unwrap();
        pair.key
            .public_key()
            .verify(id, &message, &signature)
            .unwrap();
    }
}

#[test]
fn each_decrypts_what_the_other_encrypts() {
    for length in [1, 31, 32, 33, 200, 1000] {
        let (pair, mut plain) = (pair(), message(length));
        // sm-crypto drops zeros at the beginning.
        plain[0] |= 1;
        let theirs = Decrypt::new(&pair.private);
        let public = pair.key.public_key();
        // It leaves the first byte of the point out.
        let ours = public.encrypt(Layout::C1C3C2, &plain).unwrap();
        assert_eq!(theirs.decrypt(&ours[1..]), plain);
        let ours = public.encrypt(Layout::C1C2C3, &plain).unwrap();
        assert_eq!(theirs.decrypt_c1c2c3(&ours[1..]), plain);
        let ours = public.encrypt(Layout::Der, &plain).unwrap();
        assert_eq!(theirs.decrypt_asna1(&ours), plain);

        let theirs = Encrypt::new(&pair.public);
        let bare = |bytes: Vec<u8>| [&[4][..], &bytes].concat();
        for (layout, ciphertext) in [
            (Layout::C1C3C2, bare(theirs.encrypt(&plain))),
            (Layout::C1C2C3, bare(theirs.encrypt_c1c2c3(&plain))),
            (Layout::Der, theirs.encrypt_asna1(&plain)),
        ] {
            assert_eq!(*pair.key.decrypt(layout, &ciphertext).unwrap(), plain);
        }
    }
}

/// What sm-crypto doesn't see: C3 is there to be looked at.
#[test]
fn a_tampered_ciphertext_that_sm_crypto_takes_is_refused() {
    let pair = pair();
    let public = pair.key.public_key();
    let mut ciphertext = public.encrypt(Layout::C1C3C2, b"setpoint 42").unwrap();
    *ciphertext.last_mut().unwrap() ^= 1;
    assert_eq!(
        Decrypt::new(&pair.private).decrypt(&ciphertext[1..]),
        b"setpoint 43"
    );
    assert!(pair.key.decrypt(Layout::C1C3C2, &ciphertext).is_err());
}
