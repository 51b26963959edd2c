//! What went wrong in Weihe's predecessor, one test a line. Each is a whole system; the details are
//! tested where they belong.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::time::Instant;

use serde_json::json;
use weihe_kernel::device::DeviceState;
use weihe_kernel::event::Value;
use weihe_tests::{DEADLINE, Host, Rig};

use crate::neighbours::NEIGHBOURS;

#[tokio::test]
async fn one_slow_subscriber_never_stalls_publishing() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    // Two that hear the same; one of them waits in its handler for a peer that says nothing.
    let rig = Rig::start(&format!(
        r#"
        [plugin]
        raw = "weihe-guest-raw"

        [connection.silent]
        type = "tcp"
        address = "127.0.0.1:{port}"

        [device.slow]
        plugin = "raw"
        connection = "silent"
        config = {{ input = "feed/all", capacity = "10" }}
        grants.subscribe = ["feed/#"]
        limits.call-time = "1 h"

        [device.good]
        plugin = "raw"
        config = {{ input = "feed/all", capacity = "10000" }}
        grants.subscribe = ["feed/#"]
        "#
    ))
    .await;
    let (peer, _) = silent.accept().await.unwrap();
    let mut good = rig.watch("plugin/good/echo");
    rig.publish("feed/all", [Value::Text("transact".into())]);
    rig.until("the question", |status| {
        status.connections[0].counters.requests == 1
    })
    .await;
    for numbers in (0..5_000).collect::<Vec<_>>().chunks(100) {
        // Fails when the publisher has to wait.
        rig.publish("feed/all", numbers.iter().copied().map(Value::Integer));
    }
    for number in 0..5_000 {
        let event = good
            .until("a number", |event| event.kind == "integer")
            .await;
        assert_eq!(event.value, number);
    }
    let slow = rig.device("slow");
    assert_eq!(slow.events, 0, "it waits");
    assert!(slow.dropped >= 4_900, "{}", slow.dropped);
    drop((peer, silent));
    rig.shutdown().await;
}

/// A device that ticks every millisecond.
const TICKER: &str = r#"
[plugin.raw]

[device.ticker]
plugin = "raw"
config.tick = 1_000_000
"#;

fn ticking() -> Host {
    let mut host = Host::new(TICKER, &[("raw", "weihe-guest-raw")]);
    host.start();
    assert!(host.failed().is_empty(), "{}", host.log());
    host
}

/// Who hears events besides devices.
fn clients(host: &Host) -> usize {
    let ps = host.ask(&["ps"]).unwrap();
    let subscriptions = ps["subscriptions"].as_array().unwrap().clone();
    let clients = subscriptions.iter();
    clients.filter(|one| one["owner"] != "ticker").count()
}

fn until(host: &Host, what: &str, wanted: impl Fn() -> bool) {
    let began = Instant::now();
    while !wanted() {
        assert!(
            began.elapsed() < DEADLINE,
            "in vain: {what}\n{}",
            host.log()
        );
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn a_vanished_client_never_freezes_a_stream() {
    let mut host = ticking();
    let mut good = host.follow("plugin/ticker/echo");
    let mut sequence = None;
    let mut hear = |count: usize| {
        for _ in 0..count {
            let event: serde_json::Value = serde_json::from_str(&good.line()).unwrap();
            let next = event["sequence"].as_u64().unwrap();
            if let Some(last) = sequence.replace(next) {
                assert_eq!(next, last + 1, "none is missing");
            }
        }
    };
    hear(10);
    // It asks for everything, again and again, and reads nothing.
    let mut deaf = UnixStream::connect(host.path("data/weihe.sock")).unwrap();
    for id in 0..20 {
        let request = json!({ "id": id, "method": "events", "params": { "filter": "#" } });
        writeln!(deaf, "{request}").unwrap();
    }
    until(&host, "its subscriptions", || clients(&host) == 21);
    // Far more than what fits between the two: a socket holds some hundred kilobytes.
    hear(1_000);
    let mut killed = host.follow("plugin/ticker/echo");
    killed.line();
    killed.kill();
    drop(deaf);
    hear(100);
    until(&host, "the end of theirs", || clients(&host) == 1);
    hear(100);
    assert!(host.stop(), "{}", host.log());
}

/// A plugin, and a place to hold.
const DOOR: &str = r#"
[plugin]
raw = "weihe-guest-raw"

[connection.door]
type = "tcp-listen"
address = "127.0.0.1:0"
"#;

/// A device that ticks beside the other.
const BYSTANDER: &str = r#"
[device.bystander]
plugin = "raw"
config.tick = 2_000_000
"#;

/// A device with one of everything.
const ALL: &str = r#"
[device.all]
plugin = "raw"
connection = "door"
config = { tick = 2_000_000, open = "connection" }
"#;

#[tokio::test]
async fn every_subscription_timer_and_handler_can_be_cancelled_and_leaves_nothing_behind() {
    let rig = Rig::start(DOOR).await;
    rig.add(BYSTANDER).await;
    rig.add(ALL).await;
    let own = |rig: &Rig| {
        let subscriptions = rig.kernel().status().subscriptions;
        let own = subscriptions.iter().filter(|one| one.owner == "all");
        own.count()
    };
    let mut all = rig.watch("plugin/all/echo");
    let mut beside = rig.watch("plugin/bystander/echo");
    // By the plugin itself.
    all.until("a tick", |event| event.kind == "integer").await;
    assert_eq!(own(&rig), 1);
    rig.order("all", "let go");
    all.value("plugin/all/echo", "let go 1").await;
    rig.order("all", "nobody hears this");
    assert_eq!(own(&rig), 0);
    for _ in 0..20 {
        beside.next().await;
    }
    assert_eq!(all.so_far(), []);
    // By the end of its device, with a call that it has not answered.
    rig.kernel()
        .remove_device("all", "the test is over")
        .await
        .unwrap();
    rig.add(ALL).await;
    all.until("a tick", |event| event.kind == "integer").await;
    let kernel = rig.kernel().clone();
    let call = tokio::spawn(async move {
        let operator = weihe_kernel::OPERATOR;
        kernel.call("all", "never", "{}", operator, DEADLINE).await
    });
    rig.until_device("all", "a call", |device| device.calls == 1)
        .await;
    rig.kernel()
        .remove_device("all", "the test is over")
        .await
        .unwrap();
    assert!(call.await.unwrap().is_err(), "whoever waits is told");
    assert_eq!(own(&rig), 0);
    assert!(rig.kernel().status().connections[0].devices.is_empty());
    all.so_far();
    for _ in 0..20 {
        beside.next().await;
    }
    assert_eq!(all.so_far(), []);
    rig.shutdown().await;
}

#[tokio::test]
async fn values_such_as_minus_one_and_an_initial_0_are_delivered() {
    let rig = Rig::start(NEIGHBOURS).await;
    let mut echo = rig.watch("plugin/good/echo");
    let values = [
        Value::Integer(0),
        Value::Integer(0),
        Value::Integer(-1),
        Value::Float(0.0),
        Value::Float(-1.0),
        Value::Boolean(false),
        Value::Text(String::new().into()),
    ];
    for value in &values {
        rig.publish("plugin/good/in", [value.clone()]);
    }
    for value in &values {
        let event = echo.next().await;
        assert_eq!(
            (event.kind.as_str(), event.value),
            (value.kind(), value.to_json())
        );
    }
    // Who comes later gets the last value, also when it is such a one.
    rig.publish("meter/count", [Value::Integer(0)]);
    assert_eq!(rig.watch("meter/count").next().await.value, 0);
    rig.publish("meter/count", [Value::Integer(-1)]);
    assert_eq!(rig.watch("meter/count").next().await.value, -1);
    rig.shutdown().await;
}

#[test]
fn an_error_keeps_its_text_through_json() {
    let mut host = ticking();
    let error = |arguments: &[&str]| {
        let answer = host.ask(arguments).unwrap();
        answer["error"]["message"].as_str().unwrap().to_owned()
    };
    let refused = error(&["call", "ticker", "refuse"]);
    assert!(refused.contains("nothing pleases it"), "{refused}");
    let name = "微\"核\"\n\\ {}";
    let unknown = error(&["call", name, "count"]);
    assert!(unknown.contains(name), "{unknown}");
    assert!(host.stop(), "{}", host.log());
}

#[test]
fn an_api_error_is_an_error_status_and_an_empty_body_never_panics() {
    let mut host = ticking();
    for arguments in [
        ["call", "ticker", "refuse"],
        ["call", "nobody", "count"],
        ["swap", "nothing", "nowhere.wasm"],
    ] {
        let plain = host.run(&arguments);
        assert_eq!(plain.status.code(), Some(1), "{arguments:?}");
        assert!(!plain.stderr.is_empty());
        let mut with_json = vec!["--json"];
        with_json.extend(arguments);
        let json = host.run(&with_json);
        assert_eq!(json.status.code(), Some(1), "{arguments:?}");
    }
    let mut client = UnixStream::connect(host.path("data/weihe.sock")).unwrap();
    let mut answers = BufReader::new(client.try_clone().unwrap()).lines();
    for body in ["", " ", "{}", "[]", "null", "\"\"", "{\"id\":1}"] {
        writeln!(client, "{body}").unwrap();
        let answer: serde_json::Value =
            serde_json::from_str(&answers.next().unwrap().unwrap()).unwrap();
        assert_eq!(answer["error"]["code"], "malformed", "{body:?}: {answer}");
    }
    for method in ["call", "get", "set", "swap", "load", "dead-retry"] {
        for params in [json!({ "": "" }), json!(null), json!([])] {
            let request = json!({ "id": 2, "method": method, "params": params });
            writeln!(client, "{request}").unwrap();
            let answer = answers.next().unwrap().unwrap();
            assert!(answer.contains("\"error\""), "{request}: {answer}");
        }
    }
    // Of the same connection, and of the host.
    writeln!(client, "{}", json!({ "id": 3, "method": "hello" })).unwrap();
    assert!(answers.next().unwrap().unwrap().contains("\"ok\""));
    assert!(!host.log().contains("panicked"), "{}", host.log());
    drop((client, answers));
    assert!(host.stop(), "{}", host.log());
}

#[tokio::test]
async fn a_failed_start_rolls_back_what_it_had_opened() {
    let rig = Rig::start(DOOR).await;
    let mut said = rig.watch("plugin/#");
    let table = |start| {
        format!(
            r#"
            [device.late]
            plugin = "raw"
            connection = "door"
            config = {{ tick = 2_000_000, open = "connection", start = "{start}" }}
            "#
        )
    };
    let error = rig.try_add(&table("trap late")).await.unwrap_err();
    assert!(
        error.to_string().contains("trapped in its start"),
        "{error}"
    );
    let status = rig.kernel().status();
    let owners: BTreeSet<_> = status.subscriptions.iter().map(|one| &one.owner).collect();
    assert_eq!(owners.len(), 1, "the watch's: {owners:?}");
    assert!(status.devices.is_empty());
    assert!(status.connections[0].devices.is_empty());
    // A listener has one holder: its place is free, and everything else as well.
    rig.add(&table("")).await;
    assert_eq!(
        said.until("a start", |event| event.topic.ends_with("/started"))
            .await
            .value,
        1
    );
    rig.shutdown().await;
}

#[tokio::test]
async fn a_device_whose_cable_is_pulled_says_so_instead_of_looking_normal() {
    let field = Rig::start(
        r#"
        [plugin]
        greenhouse-slave = "greenhouse-slave"

        [connection.slave]
        type = "tcp-listen"
        address = "127.0.0.1:0"

        [device.slave]
        plugin = "greenhouse-slave"
        connection = "slave"
        "#,
    )
    .await;
    let port = field.port("slave").await;
    let rig = Rig::bare();
    let mut tank = rig.watch("plugin/soil/tank");
    let mut link = rig.watch("$link/field");
    rig.add(&format!(
        r#"
        [plugin]
        modbus = "weihe-plugin-modbus"

        [connection.field]
        type = "tcp"
        address = "127.0.0.1:{port}"
        reconnect-min = "20 ms"

        [device.soil]
        plugin = "modbus"
        connection = "field"

        [device.soil.config]
        period = "20 ms"
        points = [{{ name = "tank", table = "input", address = 5, type = "f32", word-order = "little" }}]
        "#
    ))
    .await;
    let good = |event: &weihe_kernel::event::NamedEvent| {
        event.quality == weihe_kernel::event::Quality::Good
    };
    tank.until("a good value", good).await;
    let up = |event: &weihe_kernel::event::NamedEvent| event.value == "up";
    link.until("the link to be up", up).await;
    // The cable.
    field.shutdown().await;
    tank.until("a value that is not good", |event| !good(event))
        .await;
    link.until("the link to be down", |event| !up(event)).await;
    let stats = rig.kernel().status().connections.remove(0);
    assert!(!stats.reason.is_empty(), "{stats:?}");
    assert_eq!(rig.device("soil").state, DeviceState::Running);
    rig.shutdown().await;
}

#[tokio::test]
async fn everything_can_be_added_and_removed_while_it_runs() {
    let rig = Rig::start("[plugin]\nraw = \"weihe-guest-raw\"").await;
    rig.add(BYSTANDER).await;
    let mut beside = rig.watch("plugin/bystander/echo");
    let kernel = rig.kernel();
    let named = || {
        let status = kernel.status();
        let plugins = status.plugins.into_iter().map(|plugin| plugin.name);
        let connections = status.connections.into_iter().map(|one| one.connection);
        let devices = status.devices.into_iter().map(|device| device.name);
        let subscriptions = status.subscriptions.into_iter().map(|one| one.filter);
        let all = plugins.chain(connections).chain(devices);
        all.chain(subscriptions).collect::<Vec<String>>()
    };
    let before = named();
    let mut topics = None;
    for _ in 0..5 {
        rig.add(
            r#"
            [plugin]
            more = "weihe-guest-raw"

            [connection.door]
            type = "tcp-listen"
            address = "127.0.0.1:0"

            [device.more]
            plugin = "more"
            connection = "door"
            lane = "more"
            config = { tick = 2_000_000, open = "connection" }
            "#,
        )
        .await;
        let mut more = rig.watch("plugin/more/echo");
        more.until("a tick", |event| event.kind == "integer").await;
        rig.order("more", "well");
        more.value("plugin/more/echo", "well 1").await;
        drop(more);
        kernel
            .remove_device("more", "the test is over")
            .await
            .unwrap();
        kernel.remove_connection("door").await;
        assert_eq!(kernel.unload_plugin("more").await.unwrap(), [""; 0]);
        assert_eq!(named(), before);
        let now = kernel.status().topics;
        assert_eq!(*topics.get_or_insert(now), now, "names are used again");
    }
    // The bystander has missed nothing meanwhile.
    let ticks = beside.so_far();
    assert!(ticks.len() > 5);
    for pair in ticks.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence + 1);
    }
    assert_eq!(rig.device("bystander").traps, 0);
    rig.shutdown().await;
}

#[tokio::test]
async fn a_device_that_two_restart_at_once_runs_once() {
    let rig = Rig::start(DOOR).await;
    rig.add(BYSTANDER).await;
    let kernel = rig.kernel();
    let (one, other) = tokio::join!(
        kernel.restart_device("bystander"),
        kernel.restart_device("bystander")
    );
    assert!(one.is_ok() || other.is_ok(), "{one:?} {other:?}");
    assert_eq!(rig.kernel().status().devices.len(), 1);
    rig.kernel()
        .remove_device("bystander", "the test is over")
        .await
        .unwrap();
    // Nothing goes on where nobody sees it.
    assert_eq!(rig.kernel().status().subscriptions, []);
    rig.shutdown().await;
}
