//! TLS on connections.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use weihe_tests::{DEADLINE, Host};

use super::{error, free_port, logged, openssl, pki};

/// The greenhouse: its slave behind a door with TLS, what polls it, and a control door, all with SM4-GCM.
fn greenhouse(port: u16, client: &str) -> String {
    format!(
        r#"
[host]
name = "greenhouse"

[control]
listen = "127.0.0.1:0"
trust = "ca.pem"
certificate = "gateway.pem"
key = "gateway.key"

[control.roles]
panel = "read"

[connection.slave]
type = "tcp-listen"
address = "127.0.0.1:{port}"
tls = {{ trust = "ca.pem", certificate = "gateway.pem", key = "gateway.key" }}

[device.slave]
plugin = "greenhouse-slave"
connection = "slave"

[connection.field]
type = "tcp"
address = "127.0.0.1:{port}"
reconnect-min = "20 ms"
reconnect-max = "100 ms"
tls = {{ trust = "ca.pem", {client} }}

[device.soil]
plugin = "modbus"
connection = "field"

[device.soil.config]
period = "50 ms"
points = [{{ name = "moisture", table = "input", address = 0, type = "f32", unit = "%" }}]
"#
    )
}

const PANEL: &str = "certificate = \"panel.pem\", key = \"panel.key\"";

fn start(config: &str) -> Host {
    let plugins = [
        ("greenhouse-slave", "greenhouse-slave"),
        ("modbus", "weihe-plugin-modbus"),
    ];
    let mut host = Host::new(config, &plugins);
    pki::make(&host.path(""), &["panel"]);
    host.start();
    host
}

/// Waits until `ps` shows what is wanted.
fn until(host: &Host, what: &str, wanted: impl Fn(&Value) -> bool) {
    let began = Instant::now();
    loop {
        let seen = host.ask(&["ps"]);
        if seen.as_ref().is_some_and(&wanted) {
            return;
        }
        assert!(
            began.elapsed() < DEADLINE,
            "never {what}: {seen:?}\n{}",
            host.log()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A connection in `ps`; null before it is there.
fn link<'a>(ps: &'a Value, name: &str) -> &'a Value {
    let all = ps["connections"].as_array().into_iter().flatten();
    let mut named = all.filter(|link| link["connection"] == name);
    named.next().unwrap_or(&Value::Null)
}

#[test]
fn the_greenhouse_is_polled_and_looked_at_under_sm4() {
    let port = free_port();
    let host = start(&greenhouse(port, PANEL));
    until(&host, "polled", |ps| {
        link(ps, "field")["replies"]
            .as_u64()
            .is_some_and(|count| count > 2)
    });
    let address = logged(&host, "operators can connect to ");
    let files = [
        "--server-ca",
        "ca.pem",
        "--client-certificate",
        "panel.pem",
        "--client-key",
        "panel.key",
    ];
    let mut command = weihe_tests::weihe();
    command
        .current_dir(host.path(""))
        .args(["--connect", &address])
        .args(files);
    let shown = command
        .args(["get", "plugin/soil/moisture"])
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&shown.stdout).trim().parse::<f64>();
    assert!(shown.is_ok_and(|percent| (0.0..=100.0).contains(&percent)));

    // OpenSSL asks the slave for two registers: Modbus over TLS.
    let order = json!({
        "port": port,
        "trust": host.path("ca.pem"),
        "certificate": host.path("panel.pem"),
        "key": host.path("panel.key"),
        "suites": "TLS_SM4_GCM_SM3",
        "say": "000700000006010400000002",
        "bytes": 13,
    });
    if let Some(report) = openssl(order) {
        assert_eq!(report["suite"], "TLS_SM4_GCM_SM3", "{report}");
        let heard = report["heard"].as_str().unwrap();
        assert!(heard.starts_with("000700000007010404"), "{report}");
    }
}

#[test]
fn what_a_handshake_fails_of_is_the_reason_of_the_link() {
    let port = free_port();
    let client = format!("{PANEL}, server-name = \"other\"");
    let host = start(&greenhouse(port, &client));
    until(&host, "refused for the name", |ps| {
        let reason = link(ps, "field")["reason"].as_str().unwrap_or_default();
        reason.contains("not for other: name the host in it with `server-name`")
    });
    // A file that is not there is named.
    let absent = greenhouse(port, &PANEL.replace("panel.pem", "absent.pem"));
    std::fs::write(host.path("weihe.toml"), absent).unwrap();
    until(&host, "without its file", |ps| {
        let reason = link(ps, "field")["reason"].as_str().unwrap_or_default();
        reason.contains("absent.pem")
    });
    // And with the right ones it is up.
    std::fs::write(host.path("weihe.toml"), greenhouse(port, PANEL)).unwrap();
    until(&host, "up", |ps| link(ps, "field")["state"] == "up");
}

#[test]
fn a_table_that_makes_no_sense_is_refused_with_its_line() {
    let host = Host::new("", &[]);
    for (tls, words) in [
        ("{ trsut = \"a\" }", "did you mean `trust`?"),
        ("{ suites = \"both\", trust = \"a\" }", "unknown `suites`"),
        ("{ }", "has no `trust`"),
        (
            "{ trust = \"a\", key = \"b\" }",
            "a `key` and no `certificate`",
        ),
    ] {
        let text = format!("[connection.a]\ntype = \"tcp\"\naddress = \"a:1\"\ntls = {tls}\n");
        std::fs::write(host.path("weihe.toml"), text).unwrap();
        let said = error(&host.run(&["check"]));
        assert!(said.contains(words), "{tls}: {said}");
    }
}
