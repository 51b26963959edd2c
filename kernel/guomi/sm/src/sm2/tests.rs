//! The examples of GB/T 32918.5-2017, which fix what is random otherwise.

#![allow(clippy::unwrap_used)]

use sm2::{FieldBytes, NonZeroScalar, Scalar, elliptic_curve::ops::Reduce};

use super::{DEFAULT_ID, Layout, PrivateKey, PublicKey, Signature, identity, private};
use crate::Error;

/// Bytes from hexadecimal digits with spaces between them.
pub(super) fn hex(digits: &str) -> Vec<u8> {
    let digits: String = digits.split_whitespace().collect();
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}

fn number(digits: &str) -> Scalar {
    let bytes: [u8; 32] = hex(digits).try_into().unwrap();
    Scalar::reduce(&FieldBytes::from(bytes))
}

/// The key of A.2 and C.2.
fn key() -> PrivateKey {
    let d = "3945208F 7B2144B1 3F36E38A C6D39F95 88939369 2860B51A 42FB81EF 4DF7C5B8";
    PrivateKey::from_bytes(&hex(d)).unwrap()
}

const K: &str = "59276E27 D506861A 16680F3A D9C02DCC EF3CC1FA 3CDBE4CE 6D54B80D EAC1BC21";

#[test]
fn the_public_key_is_that_of_the_standard() {
    let point = "04 09F9DF31 1E5421A1 50DD7D16 1E4BC5C6 72179FAD 1833FC07 6BB08FF3 56F35020
                    CCEA490C E26775A5 2DC6EA71 8CC1AA60 0AED05FB F35E084A 6632F607 2DA9AD13";
    assert_eq!(key().public_key().to_sec1().to_vec(), hex(point));
}

#[test]
fn the_signature_is_that_of_the_standard() {
    let key = key();
    let point = key.public_key().coordinates();
    let z = "B2E14C5C 79C6DF5B 85F4FE7E D8DB7A26 2B9DA7E0 7CCB0EA9 F4747B8C CDA8A4F3";
    assert_eq!(identity::z(DEFAULT_ID, &point).unwrap().to_vec(), hex(z));
    let e = identity::e(DEFAULT_ID, &point, b"message digest").unwrap();
    let digest = "F0B43E94 BA45ACCA ACE692ED 534382EB 17E6AB5A 19CE7B31 F4486FDF C0D28640";
    assert_eq!(e.to_vec(), hex(digest));

    let signature = key.sign_with(&number(K), &e).unwrap();
    let expected = "F5A03B06 48D2C463 0EEAC513 E1BB81A1 5944DA38 27D5B741 43AC7EAC EEE720B3
                    B1B6AA29 DF212FD8 763182BC 0D421CA1 BB9038FD 1F7F42D4 840B69C4 85BBC1AA";
    assert_eq!(signature.to_bytes().to_vec(), hex(expected));
    let public = key.public_key();
    public
        .verify(DEFAULT_ID, b"message digest", &signature)
        .unwrap();
    public.verify_digest(&e, &signature).unwrap();
}

#[test]
fn the_ciphertext_is_that_of_the_standard() {
    let (key, plaintext) = (key(), b"encryption standard");
    let k = NonZeroScalar::new(number(K)).unwrap();
    let encrypt = |layout| key.public_key().encrypt_with(&k, layout, plaintext);
    let c1 = "04 04EBFC71 8E8D1798 62043226 8E77FEB6 415E2EDE 0E073C0F 4F640ECD 2E149A73
                 E858F9D8 1E5430A5 7B36DAAB 8F950A3C 64E6EE6A 63094D99 283AFF76 7E124DF0";
    let c2 = "21886CA9 89CA9C7D 58087307 CA93092D 651EFA";
    let c3 = "59983C18 F809E262 923C53AE C295D303 83B54E39 D609D160 AFCB1908 D0BD8766";
    let new = encrypt(Layout::C1C3C2).unwrap().unwrap();
    assert_eq!(new, hex(&format!("{c1} {c3} {c2}")));
    let old = encrypt(Layout::C1C2C3).unwrap().unwrap();
    assert_eq!(old, hex(&format!("{c1} {c2} {c3}")));
    let der = encrypt(Layout::Der).unwrap().unwrap();
    for (layout, ciphertext) in [
        (Layout::C1C3C2, &new),
        (Layout::C1C2C3, &old),
        (Layout::Der, &der),
    ] {
        assert_eq!(*key.decrypt(layout, ciphertext).unwrap(), plaintext);
    }

    let compressed = PublicKey::from_sec1(&new[..65]).unwrap().to_compressed();
    let compressed = [&compressed[..], &new[65..]].concat();
    assert_eq!(
        *key.decrypt(Layout::C1C3C2, &compressed).unwrap(),
        plaintext
    );
}

/// GB/T 32918.4-2016, 6.1, A5 and 7.1, B4.
#[test]
fn a_key_stream_of_zeros_is_neither_used_nor_taken() {
    let key = key();
    let public = key.public_key();
    let plaintext = [0x5a];
    // One byte of key stream is zero every 256th time.
    let useless = (1u64..100_000)
        .map(|k| NonZeroScalar::new(Scalar::from(k)).unwrap())
        .find(|k| {
            let ciphertext = public.encrypt_with(k, Layout::C1C3C2, &plaintext);
            ciphertext.unwrap().is_none()
        })
        .unwrap();
    let c1 = private::coordinates(&(sm2::ProjectivePoint::GENERATOR * *useless));
    let shared = private::coordinates(&(public.point() * *useless));
    let c3 = super::cipher::check(&shared, &plaintext);
    let ciphertext = [&[4], &c1[..], &c3[..], &plaintext[..]].concat();
    assert_eq!(
        key.decrypt(Layout::C1C3C2, &ciphertext),
        Err(Error::Decrypt)
    );
}

/// A5 and A6: another k is taken where r is 0, r + k is n, or s is 0.
#[test]
fn a_number_that_would_give_a_useless_signature_is_not_used() {
    let key = key();
    let k = number(K);
    let point = private::coordinates(&(sm2::ProjectivePoint::GENERATOR * k));
    let x = Scalar::reduce(&FieldBytes::from(
        <[u8; 32]>::try_from(&point[..32]).unwrap(),
    ));
    let digest = |e: Scalar| <[u8; 32]>::from(e.to_bytes());
    assert!(key.sign_with(&k, &digest(-x)).is_none(), "r is 0");
    assert!(key.sign_with(&k, &digest(-x - k)).is_none(), "r + k is n");
    let d = **key.scalar();
    let r = k * d.invert().unwrap();
    assert!(key.sign_with(&k, &digest(r - x)).is_none(), "s is 0");
    assert!(key.sign_with(&k, &digest(r - x + Scalar::ONE)).is_some());
}

#[test]
fn the_same_digest_is_signed_with_another_number_each_time() {
    let key = key();
    let signatures: Vec<Signature> = (0..8).map(|_| key.sign_digest(&[7; 32]).unwrap()).collect();
    for (at, signature) in signatures.iter().enumerate() {
        key.public_key().verify_digest(&[7; 32], signature).unwrap();
        assert!(!signatures[..at].contains(signature));
    }
}
