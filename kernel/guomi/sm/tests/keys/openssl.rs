//! Held against `openssl` 3.

use std::{fs, path::Path};

use weihe_sm::{
    keys::Prf,
    sm2::{PrivateKey, PublicKey},
};

use crate::common::openssl;

fn read(path: &Path, name: &str) -> String {
    fs::read_to_string(path.join(name)).unwrap()
}

#[test]
fn openssl_reads_our_keys() {
    let folder = tempfile::tempdir().unwrap();
    let (key, path) = (PrivateKey::generate().unwrap(), folder.path());
    let public = key.public_key().to_pem().unwrap();
    fs::write(path.join("pkcs8.pem"), &*key.to_pkcs8_pem().unwrap()).unwrap();
    fs::write(path.join("sec1.pem"), &*key.to_sec1_pem().unwrap()).unwrap();
    let encrypted = key.to_encrypted_pem(Prf::Sha256, b"secret").unwrap();
    fs::write(path.join("encrypted.pem"), encrypted).unwrap();
    fs::write(path.join("public.pem"), &public).unwrap();
    for file in ["pkcs8.pem", "sec1.pem", "encrypted.pem"] {
        let ask = ["pkey", "-in", file, "-pubout", "-passin", "pass:secret"];
        let Some(ran) = openssl(&ask, path) else {
            return;
        };
        assert_eq!(ran.good(), public, "{file}");
        let check = [
            "pkey",
            "-in",
            file,
            "-check",
            "-noout",
            "-passin",
            "pass:secret",
        ];
        openssl(&check, path).unwrap().good();
    }
    let ask = [
        "pkey",
        "-pubin",
        "-in",
        "public.pem",
        "-pubcheck",
        "-text",
        "-noout",
    ];
    let said = openssl(&ask, path).unwrap().good();
    assert!(said.contains("SM2"), "{said}");
}

#[test]
fn we_read_the_keys_of_openssl() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let make = |arguments: &[&str]| openssl(arguments, path).map(|ran| ran.good());
    let curve = "ec_paramgen_curve:SM2";
    let new = [
        "genpkey",
        "-algorithm",
        "EC",
        "-pkeyopt",
        curve,
        "-out",
        "pkcs8.pem",
    ];
    if make(&new).is_none() {
        return;
    }
    make(&["ec", "-in", "pkcs8.pem", "-out", "sec1.pem"]);
    make(&["pkey", "-in", "pkcs8.pem", "-pubout", "-out", "public.pem"]);
    make(&[
        "pkey",
        "-in",
        "pkcs8.pem",
        "-outform",
        "DER",
        "-out",
        "pkcs8.der",
    ]);
    make(&[
        "ecparam",
        "-name",
        "SM2",
        "-genkey",
        "-out",
        "with-parameters.pem",
    ]);
    let key = PrivateKey::from_pem(&read(path, "pkcs8.pem"), None).unwrap();
    let public = PublicKey::from_pem(&read(path, "public.pem")).unwrap();
    assert_eq!(key.public_key(), public);
    let sec1 = PrivateKey::from_pem(&read(path, "sec1.pem"), None).unwrap();
    assert_eq!(sec1.public_key(), public);
    let der = fs::read(path.join("pkcs8.der")).unwrap();
    assert_eq!(
        PrivateKey::from_der(&der, None).unwrap().public_key(),
        public
    );
    PrivateKey::from_pem(&read(path, "with-parameters.pem"), None).unwrap();
    for cipher in ["sm4-cbc", "aes-128-cbc", "aes-256-cbc"] {
        let pass = "pass:secret";
        make(&[
            "pkcs8",
            "-topk8",
            "-in",
            "pkcs8.pem",
            "-v2",
            cipher,
            "-passout",
            pass,
            "-out",
            "e.pem",
        ]);
        let text = read(path, "e.pem");
        let read = PrivateKey::from_pem(&text, Some(b"secret")).unwrap();
        assert_eq!(read.public_key(), public, "{cipher}");
    }
}
