//! SM3 and what is built on it, against the standards and against OpenSSL 4.0.3 (through `cryptography` 50.0.2 of
//! PyPI) where a standard has no vector.
#![allow(clippy::unwrap_used)]

use std::num::NonZeroU32;

use proptest::{collection::vec, prelude::*, sample::Index};
use sm3::Digest;
use weihe_sm::{
    Error,
    sm3::{Hmac, Sm3, digest, hkdf, kdf, pbkdf2},
};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes that count up.
fn counted(range: std::ops::Range<u8>) -> Vec<u8> {
    range.collect()
}

fn hmac(key: &[u8], data: &[u8]) -> String {
    let mut mac = Hmac::new(key);
    mac.update(data);
    hex(&mac.finish())
}

/// GM/T 0004-2012, appendix A.1 and A.2; the others: OpenSSL.
#[test]
fn digests_are_those_of_the_standard() {
    for (data, expected) in [
        (
            b"abc".to_vec(),
            "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
        ),
        (
            b"abcd".repeat(16),
            "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732",
        ),
        (
            Vec::new(),
            "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b",
        ),
        (
            vec![b'a'; 1_000_000],
            "c8aaf89429554029e231941a2acc0ad61ff2a5acd8fadd25847a3a732b3b02c3",
        ),
    ] {
        assert_eq!(hex(&digest(&data)), expected);
    }
}

/// GM/T 0042-2015, appendix D.3, the first two; the others, after RFC 4231, 4.3, 4.5 and 4.7: OpenSSL, which agrees on
/// those as well.
#[test]
fn macs_are_those_of_the_standard() {
    let text = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".repeat(2);
    assert_eq!(
        hmac(&counted(1..33), text.as_bytes()),
        "ca05e144ed05d1857840d1f318a4a8669e559fc8391f414485bfdf7bb408963a"
    );
    assert_eq!(
        hmac(&counted(1..38), &[0xcd; 50]),
        "220bf579ded555393f0159f66c99877822a3ecf610d1552154b41d44b94db3ae"
    );
    assert_eq!(
        hmac(&counted(1..26), &[0xcd; 50]),
        "b57c79be03472aeb8cada581dea332cb2ba83d19cb1b052dd07194def75fb8cd"
    );
    assert_eq!(
        hmac(b"Jefe", b"what do ya want for nothing?"),
        "2e87f1d16862e6d964b50a5200bf2b10b764faa9680a296a2405f24bec39f882"
    );
    assert_eq!(
        hmac(
            &[0xaa; 131],
            b"Test Using Larger Than Block-Size Key - Hash Key First"
        ),
        "b4fd844e13342002f0b2e0690ea7741f1497d993a70494cea601e657bedf67a0"
    );
}

/// The inputs of RFC 5869, A.1 to A.3; the outputs: OpenSSL.
#[test]
fn hkdf_agrees_with_openssl() {
    let input = [0x0b; 22];
    assert_eq!(
        hex(&*hkdf::extract(&counted(0..13), &input)),
        "e0d6f7b0bd056327b7659f1f39ad850561fbcf4fb10fb58e88eafa55cf7cd01e"
    );
    let mut out = [0; 82];
    hkdf::derive(
        &counted(0..13),
        &input,
        &counted(0xf0..0xfa),
        &mut out[..42],
    )
    .unwrap();
    assert_eq!(
        hex(&out[..42]),
        "c69fe91b7aaee2dd5718d72dcaee0cce93f1b8e41f792da51261b6a517e68b36ed2c595572b01dfa359b"
    );
    let info: Vec<u8> = (0xb0..=0xff).collect();
    hkdf::derive(&counted(0x60..0xb0), &counted(0..0x50), &info, &mut out).unwrap();
    assert_eq!(
        hex(&out),
        "c1226236bbdefa7921f9febe27b864f33e449201b436d8844ea53f58170dd642\
         6defbd22ed1f3c5960f35523e62e3b6c0d657f2c61893436f539013199bfaef2\
         5aafd1e7726ede927623a9f5cbb8885c7e5d"
    );
    hkdf::derive(b"", &input, b"", &mut out[..42]).unwrap();
    assert_eq!(
        hex(&out[..42]),
        "c8c91a38ae2fb3b023a7c38ce9f0748f28230d59b6b950ba3ba949bf0d713a5774815778801741cb2034"
    );
}

#[test]
fn hkdf_gives_255_digests_at_most_and_wants_a_whole_one() {
    let mut out = vec![7; 255 * 32 + 1];
    let refused = hkdf::expand(&[1; 32], b"", &mut out).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the output of HKDF-SM3 is too long: 8160 bytes at most"
    );
    assert!(out.iter().all(|byte| *byte == 7));
    hkdf::expand(&[1; 32], b"", &mut out[1..]).unwrap();
    assert!(matches!(
        hkdf::expand(&[1; 31], b"", &mut out[1..]),
        Err(Error::Length { found: 31, .. })
    ));
}

/// The function is that of ANSI X9.63 without shared information: OpenSSL.
#[test]
fn the_key_derivation_of_sm2_agrees_with_openssl() {
    let mut out = [0; 100];
    kdf(&counted(0..64), &mut out).unwrap();
    assert_eq!(
        hex(&out),
        "c3e5cfe48b9da30523c65df3b189227188a89ac9057b739bb779f028e4afe606\
         e9df98cf02023b778579bdf48e7002306ba21850d002971e209d2e785d3518c9\
         113608e38a6d10f539425e5352d8577e6b424cd7efa6c65d9491a5c71b1432d4\
         ce17d411"
    );
}

/// The inputs of RFC 6070; the outputs: OpenSSL.
#[test]
fn pbkdf2_agrees_with_openssl() {
    for (password, salt, rounds, expected) in [
        (
            "password",
            "salt",
            1,
            "4612f922a1fdcefaf4312fc6f8f3322b489cbf24f2ea361b44c2bd8fa2c6dcb0",
        ),
        (
            "password",
            "salt",
            4096,
            "b6e8f2074c87432b78f62e5ced980fdff89e86af",
        ),
        (
            "passwordPASSWORDpassword",
            "saltSALTsaltSALTsaltSALTsaltSALTsalt",
            4096,
            "3b6282ac8519f059e465abff0ea37b0dbfe6c672a76e6b805312d53900db630732ccc1a88fa5512a",
        ),
        (
            "pass\0word",
            "sa\0lt",
            4096,
            "5f936b2e356f06e2bb3932165821261c",
        ),
    ] {
        let rounds = NonZeroU32::new(rounds).unwrap();
        let length = expected.len() / 2;
        let found = pbkdf2(password.as_bytes(), salt.as_bytes(), rounds, length).unwrap();
        assert_eq!(hex(&found), expected);
    }
}

proptest! {
    #[test]
    fn digests_of_pieces_agree_with_rustcrypto_and_sm_crypto(
        data in vec(any::<u8>(), 0..1000),
        cuts: [Index; 2],
    ) {
        let mut hash = Sm3::new();
        let mut cuts = cuts.map(|cut| cut.index(data.len() + 1));
        cuts.sort_unstable();
        hash.update(&data[..cuts[0]]);
        hash.update(&data[cuts[0]..cuts[1]]);
        hash.update(&data[cuts[1]..]);
        let found = hash.finish();
        prop_assert_eq!(&found[..], &sm3::Sm3::digest(&data)[..]);
        prop_assert_eq!(hex(&found), sm_crypto::sm3::sm3_hash(&data));
    }
}
