//! Buses, ports and channels, as the classes of sysfs show them.

use std::path::Path;

use super::Board;
use super::hardware::{Hardware, address};
use super::name::{Fact, Given, Namer, Taken, slug};
use super::parts::{AdcChannel, I2cBus, PwmChannel, SpiDevice, Uart};
use super::trouble::Trouble;
use crate::root::Root;

/// The most channels that a chip for PWM is believed to have (PCA9685, the largest common one, has 17).
const MOST_CHANNELS: u32 = 256;

pub(super) fn read(root: &Root, namer: &Namer<'_>, board: &mut Board) {
    uarts(root, namer, board);
    phantoms(board);
    i2c(root, namer, board);
    spi(root, namer, board);
    pwm(root, namer, board);
    adc(root, namer, board);
}

/// The name that a part has from now on, and whether it has a source; what a board file says of it is a fact of
/// the board.
fn give(taken: &mut Taken, kind: &str, given: &Given, board: &mut Board) -> (String, bool) {
    let name = taken.free(format!("{kind}/{}", given.name));
    if let Some(origin) = &given.origin {
        board.facts.push(Fact::new(&name, origin));
    }
    (name, given.verified())
}

/// Where a device has no device file, that is said; not of a copy that has no /dev at all.
pub(super) fn device_file(root: &Root, path: &Path) -> Vec<Trouble> {
    if root.exists(path) || !root.exists("/dev") {
        return Vec::new();
    }
    let path = path.display().to_string();
    vec![Trouble::NoDeviceFile { path }]
}

fn uarts(root: &Root, namer: &Namer<'_>, board: &mut Board) {
    let class = Path::new("/sys/class/tty");
    let names = match root.list(class) {
        Ok(names) => names,
        Err(error) => {
            board.notes.push(format!("/sys/class/tty: {error}"));
            return;
        }
    };
    let mut taken = Taken::default();
    for name in names {
        let folder = class.join(&name);
        // A terminal without a device is none that has a connector.
        let Some(mut hardware) = Hardware::behind(root, &folder.join("device")) else {
            continue;
        };
        // USB adapters have no such file.
        if root
            .value(folder.join("type"))
            .is_some_and(|kind| kind == "0")
        {
            board.phantoms.push(name);
            continue;
        }
        hardware.memory = address(root, folder.join("iomem_base"));
        hardware.port = address(root, folder.join("port"));
        let path = Path::new("/dev").join(&name);
        let given = namer.name(&hardware, None, "serial", |file| &file.uart);
        let (name, verified) = give(&mut taken, "uart", &given, board);
        board.uart.push(Uart {
            name,
            aliases: given.aliases,
            troubles: device_file(root, &path),
            path,
            hardware,
            verified,
        });
    }
}

/// Says which ports are none.
fn phantoms(board: &mut Board) {
    if !board.phantoms.is_empty() {
        let ports = runs(&board.phantoms).join(", ");
        board.troubles.push(Trouble::Phantoms { ports });
    }
}

/// Names with their numbers in runs: `ttyS0…ttyS3`.
fn runs(names: &[String]) -> Vec<String> {
    let split = |name: &str| {
        let word = name
            .trim_end_matches(|c: char| c.is_ascii_digit())
            .to_owned();
        let number = name
            .get(word.len()..)
            .and_then(|number| number.parse::<u64>().ok());
        (word, number)
    };
    let follows = |one: &String, next: &String| {
        let ((word, number), (other, next)) = (split(one), split(next));
        word == other && number.and_then(|number| number.checked_add(1)) == next
    };
    let runs = names.chunk_by(follows);
    runs.map(|run| match run {
        [first, .., last] if run.len() > 2 => format!("{first}…{last}"),
        run => run.join(", "),
    })
    .collect()
}

fn i2c(root: &Root, namer: &Namer<'_>, board: &mut Board) {
    let bus = Path::new("/sys/bus/i2c/devices");
    let mut taken = Taken::default();
    for name in root.list(bus).unwrap_or_default() {
        let number = name.strip_prefix("i2c-");
        if number.is_none_or(|number| number.parse::<u32>().is_err()) {
            continue;
        }
        let folder = bus.join(&name);
        let hardware = Hardware::behind(root, &folder).unwrap_or_default();
        let label = root.value(folder.join("name")).unwrap_or_default();
        let path = Path::new("/dev").join(&name);
        let mut troubles = Vec::new();
        let driver = root.exists(Path::new("/sys/class/i2c-dev").join(&name));
        if !driver && !root.exists(&path) {
            let path = path.display().to_string();
            let module = "i2c-dev";
            troubles.push(Trouble::NotLoaded { path, module });
        } else {
            troubles = device_file(root, &path);
        }
        // As i801, piix4 and the stub call themselves.
        let smbus_only = label.starts_with("SMBus");
        if smbus_only {
            troubles.push(Trouble::SmbusOnly);
        }
        let given = namer.name(&hardware, Some(&label), "i2c", |file| &file.i2c);
        let (name, verified) = give(&mut taken, "i2c", &given, board);
        board.i2c.push(I2cBus {
            name,
            aliases: given.aliases,
            path,
            label,
            hardware,
            smbus_only,
            verified,
            troubles,
        });
    }
}

fn spi(root: &Root, namer: &Namer<'_>, board: &mut Board) {
    let mut taken = Taken::default();
    let class = Path::new("/sys/class/spidev");
    let mut served = Vec::new();
    for name in root.list(class).unwrap_or_default() {
        let Some((bus, select)) = name.strip_prefix("spidev").and_then(|n| n.split_once('.'))
        else {
            continue;
        };
        let Ok(select) = select.parse::<u32>() else {
            continue;
        };
        let controller = Path::new("/sys/class/spi_master").join(format!("spi{bus}"));
        let hardware = Hardware::behind(root, &controller)
            .or_else(|| Hardware::behind(root, &class.join(&name).join("device")));
        let hardware = hardware.unwrap_or_default();
        served.push(format!("spi{bus}"));
        let mut given = namer.name(&hardware, None, "spi", |file| &file.spi);
        for name in std::iter::once(&mut given.name).chain(&mut given.aliases) {
            name.push_str(&format!(".{select}"));
        }
        let path = Path::new("/dev").join(&name);
        let (name, verified) = give(&mut taken, "spi", &given, board);
        board.spi.push(SpiDevice {
            name,
            aliases: given.aliases,
            troubles: device_file(root, &path),
            path,
            chip_select: Some(select),
            hardware,
            verified,
        });
    }
    let masters = Path::new("/sys/class/spi_master");
    for name in root.list(masters).unwrap_or_default() {
        if served.contains(&name) {
            continue;
        }
        let hardware = Hardware::behind(root, &masters.join(&name)).unwrap_or_default();
        let given = namer.name(&hardware, None, "spi", |file| &file.spi);
        let path = Path::new("/dev").join(name.replace("spi", "spidev") + ".0");
        let (name, verified) = give(&mut taken, "spi", &given, board);
        board.spi.push(SpiDevice {
            name,
            aliases: given.aliases,
            path,
            chip_select: None,
            hardware,
            verified,
            troubles: vec![Trouble::NoSpidev],
        });
    }
}

fn pwm(root: &Root, namer: &Namer<'_>, board: &mut Board) {
    let class = Path::new("/sys/class/pwm");
    let mut taken = Taken::default();
    for name in root.list(class).unwrap_or_default() {
        let chip = class.join(&name);
        let Some(count) = root
            .value(chip.join("npwm"))
            .and_then(|n| n.parse::<u32>().ok())
        else {
            continue;
        };
        let hardware = Hardware::behind(root, &chip).unwrap_or_default();
        let given = namer.name(&hardware, None, "pwm", |file| &file.pwm);
        let (named, verified) = give(&mut taken, "pwm", &given, board);
        for channel in 0..count.min(MOST_CHANNELS) {
            let aliases = given.aliases.iter();
            board.pwm.push(PwmChannel {
                name: format!("{named}/{channel}"),
                aliases: aliases.map(|alias| format!("{alias}/{channel}")).collect(),
                chip: chip.clone(),
                channel,
                hardware: hardware.clone(),
                verified,
                troubles: Vec::new(),
            });
        }
    }
}

fn adc(root: &Root, namer: &Namer<'_>, board: &mut Board) {
    let bus = Path::new("/sys/bus/iio/devices");
    let mut taken = Taken::default();
    for name in root.list(bus).unwrap_or_default() {
        if !name.starts_with("iio:device") {
            continue;
        }
        let device = bus.join(&name);
        let hardware = Hardware::behind(root, &device).unwrap_or_default();
        let label = root.value(device.join("name"));
        let mut given = namer.name(&hardware, label.as_deref(), "adc", |file| &file.adc);
        if given.origin.is_none() && given.name == slug(&hardware.device) {
            // What the chip is says more than where it is.
            given.name = label.as_deref().map_or(given.name, slug);
        }
        let (named, verified) = give(&mut taken, "adc", &given, board);
        for file in root.list(&device).unwrap_or_default() {
            let channel = file.strip_suffix("_raw").filter(|channel| {
                channel.starts_with("in_voltage") || channel.starts_with("in_current")
            });
            let Some(channel) = channel else {
                continue;
            };
            let label = root.value(device.join(format!("{channel}_label")));
            let number = channel.strip_prefix("in_voltage").unwrap_or(channel);
            let aliases = given.aliases.iter();
            let aliases = aliases.map(|alias| format!("{alias}/{number}"));
            board.adc.push(AdcChannel {
                name: format!("{named}/{number}"),
                aliases: aliases.chain(label).collect(),
                device: device.clone(),
                channel: channel.to_owned(),
                hardware: hardware.clone(),
                verified,
                troubles: Vec::new(),
            });
        }
    }
}
