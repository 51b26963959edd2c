//! TLS on connections with OpenSSL at the other end, and with peers that are unfit.

use serde_json::{Value, json};
use weihe_tests::{Host, Process};

use super::signed::until;
use super::{logged, openssl, peer, pki, port_of};

/// What the registers of the peer hold.
const REGISTERS: &str = "422a0000";
const VALUE: f64 = 42.5;

/// OpenSSL as a Modbus server.
struct Server {
    process: Process,
    port: u64,
}

impl Server {
    /// With a certificate of the folder, and more in its order; none where there is no Python.
    fn start(host: &Host, name: &str, more: Value) -> Option<Self> {
        let mut order = json!({
            "serve": true,
            "certificate": host.path(&format!("{name}.pem")),
            "key": host.path(&format!("{name}.key")),
            "suites": "TLS_SM4_GCM_SM3:TLS_SM4_CCM_SM3",
            "registers": REGISTERS,
        });
        for (key, value) in more.as_object().unwrap() {
            order[key] = value.clone();
        }
        let mut process = Process::start(&mut peer(&order)?);
        let port = serde_json::from_str::<Value>(&process.line()).unwrap()["port"].clone();
        let port = port.as_u64().unwrap();
        Some(Self { process, port })
    }

    /// What it reports of the next handshake.
    fn report(&mut self) -> Value {
        serde_json::from_str(&self.process.line()).unwrap()
    }
}

/// A connection to a server, and a device that polls it.
fn polled(name: &str, server: &Server, tls: &str) -> String {
    format!(
        r#"
[connection.{name}]
type = "tcp"
address = "127.0.0.1:{}"
reconnect-min = "20 ms"
reconnect-max = "200 ms"
tls = {{ {tls} }}

[device.{name}]
plugin = "modbus"
connection = "{name}"

[device.{name}.config]
period = "50 ms"
points = [{{ name = "level", table = "input", address = 0, type = "f32" }}]
"#,
        server.port
    )
}

const PANEL: &str = "trust = \"ca.pem\", certificate = \"panel.pem\", key = \"panel.key\"";

fn host() -> Host {
    let host = Host::new("", &[("modbus", "weihe-plugin-modbus")]);
    pki::make(&host.path(""), &["panel"]);
    host
}

/// Why a link is not up.
fn reason<'a>(ps: &'a Value, name: &str) -> &'a str {
    let links = ps["connections"].as_array().into_iter().flatten();
    let mut named = links.filter(|link| link["connection"] == name);
    named
        .next()
        .and_then(|link| link["reason"].as_str())
        .unwrap_or_default()
}

#[test]
fn openssl_serves_connections_with_sm4_and_with_what_the_world_speaks() {
    let mut host = host();
    let folder = weihe_tests::workspace().join("kernel/guomi/rustls/tests/pki");
    let world = json!({
        "suites": "standard",
        "certificate": folder.join("p256.pem"),
        "key": folder.join("p256.key.pem"),
    });
    let mut old = world.clone();
    old["version"] = json!("1.2");
    let asks = json!({ "trust": host.path("ca.pem") });
    let Some(mut gcm) = Server::start(&host, "gateway", asks) else {
        return;
    };
    let mut ccm = Server::start(&host, "gateway", json!({})).unwrap();
    let mut world = Server::start(&host, "gateway", world).unwrap();
    let mut old = Server::start(&host, "gateway", old).unwrap();
    let standard = format!(
        "suites = \"standard\", trust = \"{}\"",
        folder.join("p256-root.pem").display()
    );
    let config = [
        polled("gcm", &gcm, PANEL),
        polled(
            "ccm",
            &ccm,
            "trust = \"ca.pem\", cipher-suites = [\"TLS_SM4_CCM_SM3\"]",
        ),
        polled("world", &world, &standard),
        polled("old", &old, &standard),
    ];
    std::fs::write(host.path("weihe.toml"), config.join("\n")).unwrap();
    host.start();
    for name in ["gcm", "ccm", "world", "old"] {
        until(&host, &["get", &format!("plugin/{name}/level")], |level| {
            level["value"] == VALUE
        });
    }
    let report = gcm.report();
    assert_eq!(report["suite"], "TLS_SM4_GCM_SM3", "{report}");
    assert_eq!(report["client"], "panel", "{report}");
    let report = ccm.report();
    assert_eq!(report["suite"], "TLS_SM4_CCM_SM3", "{report}");
    assert!(report["client"].is_null(), "{report}");
    let suite = world.report()["suite"].as_str().unwrap().to_owned();
    assert!(suite.starts_with("TLS_AES") || suite.starts_with("TLS_CHACHA"));
    // Clients speak TLS 1.2 with servers that know nothing newer.
    let suite = old.report()["suite"].as_str().unwrap().to_owned();
    assert!(suite.starts_with("ECDHE-ECDSA-"), "{suite}");
}

#[test]
fn a_server_that_is_unfit_is_the_reason_of_the_link_in_words_that_say_what_to_do() {
    let mut host = host();
    let folder = host.path("");
    pki::expired(&folder);
    pki::not_yet_valid(&folder);
    pki::of_another_host(&folder);
    let outsider = json!({
        "certificate": pki::made_by_openssl("outsider.pem"),
        "key": pki::made_by_openssl("outsider.key.pem"),
    });
    let world = json!({
        "suites": "standard",
        "certificate": pki::made_by_openssl("p256.pem"),
        "key": pki::made_by_openssl("p256.key.pem"),
    });
    let asks = json!({ "trust": host.path("ca.pem") });
    let nameless = "trust = \"ca.pem\"";
    let late = "trust = \"ca.pem\", certificate = \"late.pem\", key = \"late.key\"";
    let cases = [
        ("late", "late", json!({}), nameless, "has expired: renew it"),
        ("early", "early", json!({}), nameless, "is not valid yet"),
        (
            "other",
            "other",
            json!({}),
            nameless,
            "is for other.plant, not for 127.0.0.1",
        ),
        (
            "outsider",
            "gateway",
            outsider,
            nameless,
            "comes from an authority that is not trusted here",
        ),
        (
            "panel",
            "panel",
            json!({}),
            nameless,
            "is for another purpose",
        ),
        (
            "world",
            "gateway",
            world,
            nameless,
            "no common cipher suite",
        ),
        // Those that hear from the server what is wrong with them.
        (
            "nameless",
            "gateway",
            asks.clone(),
            nameless,
            "the peer wants a certificate",
        ),
        (
            "shown-late",
            "gateway",
            asks,
            late,
            "certificate shown to it has expired: renew it",
        ),
    ];
    let mut servers = Vec::new();
    let mut config = String::new();
    for (name, certificate, more, tls, _) in &cases {
        let Some(server) = Server::start(&host, certificate, more.clone()) else {
            return;
        };
        config.push_str(&polled(name, &server, tls));
        servers.push(server);
    }
    std::fs::write(host.path("weihe.toml"), config).unwrap();
    host.start();
    for (name, _, _, _, words) in &cases {
        until(&host, &["ps"], |ps| reason(ps, name).contains(words));
    }
}

#[test]
fn a_client_that_is_unfit_is_told_and_the_log_says_why() {
    let mut host = host();
    let folder = host.path("");
    pki::expired(&folder);
    let config = r#"
[connection.slave]
type = "tcp-listen"
address = "127.0.0.1:0"
tls = { trust = "ca.pem", certificate = "gateway.pem", key = "gateway.key" }

[device.slave]
plugin = "modbus"
connection = "slave"
"#;
    std::fs::write(host.path("weihe.toml"), config).unwrap();
    host.start();
    let port = port_of(&host, "slave");
    let order = json!({
        "port": port,
        "trust": host.path("ca.pem"),
        "certificate": host.path("late.pem"),
        "key": host.path("late.key"),
        "suites": "TLS_SM4_GCM_SM3",
        "say": "000700000006010400000002",
        "bytes": 13,
    });
    let Some(report) = openssl(order.clone()) else {
        return;
    };
    let error = report["error"].as_str().unwrap_or_default();
    assert!(error.contains("certificate expired"), "{report}");
    logged(&host, "the peer's certificate has expired");

    // And a client finds out that this is another host.
    let mut elsewhere = order;
    elsewhere["name"] = json!("other.plant");
    let report = openssl(elsewhere).unwrap();
    let error = report["error"].as_str().unwrap_or_default();
    assert!(error.contains("certificate verify failed"), "{report}");
}
