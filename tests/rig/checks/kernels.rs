//! What the boards have, so that other checks find it: said by the kernels themselves.

use crate::{PC, PC_NEWEST, VIRT, shared};

/// `weihe doctor` looks at a machine it has never seen, and finds its way.
fn examined(findings: &serde_json::Value, kernel: &str, architecture: &str) {
    let found = |what: &str| {
        let findings = findings["findings"].as_array().expect("findings");
        let finding = findings.iter().find(|finding| finding["what"] == what);
        finding.unwrap_or_else(|| panic!("nothing about the {what}: {findings:?}"))["found"]
            .as_str()
            .expect("words")
            .to_owned()
    };
    assert!(found("system").contains(kernel), "{findings}");
    assert!(found("processor").contains(architecture), "{findings}");
}

#[test]
fn a_pc_with_linux_6_1_has_every_bus() {
    let Some(mut guest) = shared(&PC) else { return };
    let chips = guest.output("cat /sys/bus/gpio/devices/gpiochip*/../gpio/*/label");
    assert!(chips.contains("weihe-rig"), "{chips}");
    let buses = guest.output("cat /sys/bus/i2c/devices/i2c-*/name");
    for name in ["weihe-rig", "SMBus stub driver", "SMBus I801"] {
        assert!(buses.contains(name), "{buses}");
    }
    guest.output(
        "ls /dev/gpiochip0 /dev/i2c-0 /dev/i2c-1 /dev/i2c-2 /dev/spidev*.0 /sys/class/gpio/export",
    );
    // QEMU has EEPROMs on the chipset's bus, at 0x50 to 0x57.
    let bus = guest.i2c("SMBus I801");
    let byte = guest.output(&format!(
        "i2cset -y {bus} 0x50 0x10 0x5a b && i2cget -y {bus} 0x50 0x10"
    ));
    assert_eq!(byte.trim(), "0x5a");
    // A plain transfer, which only the module's bus can do: the sensor's serial number, with its checksums.
    let bus = guest.i2c("weihe-rig");
    let serial = guest.output(&format!("i2ctransfer -y {bus} w1@0x44 0x89 r6"));
    assert_eq!(serial.trim(), "0x57 0x45 0x00 0x49 0x48 0x4f");
    let findings = guest.weihe("doctor");
    examined(&findings, "Linux 6.1", "x86_64");
}

#[test]
fn what_an_output_drives_is_read_on_the_input_it_is_wired_to() {
    let Some(mut guest) = shared(&PC) else { return };
    let base = guest.output("cat /sys/devices/platform/weihe-rig/gpio/gpiochip*/base");
    let base: u32 = base.trim().parse().expect("a number");
    // A line with a name has its folder under it.
    let out = "/sys/class/gpio/OUT2";
    guest.output(&format!("echo {} >/sys/class/gpio/export", base + 2));
    guest.output(&format!("echo high >{out}/direction"));
    assert!(guest.level(2) && guest.level(10));
    guest.output(&format!(
        "echo 0 >{out}/value; echo {} >/sys/class/gpio/unexport",
        base + 2
    ));
    assert!(!guest.level(10));
}

#[test]
fn the_newest_kernel_simulates_gpio() {
    let Some(mut guest) = shared(&PC_NEWEST) else {
        return;
    };
    let chips = guest.output("ls /dev/gpiochip0 && cat /sys/kernel/config/gpio-sim/rig/bank/label");
    assert!(chips.contains("sim"), "{chips}");
    guest.drive(3, true);
    assert!(guest.level(3));
    guest.drive(3, false);
    assert!(!guest.level(3));
    let findings = guest.weihe("doctor");
    examined(&findings, "Linux 7.", "x86_64");
}

#[test]
fn the_arm_board_has_a_pl061_with_a_free_power_key() {
    let Some(mut guest) = shared(&VIRT) else {
        return;
    };
    let lines = guest.output("cat /sys/kernel/debug/gpio");
    assert!(
        lines.contains("9030000.pl061") && lines.contains("GPIOs"),
        "{lines}"
    );
    assert!(!lines.contains("gpio-3"), "somebody holds line 3: {lines}");
    let findings = guest.weihe("doctor");
    examined(&findings, "Linux 6.1", "aarch64");
}
