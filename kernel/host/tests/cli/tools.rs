//! Commands that need no host, and how commands are called.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use super::{json, run, text, weihe};

#[test]
fn help_and_version_are_no_errors_and_a_wrong_call_is_2() {
    let here = tempfile::tempdir().unwrap();
    let help = run(here.path(), &["--help"]);
    assert_eq!(help.status.code(), Some(0));
    let shown = text(&help.stdout);
    for command in [
        "run", "dev", "new", "build", "check", "inspect", "decode", "encode", "ps", "top",
        "events", "get", "set", "call", "logs", "doctor", "bench",
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
fn options_may_stand_behind_the_arguments_of_a_command() {
    let here = tempfile::tempdir().unwrap();
    let call = ["call", "history", "query", "limit=3"];
    let output = run(
        here.path(),
        &[&call[..], &["--json", "-C", "there"]].concat(),
    );
    assert_eq!(output.status.code(), Some(1), "no host runs");
    assert!(json(&output).to_string().contains("there"));
    let output = run(here.path(), &[&call[..], &["--jsn"]].concat());
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("'--json'"), "a suggestion");
}

#[test]
fn the_doctor_says_what_sm4_runs_on() {
    let here = tempfile::tempdir().unwrap();
    let answer = json(&run(here.path(), &["doctor", "--json"]));
    let backend = weihe_sm::sm4::backend();
    assert_eq!(answer["sm4"]["backend"], backend, "{answer}");
    for (language, words) in [("en", "the processor has"), ("zh", "处理器")] {
        let doctor = weihe(here.path())
            .env("WEIHE_LANG", language)
            .arg("doctor")
            .output()
            .unwrap();
        let said = text(&doctor.stdout);
        let line = said.lines().find(|line| line.contains("SM4")).unwrap();
        assert!(line.contains(words), "{line}");
        assert!(backend == "portable" || line.contains(backend), "{line}");
    }
    // The processor of a copy is another one.
    let copy = run(here.path(), &["doctor", "--root", ".", "--json"]);
    assert!(json(&copy)["sm4"].is_null());
}

#[test]
fn the_doctor_looks_at_any_machine() {
    let here = tempfile::tempdir().unwrap();
    let root = here.path().to_str().unwrap().to_owned();
    let output = run(here.path(), &["doctor", "--root", &root]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    let answer = json(&run(here.path(), &["doctor", "--root", &root, "--json"]));
    let findings = answer["findings"].as_array().unwrap();
    assert!(findings.len() > 6);
    assert!(findings.iter().all(|finding| finding["what"].is_string()));
    assert_eq!(answer["board"]["gpio"], serde_json::json!([]));
}

#[test]
fn without_cargo_building_says_so() {
    let here = tempfile::tempdir().unwrap();
    fs::write(
        here.path().join("Cargo.toml"),
        "[package]\nname = \"meter\"\n",
    )
    .unwrap();
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

#[test]
fn the_system_may_be_named_behind_a_command_that_takes_it_as_an_argument_too() {
    let system = super::system("");
    let elsewhere = tempfile::tempdir().unwrap();
    let named = system.path().to_str().unwrap();
    for arguments in [
        ["check", "-C", named],
        ["check", "--dir", named],
        ["--dir", named, "check"],
    ] {
        let checked = run(elsewhere.path(), &arguments);
        assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stderr));
    }
}

#[test]
fn a_core_module_is_made_a_component_or_told_what_it_lacks() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("meter.wasm"), b"\0asm\x01\0\0\0").unwrap();
    let nowhere = run(directory.path(), &["build", "meter.wasm"]);
    assert_eq!(nowhere.status.code(), Some(2));
    assert!(text(&nowhere.stderr).contains("-o plugins/"));
    let worldless = run(directory.path(), &["build", "meter.wasm", "-o", "plugins/"]);
    assert_eq!(worldless.status.code(), Some(1));
    let said = text(&worldless.stderr);
    assert!(
        said.contains("meter.wasm is a core module that says nothing of its world"),
        "{said}"
    );
    assert!(said.contains("component_type.o"), "{said}");
    assert!(!directory.path().join("plugins").exists());
    let adapted = run(directory.path(), &["build", ".", "--adapt", "a.wasm"]);
    assert_eq!(adapted.status.code(), Some(2));
}

#[test]
fn colours_are_for_terminals_unless_the_command_line_says_otherwise() {
    let directory = super::system("[hots]\n");
    let shown = |arguments: &[&str], no_color: &str| {
        let mut command = super::weihe(directory.path());
        command.args(arguments).env("NO_COLOR", no_color);
        let output = command.output().unwrap();
        text(&output.stderr) + &text(&output.stdout)
    };
    let is_coloured = |arguments: &[&str]| shown(arguments, "").contains('\u{1b}');
    assert!(!is_coloured(&["check"]), "a pipe is no terminal");
    assert!(!is_coloured(&["check", "--color", "never"]));
    assert!(is_coloured(&["check", "--color", "always"]));
    assert!(is_coloured(&["--color=always", "--help"]));
    assert!(!is_coloured(&["--color=never", "--help"]));
    // Who asks for them by name gets them.
    assert!(shown(&["check", "--color", "always"], "1").contains('\u{1b}'));
    let odd = run(directory.path(), &["check", "--color", "green"]);
    assert_eq!(odd.status.code(), Some(2));
}
