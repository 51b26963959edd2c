//! Requests written by hand: what they ask for decides what an authority issues.

use weihe_sm::{Error, request::Request, sm2::DEFAULT_ID};

use crate::{
    by_hand::{SM2_SM3, TRUE, dns, extension, key, name},
    common::der::{bits, element, integer, misformed, oid, sequence},
    plant::hosts,
};

/// extensionRequest (RFC 2985, 5.4.2).
const EXTENSIONS: &str = "1.2.840.113549.1.9.14";

fn asks_for(extensions: &[Vec<u8>]) -> Vec<u8> {
    attribute(EXTENSIONS, &element(0x30, extensions.concat()))
}

fn attribute(id: &str, values: &[u8]) -> Vec<u8> {
    sequence(&[&oid(id), &element(0x31, values)])
}

fn body(version: &[u8], attributes: &[Vec<u8>]) -> Vec<u8> {
    let public = key(2).public_key().to_der().unwrap();
    let attributes = element(0xa0, attributes.concat());
    sequence(&[version, &name("gateway"), &public, &attributes])
}

/// Signed by its own key.
fn signed(body: &[u8], algorithm: &str) -> Vec<u8> {
    let signature = key(2).sign(DEFAULT_ID, body).unwrap().to_der();
    sequence(&[body, &sequence(&[&oid(algorithm)]), &bits(signature)])
}

fn read(attributes: &[Vec<u8>]) -> Result<Request, Error> {
    Request::from_der(&signed(&body(&integer([0]), attributes), SM2_SM3))
}

#[test]
fn what_others_ask_for_is_read() {
    let challenge = attribute("1.2.840.113549.1.9.7", &element(0x0c, "a word"));
    let unknown = extension("1.2.3.4", &[], b"x");
    for (attributes, names) in [
        (vec![], &[][..]),
        (vec![challenge.clone()], &[]),
        (vec![asks_for(&[])], &[]),
        (vec![asks_for(&[unknown])], &[]),
        (vec![asks_for(&[dns("a.plant")])], &["a.plant"]),
        (vec![challenge, asks_for(&[dns("a.plant")])], &["a.plant"]),
    ] {
        let request = read(&attributes).unwrap();
        request.verify().unwrap();
        assert_eq!(request.hosts(), hosts(names));
    }
}

#[test]
fn a_request_that_asks_twice_or_for_what_is_none_is_refused() {
    let (a, b) = (dns("a.plant"), dns("b.plant"));
    let two_values = [sequence(&[&a]), sequence(&[&b])].concat();
    for (why, attributes) in [
        (
            "two lists",
            vec![
                asks_for(std::slice::from_ref(&a)),
                asks_for(std::slice::from_ref(&b)),
            ],
        ),
        ("two lists in one", vec![attribute(EXTENSIONS, &two_values)]),
        ("no list", vec![attribute(EXTENSIONS, &[])]),
        (
            "a number for a list",
            vec![attribute(EXTENSIONS, &integer([1]))],
        ),
        ("names twice", vec![asks_for(&[a.clone(), b])]),
        (
            "names that are none",
            vec![asks_for(&[extension("2.5.29.17", TRUE, &integer([1]))])],
        ),
        ("no attribute", vec![integer([1])]),
        (
            "an attribute without values",
            vec![sequence(&[&oid(EXTENSIONS)])],
        ),
    ] {
        let refused = read(&attributes);
        assert!(
            matches!(refused, Err(Error::Form { .. })),
            "{why}: {refused:?}"
        );
    }
    for version in [integer([1]), integer([0xff]), integer([0, 0]), vec![]] {
        let refused = Request::from_der(&signed(&body(&version, &[]), SM2_SM3));
        assert!(
            matches!(refused, Err(Error::Form { .. })),
            "{version:02x?}: {refused:?}"
        );
    }
}

#[test]
fn only_its_own_signature_in_the_one_form_of_der_proves_anything() {
    let body = body(&integer([0]), &[asks_for(&[dns("a.plant")])]);
    let right = signed(&body, SM2_SM3);
    Request::from_der(&right).unwrap().verify().unwrap();
    for (why, der) in misformed(&right) {
        assert!(Request::from_der(&der).is_err(), "{why}");
    }
    let passes = |der: &[u8]| Request::from_der(der).is_ok_and(|request| request.verify().is_ok());
    for (why, wrong) in misformed(&body) {
        assert!(!passes(&signed(&wrong, SM2_SM3)), "the body {why}");
    }
    let other = signed(&body, "1.2.840.10045.4.3.2");
    let refused = Request::from_der(&other).unwrap().verify().unwrap_err();
    assert!(
        refused.to_string().contains("1.2.840.10045.4.3.2"),
        "{refused}"
    );

    let algorithm = sequence(&[&oid(SM2_SM3)]);
    let own = key(2).sign(DEFAULT_ID, &body).unwrap();
    for (why, signature) in [
        ("r and s alone", own.to_bytes().to_vec()),
        ("nothing", vec![]),
        ("a byte more", [&own.to_der()[..], &[0]].concat()),
        (
            "another's",
            key(3).sign(DEFAULT_ID, &body).unwrap().to_der(),
        ),
        (
            "another identity",
            key(2).sign(b"x", &body).unwrap().to_der(),
        ),
        (
            "of something else",
            key(2).sign(DEFAULT_ID, b"x").unwrap().to_der(),
        ),
    ] {
        let request = sequence(&[&body, &algorithm, &bits(signature)]);
        let refused = Request::from_der(&request).unwrap().verify();
        assert_eq!(refused, Err(Error::Signature), "{why}");
    }
}
