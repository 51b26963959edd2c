//! Held against `openssl` 3.

use std::fs;

use weihe_sm::sm2::{DEFAULT_ID, Layout, PrivateKey, Signature};

use crate::common::openssl;

#[test]
fn openssl_and_we_verify_each_others_signatures() {
    let folder = tempfile::tempdir().unwrap();
    let (key, path) = (PrivateKey::generate().unwrap(), folder.path());
    fs::write(path.join("key.pem"), &*key.to_pkcs8_pem().unwrap()).unwrap();
    fs::write(path.join("public.pem"), key.public_key().to_pem().unwrap()).unwrap();
    fs::write(path.join("message"), b"valve open").unwrap();
    let id = format!("distid:{}", std::str::from_utf8(DEFAULT_ID).unwrap());
    let signature = key.sign(DEFAULT_ID, b"valve open").unwrap();
    fs::write(path.join("ours"), signature.to_der()).unwrap();

    let common = ["pkeyutl", "-rawin", "-digest", "sm3", "-in", "message"];
    let verify = [
        "-verify",
        "-pubin",
        "-inkey",
        "public.pem",
        "-sigfile",
        "ours",
    ];
    let options = ["-pkeyopt", &id];
    let Some(ran) = openssl(&[&common[..], &verify, &options].concat(), path) else {
        return;
    };
    ran.good();
    let other = ["-pkeyopt", "distid:someone"];
    let ran = openssl(&[&common[..], &verify, &other].concat(), path).unwrap();
    ran.bad();

    let sign = ["-sign", "-inkey", "key.pem", "-out", "theirs"];
    let ran = openssl(&[&common[..], &sign, &options].concat(), path).unwrap();
    ran.good();
    let theirs = fs::read(path.join("theirs")).unwrap();
    let theirs = Signature::from_der(&theirs).unwrap();
    key.public_key()
        .verify(DEFAULT_ID, b"valve open", &theirs)
        .unwrap();
}

#[test]
fn openssl_and_we_decrypt_each_others_ciphertexts() {
    let folder = tempfile::tempdir().unwrap();
    let (key, path) = (PrivateKey::generate().unwrap(), folder.path());
    fs::write(path.join("key.pem"), &*key.to_pkcs8_pem().unwrap()).unwrap();
    fs::write(path.join("public.pem"), key.public_key().to_pem().unwrap()).unwrap();
    fs::write(path.join("plain"), b"setpoint 42").unwrap();
    let ours = key
        .public_key()
        .encrypt(Layout::Der, b"setpoint 42")
        .unwrap();
    fs::write(path.join("ours"), ours).unwrap();

    let decrypt = ["pkeyutl", "-decrypt", "-inkey", "key.pem", "-in", "ours"];
    let Some(ran) = openssl(&decrypt, path) else {
        return;
    };
    assert_eq!(ran.good(), "setpoint 42");
    let encrypt = [
        "pkeyutl",
        "-encrypt",
        "-pubin",
        "-inkey",
        "public.pem",
        "-in",
        "plain",
        "-out",
        "theirs",
    ];
    openssl(&encrypt, path).unwrap().good();
    let theirs = fs::read(path.join("theirs")).unwrap();
    assert_eq!(*key.decrypt(Layout::Der, &theirs).unwrap(), b"setpoint 42");
}
