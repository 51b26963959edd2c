//! The boards that are emulated.

use std::borrow::Cow;

/// The instruction set of a board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Processor {
    /// `qemu-system-x86_64`.
    X86,
    /// `qemu-system-aarch64`.
    Arm,
}

/// The far side of a board's GPIO lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// The rig's own module: 0 to 7 lead to 8 to 15, and 16 to 23 are moved from outside.
    Wired,
    /// `gpio-sim`: each line is moved from outside, by its pull.
    Simulated,
    /// There is no far side, but that of the power key.
    Closed,
}

/// A board: what is emulated, and what is booted on it.
#[derive(Debug, Clone)]
pub struct Board {
    /// Its name in messages, and in that of its console's file.
    pub name: Cow<'static, str>,
    /// The kernel, as `kernels` names it.
    pub kernel: &'static str,
    /// What executes it.
    pub processor: Processor,
    /// Modules that are loaded in this order, with their parameters; those that they need go before by themselves.
    pub modules: &'static [&'static str],
    /// What the shell does there when it is up.
    pub setup: &'static str,
    /// Which lines a check can move and look at from outside, whoever holds them.
    pub lines: Lines,
    /// `-cpu`.
    pub cpu: Cow<'static, str>,
    /// Whether its time passes by instructions. Then limits of time and what is measured there do not depend on this
    /// machine's load; but it boots half as fast.
    pub steady: bool,
    /// More arguments of QEMU.
    pub arguments: Vec<String>,
    /// Properties of the device tree's root that are replaced: name, strings.
    pub tree: Vec<(String, Vec<String>)>,
    /// Files besides the usual ones.
    pub files: Vec<(String, String)>,
    /// Serial ports besides the console: one that leads to the check, then two that are joined.
    pub ports: [&'static str; 3],
}

/// A PC with Linux 6.1: GPIO through both generations of the character device and through sysfs, I2C with plain transfers,
/// and SPI, all by the module of this folder; SMBus by `i2c-stub` and by the chipset's own controller; serial ports.
pub const PC: Board = Board {
    name: Cow::Borrowed("pc-6.1"),
    kernel: "pc-6.1",
    processor: Processor::X86,
    modules: &[
        "virtio_pci",
        "virtio_console",
        "i2c-dev",
        "i2c-i801",
        "i2c-stub chip_addr=0x48,0x4a,0x41",
        "configfs",
        "weihe_rig",
    ],
    setup: "",
    lines: Lines::Wired,
    cpu: Cow::Borrowed("max"),
    steady: true,
    arguments: Vec::new(),
    tree: Vec::new(),
    files: Vec::new(),
    ports: PC_PORTS,
};

/// A PC with the newest kernel: no first generation of GPIO, and `gpio-sim` with a chip `sim`.
pub const PC_NEWEST: Board = Board {
    name: Cow::Borrowed("pc-sid"),
    kernel: "pc-sid",
    processor: Processor::X86,
    modules: &[
        "i2c-dev",
        "i2c-i801",
        "i2c-stub chip_addr=0x48",
        "configfs",
        "gpio-sim",
    ],
    // A chip `sim` with 8 lines, SIM0 to SIM7.
    setup: "cd /sys/kernel/config/gpio-sim && mkdir -p rig/bank && echo 8 >rig/bank/num_lines && \
            echo sim >rig/bank/label && for n in 0 1 2 3 4 5 6 7; do \
            mkdir rig/bank/line$n && echo SIM$n >rig/bank/line$n/name; done; echo 1 >rig/live",
    lines: Lines::Simulated,
    cpu: Cow::Borrowed("max"),
    steady: true,
    arguments: Vec::new(),
    tree: Vec::new(),
    files: Vec::new(),
    ports: PC_PORTS,
};

/// A 64-bit ARM board with Linux 6.1 and a PL061: eight lines, both generations, interrupts. `gpio_keys` is not loaded, so
/// that line 3, the power key, is free.
pub const VIRT: Board = Board {
    name: Cow::Borrowed("virt-6.1"),
    kernel: "virt-6.1",
    processor: Processor::Arm,
    modules: &["virtio_pci", "virtio_console", "i2c-dev"],
    setup: "",
    lines: Lines::Closed,
    cpu: Cow::Borrowed("cortex-a57"),
    steady: true,
    arguments: Vec::new(),
    tree: Vec::new(),
    files: Vec::new(),
    ports: ["/dev/ttyS0", "/dev/ttyS1", "/dev/ttyS2"],
};

const PC_PORTS: [&str; 3] = ["/dev/ttyS1", "/dev/ttyS2", "/dev/ttyS3"];

impl Board {
    /// The same under another name.
    pub fn named(&self, name: &str) -> Self {
        Self {
            name: Cow::Owned(name.to_owned()),
            ..self.clone()
        }
    }
}
