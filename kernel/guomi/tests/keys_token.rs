//! Keys on a token, with SoftHSM (Debian: `softhsm2`); left out where it is not installed.
#![cfg(target_env = "gnu")]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::PathBuf;
use std::process::Command;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::object::{Attribute, AttributeType};
use weihe_guomi::keys::hardware::{self, Settings};
use weihe_guomi::keys::{AeadMode, Algorithm, KeyError, KeyStore, NewKey};

fn module() -> Option<PathBuf> {
    let folders = [
        "/usr/lib/softhsm",
        "/usr/lib/x86_64-linux-gnu/softhsm",
        "/usr/lib64/pkcs11",
    ];
    let mut modules = folders
        .iter()
        .map(|folder| PathBuf::from(folder).join("libsofthsm2.so"));
    modules.find(|module| module.is_file())
}

/// Runs one test alone in a process, with a token of its own: the library reads its settings once.
fn with_token(test: &str, body: impl FnOnce(&Settings)) {
    let Some(module) = module() else {
        eprintln!("left out: SoftHSM is not installed");
        return;
    };
    let settings = Settings {
        module,
        token: Some("plant".to_owned()),
        slot: None,
    };
    if std::env::var_os("SOFTHSM2_CONF").is_some() {
        return body(&settings);
    }
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("softhsm2.conf");
    let tokens = directory.path().join("tokens");
    std::fs::create_dir(&tokens).unwrap();
    std::fs::write(
        &config,
        format!("directories.tokendir = {}\n", tokens.display()),
    )
    .unwrap();
    let made = Command::new("softhsm2-util")
        .args([
            "--init-token",
            "--free",
            "--label",
            "plant",
            "--so-pin",
            "12345678",
            "--pin",
            "4321",
        ])
        .env("SOFTHSM2_CONF", &config)
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let alone = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("SOFTHSM2_CONF", &config)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&alone.stdout).into_owned()
        + &String::from_utf8_lossy(&alone.stderr);
    assert!(alone.status.success(), "{said}");
}

#[test]
fn a_key_on_a_token_is_made_used_rotated_and_destroyed() {
    with_token(
        "a_key_on_a_token_is_made_used_rotated_and_destroyed",
        |settings| {
            let (token, notices) = hardware::open(settings, Some("4321")).unwrap();
            assert_eq!(
                notices,
                [
                    "token plant: this token cannot do SM2, SM3 or SM4; keys are kept on it, and the host computes with them"
                ]
            );
            let mut random = [0; 32];
            token.random(&mut random).unwrap();
            assert_ne!(random, [0; 32]);
            let keys = KeyStore::new(vec![token]);
            let made = keys
                .generate(&NewKey::new("gateway", Algorithm::Sm2))
                .unwrap();
            assert_eq!(made.provider, "token plant");
            let signature = keys
                .open("gateway", None)
                .unwrap()
                .sign_digest(&[7; 32])
                .unwrap();
            made.public_key
                .unwrap()
                .verify_digest(&[7; 32], &signature)
                .unwrap();

            keys.generate(&NewKey::new("meter", Algorithm::Sm4))
                .unwrap();
            let mut data = *b"12.5 kWh";
            let open = |version| {
                keys.open("meter", version)
                    .unwrap()
                    .aead(AeadMode::Gcm)
                    .unwrap()
            };
            let tag = open(None).seal(&[1; 12], b"", &mut data).unwrap();
            keys.rotate("meter").unwrap();
            open(Some(1)).open(&[1; 12], b"", &mut data, &tag).unwrap();
            assert_eq!(&data, b"12.5 kWh");
            let listing = keys.list().unwrap();
            assert_eq!(listing.keys.len(), 3);
            assert!(listing.damaged.is_empty());
            assert_eq!(keys.destroy("meter", None).unwrap(), [1, 2]);
            assert!(matches!(
                keys.open("meter", None),
                Err(KeyError::Unknown { .. })
            ));
        },
    );
}

#[test]
fn two_files_of_one_name_are_one_key_with_its_certificate() {
    with_token(
        "two_files_of_one_name_are_one_key_with_its_certificate",
        |settings| {
            let (token, _) = hardware::open(settings, Some("4321")).unwrap();
            let keys = KeyStore::new(vec![token]);
            keys.generate(&NewKey::new("gateway", Algorithm::Sm2))
                .unwrap();
            // The session of another application, on the token that is logged in already.
            let library = Pkcs11::new(&settings.module).unwrap();
            let _ = library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK));
            let slot = library.get_slots_with_initialized_token().unwrap()[0];
            let session = library.open_rw_session(slot).unwrap();
            let label = Attribute::Label(b"gateway.1.key".to_vec());
            let object = session.find_objects(&[label]).unwrap()[0];
            let wanted = [
                AttributeType::Class,
                AttributeType::Token,
                AttributeType::Private,
                AttributeType::Application,
                AttributeType::Label,
                AttributeType::Value,
            ];
            let before = session.get_attributes(object, &wanted).unwrap();
            let certificate = vec![vec![0x30, 0x00]];
            keys.attach("gateway", None, &certificate).unwrap();
            // The power failed before what was there before the certificate was destroyed.
            session.create_object(&before).unwrap();

            let listing = keys.list().unwrap();
            assert_eq!((listing.keys.len(), listing.damaged.len()), (1, 0));
            for _ in 0..5 {
                let key = keys.open("gateway", None).unwrap();
                assert_eq!(key.about().certificate, Some(certificate[0].clone()));
            }
            assert_eq!(keys.destroy("gateway", Some(1)).unwrap(), [1]);
            assert!(keys.list().unwrap().keys.is_empty());
        },
    );
}

#[test]
fn what_stands_in_the_way_of_a_token_is_said() {
    with_token("what_stands_in_the_way_of_a_token_is_said", |settings| {
        let said =
            |settings: &Settings, pin| hardware::open(settings, pin).unwrap_err().to_string();
        let other = Settings {
            token: Some("office".to_owned()),
            ..settings.clone()
        };
        let error = said(&other, Some("4321"));
        assert!(
            error.ends_with("it has no such token, only: plant"),
            "{error}"
        );
        let error = said(settings, None);
        assert!(
            error.starts_with("token plant: there is no PIN: set WEIHE_PKCS11_PIN"),
            "{error}"
        );
        let error = said(settings, Some("9999"));
        assert!(error.starts_with("token plant: cannot log in"), "{error}");
        assert!(!error.contains("9999"));
    });
}
