//! Templates of plugins, and the files that a crate is made of.

use super::manifest;
use super::sdk::Sdk;
use crate::config::{SCHEMA_FILE, schema, schema_comment};

/// What a new plugin is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Template {
    /// Talks to a connection: polls, decodes, publishes, and takes a command
    Driver,
    /// Takes the frames of a protocol apart, as pure functions
    Codec,
    /// Measures with a chip on I2C, by a driver crate of the embedded-hal ecosystem
    Sensor,
    /// Watches events, and publishes what follows, with state that survives
    Rule,
    /// Stores events as rows of a table
    Sink,
}

/// What a template brings of its own.
struct Texts {
    summary: &'static str,
    library: &'static str,
    tests: &'static str,
    /// The schema of its configuration, where it has one.
    config: Option<&'static str>,
    system: &'static str,
    /// The virtual board that it is tried on, where it has hardware.
    board: Option<&'static str>,
    /// What its manifest depends on besides, line by line.
    dependencies: &'static str,
    /// How it is tried, for the README.
    trying: &'static str,
}

macro_rules! texts {
    ($folder:literal, $summary:literal) => {
        Texts {
            config: Some(include_str!(concat!(
                "templates/",
                $folder,
                "/config.schema.json"
            ))),
            ..texts!($folder, $summary, without a configuration)
        }
    };
    ($folder:literal, $summary:literal, without a configuration) => {
        Texts {
            config: None,
            summary: $summary,
            library: include_str!(concat!("templates/", $folder, "/lib.rs")),
            tests: include_str!(concat!("templates/", $folder, "/tests.rs")),
            system: include_str!(concat!("templates/", $folder, "/weihe.toml")),
            board: None,
            dependencies: "",
            trying: include_str!(concat!("templates/", $folder, "/try.md")),
        }
    };
}

const README: &str = include_str!("templates/README.md");

/// What `weihe` and cargo write beside the sources.
const IGNORED: &str = "/target/\n# Built and written by `weihe dev`.\n/data/\n/plugins/\n";

impl Template {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Driver,
        Self::Codec,
        Self::Sensor,
        Self::Rule,
        Self::Sink,
    ];

    fn texts(self) -> Texts {
        match self {
            Self::Driver => texts!("driver", "A driver for a device behind a connection"),
            Self::Codec => {
                texts!(
                    "codec",
                    "A codec for the frames of a protocol",
                    without a configuration
                )
            }
            Self::Sensor => Texts {
                board: Some(include_str!("templates/sensor/board.toml")),
                dependencies: "# The driver of the chip, as it is on crates.io.\nlm75 = \"1\"\n",
                ..texts!("sensor", "A sensor on an I2C bus")
            },
            Self::Rule => texts!("rule", "A rule over events"),
            Self::Sink => texts!("sink", "A store of events in a table"),
        }
    }

    /// The files of a crate, with their texts.
    pub(super) fn files(self, name: &str, sdk: &Sdk) -> Vec<(&'static str, String)> {
        let texts = self.texts();
        let fill = |text: &str| fill(text, name, texts.summary);
        let readme = fill(README).replace("{{trying}}\n", &fill(texts.trying));
        let mut files = vec![
            ("src/lib.rs", texts.library.to_owned()),
            ("src/tests.rs", texts.tests.to_owned()),
            (
                "weihe.toml",
                schema_comment(&format!("./{SCHEMA_FILE}")) + &fill(texts.system),
            ),
            (SCHEMA_FILE, format!("{:#}\n", schema())),
            ("README.md", readme),
            (
                "Cargo.toml",
                manifest::manifest(name, texts.summary, sdk, texts.dependencies),
            ),
            ("rust-toolchain.toml", manifest::toolchain()),
            (".gitignore", IGNORED.to_owned()),
        ];
        if let Some(schema) = texts.config {
            files.insert(2, ("src/config.schema.json", schema.to_owned()));
        }
        if let Some(board) = texts.board {
            let system = files.iter().position(|(file, _)| *file == "weihe.toml");
            let place = system.map_or(files.len(), |system| system + 1);
            files.insert(place, ("board.toml", board.to_owned()));
        }
        // The versions that the SDK was tested with; cargo drops what the crate does not use.
        if let Some(lock) = manifest::lock() {
            files.push(("Cargo.lock", lock.to_owned()));
        }
        files
    }
}

/// The device in the system that comes along: the plugin's name says what it is, this one that it is
/// there to be tried.
const DEVICE: &str = "trial";

fn fill(text: &str, name: &str, summary: &str) -> String {
    text.replace("{{name}}", name)
        .replace("{{device}}", DEVICE)
        .replace("{{summary}}", summary)
}
