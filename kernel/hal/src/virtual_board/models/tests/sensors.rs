//! Sensors: a driver reads what the world is.

use embedded_hal::delay::DelayNs as _;
use embedded_hal::i2c::I2c as _;

use super::adapter::device;

#[test]
fn sht4x_reads_temperature_and_humidity() {
    let text = "[world]\ntemperature = -12.34\nhumidity = 56.7\n[i2c.\"i2c/1\".\"0x44\"]\nmodel = \"sht4x\"";
    let (board, bus, mut delay) = device(text);
    let mut sensor = sht4x::Sht4x::new(bus);
    for (temperature, humidity) in [(-12.34, 56.7), (0.0, 0.0), (85.5, 99.9)] {
        board.set_world("temperature", temperature).unwrap();
        board.set_world("humidity", humidity).unwrap();
        for precision in [sht4x::Precision::High, sht4x::Precision::Low] {
            let measured = sensor.measure(precision, &mut delay).unwrap();
            let read = f64::from(measured.temperature_milli_celsius()) / 1e3;
            assert!((read - temperature).abs() < 0.01, "{read}");
            let read = f64::from(measured.humidity_milli_percent()) / 1e3;
            assert!((read - humidity).abs() < 0.01, "{read}");
        }
    }
    assert_eq!(sensor.serial_number(&mut delay).unwrap(), 0x0123_4567);
    sensor.soft_reset(&mut delay).unwrap();
}

#[test]
fn sht4x_does_not_answer_while_it_measures() {
    let (_board, mut bus, mut delay) = device("[i2c.\"i2c/1\".\"0x44\"]\nmodel = \"sht4x\"");
    bus.write(0x44, &[0xfd]).unwrap();
    let mut answer = [0; 6];
    assert!(bus.read(0x44, &mut answer).is_err());
    delay.delay_us(8_300);
    bus.read(0x44, &mut answer).unwrap();
    // Data sheet, 4.4: the check of 0xbeef is 0x92.
    assert_eq!(crate::virtual_board::models::sht4x::crc([0xbe, 0xef]), 0x92);
    let crc = crate::virtual_board::models::sht4x::crc([answer[0], answer[1]]);
    assert_eq!(crc, answer[2]);
}

#[test]
fn bme280_reads_what_the_world_is_after_its_compensation() {
    let text = "[world]\ntemperature = 23.45\nhumidity = 41.2\npressure = 987.6\n\
                [i2c.\"i2c/1\".\"0x76\"]\nmodel = \"bme280\"";
    let (board, bus, mut delay) = device(text);
    let mut sensor = bme280::i2c::BME280::new_primary(bus);
    sensor.init(&mut delay).unwrap();
    for (temperature, humidity, pressure) in [
        (23.45, 41.2, 987.6),
        (-20.0, 5.0, 400.0),
        (70.0, 95.0, 1_090.0),
    ] {
        board.set_world("temperature", temperature).unwrap();
        board.set_world("humidity", humidity).unwrap();
        board.set_world("pressure", pressure).unwrap();
        // It measures by itself, every now and then.
        delay.delay_ms(1_100);
        let measured = sensor.measure(&mut delay).unwrap();
        assert!((f64::from(measured.temperature) - temperature).abs() < 0.02);
        assert!(
            (f64::from(measured.humidity) - humidity).abs() < 0.1,
            "{measured:?}"
        );
        assert!(
            (f64::from(measured.pressure) - pressure * 100.0).abs() < 3.0,
            "{measured:?}"
        );
    }
}

#[test]
fn ads1115_converts_single_and_differential_inputs() {
    use ads1x1x::{Ads1x1x, FullScaleRange, TargetAddr, channel};
    let text = "[i2c.\"i2c/1\".\"0x48\"]\nmodel = \"ads1115\"\na0 = 1.5\na1 = 0.25\na3 = -0.1";
    let (_board, bus, mut delay) = device(text);
    let mut converter = Ads1x1x::new_ads1115(bus, TargetAddr::default());
    converter
        .set_full_scale_range(FullScaleRange::Within4_096V)
        .unwrap();
    let mut waits = 0;
    let mut volts = |code: &mut dyn FnMut() -> Option<i16>| loop {
        match code() {
            Some(code) => break f64::from(code) * 4.096 / 32_768.0,
            None => {
                waits += 1;
                delay.delay_ms(1);
            }
        }
    };
    let single = volts(&mut || converter.read(channel::SingleA0).ok());
    assert!((single - 1.5).abs() < 0.001, "{single}");
    let difference = volts(&mut || converter.read(channel::DifferentialA0A1).ok());
    assert!((difference - 1.25).abs() < 0.001, "{difference}");
    let negative = volts(&mut || converter.read(channel::SingleA3).ok());
    assert!((negative + 0.1).abs() < 0.001, "{negative}");
    assert!(waits > 0, "a conversion takes its time");
    let Ok(mut converter) = converter.into_continuous() else {
        panic!("it goes on");
    };
    converter.select_channel(channel::SingleA1).unwrap();
    delay.delay_ms(10);
    let code = converter.read().unwrap();
    assert!((f64::from(code) * 4.096 / 32_768.0 - 0.25).abs() < 0.001);
}

#[test]
fn ina226_measures_voltage_current_and_power() {
    let text = "[i2c.\"i2c/1\".\"0x40\"]\nmodel = \"ina226\"\nvoltage = 11.98\ncurrent = 10.0\nshunt = 0.002";
    let (_board, bus, mut delay) = device(text);
    let mut sensor = ina226::INA226::new(bus, 0x40);
    assert_eq!(sensor.manufacturer_id().unwrap(), 0x5449);
    // Data sheet, "Programming the INA226": 2 milliohms, a milliampere a bit.
    sensor.set_callibration_raw(0x0a00).unwrap();
    delay.delay_ms(10);
    assert_eq!(sensor.shunt_voltage_raw().unwrap(), 0x1f40);
    assert_eq!(sensor.bus_voltage_raw().unwrap(), 0x2570);
    assert_eq!(sensor.current_raw().unwrap(), 0x2710);
    assert_eq!(sensor.power_raw().unwrap(), 0x12b8);
    sensor.callibrate(0.002, 15.0).unwrap();
    delay.delay_ms(10);
    let amperes = sensor.current_amps().unwrap().unwrap();
    assert!((amperes - 10.0).abs() < 0.01, "{amperes}");
}

#[test]
fn lm75_keeps_what_it_measured_when_it_is_shut_down() {
    let text = "[world]\ntemperature = 25.125\n[i2c.\"i2c/1\".\"0x48\"]\nmodel = \"lm75\"";
    let (board, mut bus, _delay) = device(text);
    let mut read = || {
        let mut word = [0; 2];
        bus.write_read(0x48, &[0], &mut word).unwrap();
        f64::from(i16::from_be_bytes(word)) / 256.0
    };
    assert_eq!(read(), 25.125);
    board.set_world("temperature", -10.0).unwrap();
    assert_eq!(read(), -10.0);
    let (_, mut other, _) = device(text);
    // Its thermostat begins at 75 and 80 degrees.
    let mut word = [0; 2];
    other.write_read(0x48, &[2], &mut word).unwrap();
    assert_eq!(word, [75, 0]);
    other.write_read(0x48, &[3], &mut word).unwrap();
    assert_eq!(word, [80, 0]);
}
