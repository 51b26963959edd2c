//! What the plugins' pages show, tried.

use weihe_tests::{on_a_workbench, workspace};

/// A board with the names that the pages use.
const BOARD: &str = r#"
lines = ["gpio/A[0-7]", "gpio/B[0-7]"]

[pwm."pwm/0"]
[pwm."pwm/1"]
[pwm."pwm/2"]

[adc."adc/0"]
quantity = "temperature"
value = 40.0
min = -40
max = 125
"#;

/// Plugins for lines and channels, and for chips with the chip that their page speaks of.
const PLUGINS: [(&str, &str); 22] = [
    ("button", ""),
    ("buzzer", ""),
    ("hc-sr04", ""),
    ("led", ""),
    ("motor", ""),
    ("pir", ""),
    ("relay", ""),
    ("rgb-led", ""),
    ("rotary-encoder", ""),
    ("servo", ""),
    ("stepper", ""),
    ("thermal-zone", ""),
    ("ads1115", "i2c.\"i2c/1\".0x48"),
    ("bme280", "i2c.\"i2c/1\".0x76"),
    ("ds3231", "i2c.\"i2c/1\".0x68"),
    ("eeprom", "i2c.\"i2c/1\".0x50"),
    ("ina226", "i2c.\"i2c/1\".0x40"),
    ("mcp23017", "i2c.\"i2c/1\".0x20"),
    ("mcp3008", "spi.\"spi/0.0\""),
    ("pca9685", "i2c.\"i2c/1\".0x40"),
    ("sht4x", "i2c.\"i2c/1\".0x44"),
    ("ssd1306", "i2c.\"i2c/1\".0x3c"),
];

/// What the virtual board calls the chip of a plugin.
fn model(plugin: &str) -> &str {
    match plugin {
        "eeprom" => "24c02",
        other => other,
    }
}

/// The first configuration of a page.
pub fn example(page: &str) -> String {
    let file = workspace().join("docs/plugins").join(page);
    let page = std::fs::read_to_string(file).unwrap();
    let (_, rest) = page.split_once("```toml\n").unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

#[test]
fn the_devices_of_the_pages_start_as_they_stand_there() {
    for (plugin, chip) in PLUGINS {
        let shown = example(&format!("{plugin}.md"));
        let chinese = example(&format!("{plugin}.zh-CN.md"));
        let table = |text: &str| text.parse::<toml::Table>().unwrap();
        assert_eq!(table(&chinese), table(&shown), "{plugin}");
        let devices = table(&shown)["device"].as_table().unwrap().clone();
        let system = format!("{shown}\n[plugin]\n{plugin} = \"weihe-plugin-{plugin}\"\n");
        let chip = match chip {
            "" => String::new(),
            place => format!("[{place}]\nmodel = \"{}\"\n", model(plugin)),
        };
        on_a_workbench(&format!("{BOARD}{chip}"), &system, async |bench| {
            bench.ms(1_000).await;
            assert!(!devices.is_empty(), "{plugin}");
            for device in devices.keys() {
                let state = bench.value(&format!("plugin/{device}/state"));
                assert_eq!(state, "ready", "{plugin}: {device}");
            }
        });
    }
}

/// Whatever page comes along has to be tried, too.
#[test]
fn every_page_of_a_plugin_for_hardware_is_tried() {
    let folder = std::fs::read_dir(workspace().join("docs/plugins")).unwrap();
    let pages = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut pages: Vec<_> = pages
        .filter_map(|page| Some(page.strip_suffix(".md")?.to_owned()))
        // The console has no hardware of its own: what its page shows is in `console.rs`.
        .filter(|page| !page.ends_with(".zh-CN") && page != "console")
        .collect();
    let mut tried = PLUGINS.map(|(plugin, _)| plugin);
    tried.sort_unstable();
    pages.sort_unstable();
    assert_eq!(pages, tried);
}
