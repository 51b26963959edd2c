//! Keys: the forms they come in, and those that stay elsewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::pki_types::{
    PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer, pem::PemObject,
};
use rustls::{ServerConfig, version::TLS13};
use rustls_guomi::{
    Error, SigningKey, certified_key, certified_key_from_pem, client_config, identity, provider,
    roots_from_pem, server_config,
};
use weihe_sm::sm2::PrivateKey;

use crate::pipe::Pair;
use crate::pki;

#[test]
fn a_key_is_taken_in_each_form_that_openssl_writes() {
    let chain = pki::read("server.pem");
    for name in ["server.key.pem", "server.sec1.pem"] {
        let server = certified_key_from_pem(&chain, &pki::read(name)).unwrap();
        let server = server_config(server).build().unwrap();
        Pair::connected(&pki::client(), &Arc::new(server)).talk();
    }
    let text = String::from_utf8(pki::read("server.sec1.pem")).unwrap();
    assert!(text.contains("BEGIN SM2 PRIVATE KEY"));
    let common = text.replace(" SM2 ", " EC ");
    certified_key_from_pem(&chain, common.as_bytes()).unwrap();
}

#[test]
fn the_provider_serves_the_builders_of_rustls_itself() {
    let key = PrivateKeyDer::from_pem_slice(&pki::read("server.key.pem")).unwrap();
    let server = ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(pki::chain("server.pem"), key)
        .unwrap();
    Pair::connected(&pki::client(), &Arc::new(server)).talk();
}

#[test]
fn a_key_that_stays_elsewhere_signs_for_both_sides() {
    let asked = Arc::new(AtomicUsize::new(0));
    let engine = |name: &str| {
        let key = PrivateKeyDer::from_pem_slice(&pki::read(&format!("{name}.key.pem"))).unwrap();
        let PrivateKeyDer::Pkcs8(der) = &key else {
            panic!("PKCS#8");
        };
        let secret = PrivateKey::from_der(der.secret_pkcs8_der(), None).unwrap();
        let (public, asked) = (secret.public_key().to_sec1(), Arc::clone(&asked));
        let key = SigningKey::elsewhere(&public, move |message: &[u8]| {
            asked.fetch_add(1, Ordering::Relaxed);
            let signature = secret.sign(identity::CERTIFICATE_VERIFY, message)?;
            Ok::<_, weihe_sm::Error>(signature.to_der())
        });
        certified_key(pki::chain(&format!("{name}.pem")), key.unwrap()).unwrap()
    };
    let client = client_config(pki::roots()).identity(engine("client"));
    let server = server_config(engine("server")).clients(pki::roots());
    let mut pair = Pair::connected(
        &Arc::new(client.build().unwrap()),
        &Arc::new(server.build().unwrap()),
    );
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    pair.talk();
}

#[test]
fn an_engine_that_refuses_ends_the_handshake_with_its_reason() {
    let public = PrivateKey::generate().unwrap().public_key().to_sec1();
    let key = SigningKey::elsewhere(&public, |_: &[u8]| Err("the card was pulled")).unwrap();
    let server = rustls::sign::CertifiedKey::new(pki::chain("server.pem"), Arc::new(key));
    let server = server_config(Arc::new(server)).build().unwrap();
    let failure = Pair::new(&pki::client(), &Arc::new(server)).run();
    let said = failure.unwrap_err().server.unwrap();
    assert!(said.contains("the card was pulled"), "{said}");
}

#[test]
fn keys_and_certificates_that_cannot_be_used_say_why() {
    let said = |chain: &[u8], key: &[u8]| {
        let error = certified_key_from_pem(chain, key).unwrap_err();
        error.to_string()
    };
    let (chain, key) = (pki::read("server.pem"), pki::read("server.key.pem"));
    let wrong = [
        (
            said(&chain, &pki::read("client.key.pem")),
            "the certificate cannot be used with this key: keys may not be consistent: KeyMismatch",
        ),
        (
            said(&chain, &pki::read("p256.key.pem")),
            "the private key cannot be used: this is not PKCS#8 of a private key on the curve of \
             SM2",
        ),
        (
            said(&chain, &pki::read("p256.sec1.pem")),
            "the private key cannot be used: this is not SEC 1 of a private key on the curve of \
             SM2",
        ),
        (
            said(&chain, &pki::read("server.encrypted.pem")),
            "a private key that is not encrypted: there is none in this PEM",
        ),
        (said(b"", &key), "a certificate: there is none in this PEM"),
        (
            said(
                b"-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n",
                &key,
            ),
            "a certificate: this PEM cannot be read",
        ),
    ];
    for (said, expected) in wrong {
        assert_eq!(said, expected);
    }
    let empty = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    assert!(matches!(
        certified_key_from_pem(empty.as_bytes(), &key),
        Err(Error::Certificate(_))
    ));
    assert!(matches!(
        roots_from_pem(empty.as_bytes()),
        Err(Error::Root(_))
    ));
    let none = certified_key(
        Vec::new(),
        SigningKey::from(PrivateKey::generate().unwrap()),
    );
    assert!(matches!(none, Err(Error::Certificate(_))));
}

#[test]
fn a_key_cut_short_or_changed_is_an_error_in_every_form() {
    let sec1 = |der: Vec<u8>| PrivateKeyDer::Sec1(PrivateSec1KeyDer::from(der));
    let pkcs8 = |der: Vec<u8>| PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(der));
    let PrivateKeyDer::Pkcs8(whole) =
        PrivateKeyDer::from_pem_slice(&pki::read("server.key.pem")).unwrap()
    else {
        panic!("PKCS#8");
    };
    let whole = whole.secret_pkcs8_der();
    for length in 0..whole.len() {
        assert!(SigningKey::from_der(&pkcs8(whole[..length].to_vec())).is_err());
        assert!(SigningKey::from_der(&sec1(whole[..length].to_vec())).is_err());
    }
    let mut long = whole.to_vec();
    long.push(0);
    assert!(SigningKey::from_der(&pkcs8(long)).is_err());
    // Every byte changed: an error or a key, and no panic.
    for at in 0..whole.len() {
        for change in [1, 2, 4, 0x20, 0x80, 0xff] {
            let mut changed = whole.to_vec();
            changed[at] ^= change;
            let _ = SigningKey::from_der(&pkcs8(changed));
        }
    }
    let rsa = PrivateKeyDer::Pkcs1(PrivatePkcs1KeyDer::from(whole.to_vec()));
    assert!(SigningKey::from_der(&rsa).is_err());
}
