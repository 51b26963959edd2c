use weihe_sm::{
    Error,
    sm2::{PrivateKey, PublicKey},
};

use crate::common::hex;

fn key() -> PrivateKey {
    PrivateKey::generate().unwrap()
}

/// Both ways of PEM and DER of a key, with its public half.
fn same(read: Result<PrivateKey, Error>, key: &PrivateKey) {
    assert_eq!(read.unwrap().to_bytes(), key.to_bytes());
}

#[test]
fn a_key_comes_back_from_each_form() {
    let key = key();
    same(
        PrivateKey::from_der(&key.to_pkcs8_der().unwrap(), None),
        &key,
    );
    same(
        PrivateKey::from_pem(&key.to_pkcs8_pem().unwrap(), None),
        &key,
    );
    same(
        PrivateKey::from_der(&key.to_sec1_der().unwrap(), None),
        &key,
    );
    same(
        PrivateKey::from_pem(&key.to_sec1_pem().unwrap(), None),
        &key,
    );
    let public = key.public_key();
    assert_eq!(PublicKey::from_der(&public.to_der().unwrap()), Ok(public));
    assert_eq!(PublicKey::from_pem(&public.to_pem().unwrap()), Ok(public));
}

#[test]
fn other_blocks_words_and_line_ends_do_not_matter() {
    let key = key();
    let text = key.to_sec1_pem().unwrap();
    let parameters =
        "-----BEGIN EC PARAMETERS-----\nBggqgRzPVQGCLQ==\n-----END EC PARAMETERS-----\n";
    let long = format!("Some words: key\n{parameters}\n{}", *text);
    same(PrivateKey::from_pem(&long, None), &key);
    same(
        PrivateKey::from_pem(&long.replace('\n', "\r\n"), None),
        &key,
    );
    // As one line, and with lines of 76.
    let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    let frame = |body: &str| {
        format!("-----BEGIN EC PRIVATE KEY-----\n{body}\n-----END EC PRIVATE KEY-----")
    };
    same(PrivateKey::from_pem(&frame(&body), None), &key);
    let (one, two) = body.split_at(76);
    same(
        PrivateKey::from_pem(&frame(&format!("{one}\n  {two}  ")), None),
        &key,
    );
    let openssl = text.replace("EC PRIVATE", "SM2 PRIVATE");
    same(PrivateKey::from_pem(&openssl, None), &key);
}

/// Some name the curve as the algorithm, instead of id-ecPublicKey with the curve as its parameter.
#[test]
fn the_curve_may_be_named_as_the_algorithm() {
    let key = key();
    let der = key.to_pkcs8_der().unwrap();
    let inner = &der[der.len() - 109..];
    let version = hex("02 01 00");
    let curve = hex("06 08 2a811ccf5501822d");
    for parameters in [vec![], hex("05 00"), curve.clone()] {
        let algorithm = sequence(&[&curve[..], &parameters].concat());
        let info = sequence(&[&version[..], &algorithm, &[4, 109], inner].concat());
        same(PrivateKey::from_der(&info, None), &key);
        let point = [&[3, 66, 0][..], &key.public_key().to_sec1()].concat();
        let info = sequence(&[&algorithm[..], &point].concat());
        assert_eq!(PublicKey::from_der(&info), Ok(key.public_key()));
    }
}

fn sequence(body: &[u8]) -> Vec<u8> {
    match body.len() {
        length @ ..128 => [&[0x30, length as u8][..], body].concat(),
        length => [&[0x30, 0x81, length as u8][..], body].concat(),
    }
}

/// `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`.
const P256: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg7MKbI5HkLZvM70hG
GTRcv1K89oibvepzmp8YtEKJJxOhRANCAARxZ5KwZXkj+ido9Nx67duqIZtUcGk9
HGn0kpXgcdkqeXZhV4sJgOIKXntazVS9bW7CSMMXaZhTwrKsRwxExMcx
-----END PRIVATE KEY-----
";

#[test]
fn a_key_of_another_curve_or_algorithm_is_refused_by_its_name() {
    let refused = PrivateKey::from_pem(P256, None).unwrap_err().to_string();
    assert!(
        refused.contains("another curve (1.2.840.10045.3.1.7)"),
        "{refused}"
    );
    let ed25519 = hex("302a300506032b6570032100") // RFC 8410, 10.1
        .into_iter()
        .chain([7; 32])
        .collect::<Vec<_>>();
    let refused = PublicKey::from_der(&ed25519).unwrap_err().to_string();
    assert!(
        refused.contains("another algorithm (1.3.101.112)"),
        "{refused}"
    );
}

#[test]
fn a_text_without_a_key_says_what_it_has() {
    let public = key().public_key().to_pem().unwrap();
    let refused = PrivateKey::from_pem(&public, None).unwrap_err().to_string();
    assert!(refused.contains("only `PUBLIC KEY`"), "{refused}");
    let refused = PublicKey::from_pem("hello").unwrap_err().to_string();
    assert!(refused.contains("no block of PEM"), "{refused}");
    let two = [
        &**key().to_pkcs8_pem().unwrap(),
        &**key().to_sec1_pem().unwrap(),
    ]
    .concat();
    let refused = PrivateKey::from_pem(&two, None).unwrap_err().to_string();
    assert!(refused.contains("more than one"), "{refused}");
}
