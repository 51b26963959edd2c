//! The same natively and, with `--features sandbox`, as a component on a virtual board.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use weihe_sdk::testing::{Fault as Broken, I2cFault};

const BOARD: &str = "[i2c.bus.0x44]\nmodel = \"sht4x\"\ntemperature = 25.0\nhumidity = 56.5";

/// 25 °C and 56.5 %, with their checksums.
const MEASURED: [u8; 6] = [0x66, 0x66, 0x93, 0x80, 0x00, 0xa2];

/// The chip as the native tests have it: a reset, and measurements of each precision.
fn played(written: &[u8], read: &mut [u8]) -> Result<(), I2cFault> {
    match (written, read.len()) {
        ([0x94 | 0xfd | 0xf6 | 0xe0], 0) => Ok(()),
        ([], 6) => {
            read.copy_from_slice(&MEASURED);
            Ok(())
        }
        _ => Err(I2cFault::DataNack),
    }
}

fn start(setup: Setup<Plugin>, config: &str) -> TestKernel<Plugin> {
    let setup = setup.device("air").board(BOARD).i2c("bus", 0x44, played);
    setup.start(config).unwrap()
}

fn pass(kernel: &mut TestKernel<Plugin>, seconds: u64) {
    kernel.advance(Duration::from_secs(seconds)).unwrap();
}

fn state(kernel: &TestKernel<Plugin>) -> String {
    match kernel.last("plugin/air/state") {
        Some(ValueBuf::Text(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[weihe_sdk::test(sandbox)]
fn it_measures_at_once_and_says_so_again_only_when_something_changes(setup: Setup<Plugin>) {
    let mut kernel = start(setup, r#"{ "bus": "bus", "period": "2 s" }"#);
    pass(&mut kernel, 7);
    assert_eq!(state(&kernel), "ready");
    let published = kernel.take_published();
    let of = |topic: &str| -> Vec<ValueBuf> {
        let of = published.iter().filter(|sample| sample.topic == topic);
        of.map(|sample| sample.value.clone()).collect()
    };
    assert_eq!(of("plugin/air/temperature"), [ValueBuf::Float(25.0)]);
    assert_eq!(of("plugin/air/humidity"), [ValueBuf::Float(56.5)]);
}

#[weihe_sdk::test(sandbox)]
fn a_chip_that_is_pulled_is_named_and_found_again(setup: Setup<Plugin>) {
    let mut kernel = start(setup, r#"{ "bus": "bus", "period": "2 s" }"#);
    pass(&mut kernel, 1);
    kernel.inject(Broken::i2c(I2cFault::AddressNack).on("bus@0x44"));
    pass(&mut kernel, 5);
    assert!(state(&kernel).contains("0x44"), "{}", state(&kernel));
    assert_eq!(kernel.last("plugin/air/temperature"), Some(ValueBuf::None));
    kernel.mend();
    pass(&mut kernel, 40);
    assert_eq!(state(&kernel), "ready");
    assert_eq!(
        kernel.last("plugin/air/temperature"),
        Some(ValueBuf::Float(25.0))
    );
}
