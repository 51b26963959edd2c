//! The board files that come with the program: those in `boards/` of the repository.

use std::sync::LazyLock;

use super::BoardFile;

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../../../boards/", $name, ".toml")))),*]
    };
}

pub(super) const TEXTS: &[(&str, &str)] = files![
    "hygon-c86",
    "kunpeng-920",
    "loongson-2k0300",
    "loongson-2k1000la",
    "loongson-3a5000",
    "loongson-3a6000",
    "pc",
    "phytium-d2000",
    "phytium-e2000",
    "phytium-ft2000-4",
    "phytium-s2500",
    "raspberry-pi",
    "zhaoxin-kx6000",
    "zhaoxin-kx7000",
];

static FILES: LazyLock<Vec<BoardFile>> = LazyLock::new(|| {
    // Tests show that each can be read.
    let files = TEXTS.iter().filter_map(|(name, text)| {
        let mut file = BoardFile::parse(name, text).ok()?;
        file.embedded = true;
        Some(file)
    });
    files.collect()
});

/// All board files that come with the program, by name.
pub fn embedded() -> &'static [BoardFile] {
    &FILES
}

/// One of them.
pub fn named(name: &str) -> Option<&'static BoardFile> {
    embedded().iter().find(|file| file.name == name)
}
