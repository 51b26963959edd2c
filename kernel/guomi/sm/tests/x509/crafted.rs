//! Certificates that no program of ours would make: what they say has to decide.

use weihe_sm::{
    Error,
    certificate::{Certificate, Refusal},
    sm2::DEFAULT_ID,
};

use crate::{
    by_hand::*,
    common::der::{bits, element, integer, misformed, octets, oid, sequence},
};

#[test]
fn what_is_unusual_and_right_passes() {
    let good = Crafted::server();
    let key_of = |public| Crafted {
        public,
        ..good.clone()
    };
    let compressed = bits(key(2).public_key().to_compressed());
    let algorithm = sequence(&[&oid("1.2.840.10045.2.1"), &oid("1.2.156.10197.1.301")]);
    let null = sequence(&[&oid(SM2_SM3), &[5, 0]]);
    let long = sequence(&[&utc("500101000000Z"), &generalized("99991231235959Z")]);
    // UTCTime ends in 2049 (RFC 5280, 4.1.2.5.1): 50 is 1950.
    let never = sequence(&[&utc("700101000000Z"), &generalized("99991231235959Z")]);
    for (why, certificate) in [
        ("as it is", good.clone()),
        (
            "an unknown extension",
            good.clone().with(extension("1.2.3.4", &[], b"anything")),
        ),
        (
            "a compressed point",
            key_of(sequence(&[&algorithm, &compressed])),
        ),
        (
            "NULL behind the algorithm",
            Crafted {
                inner: null.clone(),
                outer: null,
                ..good.clone()
            },
        ),
        (
            "valid for ever",
            Crafted {
                validity: never,
                ..good.clone()
            },
        ),
        (
            "no subject",
            Crafted {
                subject: sequence(&[]),
                ..good.clone()
            },
        ),
        (
            "a serial number of 20 bytes",
            Crafted {
                serial: integer([0x7f; 20]),
                ..good.clone()
            },
        ),
        ("no key usage", good.clone().only(&[dns("gateway.plant")])),
    ] {
        let says = certificate.says(&[]);
        assert_eq!(says, Ok(2), "{why}");
    }
    // What begins before 1970 may not be read, but is not taken for anything else.
    let _ = Crafted {
        validity: long,
        ..good
    }
    .read();
}

#[test]
fn a_validity_that_is_none_is_refused() {
    let with = |from: &[u8], to: &[u8]| Crafted {
        validity: sequence(&[from, to]),
        ..Crafted::server()
    };
    let (from, to) = (utc("200101000000Z"), utc("400101000000Z"));
    for (why, wrong) in [
        ("month 13", utc("201301000000Z")),
        ("month 0", utc("200001000000Z")),
        ("30 February", utc("200230000000Z")),
        ("hour 24", utc("200101240000Z")),
        ("minute 60", utc("200101006000Z")),
        ("without seconds", utc("2001010000Z")),
        ("without Z", utc("200101000000")),
        ("another zone", utc("200101000000+0800")),
        ("a fraction", generalized("20200101000000.5Z")),
        ("letters", utc("20010100000xZ")),
        ("empty", utc("")),
        ("year 20000", generalized("200000101000000Z")),
        ("a number", integer([1])),
    ] {
        malformed(why, &with(&wrong, &to));
        malformed(why, &with(&from, &wrong));
    }
    for validity in [
        sequence(&[&from]),
        sequence(&[&from, &to, &to]),
        sequence(&[]),
    ] {
        malformed(
            "one or three times",
            &Crafted {
                validity,
                ..Crafted::server()
            },
        );
    }
    // The end before the beginning: no moment is within.
    for (from, to) in [
        ("350101000000Z", "250101000000Z"),
        ("280101000000Z", "250101000000Z"),
        ("400101000000Z", "350101000000Z"),
    ] {
        let error = refused("the end first", &with(&utc(from), &utc(to)));
        assert!(
            matches!(
                error,
                Error::Certificate(Refusal::Expired { .. } | Refusal::NotYetValid { .. })
            ),
            "{error}"
        );
    }
}

#[test]
fn each_extension_stands_once_and_is_understood_where_it_demands_that() {
    let good = Crafted::server();
    for twice in [
        dns("gateway.plant"),
        usage(0x80, 7),
        extension(NAMES, TRUE, &sequence(&[&element(0x82, "evil.plant")])),
    ] {
        malformed("twice", &good.clone().with(twice));
    }
    let unknown = extension("1.2.3.4", &[], b"x");
    malformed(
        "unknown and twice",
        &good.clone().with(unknown.clone()).with(unknown),
    );

    for id in ["1.2.3.4", "2.5.29.36", "2.5.29.54", "2.5.29.32"] {
        let critical = good.clone().with(extension(id, TRUE, &sequence(&[])));
        match refused(id, &critical) {
            Error::Certificate(Refusal::Extension { extension, .. }) => assert_eq!(extension, id),
            other => panic!("{id}: {other}"),
        }
    }
    // Name constraints bind even where they aren't critical.
    let plant = sequence(&[&element(0xa0, sequence(&[&element(0x82, "plant")]))]);
    for critical in [&[][..], TRUE] {
        let constrained = Crafted::new("Line", 3, "Root", 1)
            .only(&[authority(None), extension("2.5.29.30", critical, &plant)]);
        let below = Crafted {
            issuer: name("Line"),
            by: key(3),
            ..good.clone()
        };
        let says = below.says(&[&constrained]);
        assert!(
            matches!(says, Err(Error::Certificate(Refusal::Extension { .. }))),
            "{says:?}"
        );
    }
    for (why, value) in [
        ("nothing", vec![]),
        ("a number", integer([1])),
        ("a byte more", [&sequence(&[])[..], &[0]].concat()),
    ] {
        for id in [BASIC, USAGE, PURPOSES, NAMES, "2.5.29.14", "2.5.29.35"] {
            let other = Crafted::new("gateway", 2, "Root", 1).only(&[extension(id, &[], &value)]);
            malformed(&format!("{id}: {why}"), &other);
        }
    }
    // Only DER's TRUE is one, and extensions come in version 3 only.
    malformed(
        "TRUE as 1",
        &good.clone().with(extension("1.2.3.4", &[1, 1, 1], b"")),
    );
    for version in [
        vec![],
        element(0xa0, integer([1])),
        element(0xa0, integer([0])),
    ] {
        malformed(
            "an earlier version",
            &Crafted {
                version,
                ..good.clone()
            },
        );
    }
    for version in [integer([3]), integer([0xff]), integer([0, 2])] {
        let version = element(0xa0, version);
        malformed(
            "another version",
            &Crafted {
                version,
                ..good.clone()
            },
        );
    }
}

#[test]
fn only_the_one_form_of_der_is_a_certificate() {
    let good = Crafted::server();
    let (body, outer, signature) = (good.body(), good.outer.clone(), good.signature());
    for (why, der) in misformed(&good.der()) {
        assert!(Certificate::from_der(&der).is_err(), "{why}");
    }
    for (at, part) in [&body, &outer, &bits(&signature)].into_iter().enumerate() {
        for (why, wrong) in misformed(part) {
            let bits = bits(&signature);
            let mut all = [&body[..], &outer, &bits];
            all[at] = &wrong;
            let read = Certificate::from_der(&sequence(&all));
            let passes = read.is_ok_and(|one| one.verify_signature(&key(1).public_key()).is_ok());
            assert!(!passes, "part {at} {why}");
        }
    }
    for (why, signature) in [
        (
            "r and s alone",
            bits(good.by.sign(DEFAULT_ID, &body).unwrap().to_bytes()),
        ),
        ("nothing", bits([])),
        (
            "bits left over",
            element(3, [&[1], &signature[..]].concat()),
        ),
        ("a byte more", bits([&signature[..], &[0]].concat())),
        ("octets", octets(&signature)),
        (
            "that of another key",
            bits(key(9).sign(DEFAULT_ID, &body).unwrap().to_der()),
        ),
        (
            "that of another identity",
            bits(good.by.sign(b"", &body).unwrap().to_der()),
        ),
    ] {
        let read = Certificate::from_der(&sequence(&[&body, &outer, &signature]));
        let passes = read.is_ok_and(|one| one.verify_signature(&key(1).public_key()).is_ok());
        assert!(!passes, "{why}");
    }
    let other = sequence(&[&oid("1.2.840.10045.4.3.2")]);
    malformed(
        "two algorithms",
        &Crafted {
            outer: other.clone(),
            ..good.clone()
        },
    );
    let both = Crafted {
        inner: other.clone(),
        outer: other,
        ..good.clone()
    };
    let error = refused("ECDSA", &both);
    assert!(
        matches!(error, Error::Certificate(Refusal::Algorithm { .. })),
        "{error}"
    );
    for (why, serial) in [
        ("an empty number", integer([])),
        ("zeros before it", integer([0, 1])),
        ("ones before it", integer([0xff, 0xff])),
        ("40 bytes", integer([0x40; 40])),
    ] {
        malformed(
            why,
            &Crafted {
                serial,
                ..good.clone()
            },
        );
    }
    let info = |algorithm: &[u8], point: &[u8]| sequence(&[algorithm, &bits(point)]);
    let sm2 = sequence(&[&oid("1.2.840.10045.2.1"), &oid("1.2.156.10197.1.301")]);
    let p256 = sequence(&[&oid("1.2.840.10045.2.1"), &oid("1.2.840.10045.3.1.7")]);
    let point = key(2).public_key().to_sec1();
    for (why, public) in [
        ("infinity", info(&sm2, &[0])),
        ("zeros", info(&sm2, &[0; 65])),
        (
            "hybrid",
            info(&sm2, &[&[6 | point[64] & 1], &point[1..]].concat()),
        ),
        ("cut", info(&sm2, &point[..64])),
        ("P-256", info(&p256, &point)),
        ("no key", sequence(&[])),
    ] {
        malformed(
            why,
            &Crafted {
                public,
                ..good.clone()
            },
        );
    }
}
