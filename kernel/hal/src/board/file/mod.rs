//! Board files: what a board's parts are called, and what is known of them, as data.
//!
//! docs/boards.md says how to write one.

mod check;
mod embedded;
mod fault;
mod find;
mod shape;

pub use embedded::{embedded, named};
pub use fault::FileFault;
pub(super) use find::recognise;
pub(super) use shape::{Bank, LineName, Named, Origin};

use std::collections::BTreeMap;

use shape::{Match, Written};
use toml::Spanned;

/// A board file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardFile {
    /// Its name: that of the file without `.toml`.
    pub name: String,
    /// Whether it came with the program.
    pub embedded: bool,
    /// Another that it adds to; without it, the one that fits the machine.
    pub extends: Option<String>,
    /// What the SoC or processor is called.
    pub soc: Option<String>,
    pub(super) matches: Vec<Match>,
    pub(super) banks: Vec<Bank>,
    pub(super) lines: Vec<LineName>,
    pub(super) i2c: Vec<Named>,
    pub(super) spi: Vec<Named>,
    pub(super) uart: Vec<Named>,
    pub(super) pwm: Vec<Named>,
    pub(super) adc: Vec<Named>,
}

impl BoardFile {
    /// Reads a board file. The faults are in the order of the file, with their places.
    pub fn parse(name: &str, text: &str) -> Result<Self, Vec<FileFault>> {
        let written: Written =
            toml::from_str(text).map_err(|error| vec![FileFault::of_toml(text, &error)])?;
        let faults = check::check(&written);
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self::of(name, written))
    }

    fn of(name: &str, written: Written) -> Self {
        let sources: BTreeMap<String, String> = written
            .sources
            .into_iter()
            .map(|(key, text)| (key, text.into_inner()))
            .collect();
        let origin = |source: Option<Spanned<String>>, unverified: Option<Spanned<String>>| {
            let source = source.map(Spanned::into_inner);
            let source = source.map(|text| sources.get(&text).cloned().unwrap_or(text));
            Origin {
                verified: source.is_some(),
                text: source.or_else(|| unverified.map(Spanned::into_inner)),
            }
        };
        let named = |parts: Vec<shape::WrittenPart>| -> Vec<Named> {
            let parts = parts.into_iter();
            parts
                .map(|part| Named {
                    name: part.name.into_inner(),
                    aliases: part.aliases.into_iter().map(Spanned::into_inner).collect(),
                    at: part.at.into_inner().0,
                    origin: origin(part.source, part.unverified),
                })
                .collect()
        };
        Self {
            name: name.to_owned(),
            embedded: false,
            extends: written.extends.map(Spanned::into_inner),
            soc: written.soc,
            matches: written
                .matches
                .into_iter()
                .map(Spanned::into_inner)
                .map(|found| Match {
                    model_name: found.model_name,
                    compatible: found.compatible,
                    dmi: found.dmi,
                    vendor: found.vendor,
                    family: found.family,
                    implementer: found.implementer,
                    parts: found.parts,
                    count: found.count.map(|count| count.into_inner().bounds()),
                    origin: origin(found.source, found.unverified),
                })
                .collect(),
            banks: written
                .gpio
                .into_iter()
                .map(|bank| Bank {
                    name: bank.bank.into_inner(),
                    alias: bank.alias.map(Spanned::into_inner),
                    at: bank.at.into_inner().0,
                    first: bank.first.map_or(0, Spanned::into_inner),
                    lines: bank.lines.map(Spanned::into_inner),
                    edges: bank.edges,
                    origin: origin(bank.source, bank.unverified),
                })
                .collect(),
            lines: written
                .line
                .into_iter()
                .map(|line| LineName {
                    name: line.name.into_inner(),
                    is: line.is.into_inner(),
                    origin: origin(line.source, line.unverified),
                })
                .collect(),
            i2c: named(written.i2c),
            spi: named(written.spi),
            uart: named(written.uart),
            pwm: named(written.pwm),
            adc: named(written.adc),
        }
    }
}

#[cfg(test)]
mod tests;
