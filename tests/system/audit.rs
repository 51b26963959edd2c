//! The audit trail: who did what, on the disk, in a chain.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use weihe_kernel::audit::{Actor, Outcome, action};
use weihe_tests::{DEADLINE, Host, Rig, component};

const GREENHOUSE: &str = r#"
[plugin.raw]
[device.patient]
plugin = "raw"
[device.patient.grants]
publish = ["greenhouse/#"]
"#;

fn host() -> Host {
    Host::new(GREENHOUSE, &[("raw", "weihe-guest-raw")])
}

/// Waits until its device runs.
fn is_up(host: &Host) {
    let began = std::time::Instant::now();
    let runs = |ps: Value| ps["devices"][0]["state"] == "running";
    while !host.ask(&["ps"]).is_some_and(runs) {
        assert!(began.elapsed() < DEADLINE, "{}", host.log());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The records of a trail, as `weihe audit` lists them.
fn trail(host: &Host, filter: &[&str]) -> Vec<Value> {
    let output = host.run(&[&["--json", "audit"], filter].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn verify(host: &Host, arguments: &[&str]) -> (Option<i32>, Value) {
    let output = host.run(&[&["--json", "audit", "--verify"], arguments].concat());
    let answer = serde_json::from_slice(&output.stdout).unwrap();
    (output.status.code(), answer)
}

#[test]
fn what_an_operator_did_is_on_the_disk_when_it_is_answered_and_outlives_a_kill() {
    let mut host = host();
    host.start();
    is_up(&host);
    host.ask(&["set", "plugin/patient/in", "well"]).unwrap();
    host.ask(&["call", "patient", "mend"]).unwrap();
    host.ask(&["call", "patient", "refuse"]);
    host.kill();

    let set = &trail(&host, &["--action", "set"])[0];
    let uid = fs::metadata(host.path("data")).unwrap().uid();
    assert_eq!(set["actor"]["kind"], "operator");
    assert_eq!(set["actor"]["uid"], uid);
    assert_ne!(set["actor"]["pid"], Value::Null);
    assert_eq!(set["target"], "topic/plugin/patient/in");
    assert_eq!(set["details"]["value"], "well");
    let calls = trail(&host, &["--action", "call", "--target", "patient"]);
    assert_eq!(calls[0]["outcome"], "done");
    assert_eq!(calls[1]["outcome"], "refused");
    let reason = calls[1]["reason"].as_str().unwrap();
    assert!(reason.contains("nothing pleases it"), "{reason}");

    host.start();
    is_up(&host);
    assert!(host.stop());
    host.start();
    is_up(&host);
    assert!(host.stop());
    let starts = trail(&host, &["--action", "host-started"]);
    let ends: Vec<&Value> = starts
        .iter()
        .map(|start| &start["details"]["last-end"])
        .collect();
    assert_eq!(ends, ["none", "cut", "orderly"]);
    let boots = starts.iter().map(|start| &start["details"]["boot"]);
    assert_eq!(boots.collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(verify(&host, &[]).0, Some(0));
}

#[test]
fn whenever_the_host_is_killed_what_it_had_answered_is_on_the_record() {
    let mut host = host();
    let mut answered = Vec::new();
    for round in 0..4 {
        host.start();
        is_up(&host);
        let directory = host.path("");
        let (count, killed) = (AtomicUsize::new(0), AtomicBool::new(false));
        let values = std::thread::scope(|scope| {
            let setting = scope.spawn(|| {
                let mut values = Vec::new();
                for number in 0.. {
                    let value = format!("{round}-{number}");
                    let mut set = weihe_tests::weihe();
                    set.arg("-C").arg(&directory);
                    set.args(["set", "plugin/patient/in", &value]);
                    if !set.output().unwrap().status.success() {
                        break;
                    }
                    values.push(value);
                    count.fetch_add(1, Ordering::Relaxed);
                    if killed.load(Ordering::Relaxed) {
                        break;
                    }
                }
                values
            });
            // While the next one is under way, wherever it is.
            while count.load(Ordering::Relaxed) <= round && !setting.is_finished() {
                std::thread::yield_now();
            }
            std::thread::sleep(Duration::from_millis(7 * round as u64));
            host.kill();
            killed.store(true, Ordering::Relaxed);
            setting.join().unwrap()
        });
        answered.extend(values);
    }
    assert!(answered.len() >= 10, "{answered:?}");
    let recorded: Vec<Value> = trail(&host, &["--action", "set"])
        .iter()
        .map(|record| record["details"]["value"].clone())
        .collect();
    for value in &answered {
        assert!(recorded.contains(&json!(value)), "{value}: {recorded:?}");
    }
    let (code, verified) = verify(&host, &[]);
    assert_eq!(code, Some(0), "{verified}");
}

#[test]
fn grants_configuration_and_versions_are_on_the_record() {
    let mut host = host();
    host.start();
    is_up(&host);
    // Another version: the same with a custom section.
    let file = host.path("other.wasm");
    let mut other = fs::read(component("weihe-guest-raw")).unwrap();
    other.extend(b"\0\x04\x03abc");
    fs::write(&file, other).unwrap();
    let swapped = host.run(&["swap", "raw", file.to_str().unwrap()]);
    assert_eq!(swapped.status.code(), Some(0));
    for (arguments, code) in [
        (&["rollback", "raw"][..], 0),
        (&["swap", "raw", file.to_str().unwrap()], 1),
        (&["swap", "raw", file.to_str().unwrap(), "--lift"], 0),
    ] {
        assert_eq!(
            host.run(arguments).status.code(),
            Some(code),
            "{arguments:?}"
        );
    }
    let toml = host.path("weihe.toml");
    let refused = host.run(&["swap", "raw", toml.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1), "that is no component");
    assert!(host.run(&["unload", "raw"]).status.success());
    assert!(host.stop());
    let started = &trail(&host, &["--action", "device-started"])[0];
    assert_eq!(started["target"], "device/patient");
    assert_eq!(
        started["details"]["grants"]["publish"],
        json!(["greenhouse/#"])
    );
    let loaded = &trail(&host, &["--action", "plugin-loaded"])[0];
    let sha256 = loaded["details"]["sha256"].as_str().unwrap();
    assert_eq!(sha256.len(), 64);
    assert_eq!(started["details"]["sha256"], sha256);
    let config = &trail(&host, &["--action", "config-loaded"])[0];
    assert_eq!(config["details"]["sha256"].as_str().unwrap().len(), 64);
    let swapped = &trail(&host, &["--action", "plugin-swapped"])[0];
    assert_ne!(swapped["details"]["sha256"], sha256);
    let refused = trail(&host, &["--action", "plugin-refused"]);
    let reasons: Vec<&str> = refused
        .iter()
        .filter_map(|record| record["reason"].as_str())
        .collect();
    // Once more when the quarantine was to be lifted.
    assert_eq!(reasons.len(), 3, "{reasons:?}");
    assert!(reasons[0].contains("quarantine"), "{reasons:?}");
    assert!(reasons[2].contains("not a WebAssembly file"), "{reasons:?}");
    let returned = &trail(&host, &["--action", "plugin-returned"])[0];
    assert_eq!(returned["details"]["sha256"], sha256);
    assert_eq!(returned["details"]["reason"], "by the operator");
    let lifted = &trail(&host, &["--action", "quarantine-lifted"])[0];
    let bad = swapped["details"]["sha256"].as_str().unwrap();
    assert_eq!(lifted["target"], format!("version/{bad}"));
    let unloaded = &trail(&host, &["--action", "plugin-unloaded"])[0];
    assert_eq!(unloaded["details"]["devices"], json!(["patient"]));
    let outcomes: Vec<Value> = trail(&host, &["--actor", "operator", "--action", "swap"])
        .iter()
        .map(|swap| swap["outcome"].clone())
        .collect();
    assert_eq!(outcomes, ["done", "refused", "done", "refused"]);
    let last = trail(&host, &["-n", "1"]);
    assert_eq!(last[0]["action"], "host-stopped");
}

#[test]
fn an_altered_trail_is_found_out_without_a_running_host() {
    let mut host = host();
    host.start();
    is_up(&host);
    host.ask(&["call", "patient", "mend"]).unwrap();
    assert!(host.stop());
    let (code, sound) = verify(&host, &[]);
    assert_eq!(code, Some(0));
    let head = sound["head"].as_str().unwrap();
    assert_eq!(verify(&host, &["--head", head]).0, Some(0));
    assert_eq!(verify(&host, &["--head", "abcd"]).0, Some(1));

    let file = host.path("data/audit/audit-000001.jsonl");
    let text = fs::read_to_string(&file).unwrap();
    let line = text.lines().position(|line| line.contains("mend")).unwrap();
    fs::write(&file, text.replace("mend", "heal")).unwrap();
    let (code, found) = verify(&host, &[]);
    assert_eq!(code, Some(1));
    assert_eq!(found["broken"]["line"], line + 1);
    assert_eq!(found["broken"]["sequence"], line + 1);
    let shown = host.run(&["audit", "--verify"]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("audit-000001.jsonl"), "{shown}");

    // The host goes on, and what is broken stays broken.
    host.start();
    is_up(&host);
    assert!(host.stop());
    assert_eq!(verify(&host, &[]).1["broken"], found["broken"]);
}

#[test]
fn a_full_disk_is_shown_and_the_gap_is_recorded_when_there_is_room_again() {
    let mut host = host();
    host.start();
    is_up(&host);
    host.limit_files(Some(0));
    host.ask(&["call", "patient", "mend"])
        .expect("the host goes on");
    let shown = String::from_utf8(host.run(&["ps"]).stdout).unwrap();
    assert!(
        shown.contains("the audit trail cannot be written"),
        "{shown}"
    );
    host.limit_files(None);
    host.ask(&["call", "patient", "count"]).unwrap();
    let began = std::time::Instant::now();
    while trail(&host, &["--action", "call"]).len() < 2 {
        assert!(began.elapsed() < DEADLINE);
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(verify(&host, &[]).0, Some(0));
    assert!(host.stop());
}

#[test]
fn a_plugin_with_a_grant_sees_the_records_as_they_are_made() {
    let config = r#"
        [plugin.raw]
        [device.observer]
        plugin = "raw"
        config = { input = "$audit/call" }
        [device.observer.grants]
        subscribe = ["$audit/#"]
    "#;
    let mut host = Host::new(config, &[("raw", "weihe-guest-raw")]);
    host.start();
    is_up(&host);
    host.ask(&["call", "observer", "mend"]).unwrap();
    let began = std::time::Instant::now();
    let seen = loop {
        // Until the record has come there is no such topic, and the answer is an error.
        let event = host.ask(&["get", "plugin/observer/echo"]);
        if let Some(event) = event.filter(|event| event["value"].is_object()) {
            break event["value"].clone();
        }
        assert!(began.elapsed() < DEADLINE, "{}", host.log());
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(seen["details"]["command"], "mend");
    assert_eq!(seen["actor"]["kind"], "operator");
    assert_eq!(seen, trail(&host, &["--action", "call"])[0]);
    assert!(host.stop());
}

#[tokio::test]
async fn uses_that_are_not_granted_are_on_the_record_with_device_and_thing() {
    let rig = Rig::start(
        r#"
        [plugin]
        raw = "weihe-guest-raw"
        [device.patient]
        plugin = "raw"
        "#,
    )
    .await;
    let mut dead = rig.watch("$dead/patient");
    rig.order("patient", "call");
    dead.next().await;
    let denied = rig.audited(action::DENIED);
    assert_eq!(denied[0].target, "call/good");
    let name = "patient".to_owned();
    assert_eq!(denied[0].actor, Actor::Device { name });
    let Outcome::Refused { reason } = &denied[0].outcome else {
        panic!("{denied:?}");
    };
    assert!(reason.contains("may not call `good`"), "{reason}");

    // A subscription that is not granted: the device does not start, and both are recorded.
    let spy = r#"
        [device.spy]
        plugin = "raw"
        config = { input = "secret/#" }
    "#;
    rig.try_add(spy).await.unwrap_err();
    let denied = rig.audited(action::DENIED);
    assert_eq!(denied.last().unwrap().target, "subscribe/secret/#");
    assert_eq!(rig.audited(action::DEVICE_REFUSED).len(), 1);
    rig.shutdown().await;
}

#[tokio::test]
async fn calls_between_devices_are_on_the_record() {
    let rig = Rig::start(
        r#"
        [plugin]
        raw = "weihe-guest-raw"
        [device.good]
        plugin = "raw"
        [device.patient]
        plugin = "raw"
        grants.call = ["good"]
        "#,
    )
    .await;
    let mut echo = rig.watch("plugin/patient/echo");
    rig.order("patient", "call");
    echo.next().await;
    // That call is never answered; now it is.
    rig.kernel()
        .remove_device("good", "the test is over")
        .await
        .unwrap();
    rig.until("the call on the record", |_| {
        !rig.audited(action::DEVICE_CALL).is_empty()
    })
    .await;
    let call = rig.audited(action::DEVICE_CALL).remove(0);
    let name = "patient".to_owned();
    assert_eq!(call.actor, Actor::Device { name });
    assert_eq!(call.target, "device/good");
    assert_eq!(call.details["command"], "never");
    assert!(
        matches!(call.outcome, Outcome::Refused { .. }),
        "it was not done"
    );
    rig.shutdown().await;
}

#[tokio::test]
async fn what_a_device_is_given_up_for_is_on_the_record() {
    let rig = Rig::start(
        r#"
        [plugin]
        raw = "weihe-guest-raw"
        [device.patient]
        plugin = "raw"
        config = { start = "once" }
        "#,
    )
    .await;
    rig.order("patient", "trap");
    rig.until_device("patient", "it failed", |device| {
        device.state == weihe_kernel::device::DeviceState::Failed
    })
    .await;
    let failed = rig.audited(action::DEVICE_FAILED);
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].target, "device/patient");
    let Outcome::Refused { reason } = &failed[0].outcome else {
        panic!("{failed:?}");
    };
    assert!(reason.contains("told to start once"), "{reason}");
    rig.shutdown().await;
}
