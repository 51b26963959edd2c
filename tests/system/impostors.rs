//! Programs in the place of `weihe` that keep a test of a plugin waiting: it ends, and says why.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use weihe_sdk::testing::Sandbox;
use weihe_testing::Process;

/// A program in the place of `weihe`: it greets, does as the script says, and leaves its number in a file.
fn impostor(folder: &Path, script: &str) -> PathBuf {
    let program = folder.join("weihe");
    let text = format!(
        "#!/bin/sh\necho $$ > '{}'\necho '{{\"ok\":{{\"protocol\":1}}}}'\n{script}\n",
        folder.join("id").display()
    );
    let draft = folder.join("draft");
    std::fs::write(&draft, text).unwrap();
    // Written by another process: a program that this one has open for writing, or a child that another test is
    // just starting, cannot be run.
    let mut install = Command::new("install");
    install.args(["-m", "755"]).arg(draft).arg(&program);
    assert!(install.status().unwrap().success());
    program
}

fn is_running(folder: &Path) -> bool {
    let id = std::fs::read_to_string(folder.join("id")).unwrap();
    Path::new("/proc").join(id.trim()).exists()
}

#[test]
fn a_sandbox_that_does_not_answer_is_ended_and_it_is_said_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let program = impostor(folder.path(), "read request\nexec sleep 1000");
    let sandbox = Process::start(&program, "any.wasm".as_ref()).unwrap();
    let mut sandbox = sandbox.patience(Duration::from_secs(1));
    let error = sandbox.ask(&json!({ "do": "publish", "events": [] }));
    let error = error.unwrap_err();
    assert!(
        error.contains("did not answer `publish` within 1s") && error.contains("without an end"),
        "{error}"
    );
    assert!(!is_running(folder.path()));
    let error = sandbox.ask(&json!({ "do": "rest" })).unwrap_err();
    assert!(error.contains("has ended"), "{error}");
}

#[test]
fn a_sandbox_that_does_not_end_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let program = impostor(folder.path(), "exec sleep 1000");
    let sandbox = Process::start(&program, "any.wasm".as_ref()).unwrap();
    assert!(is_running(folder.path()));
    drop(sandbox);
    assert!(!is_running(folder.path()));
}
