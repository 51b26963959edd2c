//! The shape of a board file, as it is written and as it is used.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

/// A board file, as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Written {
    pub(super) soc: Option<String>,
    pub(super) extends: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) sources: BTreeMap<String, Spanned<String>>,
    #[serde(default, rename = "match")]
    pub(super) matches: Vec<Spanned<WrittenMatch>>,
    #[serde(default)]
    pub(super) gpio: Vec<WrittenBank>,
    #[serde(default)]
    pub(super) line: Vec<WrittenLine>,
    #[serde(default)]
    pub(super) i2c: Vec<WrittenPart>,
    #[serde(default)]
    pub(super) spi: Vec<WrittenPart>,
    #[serde(default)]
    pub(super) uart: Vec<WrittenPart>,
    #[serde(default)]
    pub(super) pwm: Vec<WrittenPart>,
    #[serde(default)]
    pub(super) adc: Vec<WrittenPart>,
}

/// What a machine shows that is this board: all that is named here.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct WrittenMatch {
    #[serde(default)]
    pub(super) model_name: Vec<String>,
    #[serde(default)]
    pub(super) compatible: Vec<String>,
    #[serde(default)]
    pub(super) dmi: Vec<String>,
    #[serde(default)]
    pub(super) vendor: Vec<String>,
    #[serde(default)]
    pub(super) family: Vec<u32>,
    pub(super) implementer: Option<u32>,
    #[serde(default)]
    pub(super) parts: Vec<u32>,
    pub(super) count: Option<Spanned<Count>>,
    pub(super) source: Option<Spanned<String>>,
    pub(super) unverified: Option<Spanned<String>>,
}

/// How many processors: exactly so many, or from one number to another.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(untagged, expecting = "a number, or a list of the least and the most")]
pub(super) enum Count {
    Exactly(usize),
    Between([usize; 2]),
}

impl Count {
    pub(super) fn bounds(self) -> (usize, usize) {
        match self {
            Self::Exactly(count) => (count, count),
            Self::Between([least, most]) => (least, most),
        }
    }
}

/// A group of GPIO lines.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct WrittenBank {
    pub(super) bank: Spanned<String>,
    #[serde(default)]
    pub(super) alias: Option<Spanned<String>>,
    pub(super) at: Spanned<Places>,
    pub(super) first: Option<Spanned<u32>>,
    pub(super) lines: Option<Spanned<u32>>,
    #[serde(default = "yes")]
    pub(super) edges: bool,
    pub(super) source: Option<Spanned<String>>,
    pub(super) unverified: Option<Spanned<String>>,
}

fn yes() -> bool {
    true
}

/// A name of the board for a line.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct WrittenLine {
    pub(super) name: Spanned<String>,
    pub(super) is: Spanned<String>,
    pub(super) source: Option<Spanned<String>>,
    pub(super) unverified: Option<Spanned<String>>,
}

/// A bus, port or converter.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct WrittenPart {
    pub(super) name: Spanned<String>,
    #[serde(default)]
    pub(super) aliases: Vec<Spanned<String>>,
    pub(super) at: Spanned<Places>,
    pub(super) source: Option<Spanned<String>>,
    pub(super) unverified: Option<Spanned<String>>,
}

/// One place, or several of which one is right.
#[derive(Debug, Clone)]
pub(super) struct Places(pub(super) Vec<At>);

impl<'de> Deserialize<'de> for Places {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not `untagged`, which would lose what is wrong within.
        struct Visitor;

        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Places;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a table that names a place, or a list of such")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Places, A::Error> {
                let at = At::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(Places(vec![at]))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, seq: A) -> Result<Places, A::Error> {
                let list = serde::de::value::SeqAccessDeserializer::new(seq);
                Vec::deserialize(list).map(Places)
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

/// How hardware is found: all that is named here holds for it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::board) struct At {
    /// Hardware id of ACPI.
    pub(in crate::board) acpi: Option<String>,
    /// Its number there.
    pub(in crate::board) uid: Option<String>,
    /// Node of the device tree; `*` stands for anything.
    pub(in crate::board) node: Option<String>,
    /// What the node is compatible with.
    pub(in crate::board) compatible: Option<String>,
    /// The label of its driver.
    pub(in crate::board) label: Option<String>,
    /// Vendor and device on PCI.
    pub(in crate::board) pci: Option<String>,
    /// Where it is at USB.
    pub(in crate::board) usb: Option<String>,
    /// The name of the device on its bus; `*` stands for anything.
    pub(in crate::board) device: Option<String>,
    /// Registers in memory.
    pub(in crate::board) memory: Option<u64>,
    /// Registers in I/O space.
    pub(in crate::board) port: Option<u64>,
    /// What a guess rests on, where this place is one and others of the list are not.
    pub(in crate::board) unverified: Option<String>,
}

/// Where a fact comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::board) struct Origin {
    /// The source, or what a guess rests on.
    pub(in crate::board) text: Option<String>,
    /// Whether there is a source.
    pub(in crate::board) verified: bool,
}

/// As [`WrittenMatch`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::board) struct Match {
    pub(super) model_name: Vec<String>,
    pub(super) compatible: Vec<String>,
    pub(super) dmi: Vec<String>,
    pub(super) vendor: Vec<String>,
    pub(super) family: Vec<u32>,
    pub(super) implementer: Option<u32>,
    pub(super) parts: Vec<u32>,
    pub(super) count: Option<(usize, usize)>,
    pub(super) origin: Origin,
}

/// As [`WrittenBank`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::board) struct Bank {
    pub(in crate::board) name: String,
    pub(in crate::board) alias: Option<String>,
    pub(in crate::board) at: Vec<At>,
    pub(in crate::board) first: u32,
    /// How many; none for all that the chip has.
    pub(in crate::board) lines: Option<u32>,
    pub(in crate::board) edges: bool,
    pub(in crate::board) origin: Origin,
}

/// As [`WrittenLine`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::board) struct LineName {
    pub(in crate::board) name: String,
    pub(in crate::board) is: String,
    pub(in crate::board) origin: Origin,
}

/// As [`WrittenPart`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::board) struct Named {
    pub(in crate::board) name: String,
    pub(in crate::board) aliases: Vec<String>,
    pub(in crate::board) at: Vec<At>,
    pub(in crate::board) origin: Origin,
}
