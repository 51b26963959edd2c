//! Which serial ports a board has, as sysfs tells it. Nothing is opened.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

/// Where sysfs is mounted; tests and foreign roots name another folder.
pub const SYSFS: &str = "/sys";

/// A serial port that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SerialPort {
    /// Its device file.
    pub path: PathBuf,
    /// The driver, when sysfs names one.
    pub driver: Option<String>,
    /// Where the hardware is. Names like `ttyS1` can change from boot to boot, this does not.
    pub location: Option<Location>,
}

/// Where the hardware of a port is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Location {
    /// A device of the firmware's ACPI tables.
    Acpi {
        /// Hardware id, like `ARMH0011`.
        hid: String,
        /// Number among devices of the same kind; empty when there is none.
        uid: String,
    },
    /// A node of the device tree.
    DeviceTree(String),
    /// Address of the registers in memory.
    Memory(u64),
    /// Address of the registers in I/O space.
    Port(u64),
    /// A device on a bus, like a USB adapter: its path below `/sys/devices`.
    Bus(String),
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Acpi { hid, uid } if uid.is_empty() => write!(f, "ACPI {hid}"),
            Self::Acpi { hid, uid } => write!(f, "ACPI {hid}:{uid}"),
            Self::DeviceTree(node) => write!(f, "device tree {node}"),
            Self::Memory(address) => write!(f, "memory {address:#x}"),
            Self::Port(address) => write!(f, "I/O port {address:#x}"),
            Self::Bus(path) => write!(f, "{path}"),
        }
    }
}

/// The serial ports below `sysfs` ([`SYSFS`]), sorted by name with numbers in their order.
///
/// A driver registers ports that no hardware stands behind (`ttyS0` to `ttyS3` on many boards):
/// their `type` is 0, and they are left out, as are terminals without a device.
pub fn serial_ports(sysfs: &Path) -> io::Result<Vec<SerialPort>> {
    let mut ports = Vec::new();
    for entry in fs::read_dir(sysfs.join("class/tty"))? {
        let entry = entry?;
        let folder = entry.path();
        let Ok(device) = folder.join("device").canonicalize() else {
            continue;
        };
        // USB adapters have no such file.
        if read(&folder.join("type")).is_some_and(|kind| kind == "0") {
            continue;
        }
        ports.push(SerialPort {
            path: Path::new("/dev").join(entry.file_name()),
            driver: link_name(&device.join("driver")),
            location: location(sysfs, &folder, &device),
        });
    }
    ports.sort_by_cached_key(|port| natural(&port.path));
    Ok(ports)
}

fn location(sysfs: &Path, folder: &Path, device: &Path) -> Option<Location> {
    // Newer kernels put two levels of serial core between the port and its hardware.
    let hardware = device
        .ancestors()
        .take_while(|path| *path != sysfs)
        .find(|path| path.join("firmware_node").exists() || path.join("of_node").exists());
    if let Some(hardware) = hardware {
        let node = hardware.join("firmware_node");
        if let Some(hid) = read(&node.join("hid")) {
            let uid = read(&node.join("uid")).unwrap_or_default();
            return Some(Location::Acpi { hid, uid });
        }
        if let Ok(node) = hardware.join("of_node").canonicalize() {
            let text = node.to_string_lossy();
            let inner = text.split_once("devicetree/base").map(|(_, inner)| inner);
            return Some(Location::DeviceTree(inner.unwrap_or(&text).to_owned()));
        }
    }
    let number = |name: &str| {
        let text = read(&folder.join(name))?;
        let digits = text.trim_start_matches("0x");
        u64::from_str_radix(digits, 16)
            .ok()
            .filter(|number| *number != 0)
    };
    number("iomem_base")
        .map(Location::Memory)
        .or_else(|| number("port").map(Location::Port))
        .or_else(|| {
            let devices = sysfs.join("devices").canonicalize().ok()?;
            let path = device.strip_prefix(devices).ok()?;
            Some(Location::Bus(path.to_string_lossy().into_owned()))
        })
}

fn read(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn link_name(path: &Path) -> Option<String> {
    let target = fs::read_link(path).ok()?;
    Some(target.file_name()?.to_string_lossy().into_owned())
}

/// A name and the number at its end, so that `ttyS10` comes after `ttyS9`.
fn natural(path: &Path) -> (String, u64) {
    let text = path.to_string_lossy();
    let name = text.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = text.get(name.len()..).unwrap_or_default();
    (name.to_owned(), number.parse().unwrap_or_default())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A tree like a board's `/sys`.
    struct Tree(tempfile::TempDir);

    impl Tree {
        fn new() -> Self {
            let tree = Self(tempfile::tempdir().unwrap());
            fs::create_dir_all(tree.at("class/tty")).unwrap();
            tree
        }

        fn at(&self, path: &str) -> PathBuf {
            self.0.path().join(path)
        }

        fn file(&self, path: &str, text: &str) {
            let path = self.at(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn link(&self, path: &str, target: &str) {
            fs::create_dir_all(self.at(target)).unwrap();
            let path = self.at(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            symlink(self.at(target), path).unwrap();
        }

        /// A port `name` of the hardware at `device`.
        fn port(&self, name: &str, device: &str) {
            self.link(&format!("class/tty/{name}/device"), device);
        }
    }

    #[test]
    fn phantoms_and_terminals_are_left_out_and_the_rest_is_located() {
        let tree = Tree::new();
        fs::create_dir_all(tree.at("class/tty/tty0")).unwrap();
        tree.port("ttyS2", "devices/platform/serial8250");
        tree.file("class/tty/ttyS2/type", "0\n");

        tree.port("ttyAMA0", "devices/platform/ARMH0011:00/ARMH0011:00:0/port");
        tree.file("class/tty/ttyAMA0/type", "32\n");
        tree.link(
            "devices/platform/ARMH0011:00/firmware_node",
            "devices/acpi/uart0",
        );
        tree.file("devices/acpi/uart0/hid", "ARMH0011\n");
        tree.file("devices/acpi/uart0/uid", "0\n");

        tree.port("ttyAMA1", "devices/platform/28001000.serial");
        tree.file("class/tty/ttyAMA1/type", "32\n");
        tree.link(
            "devices/platform/28001000.serial/of_node",
            "firmware/devicetree/base/soc/serial@28001000",
        );
        tree.link(
            "devices/platform/28001000.serial/driver",
            "bus/amba/drivers/uart-pl011",
        );

        tree.port("ttyS10", "devices/pnp0/00:05");
        tree.file("class/tty/ttyS10/type", "4\n");
        tree.file("class/tty/ttyS10/iomem_base", "0x0\n");
        tree.file("class/tty/ttyS10/port", "0x3F8\n");

        tree.port("ttyS9", "devices/pci0/0000:00:1a.0");
        tree.file("class/tty/ttyS9/type", "4\n");
        tree.file("class/tty/ttyS9/iomem_base", "0xFE034000\n");

        tree.port("ttyUSB0", "devices/pci0/usb1/1-2/1-2:1.0/ttyUSB0");

        let found = serial_ports(tree.0.path()).unwrap();
        let shown: Vec<String> = found
            .iter()
            .map(|port| {
                let location = port.location.as_ref().unwrap();
                format!("{} {location}", port.path.display())
            })
            .collect();
        assert_eq!(
            shown,
            [
                "/dev/ttyAMA0 ACPI ARMH0011:0",
                "/dev/ttyAMA1 device tree /soc/serial@28001000",
                "/dev/ttyS9 memory 0xfe034000",
                "/dev/ttyS10 I/O port 0x3f8",
                "/dev/ttyUSB0 pci0/usb1/1-2/1-2:1.0/ttyUSB0",
            ]
        );
        assert_eq!(found[1].driver.as_deref(), Some("uart-pl011"));
    }

    #[test]
    fn without_sysfs_it_says_so() {
        let empty = tempfile::tempdir().unwrap();
        assert_eq!(
            serial_ports(empty.path()).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }

    #[test]
    fn this_machine_can_be_asked() {
        if Path::new(SYSFS).join("class/tty").exists() {
            for port in serial_ports(Path::new(SYSFS)).unwrap() {
                assert!(port.path.starts_with("/dev"));
            }
        }
    }
}
