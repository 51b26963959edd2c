//! The control door.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Output};

use serde_json::{Value, json};
use weihe_tests::{Host, weihe};

use super::{answer, error, logged, openssl, pki, request};

pub(super) const DOOR: &str = r#"
[control]
listen = "127.0.0.1:0"
cipher-suites = ["TLS_SM4_GCM_SM3"]
trust = "ca.pem"
certificate = "gateway.pem"
key = "gateway.key"

[control.roles]
panel = "read"
hand = "operate"
chief = "admin"
"#;

/// A host with a door, and its port.
pub(super) fn host(door: &str) -> (Host, u16) {
    let mut host = Host::new(door, &[]);
    pki::make(&host.path(""), &["panel", "hand", "chief", "stranger"]);
    host.start();
    let address = logged(&host, "operators can connect to ");
    let port = address.rsplit_once(':').unwrap().1.parse().unwrap();
    (host, port)
}

/// What a command of an operator elsewhere leads to.
pub(super) fn elsewhere(host: &Host, port: u16, who: &str, more: &[&str]) -> Output {
    command(host, port, who, more).output().unwrap()
}

/// A command of an operator elsewhere.
pub(super) fn command(host: &Host, port: u16, who: &str, more: &[&str]) -> Command {
    let mut command = weihe();
    command
        .current_dir(host.path(""))
        .args(["--connect", &format!("127.0.0.1:{port}")]);
    command.args(["--server-ca", "ca.pem"]);
    command.args(["--client-certificate", &format!("{who}.pem")]);
    command
        .args(["--client-key", &format!("{who}.key")])
        .args(more);
    command
}

/// An order for OpenSSL as a certain operator.
pub(super) fn order(host: &Host, port: u16, who: &str) -> Value {
    json!({
        "port": port,
        "trust": host.path("ca.pem"),
        "certificate": host.path(&format!("{who}.pem")),
        "key": host.path(&format!("{who}.key")),
        "suites": "TLS_SM4_GCM_SM3",
        "say": request(&json!({ "id": 1, "method": "ps" })),
        "lines": 1,
    })
}

#[test]
fn operators_elsewhere_do_what_their_roles_allow_and_the_trail_says_who() {
    let (host, port) = host(DOOR);
    let ps = elsewhere(&host, port, "panel", &["--json", "ps"]);
    assert!(ps.status.success(), "{ps:?}");
    let set = ["set", "plant/target", "21"];
    let refused = error(&elsewhere(&host, port, "panel", &set));
    assert!(
        refused.contains("`set` needs the role operate"),
        "{refused}"
    );
    let done = elsewhere(&host, port, "hand", &set);
    assert!(done.status.success(), "{done:?}");
    let refused = error(&elsewhere(&host, port, "hand", &["reload"]));
    assert!(refused.contains("needs the role admin"), "{refused}");
    let done = elsewhere(&host, port, "chief", &["reload"]);
    assert!(done.status.success(), "{done:?}");
    let refused = error(&elsewhere(&host, port, "stranger", &["ps"]));
    assert!(
        refused.contains("certificate `stranger` has no role"),
        "{refused}"
    );
    let refused = error(&elsewhere(
        &host,
        port,
        "panel",
        &["--server-name", "other", "ps"],
    ));
    assert!(refused.contains("not for other"), "{refused}");

    let trail = String::from_utf8(host.run(&["audit"]).stdout).unwrap();
    for line in [
        "certificate panel from 127.0.0.1  set topic/plant/target  refused: `set` needs the role operate",
        "certificate hand from 127.0.0.1  set topic/plant/target  {",
        "certificate hand from 127.0.0.1  reload host  refused: `reload` needs the role admin",
        "certificate chief from 127.0.0.1  reload host",
        "certificate stranger from 127.0.0.1  connect host  refused: certificate `stranger` has no role",
    ] {
        assert!(trail.contains(line), "{line}\n{trail}");
    }
}

#[test]
fn openssl_asks_the_door_and_whoever_is_unfit_is_turned_away() {
    let (host, port) = host(DOOR);
    let sound = order(&host, port, "panel");
    let Some(report) = openssl(sound.clone()) else {
        return;
    };
    assert_eq!(report["suite"], "TLS_SM4_GCM_SM3", "{report}");
    let told = answer(&report);
    assert_eq!(told["id"], 1);
    assert!(told["ok"]["devices"].is_array(), "{told}");

    let with = |key: &str, value: Value| {
        let mut order = sound.clone();
        order[key] = value;
        order
    };
    let mut nameless = sound.clone();
    nameless.as_object_mut().unwrap().remove("certificate");
    let mut outsider = with(
        "certificate",
        json!(pki::made_by_openssl("outsider-client.pem")),
    );
    outsider["key"] = json!(pki::made_by_openssl("outsider-client.key.pem"));
    for (order, reason) in [
        (nameless, "shows no certificate"),
        (outsider, "authority that is not trusted here"),
        (with("version", json!("1.2")), "does not speak TLS 1.3"),
        (with("suites", json!("standard")), "no common cipher suite"),
        // The table lets one of the two in.
        (
            with("suites", json!("TLS_SM4_CCM_SM3")),
            "no common cipher suite",
        ),
    ] {
        let report = openssl(order.clone()).unwrap();
        assert!(report["error"].is_string(), "{order}: {report}");
        logged(&host, reason);
    }
    // One that speaks in the clear gets no answer in the clear.
    let mut plain = TcpStream::connect(("127.0.0.1", port)).unwrap();
    plain.write_all(b"{\"id\":1,\"method\":\"ps\"}\n").unwrap();
    let mut heard = Vec::new();
    let _ = plain.read_to_end(&mut heard);
    assert!(!heard.contains(&b'{'), "{heard:?}");
    logged(&host, "does not speak TLS");
    // And the door is still there.
    assert_eq!(openssl(sound).unwrap()["suite"], "TLS_SM4_GCM_SM3");
}

#[test]
fn the_door_follows_the_configuration_and_bad_files_are_named() {
    let (host, port) = host(DOOR);
    assert!(elsewhere(&host, port, "panel", &["ps"]).status.success());
    std::fs::write(host.path("weihe.toml"), "").unwrap();
    logged(&host, "the control door is closed");
    let refused = error(&elsewhere(&host, port, "panel", &["ps"]));
    assert!(refused.contains("cannot connect"), "{refused}");

    std::fs::write(host.path("broken.pem"), "no certificate").unwrap();
    let broken = DOOR.replace("gateway.pem", "broken.pem");
    std::fs::write(host.path("weihe.toml"), broken).unwrap();
    logged(&host, "the control door cannot be opened");
    let ps = host.ask(&["ps"]).unwrap();
    let failed = ps["failed"].to_string();
    assert!(failed.contains("broken.pem"), "{failed}");
}

#[test]
fn an_operator_whose_certificate_has_expired_is_told_so() {
    let (host, port) = host(&DOOR.replace("panel =", "late = \"read\"\npanel ="));
    pki::expired(&host.path(""));
    for _ in 0..5 {
        let refused = error(&elsewhere(&host, port, "late", &["ps"]));
        assert!(
            refused.contains("the certificate shown to it has expired: renew it"),
            "{refused}"
        );
    }
    logged(&host, "the peer's certificate has expired");
    if let Some(report) = openssl(order(&host, port, "late")) {
        let error = report["error"].as_str().unwrap();
        assert!(error.contains("certificate expired"), "{report}");
    }
}

#[test]
fn a_key_that_everybody_can_read_opens_no_door() {
    let mut host = Host::new(DOOR, &[]);
    pki::make(&host.path(""), &[]);
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(host.path("gateway.key"), open).unwrap();
    host.start();
    logged(&host, "can be read or written by others");
}
