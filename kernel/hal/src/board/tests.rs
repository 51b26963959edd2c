#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use super::*;

/// A tree like a board's files.
struct Copy(tempfile::TempDir);

impl Copy {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path.trim_start_matches('/'))
    }

    fn file(&self, path: &str, text: &str) -> &Self {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn link(&self, path: &str, target: &str) -> &Self {
        fs::create_dir_all(self.at(target)).unwrap();
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
        self
    }

    /// A port `name` of the hardware at `device`.
    fn port(&self, name: &str, device: &str, kind: &str) -> &Self {
        self.link(&format!("/sys/class/tty/{name}/device"), device);
        self.file(&format!("/sys/class/tty/{name}/type"), kind)
    }

    fn board(&self) -> Board {
        Board::detect(&Root::new(self.0.path()))
    }
}

#[test]
fn phantoms_and_terminals_are_left_out_and_the_rest_is_located() {
    let copy = Copy::new();
    fs::create_dir_all(copy.at("/sys/class/tty/tty0")).unwrap();
    copy.port("ttyS2", "/sys/devices/platform/serial8250", "0\n");
    let arm = "/sys/devices/platform/ARMH0011:00";
    copy.port("ttyAMA0", &format!("{arm}/ARMH0011:00:0/port"), "32\n");
    copy.link(&format!("{arm}/firmware_node"), "/sys/devices/acpi/uart0");
    copy.file("/sys/devices/acpi/uart0/hid", "ARMH0011\n");
    copy.file("/sys/devices/acpi/uart0/uid", "0\n");
    let pl011 = "/sys/devices/platform/28001000.serial";
    let node = "/sys/firmware/devicetree/base/soc/serial@28001000";
    copy.port("ttyAMA1", pl011, "32\n");
    copy.link(&format!("{pl011}/of_node"), node);
    copy.link(
        &format!("{pl011}/driver"),
        "/sys/bus/amba/drivers/uart-pl011",
    );
    copy.port("ttyS10", "/sys/devices/pnp0/00:05", "4\n");
    copy.file("/sys/class/tty/ttyS10/iomem_base", "0x0\n");
    copy.file("/sys/class/tty/ttyS10/port", "0x3F8\n");
    copy.port("ttyS9", "/sys/devices/serial8250", "4\n");
    copy.file("/sys/class/tty/ttyS9/iomem_base", "0xFE034000\n");
    let bridge = "/sys/devices/pci0000:00";
    copy.link(
        &format!("{bridge}/firmware_node"),
        "/sys/devices/acpi/bridge",
    );
    copy.file("/sys/devices/acpi/bridge/hid", "PNP0A08\n");
    let function = format!("{bridge}/0000:00:16.3");
    copy.port("ttyS4", &function, "4\n");
    copy.file(&format!("{function}/vendor"), "0x8086\n");
    copy.file(&format!("{function}/device"), "0xA13D\n");
    copy.port(
        "ttyUSB0",
        &format!("{function}/usb1/1-2/1-2:1.0/ttyUSB0"),
        "",
    );
    let board = copy.board();
    let shown: Vec<String> = board
        .uart
        .iter()
        .map(|port| format!("{} {} {}", port.name, port.path.display(), port.hardware))
        .collect();
    assert_eq!(
        shown,
        [
            "uart/ARMH0011:00 /dev/ttyAMA0 ACPI ARMH0011:0",
            "uart/28001000.serial /dev/ttyAMA1 device tree /soc/serial@28001000",
            "uart/0000:00:16.3 /dev/ttyS4 PCI 0000:00:16.3 8086:a13d",
            "uart/serial8250 /dev/ttyS9 memory 0xfe034000",
            "uart/00:05 /dev/ttyS10 I/O port 0x3f8",
            "uart/1-2:1.0 /dev/ttyUSB0 USB 1-2:1.0",
        ]
    );
    assert_eq!(board.phantoms, ["ttyS2"]);
    assert_eq!(board.uart[1].hardware.driver.as_deref(), Some("uart-pl011"));
    assert_eq!(
        board.uart("1-2:1.0").unwrap().path,
        PathBuf::from("/dev/ttyUSB0")
    );
    let missing = board.uart("28001000.seriel").unwrap_err();
    assert_eq!(missing.similar[0], "uart/28001000.serial");
    assert_eq!(
        missing.to_string(),
        "this board has no UART `28001000.seriel`"
    );
}

#[test]
fn lines_are_found_by_chip_and_offset_and_by_the_names_of_the_device_tree() {
    let copy = Copy::new();
    let device = "/sys/devices/platform/28004000.gpio";
    let node = "/sys/firmware/devicetree/base/soc/gpio@28004000";
    copy.link(
        "/sys/bus/gpio/devices/gpiochip3",
        &format!("{device}/gpiochip3"),
    );
    copy.link(&format!("{device}/gpiochip3/of_node"), node);
    copy.link(&format!("{device}/of_node"), node);
    copy.file(
        &format!("{node}/gpio-line-names"),
        "\0LED\0\0TWICE\0TWICE\0",
    );
    copy.link(
        "/sys/class/gpio/gpiochip480",
        &format!("{device}/gpio/gpiochip480"),
    );
    copy.file(&format!("{device}/gpio/gpiochip480/ngpio"), "8\n");
    copy.file(&format!("{device}/gpio/gpiochip480/base"), "480\n");
    copy.file(
        &format!("{device}/gpio/gpiochip480/label"),
        "28004000.gpio\n",
    );
    copy.file("/dev/gpiochip3", "");
    let board = copy.board();
    assert_eq!(board.gpio.len(), 8);
    let led = board.line("LED").unwrap();
    assert_eq!(led.name, "gpio/28004000.gpio/1");
    assert_eq!(
        (led.chip.to_str().unwrap(), led.offset),
        ("/dev/gpiochip3", 1)
    );
    assert_eq!(led.sysfs, Some(481));
    assert_eq!(board.chip(led).unwrap().troubles, []);
    assert_eq!(board.line("28004000.gpio/7").unwrap().offset, 7);
    assert!(board.line("TWICE").is_err(), "which of the two?");
    let notes = board.notes.join("\n");
    assert!(notes.contains("`TWICE`"), "{notes}");
    let missing = board.line("gpio/28004000.gpio/8").unwrap_err();
    assert_eq!(missing.similar.len(), 3);
}

#[test]
fn this_machine_can_be_asked() {
    let board = Board::detect(&Root::default());
    assert!(board.uart.iter().all(|port| port.path.starts_with("/dev")));
}
