//! Files with keys written by hand: what other programs may write, and what nobody should.

use weihe_sm::{
    Error,
    sm2::{PrivateKey, PublicKey},
};

use crate::common::{
    N,
    der::{bits, element, integer, misformed, octets, oid, sequence},
    hex, plus,
};

pub const EC: &str = "1.2.840.10045.2.1";
const SM2: &str = "1.2.156.10197.1.301";
pub const P256: &str = "1.2.840.10045.3.1.7";
pub const NULL: &[u8] = &[5, 0];

pub fn key() -> PrivateKey {
    PrivateKey::from_bytes(&[0x11; 32]).unwrap()
}

/// ECPrivateKey (RFC 5915, 3).
pub fn sec1(number: &[u8], curve: Option<&str>, public: Option<&[u8]>) -> Vec<u8> {
    let curve = curve.map(|curve| element(0xa0, oid(curve)));
    let public = public.map(|public| element(0xa1, bits(public)));
    sequence(&[
        &integer([1]),
        &octets(number),
        &curve.unwrap_or_default(),
        &public.unwrap_or_default(),
    ])
}

pub fn algorithm() -> Vec<u8> {
    sequence(&[&oid(EC), &oid(SM2)])
}

/// PrivateKeyInfo (RFC 5958, 2).
pub fn pkcs8(algorithm: &[u8], inner: &[u8]) -> Vec<u8> {
    sequence(&[&integer([0]), algorithm, &octets(inner)])
}

#[track_caller]
fn is_key(der: &[u8]) {
    let read = PrivateKey::from_der(der, None);
    let read = read.unwrap_or_else(|error| panic!("{error}: {der:02x?}"));
    assert_eq!(read.to_bytes(), key().to_bytes());
}

/// Refused, with a reason in which the key doesn't stand.
#[track_caller]
fn refused(why: &str, der: &[u8]) -> Error {
    match PrivateKey::from_der(der, None) {
        Ok(_) => panic!("{why} is taken: {der:02x?}"),
        Err(error) => {
            let said = format!("{error} {error:?}");
            assert!(!said.contains("1111") && !said.contains("17, 17"), "{said}");
            error
        }
    }
}

#[test]
fn the_forms_that_others_write_are_read() {
    let (d, point) = (key().to_bytes(), key().public_key().to_sec1());
    let short = key().public_key().to_compressed();
    for inner in [
        sec1(&d[..], None, None),
        sec1(&d[..], None, Some(&point)),
        sec1(&d[..], None, Some(&short)),
        sec1(&d[..], Some(SM2), None),
        sec1(&d[..], Some(SM2), Some(&point)),
    ] {
        is_key(&pkcs8(&algorithm(), &inner));
    }
    is_key(&sec1(&d[..], Some(SM2), None));
    // With the public key in PKCS#8 itself, version 2 (RFC 5958, 2).
    let inner = octets(sec1(&d[..], None, None));
    let public = element(0x81, [&[0], &point[..]].concat());
    is_key(&sequence(&[&integer([1]), &algorithm(), &inner, &public]));
}

#[test]
fn numbers_of_other_lengths_and_beyond_the_bounds_are_no_keys() {
    let d = key().to_bytes();
    let n = hex(N);
    for (why, number) in [
        ("0", vec![0; 32]),
        ("n - 1", plus(&n, -1).to_vec()),
        ("n", n.clone()),
        ("n + 1", plus(&n, 1).to_vec()),
        ("2^256 - 1", vec![0xff; 32]),
        ("no bytes", vec![]),
        ("one byte", vec![1]),
        ("31 bytes", d[1..].to_vec()),
        ("33 bytes", [&[0], &d[..]].concat()),
        ("64 bytes", [&[0; 32], &d[..]].concat()),
    ] {
        let inner = sec1(&number, None, None);
        let alone = sec1(&number, Some(SM2), None);
        for der in [pkcs8(&algorithm(), &inner), alone] {
            assert_eq!(refused(why, &der), Error::PrivateKey, "{why}");
        }
    }
    for number in [plus(&[0; 32], 1), plus(&n, -2)] {
        let der = pkcs8(&algorithm(), &sec1(&number, None, None));
        let read = PrivateKey::from_der(&der, None).unwrap();
        assert_eq!(*read.to_bytes(), number);
    }
}

#[test]
fn another_curve_or_algorithm_is_refused_wherever_it_stands() {
    let d = key().to_bytes();
    let inner = sec1(&d[..], None, None);
    let explicit = sequence(&[&integer([1]), &sequence(&[])]);
    for (why, algorithm) in [
        ("P-256", sequence(&[&oid(EC), &oid(P256)])),
        ("RSA", sequence(&[&oid("1.2.840.113549.1.1.1"), NULL])),
        ("Ed25519", sequence(&[&oid("1.3.101.112")])),
        ("no curve", sequence(&[&oid(EC)])),
        ("a curve that is NULL", sequence(&[&oid(EC), NULL])),
        ("an explicit curve", sequence(&[&oid(EC), &explicit])),
        ("a curve as octets", sequence(&[&oid(EC), &octets([1, 2])])),
        ("SM2 with P-256", sequence(&[&oid(SM2), &oid(P256)])),
        ("two curves", sequence(&[&oid(EC), &oid(SM2), &oid(SM2)])),
        ("nothing", sequence(&[])),
        ("no sequence", oid(SM2)),
    ] {
        let error = refused(why, &pkcs8(&algorithm, &inner));
        assert!(matches!(error, Error::Form { .. }), "{why}: {error}");
        let point = bits(key().public_key().to_sec1());
        let public = PublicKey::from_der(&sequence(&[&algorithm, &point]));
        assert!(
            matches!(public, Err(Error::Form { .. })),
            "{why}: {public:?}"
        );
    }
    // PKCS#8 says one curve, what is in it another.
    let mixed = pkcs8(&algorithm(), &sec1(&d[..], Some(P256), None));
    assert!(refused("P-256 inside", &mixed).to_string().contains(P256));
    let alone = sec1(&d[..], Some(P256), None);
    assert!(refused("P-256 alone", &alone).to_string().contains(P256));
}

#[test]
fn a_public_key_beside_a_private_one_is_its_own_and_a_point() {
    let d = key().to_bytes();
    let own = key().public_key().to_sec1();
    let other = PrivateKey::from_bytes(&[0x22; 32]).unwrap().public_key();
    let mut off = own;
    off[64] ^= 1;
    for (why, public) in [
        ("another's", other.to_sec1().to_vec()),
        ("off the curve", off.to_vec()),
        ("infinity", vec![0]),
        ("nothing", vec![]),
        ("hybrid", [&[6 | own[64] & 1], &own[1..]].concat()),
        ("cut", own[..64].to_vec()),
        ("with a byte more", [&own[..], &[0]].concat()),
    ] {
        refused(
            why,
            &pkcs8(&algorithm(), &sec1(&d[..], None, Some(&public))),
        );
        refused(why, &sec1(&d[..], Some(SM2), Some(&public)));
        let inner = octets(sec1(&d[..], None, None));
        let beside = element(0x81, [&[0], &public[..]].concat());
        let two = sequence(&[&integer([1]), &algorithm(), &inner, &beside]);
        refused(why, &two);
        let alone = sequence(&[&algorithm(), &bits(&public)]);
        if public != other.to_sec1() {
            assert_eq!(PublicKey::from_der(&alone), Err(Error::PublicKey), "{why}");
        }
    }
    // Bits that are left over are no whole bytes.
    let uneven = element(0x03, [&[3], &own[..]].concat());
    assert!(PublicKey::from_der(&sequence(&[&algorithm(), &uneven])).is_err());
}

#[test]
fn only_the_one_form_of_der_is_a_key() {
    let d = key().to_bytes();
    let inner = sec1(&d[..], None, None);
    let (version, algorithm, octets_of) = (integer([0]), algorithm(), octets(&inner));
    for (why, der) in misformed(&pkcs8(&algorithm, &inner)) {
        refused(why, &der);
    }
    for (why, der) in misformed(&sec1(&d[..], Some(SM2), None)) {
        refused(why, &der);
    }
    for (at, part) in [&version, &algorithm, &octets_of].into_iter().enumerate() {
        for (why, wrong) in misformed(part) {
            let mut all = [&version[..], &algorithm, &octets_of];
            all[at] = &wrong;
            refused(&format!("part {at} {why}"), &sequence(&all));
        }
    }
    for (why, wrong) in misformed(&inner) {
        refused(&format!("inside: {why}"), &pkcs8(&algorithm, &wrong));
    }
    for (why, version) in [
        ("version 3", integer([2])),
        ("a negative version", integer([0xff])),
        ("a version with a zero before", integer([0, 0])),
        ("a version of 40 bytes", integer([0x7f; 40])),
    ] {
        refused(why, &sequence(&[&version, &algorithm, &octets_of]));
    }
    for (why, version) in [
        ("0", integer([0])),
        ("2", integer([2])),
        ("-1", integer([0xff])),
    ] {
        let der = sequence(&[&version, &octets(&d[..]), &element(0xa0, oid(SM2))]);
        refused(why, &der);
    }
}
