//! I2C and SPI through plugins, on the drivers of real kernels.

use serde_json::{Value, json};

use crate::{Guest, PC, shared};

/// What `weihe doctor` calls the I2C bus whose adapter has this name.
pub(super) fn bus(guest: &mut Guest, adapter: &str) -> String {
    let path = format!("/dev/i2c-{}", guest.i2c(adapter));
    let report = guest.weihe("doctor");
    let buses = report["board"]["i2c"].as_array().expect("buses");
    let bus = buses.iter().find(|bus| bus["path"] == path.as_str());
    let bus = bus.unwrap_or_else(|| panic!("no {path}: {report}"));
    bus["name"].as_str().expect("a name").to_owned()
}

/// What `weihe doctor` calls the peripheral on SPI.
pub(super) fn peripheral(guest: &mut Guest) -> String {
    let report = guest.weihe("doctor");
    let name = report["board"]["spi"][0]["name"].as_str();
    name.unwrap_or_else(|| panic!("no SPI: {report}"))
        .to_owned()
}

/// What the console answers.
fn console(guest: &mut Guest, system: &str, order: &str) -> Value {
    let answer = guest.ask(system, &format!("call console {order}"));
    answer.unwrap_or_else(|| panic!("{order}: {}", guest.log(system)))
}

/// A driver of the embedded-hal ecosystem, as it is, over plain I2C.
#[test]
fn an_unmodified_driver_measures_over_i2c() {
    let Some(mut guest) = shared(&PC) else { return };
    let name = bus(&mut guest, "weihe-rig");
    let config = format!(
        "[device.climate]\nplugin = \"sht4x\"\n[device.climate.config]\nbus = \"bus\"\nperiod = \"500 ms\"\n\
         [device.climate.grants.hal]\ni2c.bus = {{ bus = \"{name}\", addresses = [0x44] }}\n"
    );
    guest.start("climate", &config, &[("sht4x", "weihe-plugin-sht4x")]);
    guest.until("a temperature", |guest| {
        let event = guest.ask("climate", "get plugin/climate/temperature")?;
        let celsius = event["value"].as_f64()?;
        (event["quality"] == "good" && (-45.0..=130.0).contains(&celsius)).then_some(())
    });
}

/// A driver's error goes through the plugin to whoever asked: it names the bus and the address.
#[test]
fn an_address_at_which_nobody_answers_is_named() {
    let Some(mut guest) = shared(&PC) else { return };
    let name = bus(&mut guest, "weihe-rig");
    let config = format!(
        "[device.console]\nplugin = \"console\"\n[device.console.grants.hal]\n\
         i2c.bus = {{ bus = \"{name}\", addresses = \"all\" }}\n"
    );
    guest.start("nobody", &config, &[("console", "weihe-plugin-console")]);
    let refused =
        guest.run("weihe -C /systems/nobody call console i2c bus=bus address=0x60 write=10 read=1");
    let said = format!("{}{}", refused.output, refused.errors);
    let wanted = format!("nobody answers at address 0x60 on {name}: check the address");
    assert!(refused.status != 0 && said.contains(&wanted), "{said}");
    let scan = console(&mut guest, "nobody", "scan bus=bus");
    // The sensor, which answers a read only when it has something to say, and the memory.
    assert_eq!(scan, json!({ "addresses": ["0x44", "0x50"] }));
}

/// A memory in the hands of its driver: over plain I2C, and over what the chipset of a PC has, which is SMBus. What is
/// written at once is `pieces`.
fn a_memory_keeps_what_is_written(adapter: &str, pieces: &[&str]) {
    let Some(mut guest) = shared(&PC) else { return };
    let name = bus(&mut guest, adapter);
    let config = format!(
        "[device.memory]\nplugin = \"eeprom\"\nconfig = {{ bus = \"{name}\", part = \"24c02\" }}\n\
         grants.hal.i2c.\"{name}\" = [0x50]\n"
    );
    guest.start("memory", &config, &[("eeprom", "weihe-plugin-eeprom")]);
    let mut call = |order: &str| {
        let ran = guest.run(&format!(
            "weihe -C /systems/memory --json call memory {order}"
        ));
        assert!(ran.status == 0, "{order}: {ran:?}");
        serde_json::from_str::<Value>(&ran.output).expect("JSON")
    };
    let hex = |text: &str| -> String { text.bytes().map(|byte| format!("{byte:02x}")).collect() };
    let mut at = 5;
    for piece in pieces {
        let answer = call(&format!("write at={at} text='{piece}'"));
        assert_eq!(answer, json!({ "written": piece.len() }));
        let dump = call(&format!("dump at={at} count={}", piece.len()));
        assert_eq!(dump["hex"], hex(piece));
        at += piece.len();
    }
    // The same without a plugin, octet by octet.
    let number = guest.i2c(adapter);
    let octets = guest.output(&format!(
        "for at in $(seq 5 {}); do i2cget -y {number} 0x50 $(printf %#x $at) b; done",
        at - 1
    ));
    let octets = octets.replace("0x", "").replace('\n', "");
    assert_eq!(octets, hex(&pieces.concat()));
}

/// Over the borders of two pages.
#[test]
fn a_memory_keeps_what_is_written_over_i2c() {
    a_memory_keeps_what_is_written("weihe-rig", &["sluice gate 7"]);
}

/// An octet at a time: of more than one, the controller that QEMU emulates loses some.
#[test]
fn a_memory_keeps_what_is_written_over_the_chipsets_smbus() {
    a_memory_keeps_what_is_written("SMBus I801", &["g", "a", "t", "e"]);
}

/// Drivers over a bus that knows SMBus only: where their transactions are transfers of SMBus, they work. That of the INA226
/// sets the register and reads it in a second transaction of two octets, and SMBus has no such read.
#[test]
fn drivers_over_smbus_work_or_say_what_is_missing() {
    let Some(mut guest) = shared(&PC) else { return };
    let name = bus(&mut guest, "SMBus stub");
    let number = guest.i2c("SMBus stub");
    // The result of a conversion: 0x4000, half of the range; the word goes out with its lower octet first.
    guest.output(&format!("i2cset -y {number} 0x4a 0x00 0x0040 w"));
    let config = format!(
        r#"
        [device.panel]
        plugin = "ads1115"
        grants.hal.i2c."{name}" = [0x4a]
        [device.panel.config]
        bus = "{name}"
        address = 0x4a
        channels = [{{ name = "battery", input = "a0", scale = 10.0 }}]

        [device.supply]
        plugin = "ina226"
        config = {{ bus = "{name}", address = 0x41, shunt = 0.01, max-current = 8.0 }}
        grants.hal.i2c."{name}" = [0x41]
        "#
    );
    let plugins = [
        ("ads1115", "weihe-plugin-ads1115"),
        ("ina226", "weihe-plugin-ina226"),
    ];
    guest.start("drivers", &config, &plugins);
    guest.until("a voltage", |guest| {
        let event = guest.ask("drivers", "get plugin/panel/battery")?;
        (event["quality"] == "good" && event["value"] == json!(20.48)).then_some(())
    });
    guest.until("what SMBus lacks", |guest| {
        let event = guest.ask("drivers", "get plugin/supply/state")?;
        let why = event["value"].as_str()?;
        why.contains("knows SMBus only, which has no transfer like r2")
            .then_some(())
    });
}

/// A chip that knows SMBus only takes what is a transfer of SMBus, and says what is none.
#[test]
fn smbus_takes_the_shapes_that_it_has() {
    let Some(mut guest) = shared(&PC) else { return };
    let name = bus(&mut guest, "SMBus stub");
    let config = format!(
        "[device.console]\nplugin = \"console\"\n[device.console.grants.hal]\n\
         i2c.stub = {{ bus = \"{name}\", addresses = [0x48, 0x49] }}\n"
    );
    guest.start("stub", &config, &[("console", "weihe-plugin-console")]);
    console(&mut guest, "stub", "i2c bus=stub address=0x48 write=10a5");
    let read = console(
        &mut guest,
        "stub",
        "i2c bus=stub address=0x48 write=10 read=1",
    );
    assert_eq!(read["read"], "a5");
    console(&mut guest, "stub", "i2c bus=stub address=0x48 write=20cdab");
    let read = console(
        &mut guest,
        "stub",
        "i2c bus=stub address=0x48 write=20 read=2",
    );
    assert_eq!(read["read"], "cdab");
    let refused = guest
        .run("weihe -C /systems/stub call console i2c bus=stub address=0x48 write=102030 read=3");
    assert_ne!(refused.status, 0);
    assert!(refused.errors.contains("SMBus"), "{refused:?}");
    let nobody =
        guest.run("weihe -C /systems/stub call console i2c bus=stub address=0x49 write=10 read=1");
    assert_ne!(nobody.status, 0);
    assert!(nobody.errors.contains("0x49"), "{nobody:?}");
}

/// What is sent to a controller that is joined with itself comes back.
#[test]
fn spi_brings_back_what_it_sends_in_a_loop() {
    let Some(mut guest) = shared(&PC) else { return };
    let name = peripheral(&mut guest);
    let config = format!(
        "[device.console]\nplugin = \"console\"\n[device.console.grants.hal]\nspi.loop = \"{name}\"\n"
    );
    guest.start("loop", &config, &[("console", "weihe-plugin-console")]);
    let read = console(&mut guest, "loop", "spi peripheral=loop write=0102a5ff");
    assert_eq!(read["read"], "0102a5ff");
}
