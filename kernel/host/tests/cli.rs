//! The binary as people and scripts meet it: exit codes, messages, JSON.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

fn weihe(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weihe"));
    command
        .current_dir(directory)
        .env_remove("WEIHE_DIR")
        .env_remove("WEIHE_LOG")
        .env("XDG_CACHE_HOME", directory.join(".cache"))
        .stdin(Stdio::null());
    command
}

fn run(directory: &Path, arguments: &[&str]) -> Output {
    weihe(directory).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}{}", text(&output.stdout), text(&output.stderr)))
}

fn system(toml: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("weihe.toml"), toml).unwrap();
    directory
}

/// Checks a faulty system; returns what is shown for people and the first problem as JSON.
fn check(toml: &str) -> (String, Value) {
    let directory = system(toml);
    let people = run(directory.path(), &["check"]);
    assert_eq!(people.status.code(), Some(1), "{}", text(&people.stdout));
    let programs = run(directory.path(), &["check", "--json"]);
    assert_eq!(programs.status.code(), Some(1));
    let answer = json(&programs);
    assert_eq!(answer["ok"], false);
    let shown = text(&people.stderr);
    assert!(
        !shown.contains('\u{1b}'),
        "no colours into a pipe: {shown:?}"
    );
    (shown, answer["problems"][0].clone())
}

#[test]
fn help_and_version_are_no_errors_and_a_wrong_call_is_2() {
    let here = tempfile::tempdir().unwrap();
    let help = run(here.path(), &["--help"]);
    assert_eq!(help.status.code(), Some(0));
    let shown = text(&help.stdout);
    for command in [
        "run", "build", "check", "inspect", "decode", "encode", "ps", "events", "get", "set",
        "call", "logs", "doctor",
    ] {
        assert!(
            shown.contains(&format!("\n  {command} ")),
            "{command} in {shown}"
        );
        let help = run(here.path(), &[command, "--help"]);
        assert_eq!(help.status.code(), Some(0));
        assert!(text(&help.stdout).contains("Example"), "{command}");
    }
    assert!(!shown.contains("compile-component"), "hidden");
    assert_eq!(run(here.path(), &["--version"]).status.code(), Some(0));
    assert_eq!(run(here.path(), &["perform"]).status.code(), Some(2));
    assert_eq!(run(here.path(), &["get"]).status.code(), Some(2));
    assert_eq!(run(here.path(), &[]).status.code(), Some(2));
}

#[test]
fn an_unknown_key_is_shown_in_its_line_with_a_suggestion() {
    let (shown, problem) = check(include_str!("fixtures/unknown_key.toml"));
    assert!(shown.contains("weihe.toml:2:1"), "{shown}");
    assert!(shown.contains("nmae = \"greenhouse\""), "{shown}");
    assert!(shown.contains("did you mean `name`?"), "{shown}");
    assert_eq!(
        (&problem["line"], &problem["column"]),
        (&2.into(), &1.into())
    );
}

#[test]
fn a_wrong_type_says_what_is_expected() {
    let (shown, problem) = check(include_str!("fixtures/wrong_type.toml"));
    assert!(
        shown.contains("`name` must be a text, but is an integer"),
        "{shown}"
    );
    assert_eq!(problem["line"], 2);
}

#[test]
fn a_device_given_twice_shows_both_places() {
    let (shown, problem) = check(include_str!("fixtures/duplicate_device.toml"));
    assert!(
        shown.contains("the first") && shown.contains("the second"),
        "{shown}"
    );
    assert_eq!(problem["message"], "`soil` is given twice");
    assert_eq!(problem["line"], 7);
}

#[test]
fn two_holders_of_one_address_are_both_named() {
    let (shown, problem) = check(include_str!("fixtures/two_holders.toml"));
    assert!(shown.contains("held by `a`"), "{shown}");
    assert!(
        problem["message"]
            .as_str()
            .unwrap()
            .contains("connection `b`"),
        "{problem}"
    );
    assert_eq!(problem["line"], 7);
}

#[test]
fn a_plugin_file_that_is_missing_is_named_with_its_line() {
    let (shown, problem) = check(include_str!("fixtures/missing_plugin_file.toml"));
    assert!(shown.contains("nowhere/modbus.wasm"), "{shown}");
    assert_eq!(problem["line"], 2);
    assert!(
        problem["help"]
            .as_str()
            .unwrap()
            .contains("put the component there")
    );
}

#[test]
fn what_is_no_toml_is_shown_where_it_ends() {
    let (shown, problem) = check(include_str!("fixtures/syntax.toml"));
    assert!(shown.contains("not TOML"), "{shown}");
    assert_eq!(problem["line"], 1);
}

#[test]
fn a_good_system_is_in_order_and_nothing_is_started() {
    let directory = system("[connection.field]\ntype = \"tcp\"\naddress = \"127.0.0.1:1\"\n");
    let output = run(directory.path(), &["check"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("is in order"));
    assert!(!directory.path().join("data").exists());
    assert_eq!(
        json(&run(directory.path(), &["check", "--json"]))["ok"],
        true
    );
}

#[test]
fn no_system_says_how_to_name_one() {
    let here = tempfile::tempdir().unwrap();
    for command in [&["check", "."][..], &["ps"], &["run"]] {
        let output = run(here.path(), command);
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        let shown = text(&output.stderr);
        assert!(
            shown.contains("weihe.toml") && shown.contains("-C DIR"),
            "{shown}"
        );
    }
}

#[test]
fn files_that_are_no_plugins_are_named_for_what_they_are() {
    let here = tempfile::tempdir().unwrap();
    let inspect = |bytes: &[u8]| {
        let file = here.path().join("x.wasm");
        fs::write(&file, bytes).unwrap();
        let output = run(here.path(), &["inspect", "x.wasm"]);
        assert_eq!(output.status.code(), Some(1));
        let answer = json(&run(here.path(), &["inspect", "x.wasm", "--json"]));
        let shown = text(&output.stderr);
        let message = answer["error"]["message"].as_str().unwrap().to_owned();
        assert!(shown.contains(&message), "{shown} / {message}");
        shown
    };
    assert!(inspect(b"").contains("it is empty"));
    assert!(inspect(b"hello, world").contains("is not WebAssembly"));
    assert!(inspect(b"\0asm\x01\0\0\0").contains("build with --target wasm32-wasip2"));
    assert!(inspect(b"\0asm\x0d\0\x01\0\x01\x7f").contains("cut off"));
    assert!(inspect(b"\0asm\x0d\0\x01\0\x7f\x01\0").contains("damaged"));
    assert!(inspect(b"\0asm\x0d\0\x01\0").contains("not a Weihe plugin"));
    let missing = run(here.path(), &["inspect", "nowhere.wasm"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(text(&missing.stderr).contains("nowhere.wasm"));
}

#[test]
fn what_is_not_hexadecimal_is_a_wrong_call() {
    let here = tempfile::tempdir().unwrap();
    let output = run(here.path(), &["decode", "x.wasm", "11 0g"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("`g`"));
    let output = run(here.path(), &["decode", "x.wasm", "11 03"]);
    assert_eq!(output.status.code(), Some(1), "a file that is not there");
    assert!(text(&output.stderr).contains("x.wasm"));
}

#[test]
fn the_doctor_looks_at_any_machine() {
    let here = tempfile::tempdir().unwrap();
    let root = here.path().to_str().unwrap().to_owned();
    let output = run(here.path(), &["doctor", "--root", &root]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    let findings = json(&run(here.path(), &["doctor", "--root", &root, "--json"]));
    assert!(findings.as_array().unwrap().len() > 6);
    assert!(
        findings
            .as_array()
            .unwrap()
            .iter()
            .all(|finding| finding["what"].is_string())
    );
}

#[test]
fn without_cargo_building_says_so() {
    let here = tempfile::tempdir().unwrap();
    let output = weihe(here.path())
        .args(["build", "."])
        .env("PATH", "")
        .env("HOME", here.path())
        .env("CARGO_HOME", here.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("cargo, which builds plugins, is not on this machine"));
}

/// A host that is killed when the test ends.
struct Host {
    child: Child,
    lines: std::sync::mpsc::Receiver<String>,
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Host {
    /// Starts a host and waits until it says that it runs.
    fn start(directory: &Path) -> Self {
        let mut child = weihe(directory)
            .arg("run")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = child.stderr.take().unwrap();
        let (sender, lines) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let host = Self { child, lines };
        host.wait_for("Ctrl-C stops it");
        host
    }

    fn wait_for(&self, words: &str) {
        let mut seen = Vec::new();
        while let Ok(line) = self.lines.recv() {
            if line.contains(words) {
                return;
            }
            seen.push(line);
        }
        panic!("the host ended without saying `{words}`: {seen:#?}");
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &pid])
                .status()
                .unwrap()
                .success()
        );
    }
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
            .ends_with("weihe.toml:3"),
        "{failed:?}"
    );
    let shown = text(&run(here, &["ps"]).stdout);
    assert!(
        shown.contains("rig") && shown.contains("device lost failed"),
        "{shown}"
    );

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
    host.signal("-TERM");
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
    host.signal("-INT");
}

#[test]
fn decode_reads_standard_input() {
    let here = tempfile::tempdir().unwrap();
    let mut child = weihe(here.path())
        .args(["decode", "x.wasm", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"zz\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("`zz`"));
}
