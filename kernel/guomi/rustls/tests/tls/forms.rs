//! Certificates in the forms that authorities write.

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use rustls_guomi::{SigningKey, certified_key, identity, server_config};
use weihe_sm::sm2::PrivateKey;

use crate::pipe::Pair;
use crate::pki;

/// AlgorithmIdentifier of SM2 with SM3, without parameters.
const ALGORITHM: [u8; 12] = [
    0x30, 0x0a, 0x06, 0x08, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x83, 0x75,
];

/// A value in DER, of less than 64 KiB.
fn der(tag: u8, contents: &[u8]) -> Vec<u8> {
    let mut der = vec![tag, 0x82];
    der.extend((contents.len() as u16).to_be_bytes());
    if contents.len() < 0x80 {
        der = vec![tag, contents.len() as u8];
    } else if contents.len() < 0x100 {
        der = vec![tag, 0x81, contents.len() as u8];
    }
    der.extend(contents);
    der
}

fn key(name: &str) -> SigningKey {
    let key = PrivateKeyDer::from_pem_slice(&pki::read(name)).unwrap();
    SigningKey::from_der(&key).unwrap()
}

fn root_key() -> PrivateKey {
    let PrivateKeyDer::Pkcs8(der) =
        PrivateKeyDer::from_pem_slice(&pki::read("root.key.pem")).unwrap()
    else {
        panic!("PKCS#8");
    };
    PrivateKey::from_der(der.secret_pkcs8_der(), None).unwrap()
}

/// The certificate of the server with another identifier of the signature, signed by the root under `id`.
fn certificate(algorithm: &[u8], id: &[u8]) -> CertificateDer<'static> {
    let whole = pki::chain("server.pem").remove(0);
    // SEQUENCE, then the SEQUENCE that is signed: both are longer than 255 bytes.
    assert_eq!(
        (whole[0], whole[1], whole[4], whole[5]),
        (0x30, 0x82, 0x30, 0x82)
    );
    let length = usize::from(u16::from_be_bytes([whole[6], whole[7]]));
    let signed = &whole[8..8 + length];
    let at = signed
        .windows(ALGORITHM.len())
        .position(|window| window == ALGORITHM)
        .unwrap();
    let contents = [&signed[..at], algorithm, &signed[at + ALGORITHM.len()..]].concat();
    let signed = der(0x30, &contents);
    let signature = root_key().sign(id, &signed).unwrap().to_der();
    let bits = der(0x03, &[&[0], &signature[..]].concat());
    der(0x30, &[&signed[..], algorithm, &bits].concat()).into()
}

fn shake_hands(certificate: CertificateDer<'static>) -> Result<(), crate::pipe::Failure> {
    let identity = certified_key(vec![certificate], key("server.key.pem")).unwrap();
    let server = Arc::new(server_config(identity).build().unwrap());
    Pair::new(&pki::client(), &server).run()
}

#[test]
fn the_parameters_of_the_signature_may_be_absent_or_null() {
    let mut null = der(0x30, &[&ALGORITHM[2..], &[0x05, 0x00]].concat());
    assert_eq!(
        shake_hands(certificate(&ALGORITHM, identity::CERTIFICATE)),
        Ok(())
    );
    assert_eq!(
        shake_hands(certificate(&null, identity::CERTIFICATE)),
        Ok(())
    );
    *null.last_mut().unwrap() = 0x01;
    null.push(0);
    null[1] += 1;
    assert!(shake_hands(certificate(&null, identity::CERTIFICATE)).is_err());
}

#[test]
fn a_certificate_that_was_signed_as_a_handshake_is_refused() {
    let wrong = certificate(&ALGORITHM, identity::CERTIFICATE_VERIFY);
    let said = shake_hands(wrong).unwrap_err().client.unwrap();
    assert!(said.contains("BadSignature"), "{said}");
}
