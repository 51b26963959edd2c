//! Keys that are rotated and destroyed under the plugin of the example, which runs.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;
use weihe_tests::Host;

use super::signed::until;

/// The example's system, with a passphrase that nobody has to type.
fn vault() -> Host {
    let file = weihe_tests::workspace().join("examples/sealed-reading/weihe.toml");
    let text = fs::read_to_string(file).unwrap();
    let text = text.replace("source = \".\"\n", "");
    let host = Host::new(
        &format!("{text}\n[keys]\npassphrase-file = \"passphrase\"\n"),
        &[("sealed-reading", "sealed-reading")],
    );
    let passphrase = host.path("passphrase");
    fs::write(&passphrase, "correct horse battery staple\n").unwrap();
    fs::set_permissions(&passphrase, fs::Permissions::from_mode(0o600)).unwrap();
    key(&host, &["new", "archive", "--algorithm", "sm4"]);
    key(
        &host,
        &["new", "site", "--algorithm", "sm2", "--use", "sign"],
    );
    host
}

fn key(host: &Host, arguments: &[&str]) {
    let done = host.run(&[&["key"], arguments].concat());
    assert!(done.status.success(), "{done:?}");
}

/// Sends readings until one is sealed that differs from `before`: nothing that is sealed looks the same twice.
fn sealed_after(host: &Host, before: &Value) -> Value {
    until(host, &["get", "plugin/vault/sealed"], |sealed| {
        host.ask(&["set", "meter/energy", "12.5"]).unwrap();
        !sealed["value"].is_null() && sealed["value"] != before["value"]
    })
}

fn refusals(host: &Host) -> String {
    let trail = host.run(&["audit", "--json", "--action", "key-refused"]);
    String::from_utf8_lossy(&trail.stdout).into_owned()
}

#[test]
fn readings_go_on_over_a_rotation_and_end_with_the_key() {
    let mut host = vault();
    host.start();
    assert!(host.failed().is_empty(), "{}", host.log());
    let first = sealed_after(&host, &Value::Null);
    key(&host, &["rotate", "archive"]);
    key(&host, &["rotate", "site"]);
    let second = sealed_after(&host, &first);
    // The versions before serve nobody here any more.
    key(&host, &["destroy", "archive@1", "--yes"]);
    key(&host, &["destroy", "site@1", "--yes"]);
    sealed_after(&host, &second);
    key(&host, &["destroy", "archive", "--yes"]);
    until(&host, &["ps"], |ps| {
        host.ask(&["set", "meter/energy", "13.5"]).unwrap();
        ps.to_string().contains("there is no key `archive`")
    });
    assert!(refusals(&host).contains("archive"), "{}", refusals(&host));
    assert!(host.stop());
}
