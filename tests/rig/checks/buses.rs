//! I2C and SPI through plugins, on the drivers of real kernels.

use serde_json::Value;

use crate::{Guest, PC, shared};

/// What `weihe doctor` calls the I2C bus whose adapter has this name.
fn bus(guest: &mut Guest, adapter: &str) -> String {
    let path = format!("/dev/i2c-{}", guest.i2c(adapter));
    let report = guest.weihe("doctor");
    let buses = report["board"]["i2c"].as_array().expect("buses");
    let bus = buses.iter().find(|bus| bus["path"] == path.as_str());
    let bus = bus.unwrap_or_else(|| panic!("no {path}: {report}"));
    bus["name"].as_str().expect("a name").to_owned()
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
    let report = guest.weihe("doctor");
    let name = report["board"]["spi"][0]["name"].as_str();
    let name = name
        .unwrap_or_else(|| panic!("no SPI: {report}"))
        .to_owned();
    let config = format!(
        "[device.console]\nplugin = \"console\"\n[device.console.grants.hal]\nspi.loop = \"{name}\"\n"
    );
    guest.start("loop", &config, &[("console", "weihe-plugin-console")]);
    let read = console(&mut guest, "loop", "spi peripheral=loop write=0102a5ff");
    assert_eq!(read["read"], "0102a5ff");
}
