//! The algorithms of all the world, as docs/tls.md sets them up, and that they never mix with the national ones.

use std::process::Command;

use serde_json::{Value, json};
use weihe_tests::{Host, weihe, workspace};

use super::signed::until;
use super::{answer, error, free_port, logged, openssl, pki, request};

/// What docs/tls.md says to do with OpenSSL, done.
fn recipe(host: &Host) {
    let page = std::fs::read_to_string(workspace().join("docs/tls.md")).unwrap();
    let (_, rest) = page.split_once("```sh\n").unwrap();
    let recipe = rest.split_once("```").unwrap().0;
    let mut shell = Command::new("sh");
    shell.current_dir(host.path("")).args(["-e", "-c", recipe]);
    let made = shell.output().unwrap();
    assert!(made.status.success(), "{made:?}");
}

/// The greenhouse's slave, who polls it, and a control door, each with what the recipe made.
fn system(port: u16) -> String {
    let files = "suites = \"standard\", trust = \"ca.pem\", certificate = \"gateway.pem\", key = \"gateway.key\"";
    format!(
        r#"
[control]
listen = "127.0.0.1:0"
suites = "standard"
trust = "ca.pem"
certificate = "gateway.pem"
key = "gateway.key"

[control.roles]
gateway = "read"

[connection.slave]
type = "tcp-listen"
address = "127.0.0.1:{port}"
tls = {{ {files} }}

[device.slave]
plugin = "greenhouse-slave"
connection = "slave"

[connection.field]
type = "tcp"
address = "127.0.0.1:{port}"
reconnect-min = "20 ms"
tls = {{ {files}, server-name = "gateway.plant" }}

[device.soil]
plugin = "modbus"
connection = "field"

[device.soil.config]
period = "50 ms"
points = [{{ name = "moisture", table = "input", address = 0, type = "f32", unit = "%" }}]
"#
    )
}

const PLUGINS: [(&str, &str); 2] = [
    ("greenhouse-slave", "greenhouse-slave"),
    ("modbus", "weihe-plugin-modbus"),
];

#[test]
fn the_recipe_with_openssl_serves_connections_and_operators_and_nobody_of_the_other_world() {
    let port = free_port();
    let mut host = Host::new(&system(port), &PLUGINS);
    recipe(&host);
    // The other world, in a folder of its own.
    let guomi = host.path("guomi");
    std::fs::create_dir(&guomi).unwrap();
    pki::make(&guomi, &["panel"]);
    host.start();
    until(&host, &["get", "plugin/soil/moisture"], |moisture| {
        moisture["value"].is_number()
    });
    let address = logged(&host, "operators can connect to ");
    let door: u16 = address.rsplit_once(':').unwrap().1.parse().unwrap();
    let operator = |more: &[&str]| {
        let mut command = weihe();
        command.current_dir(host.path(""));
        command.args(["--connect", &address]);
        command.args(more).arg("ps").output().unwrap()
    };
    let own = [
        "--server-ca",
        "ca.pem",
        "--client-certificate",
        "gateway.pem",
        "--client-key",
        "gateway.key",
    ];
    let standard = [&["--suites", "standard"][..], &own].concat();
    let named = [&standard[..], &["--server-name", "gateway.plant"]].concat();
    let ps = operator(&named);
    assert!(ps.status.success(), "{ps:?}");
    // Under its address, which is not in the certificate, it is not taken for the host.
    let refused = error(&operator(&standard));
    assert!(
        refused.contains("is for gateway.plant, 192.168.1.2, not for 127.0.0.1"),
        "{refused}"
    );
    // Files of one world are none of the other's.
    let refused = error(&operator(&own));
    assert!(refused.contains("gateway.key cannot be used"), "{refused}");
    let other = [
        "--server-ca",
        "guomi/ca.pem",
        "--client-certificate",
        "guomi/panel.pem",
        "--client-key",
        "guomi/panel.key",
    ];
    let refused = error(&operator(&other));
    assert!(refused.contains("no common cipher suite"), "{refused}");

    let order = |port: u16, suites: &str| {
        json!({
            "port": port,
            "trust": host.path("ca.pem"),
            "certificate": host.path("gateway.pem"),
            "key": host.path("gateway.key"),
            "suites": suites,
            "say": request(&json!({ "id": 1, "method": "ps" })),
            "lines": 1,
        })
    };
    let Some(report) = openssl(order(door, "standard")) else {
        return;
    };
    let is_of_the_world = |report: &Value| {
        let suite = report["suite"].as_str().unwrap_or_default();
        suite.starts_with("TLS_AES") || suite.starts_with("TLS_CHACHA20")
    };
    assert!(is_of_the_world(&report), "{report}");
    assert!(answer(&report)["ok"]["devices"].is_array());
    // One that offers both gets what the door is for, and one that offers parts of both gets nothing.
    let mut both = order(door, "TLS_SM4_GCM_SM3:TLS_AES_128_GCM_SHA256");
    both["groups"] = json!("curveSM2:X25519");
    let report = openssl(both.clone()).unwrap();
    assert_eq!(report["suite"], "TLS_AES_128_GCM_SHA256", "{report}");
    for (suites, groups) in [
        ("TLS_SM4_GCM_SM3", "curveSM2"),
        ("TLS_SM4_GCM_SM3", "X25519"),
        ("TLS_AES_128_GCM_SHA256", "curveSM2"),
    ] {
        for port in [door, port] {
            both["port"] = json!(port);
            both["suites"] = json!(suites);
            both["groups"] = json!(groups);
            let report = openssl(both.clone()).unwrap();
            assert!(report["error"].is_string(), "{suites} {groups}: {report}");
        }
    }
    // Doors speak nothing older.
    let mut old = order(door, "standard");
    old["version"] = json!("1.2");
    let report = openssl(old).unwrap();
    assert!(report["error"].is_string(), "{report}");
    logged(&host, "does not speak TLS 1.3");
}

#[test]
fn files_of_the_other_world_open_no_door_and_are_named() {
    let port = free_port();
    // National algorithms are what a door speaks that says nothing.
    let mixed = system(port).replace("suites = \"standard\"", "suites = \"guomi\"");
    let mut host = Host::new(&mixed, &PLUGINS);
    recipe(&host);
    host.start();
    logged(&host, "the control door cannot be opened");
    let named = "gateway.key cannot be used: the private key cannot be used";
    until(&host, &["ps"], |ps| {
        let mut links = ps["connections"].as_array().into_iter().flatten();
        let slave = links.find(|link| link["connection"] == "slave");
        let reason = slave.and_then(|link| link["reason"].as_str());
        ps["failed"].to_string().contains(named)
            && reason.is_some_and(|reason| reason.contains(named))
    });
}
