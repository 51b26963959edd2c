//! The binary as people and scripts meet it: exit codes, messages, JSON.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bench;
mod boards;
mod check;
mod completions;
mod dev;
mod guard;
mod host;
mod keys;
mod language;
mod new;
mod running;
mod shell;
mod sign;
mod signer;
mod tls;
mod tools;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn weihe(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weihe"));
    command
        .current_dir(directory)
        .env_remove("WEIHE_DIR")
        .env_remove("WEIHE_LOG")
        .env("WEIHE_LANG", "en")
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
