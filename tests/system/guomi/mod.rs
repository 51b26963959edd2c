//! National cryptography, as users meet it: for plugins, with certificates that `weihe tls` makes, at the control
//! door and on connections, and with OpenSSL at the other end.

mod capability;
mod capability_limits;
mod door;
mod door_limits;
mod greenhouse;
mod pki;
#[path = "../../../kernel/guomi/rustls/tests/tls/python.rs"]
mod python;
mod rotation;
mod signed;
mod stand;
mod tls;
mod tls_peers;
mod tls_standard;

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;
use weihe_tests::{DEADLINE, Host};

/// Waits until a host has logged something; returns the first word behind it.
fn logged(host: &Host, what: &str) -> String {
    let began = Instant::now();
    loop {
        let log = host.log();
        if let Some((_, rest)) = log.split_once(what) {
            let word = rest.split_whitespace().next().unwrap_or_default();
            return word.to_owned();
        }
        assert!(began.elapsed() < DEADLINE, "never logged {what:?}: {log}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// OpenSSL, with an order as `peer.py` describes it. None where there is no Python.
fn peer(order: &Value) -> Option<Command> {
    let mut python = python::find()?;
    let script = weihe_tests::workspace().join("tests/system/guomi/peer.py");
    python.arg(script).arg(order.to_string());
    Some(python)
}

/// Asks OpenSSL to do something; what it reports. None where there is no Python.
fn openssl(order: Value) -> Option<Value> {
    let output = peer(&order)?.output().unwrap();
    let report = serde_json::from_slice(&output.stdout);
    Some(report.unwrap_or_else(|_| panic!("{output:?}")))
}

/// A request to a control door, as OpenSSL is told to send it.
fn request(asked: &Value) -> String {
    let line = format!("{asked}\n");
    line.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// What a control door has answered to OpenSSL.
fn answer(report: &Value) -> Value {
    let digits = report["heard"].as_str().unwrap_or_default().as_bytes();
    let octet = |two: &[u8]| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap();
    let heard: Vec<u8> = digits.chunks(2).map(octet).collect();
    serde_json::from_slice(&heard).unwrap_or_else(|_| panic!("{report}"))
}

/// The port that a listening connection of a host has got.
fn port_of(host: &Host, connection: &str) -> u16 {
    let port = |ps: &Value| -> Option<u16> {
        let mut links = ps["connections"].as_array()?.iter();
        let link = links.find(|link| link["connection"] == connection)?;
        let endpoint = link["endpoint"].as_str()?;
        endpoint.rsplit(':').next()?.parse().ok()
    };
    let is_open = |ps: &Value| port(ps).is_some_and(|port| port > 0);
    port(&signed::until(host, &["ps"], is_open)).unwrap()
}

/// A port that is free now.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn error(output: &Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}
