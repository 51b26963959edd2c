//! `weihe key`, as people and scripts use it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use super::{json, system, text, weihe};

/// A system whose key store is opened quickly.
fn plant() -> tempfile::TempDir {
    system("[keys]\nrounds = 1024\n")
}

fn key(directory: &Path) -> Command {
    let mut command = weihe(directory);
    command
        .env_remove("WEIHE_KEYSTORE")
        .env_remove("WEIHE_KEY_NEW_PASSPHRASE")
        .env_remove("WEIHE_FILE_PASSPHRASE")
        .env("WEIHE_KEY_PASSPHRASE", "correct horse")
        .arg("key");
    command
}

fn run(directory: &Path, arguments: &[&str]) -> Output {
    key(directory).args(arguments).output().unwrap()
}

fn done(directory: &Path, arguments: &[&str]) -> String {
    let output = run(directory, arguments);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{arguments:?}: {}",
        text(&output.stderr)
    );
    text(&output.stdout)
}

fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    text(&output.stderr)
}

#[test]
fn a_name_that_is_mistyped_is_said_and_nothing_of_an_audit_trail() {
    let directory = plant();
    let here = directory.path();
    // Where there is no store yet, and beside another key.
    let said = refused(&run(here, &["show", "valve"]));
    assert!(!said.contains("audit trail"), "{said}");
    done(here, &["new", "meter"]);
    let journal = here.join("data/keys/journal");
    let before = fs::read(&journal).unwrap();
    let said = refused(&run(here, &["show", "valve"]));
    assert!(!said.contains("audit trail"), "{said}");
    assert_eq!(fs::read(&journal).unwrap(), before);
}

#[test]
fn a_key_is_made_listed_shown_rotated_and_destroyed() {
    let directory = plant();
    let here = directory.path();
    let said = done(
        here,
        &[
            "new",
            "meter",
            "--algorithm",
            "sm4",
            "--use",
            "encrypt,decrypt",
        ],
    );
    assert!(said.contains("is protected by the passphrase"), "{said}");
    assert!(said.contains("Made key `meter` (sm4)"), "{said}");
    let said = refused(&run(here, &["new", "meter"]));
    assert!(
        said.contains("there is a key `meter` already; `weihe key rotate meter`"),
        "{said}"
    );
    done(here, &["rotate", "meter"]);
    let listed = json(&run(here, &["list", "--json"]));
    let versions: Vec<_> = listed["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| {
            (
                key["version"].as_u64().unwrap(),
                key["current"].as_bool().unwrap(),
            )
        })
        .collect();
    assert_eq!(versions, [(1, false), (2, true)]);
    assert_eq!(listed["keys"][0]["provider"], "software");
    assert!(done(here, &["show", "meter@1"]).contains("ALGORITHM: sm4\n"));
    let asked = run(here, &["destroy", "meter@1"]);
    assert_eq!(asked.status.code(), Some(2), "nobody is there to ask");
    let said = refused(&run(here, &["destroy", "meter@2", "--yes"]));
    assert!(said.contains("is the one in use"), "{said}");
    let said = done(here, &["destroy", "meter", "--yes"]);
    assert!(
        said.contains("version 1, 2") && said.contains("SSD"),
        "{said}"
    );
    assert!(done(here, &["list"]).contains("there are no keys in"));
    let said = refused(&run(here, &["show", "meter"]));
    assert!(
        said.contains("there is no key `meter`; there are no keys yet"),
        "{said}"
    );
}

#[test]
fn a_key_asks_for_its_certificate_with_a_request_that_verifies() {
    let directory = plant();
    let here = directory.path();
    done(here, &["new", "gateway"]);
    done(
        here,
        &[
            "csr",
            "gateway",
            "--subject",
            "CN=gateway,O=Plant",
            "--dns",
            "gateway.plant",
            "--ip",
            "10.0.0.1",
            "-o",
            "gateway.csr",
        ],
    );
    let request = fs::read_to_string(here.join("gateway.csr")).unwrap();
    let read = weihe_sm::request::Request::from_pem(&request).unwrap();
    read.verify().unwrap();
    assert_eq!(read.hosts().len(), 2);
    let public = done(here, &["export", "gateway", "--public"]);
    assert_eq!(
        weihe_sm::sm2::PublicKey::from_pem(&public).unwrap(),
        read.public_key()
    );
    let again = run(
        here,
        &[
            "csr",
            "gateway",
            "--subject",
            "CN=gateway",
            "-o",
            "gateway.csr",
        ],
    );
    let said = refused(&again);
    assert!(
        said.contains("cannot write gateway.csr"),
        "what is there is not overwritten: {said}"
    );
}

#[test]
fn a_private_key_leaves_only_where_it_may_and_under_a_passphrase() {
    let directory = plant();
    let here = directory.path();
    done(here, &["new", "stays"]);
    let said = refused(&run(here, &["export", "stays"]));
    assert!(said.contains("key `stays` is not exportable"), "{said}");
    done(here, &["new", "leaves", "--exportable"]);
    let said = refused(&run(here, &["export", "leaves"]));
    assert!(said.contains("is written under a passphrase"), "{said}");
    let export = |name: &str, file: &str| {
        key(here)
            .args(["export", name, "-o", file])
            .env("WEIHE_FILE_PASSPHRASE", "battery staple")
            .output()
            .unwrap()
    };
    assert!(export("leaves", "leaves.pem").status.success());
    let written = fs::read_to_string(here.join("leaves.pem")).unwrap();
    assert!(written.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    let mode = fs::metadata(here.join("leaves.pem"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let import = key(here)
        .args(["import", "leaves.pem", "--name", "back"])
        .env("WEIHE_FILE_PASSPHRASE", "battery staple")
        .output()
        .unwrap();
    assert!(import.status.success(), "{}", text(&import.stderr));
    let public = |name: &str| done(here, &["export", name, "--public"]);
    assert_eq!(public("leaves"), public("back"));
    fs::write(here.join("meter.hex"), "000102030405060708090a0b0c0d0e0f\n").unwrap();
    done(
        here,
        &["import", "meter.hex", "--algorithm", "sm4", "--exportable"],
    );
    assert_eq!(
        done(here, &["export", "meter"]),
        "000102030405060708090a0b0c0d0e0f\n"
    );
}

#[test]
fn a_store_without_its_passphrase_says_so_and_opens_with_another_one_after_protect() {
    let directory = plant();
    let here = directory.path();
    done(here, &["new", "valve"]);
    let wrong = key(here)
        .arg("list")
        .env("WEIHE_KEY_PASSPHRASE", "wrong")
        .output()
        .unwrap();
    let said = refused(&wrong);
    assert!(
        said.contains("the passphrase does not open the key store in"),
        "{said}"
    );
    let none = key(here)
        .arg("list")
        .env_remove("WEIHE_KEY_PASSPHRASE")
        .output()
        .unwrap();
    let said = refused(&none);
    assert!(
        said.contains("set WEIHE_KEY_PASSPHRASE, or name a file"),
        "{said}"
    );
    let protect = key(here)
        .arg("protect")
        .env("WEIHE_KEY_NEW_PASSPHRASE", "battery staple")
        .output()
        .unwrap();
    assert!(protect.status.success(), "{}", text(&protect.stderr));
    let said = text(&protect.stdout);
    assert!(said.contains("All keys were sealed anew"), "{said}");
    let file = here.join("passphrase");
    fs::write(&file, "battery staple\n").unwrap();
    let mode = |mode| fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    mode(0o666);
    fs::write(
        here.join("weihe.toml"),
        "[keys]\npassphrase-file = \"passphrase\"\n",
    )
    .unwrap();
    let list = || {
        key(here)
            .args(["list", "--json"])
            .env_remove("WEIHE_KEY_PASSPHRASE")
            .output()
            .unwrap()
    };
    let output = list();
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stdout);
    let wanted = "passphrase (mode 0666): `chmod 600` it";
    assert!(said.contains(wanted), "{said}");
    mode(0o600);
    assert_eq!(json(&list())["keys"][0]["name"], "valve");
}

#[test]
fn a_key_that_cannot_be_read_is_named_and_not_said_to_be_missing() {
    let directory = plant();
    let here = directory.path();
    done(here, &["new", "valve"]);
    let data = json(&run(here, &["list", "--json"]));
    assert_eq!(data["keys"][0]["name"], "valve");
    let file = here.join("data/keys/valve.1.key");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let output = run(here, &["list"]);
    assert_eq!(text(&output.stdout), "");
    assert!(refused(&output).contains("damaged: others have access to"));
}

#[test]
fn what_is_taken_out_is_written_down_or_does_not_come_out() {
    let directory = plant();
    let here = directory.path();
    done(
        here,
        &["new", "meter", "--algorithm", "sm4", "--exportable"],
    );
    let out = here.join("meter.hex");
    done(here, &["export", "meter", "-o", out.to_str().unwrap()]);
    let journal = here.join("data/keys/journal");
    let lines = fs::read_to_string(&journal).unwrap();
    let actions: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(actions[0]["action"], "key-created");
    assert_eq!(actions[1]["action"], "key-exported");
    assert_eq!(actions[1]["target"], "key/meter");
    assert_eq!(actions[1]["actor"]["kind"], "operator");
    // What cannot be written: others could have read it.
    fs::set_permissions(&journal, fs::Permissions::from_mode(0o644)).unwrap();
    let output = run(here, &["export", "meter"]);
    assert_eq!(text(&output.stdout), "");
    assert!(refused(&output).contains("journal (mode 0644)"));
    // And a file that is there stays.
    fs::set_permissions(&journal, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&out, "another").unwrap();
    refused(&run(
        here,
        &["export", "meter", "-o", out.to_str().unwrap()],
    ));
    assert_eq!(fs::read_to_string(&out).unwrap(), "another");
}

#[test]
fn the_environment_names_another_folder_which_has_to_be_its_owners_alone() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let run = |arguments: &[&str]| {
        key(here)
            .args(arguments)
            .env("WEIHE_KEYSTORE", "mine")
            .output()
            .unwrap()
    };
    let made = run(&["new", "valve", "--algorithm", "hmac-sm3"]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    assert!(here.join("mine/valve.1.key").is_file());
    fs::set_permissions(here.join("mine"), fs::Permissions::from_mode(0o750)).unwrap();
    let said = refused(&run(&["list"]));
    assert!(
        said.contains("others have access to mine (mode 0750): `chmod 0700` it"),
        "{said}"
    );
}

#[test]
fn a_token_that_is_not_there_is_noticed_and_files_keep_the_keys() {
    let directory =
        system("[keys]\nrounds = 1024\n[keys.pkcs11]\nmodule = \"/nowhere/token.so\"\n");
    let here = directory.path();
    let made = run(here, &["new", "valve"]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let said = text(&made.stderr);
    assert!(
        said.contains("notice: /nowhere/token.so: ")
            && said.contains("keys are kept in files instead"),
        "{said}"
    );
    let listed = json(&run(here, &["list", "--json"]));
    assert_eq!(listed["keys"][0]["provider"], "software");
    assert_eq!(listed["notices"].as_array().unwrap().len(), 1);
}

#[test]
fn a_certificate_is_attached_to_the_key_that_is_named() {
    use std::time::{Duration, SystemTime};

    use weihe_sm::certificate::{Order, Profile, self_signed};

    let directory = plant();
    let here = directory.path();
    let secret = weihe_sm::sm2::PrivateKey::generate().unwrap();
    let now = SystemTime::now();
    let order = Order {
        subject: "CN=Maker,O=Plant".to_owned(),
        profile: Profile::Peer,
        hosts: Vec::new(),
        not_before: now,
        not_after: now + Duration::from_secs(3600),
    };
    let certificate = self_signed(&secret, &order).unwrap();
    let pem = secret.to_pkcs8_pem().unwrap();
    fs::write(here.join("release.pem"), pem.as_bytes()).unwrap();
    fs::write(here.join("maker.pem"), certificate.to_pem().unwrap()).unwrap();
    done(here, &["import", "release.pem"]);
    let said = done(here, &["certificate", "release", "maker.pem"]);
    assert_eq!(
        said,
        "Attached the certificate of CN=Maker,O=Plant to key `release`\n"
    );
}
