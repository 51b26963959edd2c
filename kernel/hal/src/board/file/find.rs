//! Which board file fits a machine, and which of its entries a piece of hardware.

use super::shape::{At, Bank, Match, Named, Origin};
use super::{BoardFile, embedded};
use crate::board::hardware::Hardware;
use crate::board::machine::Machine;

/// A board file that fits.
#[derive(Debug, Clone)]
pub(in crate::board) struct Recognised {
    pub(in crate::board) file: &'static BoardFile,
    /// What it was recognised by.
    pub(in crate::board) by: String,
    /// Where it is said that this is so.
    pub(in crate::board) source: Option<String>,
    /// Whether that has a source.
    pub(in crate::board) verified: bool,
}

/// The embedded board file that fits a machine best.
pub(in crate::board) fn recognise(machine: &Machine) -> Option<Recognised> {
    let mut best: Option<(u32, Recognised)> = None;
    for file in embedded() {
        for found in &file.matches {
            let Some((rank, by)) = found.fits(machine) else {
                continue;
            };
            // A guess counts half: what has a source says more.
            let rank = if found.origin.verified {
                rank
            } else {
                rank / 2
            };
            if best.as_ref().is_none_or(|(other, _)| rank > *other) {
                let recognised = Recognised {
                    file,
                    by,
                    source: found.origin.text.clone(),
                    verified: found.origin.verified,
                };
                best = Some((rank, recognised));
            }
        }
    }
    best.map(|(_, recognised)| recognised)
}

impl Match {
    /// How much it says that a machine fits, and by what. The name that a vendor's kernel prints tells siblings of
    /// one core apart, which its device tree may mix up; then the device tree, DMI, and what the processor is.
    pub(super) fn fits(&self, machine: &Machine) -> Option<(u32, String)> {
        let cpu = &machine.cpu;
        let mut rank = 0;
        let mut by = None;
        if !self.model_name.is_empty() {
            let name = cpu.model.as_deref()?;
            find(&self.model_name, name)?;
            by = Some(format!("model name `{name}`"));
            rank += 100;
        }
        if !self.compatible.is_empty() {
            let tree = machine.tree.as_ref()?;
            let (at, found) = tree
                .compatible
                .iter()
                .enumerate()
                .find(|(_, compatible)| self.compatible.contains(compatible))?;
            by = Some(format!("device tree `{found}`"));
            // The first names the board most exactly.
            rank += 80 - u32::try_from(at.min(10)).unwrap_or(10);
        }
        if !self.dmi.is_empty() {
            let dmi = machine.dmi.as_ref()?;
            let names = [&dmi.product, &dmi.board];
            let found = names
                .into_iter()
                .flatten()
                .find(|name| find(&self.dmi, name).is_some())?;
            by = Some(format!("DMI `{found}`"));
            rank += 40;
        }
        if !self.vendor.is_empty() {
            let vendor = cpu.vendor.as_deref()?;
            find(&self.vendor, vendor)?;
            by.get_or_insert_with(|| format!("processor `{vendor}`"));
            rank += 10;
        }
        if !self.family.is_empty() {
            if !self.family.contains(&cpu.family?) {
                return None;
            }
            rank += 4;
        }
        if let Some(implementer) = self.implementer {
            if cpu.implementer? != implementer {
                return None;
            }
            rank += 8;
            by.get_or_insert_with(|| format!("processor {implementer:#x}"));
        }
        if !self.parts.is_empty() {
            let part = cpu.parts.iter().find(|part| self.parts.contains(part))?;
            rank += 4;
            let by = by.get_or_insert_default();
            by.push_str(&format!("/{part:#x}"));
        }
        if let Some((least, most)) = self.count {
            if !(least..=most).contains(&cpu.count) {
                return None;
            }
            rank += 2;
        }
        by.map(|by| (rank, by))
    }
}

fn find<'p>(patterns: &'p [String], text: &str) -> Option<&'p String> {
    patterns.iter().find(|pattern| alike(pattern, text))
}

impl Bank {
    /// Whether its lines are of a chip, and by whom that is said.
    pub(in crate::board) fn fits(
        &self,
        hardware: &Hardware,
        label: Option<&str>,
    ) -> Option<Origin> {
        origin(&self.at, &self.origin, hardware, label)
    }
}

impl Named {
    /// Whether it is this hardware, and by whom that is said.
    pub(in crate::board) fn fits(
        &self,
        hardware: &Hardware,
        label: Option<&str>,
    ) -> Option<Origin> {
        origin(&self.at, &self.origin, hardware, label)
    }
}

fn origin(at: &[At], whole: &Origin, hardware: &Hardware, label: Option<&str>) -> Option<Origin> {
    let fitting = at.iter().filter(|at| at.is(hardware, label));
    // One that has a source before one that is a guess.
    let place = fitting.min_by_key(|at| at.unverified.is_some())?;
    Some(match &place.unverified {
        None => whole.clone(),
        Some(why) => Origin {
            text: Some(why.clone()),
            verified: false,
        },
    })
}

impl At {
    /// Whether hardware is what this names, a driver's label included.
    fn is(&self, hardware: &Hardware, label: Option<&str>) -> bool {
        let acpi = hardware.acpi.as_ref();
        let same = |wanted: &Option<String>, found: Option<&str>| {
            wanted
                .as_deref()
                .is_none_or(|wanted| found.is_some_and(|found| alike(wanted, found)))
        };
        let uid = acpi.map(|acpi| acpi.uid.as_str());
        let same_uid = self.uid.as_deref().is_none_or(|wanted| {
            // Firmware writes "0" and "00".
            let number = |text: &str| text.parse::<u64>().ok();
            uid.is_some_and(|uid| {
                uid == wanted || (number(uid).is_some() && number(uid) == number(wanted))
            })
        });
        same(&self.acpi, acpi.map(|acpi| acpi.hid.as_str()))
            && same_uid
            && same(&self.node, hardware.node.as_deref())
            && same(&self.label, label)
            && same(&self.pci, hardware.pci.as_deref())
            && same(&self.usb, hardware.usb.as_deref())
            && same(&self.device, Some(&hardware.device))
            && self
                .compatible
                .as_ref()
                .is_none_or(|wanted| hardware.compatible.contains(wanted))
            && self
                .memory
                .is_none_or(|wanted| hardware.memory == Some(wanted))
            && self.port.is_none_or(|wanted| hardware.port == Some(wanted))
    }
}

/// Whether a text is a pattern in which `*` stands for anything. Letters may be small or capital.
pub(super) fn alike(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_lowercase(), text.to_lowercase());
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else {
        return rest.is_empty();
    };
    for piece in middle {
        match rest.find(piece) {
            Some(at) => rest = rest.get(at + piece.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}
