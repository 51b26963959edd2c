#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use weihe_sdk::testing::{Fault, I2cFault, I2cScript};

/// 25 °C and 56.5 %, with their checksums.
const MEASURED: [u8; 6] = [0x66, 0x66, 0x93, 0x80, 0x00, 0xa2];

/// The command to measure with high precision, and its answer when that was asked for.
fn sht40(
    mut answer: impl FnMut() -> [u8; 6] + 'static,
) -> impl FnMut(&[u8], &mut [u8]) -> Result<(), I2cFault> {
    move |written, read| match (written, read.len()) {
        ([0xfd], 0) => Ok(()),
        ([], 6) => {
            read.copy_from_slice(&answer());
            Ok(())
        }
        _ => Err(I2cFault::DataNack),
    }
}

fn setup() -> Setup<Climate> {
    FakeKernel::setup("hall")
}

fn near(kernel: &TestKernel<Climate>, topic: &str, wanted: f64) {
    let said = kernel.last(topic).unwrap();
    let value = said.as_value().as_f64().unwrap();
    assert!((value - wanted).abs() < 0.01, "{topic}: {value}");
}

#[test]
fn it_says_to_the_chip_what_the_data_sheet_says() {
    let script = I2cScript::new().write(&[0xfd]).read(&MEASURED);
    let setup = setup().i2c("sensors", 0x44, script);
    let mut kernel = setup.start("{}").unwrap();
    kernel.advance(Duration::from_secs(1)).unwrap();
    near(&kernel, "plugin/hall/temperature", 25.0);
    near(&kernel, "plugin/hall/humidity", 56.5);
}

#[test]
fn it_measures_at_once_and_then_each_period() {
    let setup = setup().i2c("sensors", 0x44, sht40(|| MEASURED));
    let mut kernel = setup.start(r#"{ "period": "2 s" }"#).unwrap();
    kernel.advance(Duration::from_secs(5)).unwrap();
    let published = kernel.published();
    let temperatures = published
        .iter()
        .filter(|sample| sample.topic == "plugin/hall/temperature");
    assert_eq!(temperatures.count(), 3);
}

#[test]
fn an_unplugged_sensor_is_said_once_and_so_is_its_return() {
    let setup = setup().i2c("sensors", 0x44, sht40(|| MEASURED));
    let mut kernel = setup.start(r#"{ "period": "2 s" }"#).unwrap();
    kernel.advance(Duration::from_secs(1)).unwrap();
    kernel.take_published();
    kernel.logs();

    kernel.inject(Fault::i2c(I2cFault::AddressNack).on("sensors@0x44"));
    kernel.advance(Duration::from_secs(6)).unwrap();
    let published = kernel.take_published();
    let bad: Vec<_> = published
        .iter()
        .map(|sample| (sample.topic.as_str(), sample.quality))
        .collect();
    assert_eq!(
        bad,
        [
            ("plugin/hall/temperature", Quality::Bad),
            ("plugin/hall/humidity", Quality::Bad)
        ]
    );
    let logs = kernel.logs();
    assert_eq!(logs.len(), 1);
    assert!(
        logs[0]
            .message
            .contains("0x44 on sensors does not acknowledge"),
        "{logs:?}"
    );

    kernel.mend();
    kernel.advance(Duration::from_secs(2)).unwrap();
    near(&kernel, "plugin/hall/temperature", 25.0);
    assert!(kernel.logs()[0].message.contains("back"));
}

#[test]
fn a_spoilt_answer_is_no_measurement() {
    let mut spoilt = MEASURED;
    spoilt[1] ^= 1;
    let setup = setup().i2c("sensors", 0x44, sht40(move || spoilt));
    let mut kernel = setup.start("{}").unwrap();
    kernel.advance(Duration::from_secs(1)).unwrap();
    assert_eq!(kernel.published()[0].quality, Quality::Bad);
}

#[test]
fn without_the_bus_it_does_not_start() {
    let error = setup().start("{}").err().unwrap();
    assert!(error.text().contains("`sensors`"), "{error}");
}

/// What `sht40` measures, on a board whose chip behaves by itself.
const BOARD: &str = "[i2c.sensors.0x44]\nmodel = \"sht4x\"\ntemperature = 25.0\nhumidity = 56.5";

#[weihe_sdk::test(sandbox)]
fn it_is_the_same_on_a_board(setup: Setup<Climate>) {
    let setup = setup.device("hall").board(BOARD);
    let setup = setup.i2c("sensors", 0x44, sht40(|| MEASURED));
    let mut kernel = setup.start(r#"{ "period": "2 s" }"#).unwrap();
    kernel.advance(Duration::from_secs(1)).unwrap();
    near(&kernel, "plugin/hall/temperature", 25.0);
    near(&kernel, "plugin/hall/humidity", 56.5);

    kernel.inject(Fault::i2c(I2cFault::AddressNack).on("sensors@0x44"));
    kernel.advance(Duration::from_secs(2)).unwrap();
    assert_eq!(kernel.published().last().unwrap().quality, Quality::Bad);
    kernel.mend();
    kernel.advance(Duration::from_secs(2)).unwrap();
    near(&kernel, "plugin/hall/temperature", 25.0);
}
