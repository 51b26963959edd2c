//! `weihe tls`, as docs/tls.md has it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;

use super::{text, weihe};

fn tls(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = weihe(directory);
    command.arg("tls").args(arguments).output().unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn an_authority_is_made_in_a_folder_of_its_own_and_signs_while_its_key_is_private() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let made = tls(here, &["ca", "--name", "plant", "--output", "tls"]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    assert_eq!(mode(&here.join("tls")), 0o700);
    let key = here.join("tls/ca.key");
    assert_eq!(mode(&key), 0o600);
    assert_eq!(mode(&here.join("tls/ca.pem")), 0o644);
    let gateway = [
        "server",
        "gateway",
        "--host",
        "gateway.plant",
        "--output",
        "tls",
    ];
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let refused = tls(here, &gateway);
    assert_eq!(refused.status.code(), Some(1));
    let said = text(&refused.stderr);
    assert!(
        said.contains("can be read or written by others (mode 644)"),
        "{said}"
    );
    assert!(said.contains("chmod 600"), "{said}");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let made = tls(here, &gateway);
    assert!(made.status.success(), "{}", text(&made.stderr));
    // Nothing is left beside.
    let mut files: Vec<_> = fs::read_dir(here.join("tls"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files, ["ca.key", "ca.pem", "gateway.key", "gateway.pem"]);
}

#[test]
fn a_key_of_sm2_shown_to_standard_suites_is_told_where_it_belongs() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    assert!(tls(here, &["ca"]).status.success());
    assert!(tls(here, &["client", "panel"]).status.success());
    let output = weihe(here)
        .args(["--connect", "127.0.0.1:1", "--suites", "standard"])
        .args([
            "--client-certificate",
            "panel.pem",
            "--client-key",
            "panel.key",
        ])
        .args(["--server-ca", "ca.pem", "ps"])
        .output()
        .unwrap();
    let said = text(&output.stderr).replace("\n", " ");
    assert!(said.contains("--suites guomi"), "{said}");
}

#[test]
fn a_door_that_would_not_open_is_found_before() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let system = "[control]\nlisten = \"127.0.0.1:0\"\ncertificate = \"tls/gateway.pem\"\n\
                  key = \"tls/gateway.key\"\ntrust = \"tls/ca.pem\"\n";
    fs::write(here.join("weihe.toml"), system).unwrap();
    let check = || weihe(here).arg("check").output().unwrap();
    let missing = check();
    assert_eq!(missing.status.code(), Some(1));
    let said = text(&missing.stderr) + &text(&missing.stdout);
    assert!(said.contains("the control door cannot be opened"), "{said}");
    assert!(said.contains("tls/"), "{said}");
    let ca = tls(here, &["ca", "--output", "tls"]);
    assert!(ca.status.success(), "{}", text(&ca.stderr));
    let gateway = tls(
        here,
        &[
            "server",
            "gateway",
            "--host",
            "localhost",
            "--output",
            "tls",
        ],
    );
    assert!(gateway.status.success(), "{}", text(&gateway.stderr));
    let sound = check();
    assert!(sound.status.success(), "{}", text(&sound.stdout));
    let key = here.join("tls/gateway.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let open = check();
    assert_eq!(open.status.code(), Some(1));
    let said = text(&open.stderr) + &text(&open.stdout);
    assert!(said.contains("gateway.key"), "{said}");
}
