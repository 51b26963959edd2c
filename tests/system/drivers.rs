//! Drivers of the embedded-hal ecosystem, unmodified, as a plugin on the virtual board.

use std::sync::Arc;

use weihe_hal::HalCapability;
use weihe_hal::virtual_board::VirtualBoard;
use weihe_kernel::SystemClock;
use weihe_kernel::event::{Quality, Value};
use weihe_tests::Rig;

const SYSTEM: &str = r#"
[plugin]
drivers = "weihe-guest-drivers"

[device.drivers]
plugin = "drivers"

[device.drivers.grants.hal]
i2c = { bus = "all" }
"#;

include!("../guests/drivers/src/chips.rs");

macro_rules! table {
    ($($chip:ident $crate_name:literal $address:literal,)*) => {
        /// Each chip with the crate of its driver, and the address at which that looks for it.
        const CHIPS: &[(&str, &str, u8)] = &[$((stringify!($chip), $crate_name, $address)),*];
    };
}

chips!(table);

/// What is at the other end, and what its driver says then. Chips with commands of two bytes are registers to a board
/// that has no model of them: the second byte of a command goes where the first points, and the answer is behind it.
fn other_end(chip: &str) -> (String, f64) {
    let model = |keys: &str, says: f64| (keys.to_owned(), says);
    match chip {
        "sht4x" => model(
            "model = \"sht4x\"\ntemperature = 21.5\nhumidity = 40.0",
            21.5,
        ),
        "bme280" => model("model = \"bme280\"\ntemperature = 18.25", 18.25),
        // A volt of the 2.048 to which it is set at first.
        "ads1115" => model("model = \"ads1115\"\na0 = 1.0", 16_000.0),
        "ina226" => model("model = \"ina226\"\nvoltage = 12.0", 12_000.0),
        "mcp23017" => model("model = \"mcp23017\"", 1.0),
        "pca9685" => model("model = \"pca9685\"", 3.0),
        "eeprom" => model("model = \"24c256\"", f64::from(0xab)),
        // Whatever the day: it is looked at below.
        "ds3231" => model("model = \"ds3231\"", f64::NAN),
        "ssd1306" => model("model = \"ssd1306\"", 128.0),
        "lm75" => model("model = \"lm75\"\ntemperature = 30.5", 30.5),
        // 0x6666 is 40 % of 175 K above -45 °C.
        "shtc3" => (answers(&[(0x78, &[0x6666, 0x8000])]), 25.0),
        // Ready, and then 700 ppm.
        "scd40" => (
            answers(&[(0xe4, &[0x0001]), (0xec, &[700, 0x6666, 0x8000])]),
            700.0,
        ),
        // Without an exponent it counts hundredths of a lux.
        "opt3001" => model(
            "model = \"registers\"\nvalues.light = { register = 0, bytes = 2, value = 32.5, scale = 100 }",
            32.5,
        ),
        other => panic!("what is at the other end of {other}?"),
    }
}

/// Registers behind the first byte of a command, with words and their checksums as Sensirion's chips have them.
fn answers(commands: &[(u8, &[u16])]) -> String {
    let mut registers = Vec::new();
    for (command, words) in commands {
        let octets = words.iter().flat_map(|word| {
            let [high, low] = word.to_be_bytes();
            [high, low, checksum(&[high, low])]
        });
        registers.extend((command + 1..).zip(octets));
    }
    let registers: Vec<String> = registers
        .into_iter()
        .map(|(register, octet)| format!("\"{register:#04x}\" = {octet}"))
        .collect();
    format!(
        "model = \"registers\"\nregisters = {{ {} }}",
        registers.join(", ")
    )
}

/// CRC-8 with the polynomial 0x31, from 0xff (data sheet SHTC3, 5.10).
fn checksum(octets: &[u8]) -> u8 {
    octets.iter().fold(0xff, |crc, octet| {
        (0..8).fold(crc ^ octet, |crc, _| match crc & 0x80 {
            0 => crc << 1,
            _ => crc << 1 ^ 0x31,
        })
    })
}

fn rig(board: &str) -> Rig {
    let board = VirtualBoard::parse(board, Arc::new(SystemClock::new()));
    let board = board.unwrap_or_else(|error| panic!("{error:?}"));
    Rig::with_capability(Arc::new(HalCapability::new(Arc::new(board))))
}

#[test]
fn the_thirteen_drivers_are_the_crates_as_they_were_published() {
    let lock = std::fs::read_to_string(weihe_tests::workspace().join("Cargo.lock")).unwrap();
    let lock: toml::Table = lock.parse().unwrap();
    let packages = lock["package"].as_array().unwrap();
    assert_eq!(CHIPS.len(), 13);
    for (chip, published, _) in CHIPS {
        let (name, version) = published.split_once(' ').unwrap();
        let package = packages
            .iter()
            .find(|package| package["name"].as_str() == Some(name));
        let package = package.unwrap_or_else(|| panic!("{chip}: there is no {name}"));
        assert!(
            package["version"]
                .as_str()
                .unwrap()
                .starts_with(&format!("{version}.")),
            "{package}"
        );
        let source = package["source"].as_str().unwrap();
        assert!(source.starts_with("registry+"), "{source}");
    }
}

#[tokio::test]
async fn thirteen_unmodified_drivers_speak_to_their_chips() {
    let board: String = CHIPS
        .iter()
        .map(|(chip, _, address)| format!("[i2c.bus.{address:#04x}]\n{}\n", other_end(chip).0))
        .collect();
    let rig = rig(&board);
    rig.add(SYSTEM).await;
    let mut measured = rig.watch("plugin/drivers/+");
    rig.publish("plugin/drivers/in", [Value::None]);
    for (chip, ..) in CHIPS {
        let topic = format!("plugin/drivers/{chip}");
        let said = measured.until(chip, |event| event.topic == topic).await;
        assert_eq!(said.quality, Quality::Good, "{said:?}");
        let says = said.value.as_f64().unwrap();
        match other_end(chip).1 {
            expected if expected.is_nan() => assert!((2024.0..2100.0).contains(&says), "{says}"),
            expected => assert!((says - expected).abs() < 0.05, "{chip} says {says}"),
        }
    }
    rig.shutdown().await;
}

#[tokio::test]
async fn drivers_say_in_the_words_of_the_kernel_which_chip_is_missing() {
    let rig = rig("[i2c.bus]");
    rig.add(SYSTEM).await;
    let mut measured = rig.watch("plugin/drivers/+");
    rig.publish("plugin/drivers/in", [Value::None]);
    for (chip, _, address) in CHIPS {
        let topic = format!("plugin/drivers/{chip}");
        let said = measured.until(chip, |event| event.topic == topic).await;
        assert_eq!(said.quality, Quality::Bad, "{said:?}");
        let text = said.value.as_str().unwrap();
        // That of the display has an error of its own without any other in it.
        if *chip != "ssd1306" {
            assert!(text.contains(&format!("{address:#04x}")), "{chip}: {text}");
        }
    }
    rig.shutdown().await;
}

#[tokio::test]
async fn a_plugin_imports_only_the_hardware_that_it_uses() {
    let rig = rig("[i2c.bus]");
    rig.add(SYSTEM).await;
    let plugins = rig.kernel().status().plugins;
    let mut imports: Vec<_> = plugins[0]
        .imports
        .iter()
        .filter(|import| import.contains(":hal/") || import.contains(":i2c/"))
        .map(String::as_str)
        .collect();
    imports.sort_unstable();
    let needed = [
        "wasi:i2c/i2c@0.2.0-draft",
        "weihe:hal/delay@0.1.0",
        "weihe:hal/i2c-buses@0.1.0",
    ];
    // A type comes along with the interface that uses it.
    imports.retain(|import| *import != "weihe:hal/types@0.1.0");
    assert_eq!(imports, needed);
    rig.shutdown().await;
}
