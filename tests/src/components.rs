//! Components under test, built from this workspace.

use std::path::PathBuf;
use std::sync::OnceLock;

use crate::{cargo, target, workspace};

/// The packages that tests load.
const PACKAGES: &[&str] = &[
    "weihe-plugin-button",
    "weihe-plugin-led",
    "weihe-plugin-buzzer",
    "weihe-plugin-hc-sr04",
    "weihe-plugin-motor",
    "weihe-plugin-pir",
    "weihe-plugin-relay",
    "weihe-plugin-rgb-led",
    "weihe-plugin-rotary-encoder",
    "weihe-plugin-servo",
    "weihe-plugin-stepper",
    "weihe-plugin-thermal-zone",
    "weihe-plugin-modbus",
    "weihe-plugin-console",
    "weihe-plugin-historian",
    "weihe-plugin-rule-hysteresis",
    "weihe-plugin-ads1115",
    "weihe-plugin-bme280",
    "weihe-plugin-ds3231",
    "weihe-plugin-eeprom",
    "weihe-plugin-ina226",
    "weihe-plugin-mcp23017",
    "weihe-plugin-mcp3008",
    "weihe-plugin-pca9685",
    "weihe-plugin-sht4x",
    "weihe-plugin-ssd1306",
    "greenhouse-slave",
    "sealed-reading",
    "cookbook-average",
    "cookbook-climate",
    "cookbook-debounce",
    "cookbook-hourly",
    "cookbook-lights",
    "cookbook-nmea",
    "cookbook-pump-sequence",
    "cookbook-scale",
    "cookbook-silence",
    "cookbook-totaliser",
    "cookbook-vote",
    "weihe-bench-hardware",
    "weihe-guest-drivers",
    "weihe-guest-guomi",
    "weihe-guest-raw",
    "weihe-guest-ledger",
    "weihe-guest-lengths",
    "weihe-guest-libc",
    "weihe-guest-packed",
    "weihe-guest-wrong",
    "weihe-guest-versions",
    "weihe-guest-outputs",
];

/// The components of `weihe-guest-wrong`, which are its examples.
const WRONG: [&str; 4] = ["mute", "other-world", "other-shape", "unknown-import"];

/// The components of `weihe-guest-versions`, which are its examples too.
const VERSIONS: [&str; 4] = [
    "version-1",
    "version-2",
    "version-trapping",
    "version-refusing",
];

/// The components of `weihe-guest-outputs`, which are its examples as well.
const OUTPUTS: [&str; 2] = ["outputs-1", "outputs-2"];

// With the folder and the arguments of `weihe build`, one build serves both.
#[path = "../../kernel/host/src/component/profile.rs"]
mod profile;

/// The file of a package's component.
pub fn component(package: &str) -> PathBuf {
    assert!(
        PACKAGES.contains(&package),
        "`{package}` is not among the packages that tests build"
    );
    built()
        .join(package.replace('-', "_"))
        .with_extension("wasm")
}

/// The file of a component that is wrong in a way; see `tests/guests/wrong`.
pub fn wrong(way: &str) -> PathBuf {
    assert!(
        WRONG.contains(&way),
        "`{way}` is not among the wrong components"
    );
    example(way)
}

/// The file of a version of one plugin; see `tests/guests/versions`.
pub fn version(name: &str) -> PathBuf {
    let name = format!("version-{name}");
    assert!(
        VERSIONS.contains(&name.as_str()),
        "`{name}` is not among the versions"
    );
    example(&name)
}

/// The file of a version of the plugin that does with outputs what it is told; see
/// `tests/guests/outputs`.
pub fn outputs(version: u8) -> PathBuf {
    let name = format!("outputs-{version}");
    assert!(
        OUTPUTS.contains(&name.as_str()),
        "there is no version {version} of the outputs"
    );
    example(&name)
}

fn example(name: &str) -> PathBuf {
    built()
        .join("examples")
        .join(name.replace('-', "_"))
        .with_extension("wasm")
}

/// The folder of the built components. The first call builds them all; cargo's own lock keeps test
/// processes apart, and cargo decides what is stale.
fn built() -> &'static PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(build)
}

/// The folder of what belongs to components: their builds and their compiled code. Not cargo's own
/// target directory, so that no build here waits for one outside that waits for this test.
pub(crate) fn folder() -> PathBuf {
    target().join("weihe-components")
}

/// The folder of compiled code, shared by all tests: each component is compiled once.
pub fn compiled() -> PathBuf {
    folder().join("compiled")
}

fn build() -> PathBuf {
    let mut cargo = cargo();
    cargo
        .current_dir(workspace())
        .args([
            "build",
            "--quiet",
            "--release",
            "--lib",
            "--target",
            "wasm32-wasip2",
            "--target-dir",
        ])
        .arg(folder())
        .args(PACKAGES.iter().flat_map(|package| ["-p", package]))
        .args(
            WRONG
                .iter()
                .chain(&VERSIONS)
                .chain(&OUTPUTS)
                .flat_map(|example| ["--example", example]),
        );
    profile::apply(&mut cargo);
    let status = cargo.status().expect("cargo");
    assert!(status.success(), "the components under test do not build");
    folder().join("wasm32-wasip2/release")
}
