//! What a device is by its firmware and its bus: names that do not change from boot to boot.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::root::Root;

/// Where the kernel shows the device tree in sysfs; links lead there.
const TREE: &str = "/sys/firmware/devicetree/base";

/// How a piece of hardware is known. Names like `ttyS1`, `gpiochip0` and `i2c-3` can change from boot to boot,
/// these do not.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Hardware {
    /// Its name on its bus, like `PHYT0001:00`, `28004000.gpio` or `0000:00:1f.4`.
    pub device: String,
    /// The device of the firmware's ACPI tables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acpi: Option<Acpi>,
    /// Its node in the device tree, like `/soc/gpio@28004000`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// What the device tree says it is compatible with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub compatible: Vec<String>,
    /// Vendor and device on PCI, like `1db7:dc31`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pci: Option<String>,
    /// Where it hangs at USB, like `1-2:1.0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usb: Option<String>,
    /// Address of its registers in memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Address of its registers in I/O space.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u64>,
    /// Its driver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
}

/// A device of ACPI.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Acpi {
    /// Hardware id, like `ARMH0011`.
    pub hid: String,
    /// Number among devices of the same kind; empty when there is none.
    pub uid: String,
}

impl Hardware {
    /// The hardware behind a device of a class (`/sys/class/tty/ttyS1/device`); none where nothing is there.
    pub(crate) fn behind(root: &Root, folder: &Path) -> Option<Self> {
        let real = root.real(folder)?;
        let mut hardware = Self::default();
        let devices = Path::new("/sys/devices");
        // Newer kernels put levels of their own between a port and its hardware. A bridge further up is
        // not what is looked for.
        for path in real.ancestors() {
            let name = name_of(path);
            if path == devices || path.parent().is_none() || is_bridge(&name) {
                break;
            }
            let level = root.link_name(path.join("subsystem"));
            if level.as_deref() == Some("serial-base") {
                continue;
            }
            if hardware.look(root, path, &name) {
                hardware.device = name;
                hardware.driver = root.link_name(path.join("driver"));
                return Some(hardware);
            }
        }
        hardware.device = name_of(&real);
        hardware.driver = root.link_name(real.join("driver"));
        Some(hardware)
    }

    /// Whether a folder is that of the hardware.
    fn look(&mut self, root: &Root, path: &Path, name: &str) -> bool {
        let firmware = path.join("firmware_node");
        if let Some(hid) = root.value(firmware.join("hid")) {
            let uid = root.value(firmware.join("uid")).unwrap_or_default();
            self.acpi = Some(Acpi { hid, uid });
        }
        if let Some(node) = root.real(path.join("of_node")) {
            self.compatible = strings(root, &node.join("compatible"));
            let inner = node.strip_prefix(TREE).ok();
            let inner = inner.or_else(|| node.strip_prefix("/proc/device-tree").ok());
            self.node = Some(match inner {
                Some(inner) => Path::new("/").join(inner).to_string_lossy().into_owned(),
                None => node.to_string_lossy().into_owned(),
            });
        }
        if is_pci(name) {
            let id = |file| {
                let text = root.value(path.join(file))?;
                Some(text.trim_start_matches("0x").to_lowercase())
            };
            let (vendor, device) = (id("vendor"), id("device"));
            let unknown = || "?".to_owned();
            self.pci = Some(format!(
                "{}:{}",
                vendor.unwrap_or_else(unknown),
                device.unwrap_or_else(unknown)
            ));
        }
        if is_usb(name) {
            self.usb = Some(name.to_owned());
        }
        self.acpi.is_some() || self.node.is_some() || self.pci.is_some() || self.usb.is_some()
    }
}

impl fmt::Display for Hardware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(node) = &self.node {
            return write!(f, "device tree {node}");
        }
        if let Some(acpi) = &self.acpi {
            return match acpi.uid.as_str() {
                "" => write!(f, "ACPI {}", acpi.hid),
                uid => write!(f, "ACPI {}:{uid}", acpi.hid),
            };
        }
        if let Some(pci) = &self.pci {
            return write!(f, "PCI {} {pci}", self.device);
        }
        if let Some(usb) = &self.usb {
            return write!(f, "USB {usb}");
        }
        if let Some(memory) = self.memory {
            return write!(f, "memory {memory:#x}");
        }
        if let Some(port) = self.port {
            return write!(f, "I/O port {port:#x}");
        }
        f.write_str(&self.device)
    }
}

/// The strings of a property of the device tree; each ends in a NUL.
pub(crate) fn strings(root: &Root, path: &Path) -> Vec<String> {
    let Some(text) = root.read(path) else {
        return Vec::new();
    };
    let text = text.strip_suffix('\0').unwrap_or(&text);
    let strings = text.split('\0').map(|text| text.trim().to_owned());
    if text.is_empty() {
        return Vec::new();
    }
    strings.collect()
}

/// A number as sysfs writes addresses: hexadecimal, with or without `0x`. Zero stands for none.
pub(crate) fn address(root: &Root, path: PathBuf) -> Option<u64> {
    let text = root.value(path)?;
    let digits = text.trim_start_matches("0x");
    u64::from_str_radix(digits, 16)
        .ok()
        .filter(|number| *number != 0)
}

pub(crate) fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// The host bridge of a PCI domain, like `pci0000:00`, which has a firmware node of its own.
fn is_bridge(name: &str) -> bool {
    name.strip_prefix("pci")
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// A function on PCI, like `0000:00:1f.4`.
fn is_pci(name: &str) -> bool {
    let hex = |text: &str, length: usize| {
        text.len() == length && text.chars().all(|c| c.is_ascii_hexdigit())
    };
    let parts: Vec<&str> = name.split([':', '.']).collect();
    let [domain, bus, slot, function] = parts.as_slice() else {
        return false;
    };
    domain.len() >= 4
        && hex(domain, domain.len())
        && hex(bus, 2)
        && hex(slot, 2)
        && hex(function, 1)
}

/// An interface on USB, like `1-2.4:1.0`.
fn is_usb(name: &str) -> bool {
    let Some((device, interface)) = name.split_once(':') else {
        return false;
    };
    let numbers = |text: &str| text.chars().all(|c| c.is_ascii_digit() || c == '.');
    let Some((bus, ports)) = device.split_once('-') else {
        return false;
    };
    !bus.is_empty() && numbers(bus) && !ports.is_empty() && numbers(ports) && numbers(interface)
}
