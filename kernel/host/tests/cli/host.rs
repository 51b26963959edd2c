//! `weihe run`, and the commands that talk to it.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::running::Host;
use super::{json, run, system, text, weihe};

#[test]
fn a_folder_of_components_runs_without_a_file() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("plugins")).unwrap();
    let neither = run(directory.path(), &["run", "."]);
    let said = text(&neither.stderr);
    assert_eq!(neither.status.code(), Some(1));
    assert!(
        said.contains("weihe.toml") && said.contains("plugins"),
        "{said}"
    );

    fs::write(directory.path().join("plugins/soil.wasm"), "\0asm").unwrap();
    let checked = text(&run(directory.path(), &["check", "."]).stderr);
    assert!(checked.contains("there is no weihe.toml"), "{checked}");
    assert!(checked.contains("soil"), "{checked}");
    let host = Host::start(directory.path());
    let ps = json(&run(directory.path(), &["ps", "--json"]));
    assert!(ps.to_string().contains("soil.wasm"), "{ps}");
    let note = |line: &&String| line.contains("there is no weihe.toml");
    assert_eq!(host.said.iter().filter(note).count(), 1, "{:?}", host.said);
}

/// The niceness of a process, from /proc (proc(5), stat, field 19).
fn niceness(process: &str) -> i64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // Behind the name, which may hold anything, the third field comes first.
    let (_, fields) = stat.rsplit_once(')').unwrap();
    fields.split_whitespace().nth(16).unwrap().parse().unwrap()
}

#[test]
fn a_compiler_gives_way_to_its_host_and_ends_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let never = directory.path().join("never.wasm");
    // Nobody ever writes to it: without its host's end, the compiler would wait for ever.
    let made = std::process::Command::new("mkfifo").arg(&never).status();
    assert!(made.unwrap().success());
    let mut compiler = weihe(directory.path())
        .arg(weihe::system::COMPILE_COMMAND)
        .args([&never, &directory.path().join("out")])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let own = niceness("self");
    let began = Instant::now();
    while niceness(&compiler.id().to_string()) < (own + 10).min(19) {
        let waited = began.elapsed();
        assert!(waited < Duration::from_secs(60), "it does not give way");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(compiler.try_wait().unwrap(), None);
    drop(compiler.stdin.take());
    assert!(!compiler.wait().unwrap().success());
}

#[test]
fn a_host_is_seen_steered_and_stopped_in_order() {
    // Its plugin is missing: that is shown, and everything else runs.
    let directory = system(
        "[host]\nname = \"rig\"\n[plugin.gone]\nfile = \"gone.wasm\"\n[device.lost]\nplugin = \"gone\"\n\
         [connection.field]\ntype = \"tcp\"\naddress = \"127.0.0.1:1\"\n",
    );
    let here = directory.path();
    let none = run(here, &["ps"]);
    assert_eq!(none.status.code(), Some(1));
    assert!(
        text(&none.stderr).contains("weihe run"),
        "{}",
        text(&none.stderr)
    );

    let mut host = Host::start(here);
    let ps = json(&run(here, &["ps", "--json"]));
    assert_eq!(ps["host"]["name"], "rig");
    assert_eq!(ps["connections"][0]["connection"], "field");
    let failed = ps["failed"].as_array().unwrap();
    assert_eq!(failed.len(), 2, "{failed:?}");
    assert!(
        failed[0]["place"]
            .as_str()
            .unwrap()
            .ends_with("weihe.toml:4:8"),
        "{failed:?}"
    );
    let shown = text(&run(here, &["ps"]).stdout);
    assert!(
        shown.contains("rig") && shown.contains("device lost failed"),
        "{shown}"
    );
    // What to do is said wherever the failure is.
    let help = "help: put the component there, or name it with `file`";
    assert!(shown.contains(help), "{shown}");
    let said = host.said.join("\n");
    assert!(said.contains(help), "{said}");

    let second = run(here, &["run"]);
    assert_eq!(second.status.code(), Some(1));
    assert!(
        text(&second.stderr).contains("running already"),
        "{}",
        text(&second.stderr)
    );

    // −1 and 0 arrive as they are.
    for (value, json_value) in [
        ("-1", Value::from(-1)),
        ("0", Value::from(0)),
        ("open", "open".into()),
    ] {
        assert_eq!(run(here, &["set", "a/b", value]).status.code(), Some(0));
        let got = json(&run(here, &["get", "a/b", "--json"]));
        assert_eq!(got["value"], json_value);
        assert_eq!(got["source"], "operator");
    }
    assert_eq!(text(&run(here, &["get", "a/b"]).stdout), "open\n");
    assert_eq!(text(&run(here, &["get", "a/#"]).stdout).lines().count(), 2);
    assert_eq!(run(here, &["get", "no/thing"]).status.code(), Some(1));
    assert_eq!(
        run(here, &["set", "$link/field", "up"]).status.code(),
        Some(2)
    );

    let called = run(here, &["call", "nobody", "anything", "--json"]);
    assert_eq!(called.status.code(), Some(1));
    assert!(
        json(&called)["error"]["message"]
            .as_str()
            .unwrap()
            .contains("`nobody`")
    );

    let events = run(
        here,
        &["events", "a/+", "--retained", "--count", "1", "--json"],
    );
    assert_eq!(json(&events)["value"], "open");
    let logs = text(&run(here, &["logs"]).stdout);
    assert!(logs.contains("gone.wasm"), "{logs}");
    assert_eq!(
        run(here, &["logs", "--device", "lost", "--json"])
            .stdout
            .iter()
            .filter(|b| **b == b'\n')
            .count(),
        1
    );

    // A stream that is open does not hold up the end.
    let mut follower = weihe(here)
        .args(["events"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    host.signal(libc::SIGTERM);
    assert_eq!(host.child.wait().unwrap().code(), Some(0));
    host.wait_for("stopped");
    assert_eq!(
        follower.wait().unwrap().code(),
        Some(1),
        "the follower was told"
    );
    assert!(!here.join("data/weihe.sock").exists());
}

#[test]
fn a_dropped_file_whose_name_is_none_is_ignored_with_a_word() {
    let directory = system("");
    fs::create_dir(directory.path().join("plugins")).unwrap();
    fs::write(directory.path().join("plugins/Modbus.wasm"), "").unwrap();
    let mut host = Host::start(directory.path());
    let said = host.said.join("\n");
    assert!(
        said.contains("Modbus.wasm is ignored") && said.contains("rename it to modbus.wasm"),
        "{said}"
    );
    host.signal(libc::SIGTERM);
    assert_eq!(host.child.wait().unwrap().code(), Some(0));
}

#[test]
fn after_kill_9_the_next_host_starts_with_a_higher_number() {
    let directory = system("");
    let here = directory.path();
    let mut host = Host::start(here);
    let first = json(&run(here, &["ps", "--json"]))["host"]["boot"]
        .as_u64()
        .unwrap();
    host.child.kill().unwrap();
    host.child.wait().unwrap();
    assert!(here.join("data/weihe.sock").exists(), "left behind");
    let host = Host::start(here);
    let second = json(&run(here, &["ps", "--json"]))["host"]["boot"]
        .as_u64()
        .unwrap();
    assert_eq!(second, first + 1);
    host.signal(libc::SIGINT);
}
