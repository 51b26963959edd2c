//! The component that `weihe bench` has with it is made of `tests/guests/versions`.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use weihe_tests::{setting, version, weihe, workspace};

/// What a component is, all but its file and the names in it.
fn contents(file: &Path) -> Value {
    let mut command: Command = weihe();
    let output = command
        .args(["--json", "inspect"])
        .arg(file)
        .output()
        .unwrap();
    let mut shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    let shown = shown.as_object_mut().unwrap();
    for of_the_file in ["file", "sha256", "size", "sections"] {
        shown.remove(of_the_file);
    }
    Value::Object(shown.clone())
}

/// Panics name files of the standard library by where it is installed: not that of whoever makes the
/// component. Of the same length, since texts in a component have one.
fn of_nobody(mut component: Vec<u8>) -> Vec<u8> {
    let home = std::env::var("HOME").unwrap_or_default().into_bytes();
    let at = |component: &[u8]| {
        let mut windows = component.windows(home.len().max(1));
        windows.position(|window| window == home)
    };
    while let Some(at) = at(&component) {
        component[at..at + home.len()].fill(b'~');
    }
    component
}

#[test]
fn the_component_that_is_built_into_the_host_is_that_of_its_source() {
    let built_in = workspace().join("kernel/host/src/bench/relay.wasm");
    let fresh = version("1");
    if setting("WEIHE_TESTS_RENEW", 0) == 1 {
        fs::write(&built_in, of_nobody(fs::read(&fresh).unwrap())).unwrap();
    }
    assert_eq!(
        contents(&built_in),
        contents(&fresh),
        "make it anew: WEIHE_TESTS_RENEW=1 cargo test -p weihe-tests built_in"
    );
}
