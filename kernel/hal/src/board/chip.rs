//! GPIO chips and their lines.

use std::io;
use std::path::{Path, PathBuf};

use super::Board;
use super::file::Bank;
use super::hardware::{Hardware, name_of, strings};
use super::name::{Fact, Namer, Taken, slug};
use super::parts::{GpioChip, GpioLine};
use super::trouble::Trouble;
use crate::root::Root;

/// The most lines that a chip is believed to have; the kernel numbers all lines of a machine below 2^16 by
/// itself (ARCH_NR_GPIOS was 1024 at most).
const MOST_LINES: u32 = 4_096;

/// Chips as the kernel's bus of GPIO devices shows them.
const BUS: &str = "/sys/bus/gpio/devices";

/// The old interface.
const CLASS: &str = "/sys/class/gpio";

/// What a character device says of its chip.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChipInfo {
    /// The label; empty where it has none.
    pub label: String,
    /// The names of the lines, as many as there are; empty where a line has none.
    pub lines: Vec<String>,
}

/// Asks a character device of GPIO what is not in files.
pub trait ChipReader {
    /// What the device at a path (below the root) says.
    fn read(&self, device: &Path) -> io::Result<ChipInfo>;
}

/// Asks nothing: what is in files is all.
#[derive(Debug, Clone, Copy, Default)]
pub struct FilesOnly;

impl ChipReader for FilesOnly {
    fn read(&self, _: &Path) -> io::Result<ChipInfo> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

pub(super) fn read(root: &Root, reader: &dyn ChipReader, namer: &Namer<'_>, board: &mut Board) {
    let mut all = Vec::new();
    for mut found in chips(root) {
        if found.lines.is_none() || found.label.is_none() || found.names.is_empty() {
            ask(root, reader, &mut found);
        }
        let device = &found.hardware.device;
        let label = slug(found.label.as_deref().unwrap_or(device));
        all.push((found, label));
    }
    let labels: Vec<String> = all.iter().map(|(_, label)| label.clone()).collect();
    let mut taken = Taken::default();
    for (found, label) in all {
        // Some drivers give all their chips one label. Which of them is the first changes, where it is does not.
        let shared = labels.iter().filter(|other| **other == label).count() > 1;
        let own = match shared {
            true => format!("{label}@{}", slug(&found.hardware.device)),
            false => label.clone(),
        };
        let mut chip = GpioChip {
            path: found.path,
            label: taken.free(own),
            hardware: found.hardware,
            lines: found.lines,
            base: found.base,
            troubles: found.troubles,
        };
        lines(&mut chip, &label, &found.names, namer, board);
        board.chips.push(chip);
    }
    for given in namer.lines() {
        let alias = given.name.clone();
        board
            .facts
            .push(Fact::new(format!("gpio/{alias}"), &given.origin));
        let at = super::names::find(&board.gpio, &given.is).map(|line| line.name.clone());
        match at {
            Ok(name) => {
                let lines = board.gpio.iter_mut();
                for line in lines.filter(|line| line.name == name) {
                    line.aliases.push(alias.clone());
                }
            }
            Err(missing) => board.notes.push(format!(
                "`{alias}` of the board file names nothing: {missing}"
            )),
        }
    }
}

/// What is not in files, the character device may say.
fn ask(root: &Root, reader: &dyn ChipReader, found: &mut Found) {
    match reader.read(&root.path(&found.path)) {
        Ok(info) => {
            found.lines = u32::try_from(info.lines.len()).ok();
            if found.names.is_empty() {
                found.names = info.lines;
            }
            let label = Some(info.label).filter(|label| !label.is_empty());
            found.label = found.label.take().or(label);
        }
        Err(error) if found.lines.is_none() => {
            let why = match error.kind() {
                io::ErrorKind::Unsupported => "it was not opened".to_owned(),
                _ => error.to_string(),
            };
            found.troubles.push(Trouble::UnknownLines { why });
        }
        Err(_) => {}
    }
}

fn lines(chip: &mut GpioChip, label: &str, names: &[String], namer: &Namer<'_>, board: &mut Board) {
    let banks = namer.banks(&chip.hardware, Some(label));
    let known = banks
        .iter()
        .filter_map(|(bank, _)| Some(bank.first.saturating_add(bank.lines?)))
        .max()
        .unwrap_or_default();
    // How many lines there are is the kernel's to say: a table of the firmware may list more than it drives.
    let there = chip.lines.unwrap_or(known).min(MOST_LINES);
    if known > there {
        chip.troubles.push(Trouble::FewerLines { there, known });
    }
    let end = |bank: &Bank| {
        let lines = bank.lines.unwrap_or(there);
        bank.first.saturating_add(lines).min(there)
    };
    let mut taken: Vec<&str> = Vec::new();
    for (bank, origin) in &banks {
        let last = end(bank);
        if bank.first >= last || taken.contains(&bank.name.as_str()) {
            continue;
        }
        taken.push(&bank.name);
        let count = last - bank.first;
        let of = format!("gpio/{}0…{}{}", bank.name, bank.name, count - 1);
        if !bank.edges {
            let lines = of.clone();
            chip.troubles.push(Trouble::NoEdges { lines });
        }
        board.facts.push(Fact::new(of, origin));
    }
    for offset in 0..there {
        let bank = banks
            .iter()
            .find(|(bank, _)| (bank.first..end(bank)).contains(&offset));
        let kernel = names.get(offset as usize).filter(|name| !name.is_empty());
        let mut aliases: Vec<String> = kernel.cloned().into_iter().collect();
        let by_chip = format!("{}/{offset}", chip.label);
        let name = match bank {
            Some((bank, _)) => {
                let number = offset - bank.first;
                aliases.extend(bank.alias.as_ref().map(|alias| format!("{alias}{number}")));
                aliases.push(by_chip);
                format!("gpio/{}{number}", bank.name)
            }
            None => format!("gpio/{by_chip}"),
        };
        board.gpio.push(GpioLine {
            name,
            aliases,
            chip: chip.path.clone(),
            offset,
            sysfs: chip.base.and_then(|base| base.checked_add(offset)),
            edges: bank.is_none_or(|(bank, _)| bank.edges),
            verified: bank.is_none_or(|(_, origin)| origin.verified),
        });
    }
}

/// A chip, as files show it.
struct Found {
    path: PathBuf,
    label: Option<String>,
    hardware: Hardware,
    lines: Option<u32>,
    base: Option<u32>,
    names: Vec<String>,
    troubles: Vec<Trouble>,
}

/// A chip of the old interface: `/sys/class/gpio/gpiochip480`.
struct Old {
    /// The device that it belongs to.
    owner: Option<PathBuf>,
    label: Option<String>,
    base: Option<u32>,
    lines: Option<u32>,
    folder: PathBuf,
}

fn chips(root: &Root) -> Vec<Found> {
    let mut old = old(root);
    let mut found: Vec<Found> = Vec::new();
    for name in root.list(BUS).unwrap_or_default() {
        if !name.starts_with("gpiochip") {
            continue;
        }
        let folder = Path::new(BUS).join(&name);
        let Some(real) = root.real(&folder) else {
            continue;
        };
        // gpiochip0 of a device and its gpio/gpiochip480 are one; newer kernels put this below that.
        let same = old.iter().position(|old| {
            let owner = old.owner.as_deref();
            owner == Some(&real) || (owner.is_some() && owner == real.parent())
        });
        let same = same.map(|at| old.remove(at));
        let hardware = Hardware::behind(root, &folder).unwrap_or_default();
        let numbered = name.trim_start_matches("gpiochip");
        // Since Linux 6.17.
        let newer = Path::new(CLASS).join(format!("chip{numbered}"));
        let label = root
            .value(folder.join("label"))
            .or_else(|| root.value(newer.join("label")))
            .or_else(|| same.as_ref()?.label.clone());
        let lines = number(root, folder.join("ngpio"))
            .or_else(|| number(root, newer.join("ngpio")))
            .or(same.as_ref().and_then(|old| old.lines));
        let path = Path::new("/dev").join(&name);
        let troubles = super::class::device_file(root, &path);
        found.push(Found {
            path,
            label,
            names: line_names(root, &real),
            hardware,
            lines,
            base: same.and_then(|old| old.base),
            troubles,
        });
    }
    // A kernel without the bus, or without character devices.
    for old in old {
        let number = name_of(&old.folder);
        let hardware = Hardware::behind(root, &old.folder).unwrap_or_default();
        found.push(Found {
            path: Path::new("/dev").join(number),
            label: old.label,
            names: line_names(root, &root.real(&old.folder).unwrap_or_default()),
            hardware,
            lines: old.lines,
            base: old.base,
            troubles: vec![Trouble::NoGpioDevice],
        });
    }
    found
}

fn old(root: &Root) -> Vec<Old> {
    let mut chips = Vec::new();
    for name in root.list(CLASS).unwrap_or_default() {
        if !name.starts_with("gpiochip") {
            continue;
        }
        let folder = Path::new(CLASS).join(&name);
        // .../PHYT0001:00/gpio/gpiochip480
        let owner = root.real(&folder).and_then(|real| {
            let owner = real.parent()?.parent()?;
            Some(owner.to_path_buf())
        });
        chips.push(Old {
            owner,
            label: root.value(folder.join("label")),
            base: number(root, folder.join("base")),
            lines: number(root, folder.join("ngpio")),
            folder,
        });
    }
    chips
}

/// The names of lines that the device tree gives.
fn line_names(root: &Root, real: &Path) -> Vec<String> {
    let mut folders = real.ancestors().take(3);
    let node = folders.find_map(|folder| root.real(folder.join("of_node")));
    node.map(|node| strings(root, &node.join("gpio-line-names")))
        .unwrap_or_default()
}

fn number(root: &Root, path: PathBuf) -> Option<u32> {
    root.value(path)?.parse().ok()
}
