//! Encrypted keys written by hand: what costs too much, what isn't known, and all else, which is one error.

use std::num::NonZeroU32;

use weihe_sm::{
    Error,
    keys::MAX_ITERATIONS,
    sm2::PrivateKey,
    sm3::pbkdf2,
    sm4::{Cbc, Key, Padding},
};

use crate::{
    common::der::{element, integer, octets, oid, sequence, unsigned},
    crafted::{EC, NULL, P256, algorithm, key, pkcs8, sec1},
};

/// What an encrypted key is made of; each part as it should be, until a test says otherwise.
struct Encrypted {
    scheme: Vec<u8>,
    derivation: Vec<u8>,
    salt: Vec<u8>,
    rounds: Vec<u8>,
    length: Vec<u8>,
    prf: Vec<u8>,
    cipher: Vec<u8>,
    iv: Vec<u8>,
    data: Vec<u8>,
}

const SALT: [u8; 8] = [9; 8];
const IV: [u8; 16] = [8; 16];
const PRF: &str = "1.2.156.10197.1.401.3.1";

impl Encrypted {
    /// One round of PBKDF2 over HMAC-SM3.
    fn new() -> Self {
        Self::over(&SALT, &key().to_pkcs8_der().unwrap())
    }

    fn over(salt: &[u8], plain: &[u8]) -> Self {
        let derived = pbkdf2(b"secret", salt, NonZeroU32::MIN, 16).unwrap();
        let cbc = Cbc::new(&Key::from_bytes(&derived).unwrap());
        Self {
            scheme: oid("1.2.840.113549.1.5.13"),
            derivation: oid("1.2.840.113549.1.5.12"),
            salt: octets(salt),
            rounds: integer([1]),
            length: vec![],
            prf: sequence(&[&oid(PRF), NULL]),
            cipher: oid("1.2.156.10197.1.104.2"),
            iv: octets(IV),
            data: cbc.encrypt(&IV, Padding::Pkcs7, plain).unwrap(),
        }
    }

    fn read(&self) -> Result<PrivateKey, Error> {
        let derivation = [&self.salt[..], &self.rounds, &self.length, &self.prf].concat();
        let parameters = sequence(&[
            &sequence(&[&self.derivation, &element(0x30, derivation)]),
            &sequence(&[&self.cipher, &self.iv]),
        ]);
        let algorithm = sequence(&[&self.scheme, &parameters]);
        let der = sequence(&[&algorithm, &octets(&self.data)]);
        PrivateKey::from_der(&der, Some(b"secret"))
    }
}

#[test]
fn an_encrypted_key_may_have_any_salt_and_may_say_its_length() {
    for length in [vec![], integer([16])] {
        let file = Encrypted {
            length,
            ..Encrypted::new()
        };
        assert_eq!(file.read().unwrap().to_bytes(), key().to_bytes());
    }
    for salt in [&[][..], &[0], &[7; 8], &[7; 64], &[7; 10_000]] {
        let file = Encrypted::over(salt, &key().to_pkcs8_der().unwrap());
        assert_eq!(file.read().unwrap().to_bytes(), key().to_bytes());
    }
    // A file of any size isn't even looked at.
    let file = Encrypted::over(&[7; 20_000], &key().to_pkcs8_der().unwrap());
    assert!(matches!(file.read(), Err(Error::TooLong { .. })));
}

/// 2^64 rounds, a number that is none, a negative one: refused before the first round, and with the reason.
#[test]
fn rounds_that_nobody_could_wait_for_are_refused_at_once() {
    let more = (MAX_ITERATIONS + 1).to_be_bytes();
    for (why, rounds) in [
        ("0", integer([0])),
        ("the most and one", unsigned(&more)),
        ("2^31", unsigned(&[0x80, 0, 0, 0])),
        ("2^32 - 1", unsigned(&[0xff; 4])),
        ("2^32", unsigned(&[1, 0, 0, 0, 0])),
        ("2^64", unsigned(&[1, 0, 0, 0, 0, 0, 0, 0, 0])),
        ("2^800", unsigned(&[1; 100])),
        ("-1", integer([0xff])),
        ("-2^31", integer([0x80, 0, 0, 0])),
    ] {
        let refused = Encrypted {
            rounds,
            ..Encrypted::new()
        }
        .read();
        assert!(
            matches!(refused, Err(Error::Encryption(_))),
            "{why}: {refused:?}"
        );
    }
}

#[test]
fn what_is_not_known_is_called_by_its_name() {
    let plain = Encrypted::new;
    let sha1 = sequence(&[&oid("1.2.840.113549.2.7"), NULL]);
    for (name, file) in [
        (
            "1.2.840.113549.1.5.3",
            Encrypted {
                scheme: oid("1.2.840.113549.1.5.3"),
                ..plain()
            },
        ),
        (
            "1.3.6.1.4.1.11591.4.11",
            Encrypted {
                derivation: oid("1.3.6.1.4.1.11591.4.11"),
                ..plain()
            },
        ),
        (
            "1.2.840.113549.2.7",
            Encrypted {
                prf: sha1,
                ..plain()
            },
        ),
        (
            "HMAC-SHA1",
            Encrypted {
                prf: vec![],
                ..plain()
            },
        ),
        (
            "1.2.840.113549.3.7",
            Encrypted {
                cipher: oid("1.2.840.113549.3.7"),
                ..plain()
            },
        ),
        (
            "1.2.156.10197.1.104.8",
            Encrypted {
                cipher: oid("1.2.156.10197.1.104.8"),
                ..plain()
            },
        ),
    ] {
        match file.read() {
            Err(Error::Encryption(said)) => assert!(said.contains(name), "{name}: {said}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

/// Whoever may try ciphertexts must not learn what was in them from what is said.
#[test]
fn all_that_is_wrong_with_what_is_encrypted_is_one_error() {
    let plain = key().to_pkcs8_der().unwrap();
    let right = Encrypted::new();
    let over = |plain: &[u8]| Encrypted::over(&SALT, plain);
    let with = |data: &[u8]| Encrypted {
        data: data.to_vec(),
        ..Encrypted::new()
    };
    let other = Encrypted {
        salt: octets([1; 8]),
        ..Encrypted::new()
    };
    for (why, file) in [
        ("another salt", other),
        ("no data", with(&[])),
        ("a block too few", with(&right.data[16..])),
        ("a block more", with(&[&right.data[..], &[0; 16]].concat())),
        ("15 bytes", with(&[1; 15])),
        ("17 bytes", with(&[1; 17])),
        ("no padding of PKCS#7", with(&[0; 32])),
        (
            "an IV of 15 bytes",
            Encrypted {
                iv: octets([8; 15]),
                ..Encrypted::new()
            },
        ),
        (
            "an IV of 17 bytes",
            Encrypted {
                iv: octets([8; 17]),
                ..Encrypted::new()
            },
        ),
        (
            "no IV",
            Encrypted {
                iv: vec![],
                ..Encrypted::new()
            },
        ),
        (
            "a key of 32 bytes",
            Encrypted {
                length: integer([32]),
                ..Encrypted::new()
            },
        ),
        (
            "a key of no bytes",
            Encrypted {
                length: integer([0]),
                ..Encrypted::new()
            },
        ),
        ("no key in it", over(b"hello")),
        ("nothing in it", over(b"")),
        ("a key and a byte in it", over(&[&plain[..], &[0]].concat())),
        (
            "the form of SEC 1 in it",
            over(&key().to_sec1_der().unwrap()),
        ),
        (
            "0 in it",
            over(&pkcs8(&algorithm(), &sec1(&[0; 32], None, None))),
        ),
        (
            "P-256 in it",
            over(&pkcs8(
                &sequence(&[&oid(EC), &oid(P256)]),
                &sec1(&[1; 32], None, None),
            )),
        ),
    ] {
        let refused = file.read();
        assert_eq!(refused.err(), Some(Error::Passphrase), "{why}");
    }
    // Encrypted twice.
    let inner = key()
        .to_encrypted_der(weihe_sm::keys::Prf::Sm3, b"secret")
        .unwrap();
    assert_eq!(over(&inner).read().err(), Some(Error::Passphrase));
}
