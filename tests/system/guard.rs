//! The guard sets outputs to their safe values when the host is killed, and leaves them to a host that
//! ends in order.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use weihe_tests::{Client, Coils, DEADLINE, Host, Python, Relay, Slave, signal};

const OFF: [(u16, bool); 2] = [(3, false), (1, false)];

fn config(host: &str, connection: &str, device: &str, safe: &str) -> String {
    format!(
        r#"
        [host]
        {host}

        [connection.field]
        {connection}
        reconnect-min = "20 ms"
        reconnect-max = "100 ms"

        [device.soil]
        plugin = "modbus"
        connection = "field"

        [device.soil.config]
        period = "20 ms"
        {device}
        points = [
            {{ name = "valve", table = "coil", address = 3{safe} }},
            {{ name = "fan", table = "coil", address = 1{safe} }},
        ]
        "#
    )
}

fn tcp(port: u16) -> String {
    format!("type = \"tcp\"\naddress = \"127.0.0.1:{port}\"")
}

const SAFE: &str = ", safe = false";

/// A host, started, that is not to disturb what runs beside it.
fn start(config: &str) -> Host {
    let mut host = Host::new(config, &[("modbus", "weihe-plugin-modbus")]);
    host.start();
    host
}

/// Asks the host until it says so.
fn until(host: &Host, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let ps = host.ask(&["ps"]).unwrap_or_default();
        if wanted(&ps) {
            return ps;
        }
        assert!(
            began.elapsed() < DEADLINE,
            "waited in vain for {what}: {ps:#}\n{}",
            host.log()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The guard's process, when it watches over the device's outputs.
fn guard(ps: &Value) -> Option<u64> {
    let guard = &ps["fail_safe"]["guard"];
    (guard["charges"] == 1).then(|| guard["pid"].as_u64())?
}

/// Opens valve and fan.
fn open(host: &Host) {
    until(host, "the link to be up", |ps| {
        ps["connections"][0]["replies"].as_u64() > Some(0)
    });
    for point in ["valve", "fan"] {
        let point = format!("point={point}");
        let call = ["call", "soil", "write", &point, "value=true"];
        assert!(host.run(&call).status.success(), "{}", host.log());
    }
}

/// A host that has opened both, and is guarded.
fn watering(coils: &Coils) -> (Host, u64) {
    let host = start(&config("", &tcp(coils.port()), "", SAFE));
    open(&host);
    assert_eq!(coils.writes(), [(3, true), (1, true)]);
    let ps = until(&host, "the guard", |ps| guard(ps).is_some());
    let pid = guard(&ps).unwrap();
    (host, pid)
}

/// Waits until a process that is nobody's child here is gone.
fn wait_for_end(pid: u64) {
    let began = Instant::now();
    let stat = format!("/proc/{pid}/stat");
    // One that init has not waited for yet has ended as well.
    let runs = || std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z "));
    while runs() {
        assert!(began.elapsed() < DEADLINE, "the guard does not end");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_host_that_is_killed_leaves_its_outputs_safe() {
    let coils = Coils::start();
    let (mut host, pid) = watering(&coils);
    host.kill();
    assert_eq!(coils.wait_for_writes(2), OFF);
    wait_for_end(pid);
    coils.wait_until_alone();
    assert_eq!(coils.writes(), []);
    let log = host.log();
    assert!(log.contains("the host has died"), "{log}");
    assert!(
        log.contains("safe: valve = false of device soil on field"),
        "{log}"
    );
}

#[test]
fn a_host_that_stops_in_order_sets_them_itself_and_takes_its_guard_along() {
    let coils = Coils::start();
    let (mut host, pid) = watering(&coils);
    // As a service manager does, which asks all of a service's processes to end.
    signal(pid, libc::SIGTERM);
    assert!(host.stop());
    assert_eq!(coils.writes(), OFF);
    wait_for_end(pid);
    assert_eq!(coils.writes(), [], "once is enough");
    assert!(!host.log().contains("the host has died"));
}

#[test]
fn a_host_that_stops_while_the_unit_is_away_says_what_is_not_safe() {
    let coils = Coils::start();
    let (mut host, pid) = watering(&coils);
    coils.unplug();
    until(&host, "the link to be down", |ps| {
        ps["connections"][0]["state"] == "down"
    });
    assert!(host.stop());
    wait_for_end(pid);
    let log = host.log();
    assert!(
        log.contains("NOT safe as the host ends: valve = false on field"),
        "{log}"
    );
}

#[test]
fn the_guard_outlives_what_a_terminal_sends_and_takes_a_new_descriptor_after_a_reconnect() {
    let coils = Coils::start();
    let (mut host, pid) = watering(&coils);
    for number in [libc::SIGINT, libc::SIGHUP, libc::SIGQUIT] {
        signal(pid, number);
    }
    let session = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let session = session.rsplit(") ").next().unwrap().split(' ').nth(3);
    assert_eq!(session, Some(&*pid.to_string()), "a session of its own");
    coils.unplug();
    until(&host, "the link to be down", |ps| {
        ps["fail_safe"]["guard"]["charges"] == 0
    });
    coils.plug_in();
    let ps = until(&host, "the guard", |ps| guard(ps).is_some());
    assert_eq!(guard(&ps), Some(pid), "the same process");
    host.kill();
    assert_eq!(coils.wait_for_writes(2), OFF);
    wait_for_end(pid);
}

#[test]
fn a_guard_that_dies_is_replaced() {
    let coils = Coils::start();
    let (mut host, first) = watering(&coils);
    signal(first, libc::SIGKILL);
    let ps = until(&host, "another guard", |ps| {
        guard(ps).is_some_and(|pid| pid != first)
    });
    assert_eq!(coils.writes(), []);
    host.kill();
    assert_eq!(coils.wait_for_writes(2), OFF);
    wait_for_end(guard(&ps).unwrap());
}

#[test]
fn a_device_that_is_gone_is_not_guarded_any_more() {
    let coils = Coils::start();
    let (mut host, pid) = watering(&coils);
    assert!(host.run(&["unload", "modbus"]).status.success());
    assert_eq!(coils.writes(), OFF);
    let ps = host.ask(&["ps"]).unwrap();
    assert_eq!(ps["fail_safe"]["devices"][0]["state"], "applied");
    let shown = String::from_utf8(host.run(&["ps"]).stdout).unwrap();
    assert!(shown.contains("valve = false, fan = false"), "{shown}");
    host.kill();
    wait_for_end(pid);
    assert_eq!(coils.writes(), []);
}

#[test]
fn there_is_no_guard_where_nothing_is_to_be_guarded_or_nobody_wants_one() {
    for (host, safe, expected) in [
        ("", "", json!("idle")),
        ("guard = false", SAFE, Value::Null),
    ] {
        let coils = Coils::start();
        let mut host = start(&config(host, &tcp(coils.port()), "", safe));
        open(&host);
        assert_eq!(coils.writes().len(), 2);
        let ps = host.ask(&["ps"]).unwrap();
        assert_eq!(ps["fail_safe"]["guard"]["state"], expected);
        assert_eq!(ps["fail_safe"]["guard"]["pid"], Value::Null);
        host.kill();
        coils.wait_until_alone();
        assert_eq!(coils.writes(), []);
    }
}

#[test]
fn on_a_serial_line_the_guard_talks_to_a_foreign_slave() {
    let Some(python) = Python::find() else { return };
    let line = Relay::serial();
    let slave = Slave::with(&python, &["--serial", &line.slave().display().to_string()]);
    let mut look = Client::start(&python, slave.port());
    let uart = format!(
        "type = \"uart\"\nport = \"{}\"\nbaud = 115200",
        line.master().display()
    );
    let mut host = start(&config("", &uart, "mode = \"rtu\"", SAFE));
    open(&host);
    let coil = json!({ "table": "coil", "address": 3 });
    assert_eq!(look.ask(coil.clone()), json!({ "values": [true] }));
    let ps = until(&host, "the guard", |ps| guard(ps).is_some());
    host.kill();
    wait_for_end(guard(&ps).unwrap());
    for address in [1, 3] {
        let coil = json!({ "table": "coil", "address": address });
        assert_eq!(
            look.ask(coil),
            json!({ "values": [false] }),
            "{}",
            host.log()
        );
    }
}
