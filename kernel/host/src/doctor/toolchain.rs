//! Whether plugins can be built here.

use std::path::Path;

use super::Finding;
use crate::component::{Cargo, TARGET};

/// cargo and the target of plugins. Only those who build plugins need them.
pub fn toolchain(directory: &Path) -> Vec<Finding> {
    let cargo = match Cargo::find() {
        Ok(cargo) => cargo,
        Err(error) => {
            let advice = format!("only needed to build plugins: {}", error.help());
            return vec![Finding::warn("cargo", "not here", advice)];
        }
    };
    let version = match cargo.version() {
        Ok(version) if !version.is_empty() => Finding::ok("cargo", version),
        Ok(_) => Finding::warn("cargo", "does not say its version", "run `rustup show`"),
        Err(error) => return vec![Finding::warn("cargo", error.to_string(), error.help())],
    };
    let target = match cargo.has_target(directory) {
        Ok(true) => Finding::ok("target", format!("{TARGET} is installed")),
        Ok(false) => Finding::warn(
            "target",
            format!("{TARGET} is not installed"),
            format!("run `rustup target add {TARGET}` (`weihe build` tries it too)"),
        ),
        Err(error) => Finding::warn("target", error.to_string(), error.help()),
    };
    vec![version, target]
}
