#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

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

/// A chip of Phytium by ACPI, as its kernel shows it.
fn phytium(copy: &Copy, number: u32, uid: &str, lines: &str, device_file: bool) {
    let device = format!("/sys/devices/platform/PHYT0001:0{number}");
    let firmware = format!("/sys/devices/acpi/PHYT0001:0{number}");
    copy.link(&format!("{device}/firmware_node"), &firmware);
    copy.file(&format!("{firmware}/hid"), "PHYT0001\n");
    copy.file(&format!("{firmware}/uid"), uid);
    let base = 480 + 16 * number;
    let old = format!("{device}/gpio/gpiochip{base}");
    copy.file(&format!("{old}/ngpio"), lines);
    copy.file(&format!("{old}/base"), &base.to_string());
    copy.link(&format!("/sys/class/gpio/gpiochip{base}"), &old);
    if device_file {
        let chip = format!("{device}/gpiochip{number}");
        copy.link(&format!("/sys/bus/gpio/devices/gpiochip{number}"), &chip);
        copy.file(&format!("/dev/gpiochip{number}"), "");
    }
}

fn d2000(copy: &Copy) {
    let cpu =
        "processor: 0\nmodel name: Phytium,D2000/8 E8C\nCPU implementer: 0x70\nCPU part: 0x663\n";
    copy.file("/proc/cpuinfo", cpu);
}

#[test]
fn banks_are_found_by_firmware_and_not_by_the_number_of_the_chip() {
    let copy = Copy::new();
    d2000(&copy);
    // The second controller comes first.
    phytium(&copy, 0, "1\n", "16\n", true);
    phytium(&copy, 1, "00\n", "16\n", true);
    let board = copy.board();
    let place = |name: &str| {
        let line = board.line(name).unwrap();
        (
            line.chip.to_str().unwrap().to_owned(),
            line.offset,
            line.edges,
        )
    };
    assert_eq!(place("gpio/A3"), ("/dev/gpiochip1".to_owned(), 3, true));
    assert_eq!(
        place("B7"),
        ("/dev/gpiochip1".to_owned(), 15, false),
        "polled"
    );
    assert_eq!(place("GPIO1_A0"), ("/dev/gpiochip0".to_owned(), 0, true));
    assert!(board.chips[0].troubles.contains(&Trouble::NoEdges {
        lines: "gpio/1B0…1B7".to_owned()
    }));
    assert_eq!(board.line("gpio/A9").unwrap_err().similar[0], "gpio/A0");
}

#[test]
fn the_kernel_counts_the_lines_whatever_a_board_file_says() {
    let copy = Copy::new();
    d2000(&copy);
    phytium(&copy, 0, "0\n", "8\n", true);
    let board = copy.board();
    assert_eq!(board.gpio.len(), 8);
    assert!(board.line("B0").is_err());
    assert_eq!(
        board.chips[0].troubles,
        [Trouble::FewerLines {
            there: 8,
            known: 16
        }]
    );
}

#[test]
fn without_character_devices_lines_are_those_of_sysfs() {
    let copy = Copy::new();
    d2000(&copy);
    phytium(&copy, 0, "0\n", "16\n", false);
    let board = copy.board();
    let line = board.line("A3").unwrap();
    assert_eq!(line.sysfs, Some(483));
    assert_eq!(board.chip(line).unwrap().base, Some(480));
    assert!(
        board
            .chip(line)
            .unwrap()
            .troubles
            .contains(&Trouble::NoGpioDevice)
    );
    assert!(board.troubles.contains(&Trouble::NoGpioDevice));
}

#[test]
fn chips_of_one_label_are_told_apart_by_where_they_are() {
    let copy = Copy::new();
    for (number, hid) in [(0, "LOON000E"), (1, "LOON000D")] {
        let device = format!("/sys/devices/platform/{hid}:00");
        let firmware = format!("/sys/devices/acpi/{hid}:00");
        copy.link(&format!("{device}/firmware_node"), &firmware);
        copy.file(&format!("{firmware}/hid"), hid);
        let chip = format!("{device}/gpiochip{number}");
        copy.file(&format!("{chip}/label"), "ls7a2000_gpio\n");
        copy.file(&format!("{chip}/ngpio"), "4\n");
        copy.link(&format!("/sys/bus/gpio/devices/gpiochip{number}"), &chip);
    }
    let board = copy.board();
    let line = board.line("gpio/ls7a2000_gpio@LOON000D:00/3").unwrap();
    assert_eq!(line.chip.to_str().unwrap(), "/dev/gpiochip1");
}

#[test]
fn what_is_not_in_files_the_character_device_says() {
    struct Device;
    impl ChipReader for Device {
        fn read(&self, device: &Path) -> std::io::Result<ChipInfo> {
            assert!(device.ends_with("dev/gpiochip0"));
            let lines = ["", "button"].map(str::to_owned).to_vec();
            Ok(ChipInfo {
                label: "sim".to_owned(),
                lines,
            })
        }
    }
    let copy = Copy::new();
    let chip = "/sys/devices/platform/gpio-sim.0/gpiochip0";
    copy.link("/sys/bus/gpio/devices/gpiochip0", chip);
    let root = Root::new(copy.0.path());
    let board = Board::detect_with(&root, &Device);
    assert_eq!(board.line("button").unwrap().name, "gpio/sim/1");
    let board = Board::detect(&root);
    assert_eq!(board.gpio, []);
    let unknown = |trouble: &Trouble| matches!(trouble, Trouble::UnknownLines { .. });
    assert!(board.chips[0].troubles.iter().any(unknown));
}

#[test]
fn siblings_of_one_core_are_told_apart() {
    let soc = |cpu: &str, tree: &str| {
        let copy = Copy::new();
        copy.file("/proc/cpuinfo", cpu);
        if !tree.is_empty() {
            copy.file("/proc/device-tree/compatible", tree);
        }
        copy.board().machine.soc.unwrap_or_default()
    };
    let cores = |count: usize| {
        let core = "processor : 0\nCPU implementer : 0x70\nCPU part : 0x663\n\n";
        core.repeat(count)
    };
    assert_eq!(soc(&cores(4), ""), "Phytium FT-2000/4");
    assert_eq!(soc(&cores(8), ""), "Phytium D2000");
    assert_eq!(soc(&cores(64), ""), "Phytium S2500");
    assert_eq!(
        soc(&cores(4), "vendor,board\0phytium,d2000\0"),
        "Phytium D2000"
    );
    let named = format!("model name : Phytium,D2000/8\n{}", cores(8));
    assert_eq!(
        soc(&named, "phytium,ft-2004\0"),
        "Phytium D2000",
        "firmware for both"
    );
    assert_eq!(soc("MODEL NAME : loongson-3a5000\n", ""), "Loongson 3A5000");
    assert_eq!(
        soc(
            "vendor_id :   Shanghai  \nmodel name : ZHAOXIN KX-7000\n",
            ""
        ),
        "Zhaoxin KX-7000"
    );
    assert_eq!(
        soc("vendor_id : CentaurHauls\nmodel name : VIA Nano\n", ""),
        ""
    );
    assert_eq!(
        soc("vendor_id : HygonGenuine\ncpu family : 24\n", ""),
        "Hygon C86"
    );
}

/// Paths that are read, and what has a say in them.
const PATHS: [&str; 24] = [
    "/proc/cpuinfo",
    "/proc/self/smaps",
    "/proc/sys/kernel/osrelease",
    "/proc/device-tree/compatible",
    "/proc/device-tree/model",
    "/proc/device-tree/aliases/serial0",
    "/etc/os-release",
    "/etc/os-version",
    "/etc/.kyinfo",
    "/sys/class/dmi/id/product_name",
    "/sys/class/tty/ttyS0/type",
    "/sys/class/tty/ttyS0/port",
    "/sys/class/tty/ttyS0/device/firmware_node/hid",
    "/sys/bus/gpio/devices/gpiochip0/label",
    "/sys/bus/gpio/devices/gpiochip0/ngpio",
    "/sys/bus/gpio/devices/gpiochip0/of_node/gpio-line-names",
    "/sys/class/gpio/gpiochip9/ngpio",
    "/sys/class/gpio/gpiochip9/base",
    "/sys/bus/i2c/devices/i2c-0/name",
    "/sys/class/spidev/spidev0.0/dev",
    "/sys/class/pwm/pwmchip0/npwm",
    "/sys/bus/iio/devices/iio:device0/name",
    "/sys/bus/iio/devices/iio:device0/in_voltage0_raw",
    "/dev/gpiochip0",
];

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(32))]

    #[test]
    fn no_files_upset_the_detection(
        files in proptest::collection::vec(
            (0..PATHS.len(), "[ -~\\x00\n]{0,40}|[0-9]{1,12}|processor: 0\nCPU part: 0x663\nCPU implementer: 0x70|ID=kylin"),
            0..24,
        ),
        folder in proptest::option::of(0..PATHS.len()),
        circle in proptest::option::of(0..PATHS.len()),
    ) {
        let copy = Copy::new();
        if let Some(at) = folder {
            fs::create_dir_all(copy.at(PATHS[at])).unwrap();
        }
        for (at, text) in files {
            let path = copy.at(PATHS[at]);
            let parent = path.parent().unwrap();
            if fs::create_dir_all(parent).is_ok() {
                let _ = fs::write(path, text);
            }
        }
        // After all that is written: outside the copy, the link leads to this machine's own file.
        if let Some(at) = circle {
            let path = copy.at(PATHS[at]);
            if fs::symlink_metadata(&path).is_err() && fs::create_dir_all(path.parent().unwrap()).is_ok() {
                symlink(PATHS[at], path).unwrap();
            }
        }
        let board = copy.board();
        let mut names: Vec<&str> = board.gpio.iter().map(|line| line.name.as_str()).collect();
        for name in &names {
            let found = board.line(name);
            proptest::prop_assert_eq!(found.map(|line| line.name.as_str()), Ok(*name));
        }
        names.sort_unstable();
        names.dedup();
        proptest::prop_assert_eq!(names.len(), board.gpio.len());
        proptest::prop_assert!(!board.machine.cpu.arch.is_empty());
        for trouble in &board.troubles {
            proptest::prop_assert!(!trouble.to_string().is_empty());
        }
    }
}

#[test]
fn this_machine_can_be_asked() {
    let board = Board::detect(&Root::default());
    assert!(board.uart.iter().all(|port| port.path.starts_with("/dev")));
}
