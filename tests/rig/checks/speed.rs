//! What hardware costs through a plugin, and natively beside it: in instructions, since a nanosecond is one in there.

use std::path::Path;

use crate::{Guest, PC, host, shared};

use super::buses::{bus, peripheral};

/// Rounds, of which the medians are taken: an interrupt of the kernel's clock is in some of them.
const ROUNDS: usize = 5;

/// Something that is done many times, by either.
struct Operation {
    what: &'static str,
    /// Which device does it.
    device: &'static str,
    kind: &'static str,
    name: String,
    /// A line stays the plugin's: the native loop has another one.
    natively: String,
    address: u8,
}

impl Operation {
    /// Nanoseconds of each, through the plugin.
    fn by_plugin(&self, guest: &mut Guest, count: u32) -> u64 {
        let Self {
            device,
            kind,
            name,
            address,
            ..
        } = self;
        let order = format!(
            "call {device} measure kind={kind} name={name} address={address} count={count}"
        );
        let answer = guest.ask("speed", &order);
        let took = answer.and_then(|answer| answer["nanoseconds"].as_u64());
        took.unwrap_or_else(|| panic!("{order}: {}", guest.log("speed"))) / u64::from(count)
    }

    /// The same by the loop of `weihe-bench`, which is in the machine.
    fn natively(&self, guest: &mut Guest, count: u32) -> u64 {
        let kind = self.kind;
        let name = match self.address {
            0 => self.natively.clone(),
            address => format!("{}@{address:#x}", self.natively),
        };
        let said = guest.output(&format!(
            "/tmp/weihe-bench hal-native {kind} {name} {count}"
        ));
        let took = said
            .split(' ')
            .next()
            .and_then(|word| word.parse::<u64>().ok());
        took.unwrap_or_else(|| panic!("{said}")) / u64::from(count)
    }
}

fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values[values.len() / 2]
}

/// The plugin of the benchmark does its work on a real kernel. Where `measure` has built the native program, both are
/// measured in turns, and the table is printed.
#[test]
fn what_a_plugin_costs_on_a_real_kernel_is_counted() {
    let Some(mut guest) = shared(&PC) else { return };
    let i2c = bus(&mut guest, "weihe-rig");
    let spi = peripheral(&mut guest);
    let line = "gpio/weihe-rig/7".to_owned();
    // As plugins have it: a bus a device, on its own lane. (A device with more buses has a thread for each.)
    let device = |name| {
        format!(
            "[device.{name}]\nplugin = \"hardware\"\nlimits = {{ cpu-time = \"60 s\", call-time = \"60 s\" }}\n\
             [device.{name}.grants.hal]\n"
        )
    };
    let config = format!(
        "{}gpio.\"{line}\" = \"output\"\n{}i2c.\"{i2c}\" = [0x50]\n{}spi = [\"{spi}\"]\n",
        device("line"),
        device("chip"),
        device("loop"),
    );
    guest.start("speed", &config, &[("hardware", "weihe-bench-hardware")]);
    let operation = |what, device, kind, name: String, address| Operation {
        what,
        device,
        kind,
        natively: name.replace("weihe-rig/7", "weihe-rig/6"),
        name,
        address,
    };
    let operations = [
        operation("GPIO write", "line", "gpio", line, 0),
        operation(
            "I2C: write 1 byte, read 2",
            "chip",
            "i2c",
            i2c.clone(),
            0x50,
        ),
        operation("SPI: transfer 3 bytes", "loop", "spi", spi, 0),
    ];
    let Some(native) = host::optimised("weihe-bench") else {
        for operation in operations {
            assert!(
                operation.by_plugin(&mut guest, 20) > 0,
                "{}",
                operation.what
            );
        }
        return;
    };
    put(&mut guest, &native);
    println!("| | native | plugin | beyond native |\n|---|---|---|---|");
    for operation in operations {
        let rounds = (0..ROUNDS).map(|_| {
            let native = operation.natively(&mut guest, 1000);
            (native, operation.by_plugin(&mut guest, 1000))
        });
        let (native, plugin): (Vec<u64>, Vec<u64>) = rounds.unzip();
        let (native, plugin) = (median(native), median(plugin));
        let beyond = plugin.saturating_sub(native);
        println!("| {} | {native} | {plugin} | {beyond} |", operation.what);
    }
}

fn put(guest: &mut Guest, native: &Path) {
    let bytes = host::stripped(native).unwrap_or_else(|reason| panic!("{reason}"));
    guest.put("/tmp/weihe-bench", &bytes);
    guest.output("chmod +x /tmp/weihe-bench");
}
