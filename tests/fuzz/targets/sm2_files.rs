//! What comes from outside in SM2: keys, requests, certificates, signatures and ciphertexts. What is read is written so
//! that it is read the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use weihe_sm::{
    certificate::{Certificate, Host},
    pem,
    request::Request,
    sm2::{Layout, PrivateKey, PublicKey, Signature},
};

fuzz_target!(|bytes: &[u8]| {
    // Rounds of PBKDF2 would take all the time: no passphrase.
    if let Ok(key) = PrivateKey::from_der(bytes, None) {
        let again = PrivateKey::from_der(&key.to_pkcs8_der().unwrap(), None).unwrap();
        assert_eq!(again.to_bytes(), key.to_bytes());
    }
    if let Ok(key) = PublicKey::from_der(bytes) {
        assert_eq!(PublicKey::from_der(&key.to_der().unwrap()), Ok(key));
    }
    if let Ok(key) = PublicKey::from_sec1(bytes) {
        assert_eq!(PublicKey::from_sec1(&key.to_sec1()), Ok(key));
        assert_eq!(PublicKey::from_sec1(&key.to_compressed()), Ok(key));
    }
    if let Ok(signature) = Signature::from_der(bytes) {
        assert_eq!(signature.to_der(), bytes);
    }
    if let Ok(certificate) = Certificate::from_der(bytes) {
        let _ = certificate.to_string();
        let _ = certificate.verify_signature(&certificate.public_key());
        let text = certificate.to_pem().unwrap();
        assert_eq!(Certificate::from_pem(&text), Ok(certificate));
    }
    if let Ok(request) = Request::from_der(bytes) {
        let _ = (request.subject(), request.verify().is_ok());
    }
    if let Ok(key) = PrivateKey::from_bytes(&[7; 32]) {
        for layout in [Layout::C1C3C2, Layout::C1C2C3, Layout::Der] {
            let _ = key.decrypt(layout, bytes);
        }
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        for block in pem::blocks(text).into_iter().flatten() {
            let written = pem::encode(&block.label, &block.der).unwrap();
            assert_eq!(pem::blocks(&written).unwrap()[0].der, block.der);
        }
        let _ = PrivateKey::from_pem(text, None);
        if let Ok(host) = text.parse::<Host>() {
            assert_eq!(host.to_string().parse(), Ok(host));
        }
    }
});
