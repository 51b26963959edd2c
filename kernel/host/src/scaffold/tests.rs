#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

#[test]
fn what_is_written_out_is_a_workspace_with_nothing_missing() {
    let clone = "[workspace]\nmembers = [\"a\", \"sdk/rust\"]\nexclude = [\"x\"]\n\
                 [workspace.package]\nversion = \"0.1.0\"\n\
                 [workspace.dependencies]\nserde = \"1\"\na = { path = \"a\" }\n\
                 weihe-sdk = { path = \"sdk/rust\" }\n\
                 [profile.dev]\ndebug = true\n";
    let written: toml::Table = toml::from_str(&manifest::workspace(clone).unwrap()).unwrap();
    let expected = "[workspace]\nmembers = [\"kernel/guomi/sm\", \"sdk/macros\", \"sdk/rust\", \"sdk/testing\"]\n\
                    package.version = \"0.1.0\"\ndependencies.serde = \"1\"\n\
                    dependencies.weihe-sdk.path = \"sdk/rust\"\n";
    assert_eq!(written, toml::from_str(expected).unwrap());
}

#[test]
fn every_file_that_the_sdk_includes_is_in_the_binary() {
    let clone = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut open: Vec<PathBuf> = ["sdk/rust/src", "sdk/macros/src", "sdk/testing/src", "wit"]
        .map(|part| clone.join(part))
        .into();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let name = path.strip_prefix(&clone).unwrap().to_str().unwrap();
            let text = std::fs::read_to_string(&path).unwrap();
            assert_eq!(sdk::embedded(name), Some(text.as_str()), "{name}");
        }
    }
    assert!(sdk::embedded("LICENSE-MIT").is_some());
}

#[test]
fn names_that_would_not_do_are_refused_with_one_that_would() {
    for good in [
        "oven",
        "tank-2",
        "a_b",
        "driver",
        "plugin",
        "weihe-plugin-oven",
    ] {
        check_name(good).unwrap();
    }
    let help = |name: &str| check_name(name).unwrap_err().help();
    assert!(
        help("My Oven").ends_with("`my-oven`"),
        "{}",
        help("My Oven")
    );
    assert!(help("../oven").ends_with("`oven`"), "{}", help("../oven"));
    assert!(help("温室").ends_with("bytes long"));
    assert!(
        help("Test").ends_with("bytes long"),
        "its suggestion would be refused"
    );
    assert!(help("match").contains("`my-match`"));
    assert!(help("proc_macro").contains("`my-proc-macro`"));
}

#[test]
fn in_a_clone_the_crate_uses_its_sdk_and_elsewhere_the_one_of_the_binary() {
    let clone = std::fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).unwrap();
    let sdk = Sdk::for_crate(&clone.join("plugins/oven")).unwrap();
    assert_eq!(
        (sdk.path.to_str(), sdk.embedded),
        (Some("../../sdk/rust"), false)
    );
}

#[test]
fn a_directory_with_something_in_it_is_left_alone() {
    let parent = tempfile::tempdir().unwrap();
    let there = parent.path().join("oven");
    std::fs::create_dir(&there).unwrap();
    std::fs::write(there.join("mine"), "1").unwrap();
    let error = make(parent.path(), "oven", Template::Rule).unwrap_err();
    assert!(matches!(error, NewError::Exists(_)), "{error}");
    assert_eq!(std::fs::read_dir(&there).unwrap().count(), 1);
    std::fs::write(parent.path().join("file"), "1").unwrap();
    let error = make(parent.path(), "file", Template::Rule).unwrap_err();
    assert!(matches!(error, NewError::Exists(_)), "{error}");
}
