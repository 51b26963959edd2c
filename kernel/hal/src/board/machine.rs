//! What the machine says it is: processor, device tree, DMI.

use std::path::Path;

use serde::Serialize;

use super::hardware::strings;
use crate::root::Root;

/// What the machine is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Machine {
    /// Its SoC or processor, as the board file that fits calls it: "Phytium D2000".
    pub soc: Option<String>,
    /// What it was recognised by: "device tree `phytium,d2000`".
    pub recognised_by: Option<String>,
    /// Its processor.
    pub cpu: Cpu,
    /// What its device tree says.
    pub tree: Option<Tree>,
    /// What its firmware says through DMI.
    pub dmi: Option<Dmi>,
    /// Whether it has ACPI tables.
    pub acpi: bool,
    /// The size of a page of memory, in bytes.
    pub page: Option<u64>,
}

/// A processor, as /proc/cpuinfo shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Cpu {
    /// `x86_64`, `aarch64` or `loongarch64`; of this program, where cpuinfo does not tell.
    pub arch: String,
    /// The model's name.
    pub model: Option<String>,
    /// The vendor on x86, like `HygonGenuine`.
    pub vendor: Option<String>,
    /// The family on x86.
    pub family: Option<u32>,
    /// The implementer on ARM (MIDR_EL1, bits 31 to 24), like 0x70.
    pub implementer: Option<u32>,
    /// The parts on ARM (MIDR_EL1, bits 15 to 4), each once.
    pub parts: Vec<u32>,
    /// How many logical processors there are.
    pub count: usize,
}

/// The root of a device tree.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Tree {
    /// The model.
    pub model: Option<String>,
    /// What the board is compatible with, the most exact first.
    pub compatible: Vec<String>,
}

/// What DMI says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Dmi {
    /// Maker of the system.
    pub vendor: Option<String>,
    /// Name of the system.
    pub product: Option<String>,
    /// Maker of the board.
    pub board_vendor: Option<String>,
    /// Name of the board.
    pub board: Option<String>,
}

impl Machine {
    pub(super) fn read(root: &Root) -> Self {
        let smaps = root.read("/proc/self/smaps").unwrap_or_default();
        let page = smaps
            .lines()
            .find_map(|line| line.strip_prefix("KernelPageSize:"))
            .and_then(|size| size.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
        Self {
            cpu: Cpu::read(root),
            tree: Tree::read(root),
            dmi: Dmi::read(root),
            acpi: root.exists("/sys/firmware/acpi") || root.exists("/sys/bus/acpi/devices"),
            page: page.map(|kilobytes| kilobytes.saturating_mul(1_024)),
            ..Self::default()
        }
    }
}

impl Cpu {
    fn read(root: &Root) -> Self {
        let text = root.read("/proc/cpuinfo").unwrap_or_default();
        let lines: Vec<(String, &str)> = text
            .lines()
            .filter_map(|line| line.split_once(':'))
            // Which keys are capital differs between kernels of LoongArch.
            .map(|(key, value)| (key.trim().to_lowercase(), value.trim()))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        let all = |wanted: &'static str| {
            let lines = lines.iter().filter(move |(key, _)| key == wanted);
            lines.map(|(_, value)| *value)
        };
        let first = |key| all(key).next();
        let mut parts: Vec<u32> = all("cpu part").filter_map(number).collect();
        parts.sort_unstable();
        parts.dedup();
        let implementer = first("cpu implementer").and_then(number);
        let loong = first("isa").is_some_and(|isa| isa.contains("loongarch"))
            || first("model name").is_some_and(|name| name.to_lowercase().contains("loongson"));
        let arch = if implementer.is_some() {
            "aarch64"
        } else if loong {
            "loongarch64"
        } else if first("vendor_id").is_some() {
            "x86_64"
        } else {
            std::env::consts::ARCH
        };
        let model = first("model name").or_else(|| first("hardware"));
        Self {
            arch: arch.to_owned(),
            model: model.map(str::to_owned),
            vendor: first("vendor_id").map(str::to_owned),
            family: first("cpu family").and_then(number),
            implementer,
            parts,
            count: all("processor").count().max(1),
        }
    }
}

impl Tree {
    fn read(root: &Root) -> Option<Self> {
        let folder = Path::new("/proc/device-tree");
        let compatible = strings(root, &folder.join("compatible"));
        let model = root.value(folder.join("model"));
        (model.is_some() || !compatible.is_empty()).then_some(Self { model, compatible })
    }
}

impl Dmi {
    fn read(root: &Root) -> Option<Self> {
        let value = |name: &str| {
            let value = root.value(Path::new("/sys/class/dmi/id").join(name))?;
            (!is_filler(&value)).then_some(value)
        };
        let dmi = Self {
            vendor: value("sys_vendor"),
            product: value("product_name"),
            board_vendor: value("board_vendor"),
            board: value("board_name"),
        };
        (dmi != Self::default()).then_some(dmi)
    }
}

/// What makers leave in where they should have put a name.
fn is_filler(value: &str) -> bool {
    let value = value.to_lowercase();
    [
        "to be filled",
        "default string",
        "not specified",
        "system manufacturer",
        "system product name",
        "none",
        "unknown",
    ]
    .iter()
    .any(|filler| value.starts_with(filler))
}

/// A number in cpuinfo: decimal, or hexadecimal with `0x`.
fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}
