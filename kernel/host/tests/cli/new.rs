//! `weihe new`: what it writes, where, and what it refuses. That the crates build is a system test's.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{json, text, weihe};

fn new(directory: &Path, arguments: &[&str]) -> std::process::Output {
    let mut command = weihe(directory);
    command.env("XDG_DATA_HOME", directory.join("data"));
    command.arg("new").args(arguments).output().unwrap()
}

#[test]
fn a_crate_has_all_it_needs_and_says_what_to_do_with_it() {
    let here = tempfile::tempdir().unwrap();
    for template in ["driver", "codec", "sensor", "rule", "sink"] {
        let name = format!("my-{template}");
        let made = new(here.path(), &[&name, "--template", template]);
        assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));
        let shown = text(&made.stdout);
        for what in [
            "src/tests.rs",
            "cargo test",
            "weihe build",
            "weihe dev .",
            &format!("cd {name}\n"),
        ] {
            assert!(shown.contains(what), "{what} in {shown}");
        }
        let directory = here.path().join(&name);
        let read = |file: &str| fs::read_to_string(directory.join(file)).unwrap();
        for file in ["README.md", "weihe.toml", "Cargo.toml", "src/lib.rs"] {
            assert!(!read(file).contains("{{"), "{file} is filled in");
        }
        assert!(read("README.md").contains("cargo test"));
        assert!(read(".gitignore").contains("/target/"));
        // Editors find what may stand in it.
        assert!(read("weihe.toml").starts_with("#:schema ./weihe.schema.json\n"));
        let schema: Value = serde_json::from_str(&read("weihe.schema.json")).unwrap();
        assert_eq!(schema["title"], "weihe.toml");
        assert!(read("rust-toolchain.toml").contains("wasm32-wasip2"));
        let manifest: toml::Table = toml::from_str(&read("Cargo.toml")).unwrap();
        assert_eq!(manifest["package"]["name"].as_str(), Some(name.as_str()));
        let sdk = manifest["dependencies"]["weihe-sdk"]["path"]
            .as_str()
            .unwrap();
        let sdk = Path::new(sdk);
        assert!(sdk.is_absolute() && sdk.join("Cargo.toml").is_file());
        assert!(sdk.join("../../wit/plugin/types.wit").is_file());
        // Only the component is yet to be built.
        let checked = weihe(&directory)
            .args(["--json", "check"])
            .output()
            .unwrap();
        assert_eq!(json(&checked)["ok"], true, "{}", text(&checked.stdout));
    }
    // Written once, and shared.
    let kept = fs::read_dir(here.path().join("data/weihe"))
        .unwrap()
        .count();
    assert_eq!(kept, 1);
}

#[test]
fn nothing_that_is_there_is_overwritten() {
    let here = tempfile::tempdir().unwrap();
    assert_eq!(new(here.path(), &["oven"]).status.code(), Some(0));
    let library = here.path().join("oven/src/lib.rs");
    fs::write(&library, "// mine").unwrap();
    let again = new(here.path(), &["oven", "-t", "rule"]);
    assert_eq!(again.status.code(), Some(1));
    let shown = text(&again.stderr);
    assert!(shown.contains("oven exists already"), "{shown}");
    assert_eq!(fs::read_to_string(&library).unwrap(), "// mine");
}

#[test]
fn a_bad_name_is_a_wrong_call_with_a_better_name() {
    let here = tempfile::tempdir().unwrap();
    let bad = new(here.path(), &["My Oven"]);
    assert_eq!(bad.status.code(), Some(2));
    let shown = text(&bad.stderr);
    assert!(
        shown.contains("`My Oven`") && shown.contains("`my-oven`"),
        "{shown}"
    );
    assert_eq!(
        new(here.path(), &["oven", "-t", "toaster"]).status.code(),
        Some(2)
    );
    assert_eq!(fs::read_dir(here.path()).unwrap().count(), 0);
}

#[test]
fn the_directory_can_be_named_and_is_made() {
    let here = tempfile::tempdir().unwrap();
    let made = new(here.path(), &["oven", "--dir", "deep/plugins", "--json"]);
    let answer = json(&made);
    assert_eq!(answer["directory"], "deep/plugins/oven");
    assert!(here.path().join("deep/plugins/oven/src/lib.rs").is_file());
    // The directory of the environment is that of a system.
    let system = super::system("");
    let mut command = weihe(here.path());
    command.env("XDG_DATA_HOME", here.path().join("data"));
    command.env("WEIHE_DIR", system.path());
    let made = command.args(["new", "oven"]).output().unwrap();
    assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));
    assert!(here.path().join("oven/src/lib.rs").is_file());
    assert!(!system.path().join("oven").exists());
}

#[test]
fn without_a_place_for_the_sdk_nothing_is_made() {
    let here = tempfile::tempdir().unwrap();
    let mut command = weihe(here.path());
    command.env_remove("HOME").env_remove("XDG_DATA_HOME");
    let failed = command.args(["new", "oven"]).output().unwrap();
    assert_eq!(failed.status.code(), Some(1));
    let shown = text(&failed.stderr);
    assert!(shown.contains("XDG_DATA_HOME"), "{shown}");
    assert!(!here.path().join("oven").exists());
}

#[test]
fn a_system_without_sources_is_not_for_dev() {
    let here = super::system("");
    let refused = super::run(here.path(), &["dev", "."]);
    assert_eq!(refused.status.code(), Some(1));
    let shown = text(&refused.stderr);
    assert!(
        shown.contains("has a source") && shown.contains("weihe new"),
        "{shown}"
    );
}
