//! GPIO chips and their lines.

use std::io;
use std::path::{Path, PathBuf};

use super::Board;
use super::hardware::{Hardware, name_of, strings};
use super::name::{Namer, Taken, slug};
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

pub(super) fn read(root: &Root, reader: &dyn ChipReader, namer: &Namer, board: &mut Board) {
    let mut labels = Taken::default();
    for found in chips(root) {
        let mut chip = GpioChip {
            path: found.path,
            label: String::new(),
            hardware: found.hardware,
            lines: found.lines,
            base: found.base,
            troubles: found.troubles,
        };
        let mut names = found.names;
        let mut label = found.label;
        if found.lines.is_none() || label.is_none() || names.is_empty() {
            match reader.read(&root.path(&chip.path)) {
                Ok(info) => {
                    chip.lines = u32::try_from(info.lines.len()).ok();
                    names = info.lines;
                    label = label.or(Some(info.label).filter(|label| !label.is_empty()));
                }
                Err(error) if chip.lines.is_none() => {
                    let why = match error.kind() {
                        io::ErrorKind::Unsupported => "it was not opened".to_owned(),
                        _ => error.to_string(),
                    };
                    chip.troubles.push(Trouble::UnknownLines { why });
                }
                Err(_) => {}
            }
        }
        let label = label.unwrap_or_else(|| chip.hardware.device.clone());
        chip.label = labels.free(slug(&label));
        lines(&chip, &names, namer, board);
        board.chips.push(chip);
    }
}

fn lines(chip: &GpioChip, names: &[String], _namer: &Namer, board: &mut Board) {
    for offset in 0..chip.lines.unwrap_or_default().min(MOST_LINES) {
        let alias = names.get(offset as usize).filter(|name| !name.is_empty());
        board.gpio.push(GpioLine {
            name: format!("gpio/{}/{offset}", chip.label),
            aliases: alias.cloned().into_iter().collect(),
            chip: chip.path.clone(),
            offset,
            sysfs: chip.base.and_then(|base| base.checked_add(offset)),
            edges: true,
            verified: true,
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
        // gpiochip0 of a device and its gpio/gpiochip480 are one.
        let same = old
            .iter()
            .position(|old| old.owner.is_some() && old.owner.as_deref() == real.parent());
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
        let mut troubles = Vec::new();
        if !root.exists(&path) {
            let path = path.display().to_string();
            troubles.push(Trouble::NoDeviceFile { path });
        }
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
