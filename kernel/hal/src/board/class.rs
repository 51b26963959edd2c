//! Buses, ports and channels, as the classes of sysfs show them.

use std::path::Path;

use super::Board;
use super::hardware::{Hardware, address};
use super::name::{Namer, Taken, slug};
use super::parts::{AdcChannel, I2cBus, PwmChannel, SpiDevice, Uart};
use super::trouble::Trouble;
use crate::root::Root;

/// The most channels that a chip for PWM is believed to have (PCA9685, the largest common one, has 17).
const MOST_CHANNELS: u32 = 256;

pub(super) fn read(root: &Root, namer: &Namer, board: &mut Board) {
    uarts(root, namer, board);
    i2c(root, namer, board);
    spi(root, namer, board);
    pwm(root, namer, board);
    adc(root, namer, board);
}

/// Where a device has no device file, that is said.
fn device_file(root: &Root, path: &Path) -> Vec<Trouble> {
    if root.exists(path) {
        return Vec::new();
    }
    let path = path.display().to_string();
    vec![Trouble::NoDeviceFile { path }]
}

fn uarts(root: &Root, namer: &Namer, board: &mut Board) {
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
        let named = match namer.number(&hardware, "serial") {
            Some(number) => number.to_string(),
            None => slug(&hardware.device),
        };
        board.uart.push(Uart {
            name: taken.free(format!("uart/{named}")),
            aliases: Vec::new(),
            troubles: device_file(root, &path),
            path,
            hardware,
            verified: true,
        });
    }
}

fn i2c(root: &Root, namer: &Namer, board: &mut Board) {
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
        let named = match namer.number(&hardware, "i2c") {
            Some(number) => number.to_string(),
            None => slug(&hardware.device),
        };
        board.i2c.push(I2cBus {
            name: taken.free(format!("i2c/{named}")),
            aliases: Vec::new(),
            path,
            label,
            hardware,
            smbus_only,
            verified: true,
            troubles,
        });
    }
}

fn spi(root: &Root, namer: &Namer, board: &mut Board) {
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
        let named = bus_name(namer, &hardware);
        let path = Path::new("/dev").join(&name);
        board.spi.push(SpiDevice {
            name: taken.free(format!("spi/{named}.{select}")),
            aliases: Vec::new(),
            troubles: device_file(root, &path),
            path,
            chip_select: Some(select),
            hardware,
            verified: true,
        });
    }
    let masters = Path::new("/sys/class/spi_master");
    for name in root.list(masters).unwrap_or_default() {
        if served.contains(&name) {
            continue;
        }
        let hardware = Hardware::behind(root, &masters.join(&name)).unwrap_or_default();
        let named = bus_name(namer, &hardware);
        board.spi.push(SpiDevice {
            name: taken.free(format!("spi/{named}")),
            aliases: Vec::new(),
            path: Path::new("/dev").join(name.replace("spi", "spidev") + ".0"),
            chip_select: None,
            hardware,
            verified: true,
            troubles: vec![Trouble::NoSpidev],
        });
    }
}

fn bus_name(namer: &Namer, hardware: &Hardware) -> String {
    match namer.number(hardware, "spi") {
        Some(number) => number.to_string(),
        None => slug(&hardware.device),
    }
}

fn pwm(root: &Root, namer: &Namer, board: &mut Board) {
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
        let named = match namer.number(&hardware, "pwm") {
            Some(number) => number.to_string(),
            None => slug(&hardware.device),
        };
        let named = taken.free(format!("pwm/{named}"));
        for channel in 0..count.min(MOST_CHANNELS) {
            board.pwm.push(PwmChannel {
                name: format!("{named}/{channel}"),
                aliases: Vec::new(),
                chip: chip.clone(),
                channel,
                hardware: hardware.clone(),
                verified: true,
                troubles: Vec::new(),
            });
        }
    }
}

fn adc(root: &Root, namer: &Namer, board: &mut Board) {
    let bus = Path::new("/sys/bus/iio/devices");
    let mut taken = Taken::default();
    for name in root.list(bus).unwrap_or_default() {
        if !name.starts_with("iio:device") {
            continue;
        }
        let device = bus.join(&name);
        let hardware = Hardware::behind(root, &device).unwrap_or_default();
        let named = match namer.number(&hardware, "adc") {
            Some(number) => number.to_string(),
            None => slug(
                &root
                    .value(device.join("name"))
                    .unwrap_or_else(|| hardware.device.clone()),
            ),
        };
        let named = taken.free(format!("adc/{named}"));
        for file in root.list(&device).unwrap_or_default() {
            let channel = file.strip_suffix("_raw").filter(|channel| {
                channel.starts_with("in_voltage") || channel.starts_with("in_current")
            });
            let Some(channel) = channel else {
                continue;
            };
            let label = root.value(device.join(format!("{channel}_label")));
            let number = channel.strip_prefix("in_voltage").unwrap_or(channel);
            board.adc.push(AdcChannel {
                name: format!("{named}/{number}"),
                aliases: label.into_iter().collect(),
                device: device.clone(),
                channel: channel.to_owned(),
                hardware: hardware.clone(),
                verified: true,
                troubles: Vec::new(),
            });
        }
    }
}
