//! How components are built: with the same arguments by `weihe build`, by `weihe dev` and for the
//! tests, which include this file, so that tests load what users get and one build serves all.

use std::process::Command;

/// The release profile of components: optimised as a whole, since an event passes through small functions
/// of several crates. Level 3 rather than `s` halves what an event costs (docs/performance.md), and is
/// no larger where it counts (docs/decisions/0036). Names of functions stay: a backtrace without them
/// is of no use at night. Set by environment, so that it applies whatever the workspace says.
const PROFILE: [(&str, &str); 6] = [
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "3"),
    ("CARGO_PROFILE_RELEASE_LTO", "true"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1"),
    ("CARGO_PROFILE_RELEASE_PANIC", "abort"),
    ("CARGO_PROFILE_RELEASE_STRIP", "debuginfo"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "false"),
];

/// What cannot be set by environment.
const CONFIG: [&str; 2] = [
    // The writer of floats has a table of 16 KB when it is built for speed, and computes it otherwise.
    "profile.release.package.zmij.opt-level = \"s\"",
    // Without it each call and address takes five bytes, however small the number: a tenth of the file.
    "target.wasm32-wasip2.rustflags = [\"-Clink-arg=--compress-relocations\"]",
];

/// Has a `cargo build --release` make components.
pub(crate) fn apply(cargo: &mut Command) {
    cargo
        .args(CONFIG.iter().flat_map(|setting| ["--config", setting]))
        .envs(PROFILE)
        // Flags for the host's processor mean nothing to WebAssembly's compiler.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
}
