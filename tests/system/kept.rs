//! Compiled plugins of released versions, as they were: today's host loads them and does for them what it
//! did then. They are built from `tests/compat/*/source` and never again; `docs/interfaces.md` says why.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use weihe_tests::{Host, Rig, workspace};

/// How long anything is awaited here: processes are started for each look.
const PATIENCE: Duration = Duration::from_secs(120);

fn kept(name: &str) -> PathBuf {
    workspace().join("tests/compat/0.1.0").join(name)
}

/// A host with a kept plugin.
fn host(config: &str, plugin: &str) -> Host {
    let host = Host::new(config, &[]);
    fs::copy(kept(plugin), host.path("plugins").join(plugin)).unwrap();
    host
}

/// Sends back what it hears, to one peer after the other. Ends with the test's process.
fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let send_back = |mut peer: TcpStream| {
        let mut bytes = [0; 256];
        while let Ok(length @ 1..) = peer.read(&mut bytes) {
            if peer.write_all(&bytes[..length]).is_err() {
                break;
            }
        }
    };
    std::thread::spawn(move || listener.incoming().flatten().for_each(send_back));
    port
}

/// What a command of `weihe` answers, when it is what is wanted.
fn answer(host: &mut Host, arguments: &[&str], wanted: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let answer = host.ask(arguments).unwrap_or_default();
        if wanted(&answer) {
            return answer;
        }
        assert!(
            began.elapsed() < PATIENCE && !host.has_ended(),
            "{arguments:?} never became what it should: {answer}\n{}",
            host.log()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn value(host: &mut Host, topic: &str, value: impl Into<Value>) {
    let value = value.into();
    answer(host, &["get", topic], |event| event["value"] == value);
}

fn is_running(ps: &Value) -> bool {
    let device = &ps["devices"][0];
    device["state"] == "running" && ps["plugins"][0]["description"]["version"] == "0.1.0"
}

#[test]
fn a_plugin_of_the_sdk_does_all_that_it_did() {
    let config = format!(
        r#"
        [connection.line]
        type = "tcp"
        address = "127.0.0.1:{}"
        [device.kept]
        plugin = "sdk"
        connection = "line"
        config = {{ input = "field/input", period = "100 ms" }}
        limits.checkpoint = "1 ms"
        [device.kept.grants]
        subscribe = ["field/input"]
        call = ["other"]
        store.tables = ["kept"]
        store.keys = true
        [device.other]
        plugin = "sdk"
        connection = "line"
        config = {{ input = "other/input", period = "1 h" }}
        [device.other.grants]
        subscribe = ["other/input"]
        store.tables = ["kept"]
        store.keys = true
        "#,
        echo()
    );
    let mut host = host(&config, "sdk.wasm");
    host.start();
    let ps = answer(&mut host, &["ps"], is_running);
    assert_eq!(
        ps["devices"][0]["commands"],
        json!(["tell", "later", "transact", "submit", "relay", "trap"])
    );
    value(&mut host, "plugin/kept/restored", false);
    value(&mut host, "plugin/kept/link", true);
    // Timers.
    value(&mut host, "plugin/kept/beat", "tick");
    // Events, rows and keys.
    host.ask(&["set", "field/input", "40"]).unwrap();
    host.ask(&["set", "field/input", "2"]).unwrap();
    value(&mut host, "plugin/kept/sum", 42);
    let told = json!({ "sum": 42, "rows": 2, "key": "42" });
    assert_eq!(host.ask(&["call", "kept", "tell"]), Some(told.clone()));
    host.ask(&["set", "field/input", "words"]).unwrap();
    answer(&mut host, &["dead", "list", "kept"], |dead| {
        dead.to_string().contains("is no integer")
    });
    // Commands: answered at once, later, by a connection (framed by its codec), by another device.
    assert_eq!(host.ask(&["call", "kept", "later"]), Some(json!("later")));
    for way in ["transact", "submit"] {
        let heard = answer(&mut host, &["call", "kept", way, "text=hello"], |answer| {
            answer.is_string()
        });
        assert_eq!(heard, "hello", "{way}");
    }
    let relay = |device| ["call", "kept", "relay", device, "command=tell"];
    let relayed = host.ask(&relay("device=other")).unwrap();
    let relayed: Value = serde_json::from_str(relayed.as_str().unwrap()).unwrap();
    assert_eq!(
        relayed,
        json!({ "sum": 0, "rows": 2, "key": "" }),
        "what the other one says: the table is of both"
    );
    let refused = String::from_utf8(host.run(&relay("device=kept")).stderr).unwrap();
    assert!(refused.contains("grant"), "{refused}");
    let refused = host.run(&["call", "kept", "transact"]);
    let refused = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.contains("text"), "{refused}");
    // The codec.
    let frame = "7E 03 61 62 63 26";
    let decoded = host.ask(&["decode", "sdk", "--reply", frame]).unwrap();
    assert_eq!(decoded["readings"][0]["value"], "abc", "{decoded}");
    assert_eq!(decoded["fields"].as_array().unwrap().len(), 4, "{decoded}");
    let refused = host.run(&["decode", "sdk", "--reply", "7E 03 61 62 63 27"]);
    assert_eq!(refused.status.code(), Some(1));
    let encoded = host.run(&["encode", "sdk", "data=abc"]).stdout;
    let encoded = String::from_utf8(encoded).unwrap().to_uppercase();
    assert_eq!(
        encoded.split_whitespace().collect::<String>(),
        "7E0361626326"
    );
    // State, after a trap and after a new start of the host; rows and keys, too.
    host.until_saved("kept", |bytes| {
        String::from_utf8_lossy(bytes).contains("42")
    });
    host.run(&["call", "kept", "trap"]);
    answer(&mut host, &["ps"], |ps| {
        ps["devices"][0]["traps"] == 1 && is_running(ps)
    });
    value(&mut host, "plugin/kept/restored", true);
    assert_eq!(host.ask(&["call", "kept", "tell"]), Some(told.clone()));
    assert!(
        host.log().contains("src/lib.rs"),
        "a panic says where: {}",
        host.log()
    );
    assert!(host.stop());
    host.start();
    answer(&mut host, &["call", "kept", "tell"], |answer| {
        *answer == told
    });
    assert!(host.stop());
}

#[test]
fn a_plugin_of_the_wit_alone_does_all_that_it_did() {
    let config = r#"
        [device.kept]
        plugin = "raw"
        limits.checkpoint = "1 ms"
    "#;
    let mut host = host(config, "raw.wasm");
    host.start();
    answer(&mut host, &["ps"], is_running);
    value(&mut host, "plugin/kept/restored", false);
    host.ask(&["set", "plugin/kept/in", "hello"]).unwrap();
    value(&mut host, "plugin/kept/echo", "hello 1");
    host.ask(&["set", "plugin/kept/in", "retry"]).unwrap();
    value(&mut host, "plugin/kept/echo", "retry 3");
    host.until_saved("kept", |bytes| bytes == 2_u64.to_le_bytes());
    host.ask(&["set", "plugin/kept/in", "trap-once"]).unwrap();
    value(&mut host, "plugin/kept/echo", "trap-once 2");
    value(&mut host, "plugin/kept/restored", true);
    let refused = host.run(&["call", "kept", "refuse"]);
    assert_eq!(refused.status.code(), Some(1));
    answer(&mut host, &["call", "kept", "count"], |count| *count == 3);
    assert!(host.stop());
    host.start();
    answer(&mut host, &["call", "kept", "count"], |count| *count == 3);
    value(&mut host, "plugin/kept/started", 1);
    assert!(host.stop());
}

/// A kept component with another version of our interfaces, and other names in it.
fn patched(name: &str, version: &str, names: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = fs::read(kept(name)).unwrap();
    let mut replace = |before: &[u8], after: &[u8]| {
        assert_eq!(before.len(), after.len());
        let mut found = 0;
        for at in 0..bytes.len() - before.len() {
            if bytes[at..].starts_with(before) {
                bytes[at..at + before.len()].copy_from_slice(after);
                found += 1;
            }
        }
        assert!(
            found > 0,
            "{} is not in {name}",
            String::from_utf8_lossy(before)
        );
    };
    for interface in [
        "plugin/types",
        "plugin/bus",
        "plugin/schedule",
        "plugin/lifecycle",
        "plugin/events",
        "plugin/commands",
        "plugin/state",
        "plugin/codec",
    ] {
        let (before, after) = (
            format!("weihe:{interface}@0.1.0"),
            format!("weihe:{interface}@{version}"),
        );
        replace(before.as_bytes(), after.as_bytes());
    }
    for (before, after) in names {
        replace(before.as_bytes(), after.as_bytes());
    }
    bytes
}

async fn load(bytes: &[u8]) -> (Rig, Result<(), String>) {
    let rig = Rig::bare();
    let path = rig.file("raw.wasm");
    fs::write(&path, bytes).unwrap();
    let loaded = rig.kernel().load_plugin("raw", &path).await;
    (rig, loaded.map(|_| ()).map_err(|error| error.to_string()))
}

#[tokio::test]
async fn a_plugin_of_a_newer_patch_version_runs_when_it_uses_nothing_new() {
    let (rig, loaded) = load(&patched("raw.wasm", "0.1.7", &[])).await;
    assert_eq!(loaded, Ok(()));
    rig.add("[device.newer]\nplugin = \"raw\"\nlimits.checkpoint = \"1 ms\"")
        .await;
    let mut bus = rig.watch("plugin/newer/echo");
    rig.order("newer", "hello");
    bus.value("plugin/newer/echo", "hello 1").await;
    assert_eq!(rig.ask("newer", "count", json!({})).await, 1);
    let database = rusqlite::Connection::open(rig.database()).unwrap();
    let saved = || -> Option<Vec<u8>> {
        let query = "SELECT bytes FROM weihe_state WHERE device = 'newer'";
        database.query_row(query, [], |row| row.get(0)).ok()
    };
    rig.until("the checkpoint", |_| {
        saved().is_some_and(|bytes| bytes == 1_u64.to_le_bytes())
    })
    .await;
    rig.order("newer", "trap-once");
    bus.value("plugin/newer/echo", "trap-once 2").await;
    assert_eq!(
        rig.ask("newer", "count", json!({})).await,
        2,
        "its state is taken back"
    );
    rig.shutdown().await;
}

#[tokio::test]
async fn a_plugin_that_needs_what_this_host_does_not_have_yet_is_told_who_is_older() {
    let (rig, loaded) = load(&patched(
        "raw.wasm",
        "0.1.7",
        &[("unsubscribe", "unsubscriba")],
    ))
    .await;
    let text = loaded.unwrap_err();
    assert!(
        text.contains("needs `unsubscriba` of `weihe:plugin/bus@0.1.7`")
            && text.contains("has `weihe:plugin/bus@0.1.0` without it")
            && text.contains("update the host"),
        "{text}"
    );
    rig.shutdown().await;
    let (rig, loaded) = load(&patched("raw.wasm", "0.2.0", &[])).await;
    let text = loaded.unwrap_err();
    assert!(
        text.contains("exports `weihe:plugin/lifecycle@0.2.0`")
            && text.contains("this host has `weihe:plugin/lifecycle@0.1.0`")
            && text.contains("update the host"),
        "{text}"
    );
    rig.shutdown().await;
    let (rig, loaded) = load(&patched("raw.wasm", "0.0.9", &[])).await;
    let text = loaded.unwrap_err();
    assert!(
        text.contains("an older SDK") && text.contains("build the plugin again"),
        "{text}"
    );
    rig.shutdown().await;
}

#[tokio::test]
async fn a_plugin_of_another_draft_of_wasi_is_told_which_one_is_here() {
    let bytes = patched(
        "raw.wasm",
        "0.1.0",
        &[(
            "wasi:config/store@0.2.0-rc.1",
            "wasi:config/store@0.2.0-rc.9",
        )],
    );
    let (rig, loaded) = load(&bytes).await;
    let text = loaded.unwrap_err();
    assert!(
        text.contains("imports `wasi:config/store@0.2.0-rc.9`")
            && text.contains("`wasi:config/store@0.2.0-rc.1`"),
        "{text}"
    );
    rig.shutdown().await;
}
