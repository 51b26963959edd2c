//! The manifest of a new crate, and what cargo needs beside it.

use super::sdk::{Sdk, embedded};

/// `Cargo.toml`, with what the template depends on besides, line by line.
pub(super) fn manifest(name: &str, summary: &str, sdk: &Sdk, dependencies: &str) -> String {
    let path = |path: &std::path::Path| toml::Value::from(path.to_string_lossy().into_owned());
    let testing = path(&sdk.testing());
    let path = path(&sdk.path);
    format!(
        "[package]\n\
         name = \"{name}\"\n\
         version = \"0.1.0\"\n\
         edition = \"2024\"\n\
         description = \"A Weihe plugin: {summary}\"\n\
         publish = false\n\
         \n\
         [lib]\n\
         # `cdylib` becomes the component, `rlib` is what tests use.\n\
         crate-type = [\"cdylib\", \"rlib\"]\n\
         \n\
         [dependencies]\n\
         {origin}\
         weihe-sdk = {{ path = {path} }}\n\
         serde = {{ version = \"1\", features = [\"derive\"] }}\n\
         {dependencies}\
         \n\
         [dev-dependencies]\n\
         weihe-testing = {{ path = {testing} }}\n\
         \n\
         [features]\n\
         # `cargo test --features sandbox` runs the tests in the sandbox of the real host, too.\n\
         sandbox = []\n\
         \n\
         # A workspace by itself, wherever it lies.\n\
         [workspace]\n",
        origin = match sdk.embedded {
            true => "# Written there by `weihe new`, which has it in its binary.\n",
            false => "",
        }
    )
}

/// `rust-toolchain.toml`: what Weihe itself is built with, so that rustup brings the target along.
pub(super) fn toolchain() -> String {
    embedded("rust-toolchain.toml")
        .unwrap_or_default()
        .to_owned()
}

/// `Cargo.lock` of Weihe.
pub(super) fn lock() -> Option<&'static str> {
    embedded("Cargo.lock")
}

/// The crates that are written out.
const CRATES: [&str; 4] = ["kernel/guomi/sm", "sdk/macros", "sdk/rust", "sdk/testing"];

/// The manifest of a crate of which only the library is written out: what measures and tests it is not there.
pub(super) fn library(manifest: &str) -> Result<String, toml::de::Error> {
    let mut manifest: toml::Table = toml::from_str(manifest)?;
    for part in ["bench", "example", "test", "dev-dependencies"] {
        manifest.remove(part);
    }
    Ok(manifest.to_string())
}

/// The workspace around the SDK that is written out: what its manifest takes from the one of the
/// clone, and no other member.
pub(super) fn workspace(clone: &str) -> Result<String, toml::de::Error> {
    let mut root: toml::Table = toml::from_str(clone)?;
    let mut workspace = match root.remove("workspace") {
        Some(toml::Value::Table(workspace)) => workspace,
        _ => toml::Table::new(),
    };
    for key in ["exclude", "default-members"] {
        workspace.remove(key);
    }
    workspace.insert("members".to_owned(), toml::Value::from(CRATES.to_vec()));
    if let Some(toml::Value::Table(dependencies)) = workspace.get_mut("dependencies") {
        // Of the crates of the clone those that are written out.
        dependencies.retain(|_, dependency| {
            let path = dependency.get("path").and_then(toml::Value::as_str);
            path.is_none_or(|path| CRATES.contains(&path))
        });
    }
    let alone = toml::Table::from_iter([("workspace".to_owned(), toml::Value::Table(workspace))]);
    Ok(alone.to_string())
}
