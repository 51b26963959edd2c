//! Lists the SDK's sources with their text, so that `weihe new` can write them out wherever the
//! binary is (all files of its folders are taken: a list by hand would forget one); and makes
//! functions of the texts for people ([`texts`]).

#[path = "build/texts.rs"]
mod texts;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// What a crate outside the clone needs of it, besides which nothing is embedded.
const PARTS: [&str; 15] = [
    "Cargo.toml",
    "Cargo.lock",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "kernel/guomi/sm/Cargo.toml",
    "kernel/guomi/sm/src",
    "rust-toolchain.toml",
    "sdk/macros/Cargo.toml",
    "sdk/macros/src",
    "sdk/testing/Cargo.toml",
    "sdk/testing/README.md",
    "sdk/testing/src",
    "sdk/rust/Cargo.toml",
    "sdk/rust/README.md",
    "sdk/rust/src",
];

/// The contracts that the SDK's bindings are made of.
const CONTRACTS: &str = "wit";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let clone =
        std::fs::canonicalize(Path::new(&std::env::var("CARGO_MANIFEST_DIR")?).join("../.."))?;
    let mut files = Vec::new();
    for part in PARTS.into_iter().chain([CONTRACTS]) {
        let path = clone.join(part);
        println!("cargo::rerun-if-changed={}", path.display());
        collect(&path, &mut files)?;
    }
    files.sort();
    let mut list = String::from("[\n");
    for file in &files {
        let name = file.strip_prefix(&clone)?;
        writeln!(list, "    ({:?}, include_str!({:?})),", name, file)?;
    }
    list.push(']');
    let out = PathBuf::from(std::env::var("OUT_DIR")?).join("sdk.rs");
    std::fs::write(out, list)?;
    texts::generate()
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !path.is_dir() {
        files.push(path.to_path_buf());
        return Ok(());
    }
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        // Leftovers of editors.
        if !entry.file_name().to_string_lossy().starts_with('.') {
            collect(&entry.path(), files)?;
        }
    }
    Ok(())
}
