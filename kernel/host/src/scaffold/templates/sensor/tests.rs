//! The sensor without hardware. Natively the test plays the chip; with `--features sandbox` the built component runs in
//! the real kernel, too, where the chip of `board.toml` behaves as its data sheet says.

use super::*;
use weihe_sdk::testing::{Fault, I2cFault, I2cScript};

const BOARD: &str = include_str!("../board.toml");

const CONFIG: &str = r#"{ "bus": "i2c/1", "period": "1 s" }"#;

/// 21.5 °C, in the register 0.
fn played(written: &[u8], read: &mut [u8]) -> Result<(), I2cFault> {
    match written {
        [0x00] => {
            read.copy_from_slice(&[0x15, 0x80]);
            Ok(())
        }
        _ => Err(I2cFault::DataNack),
    }
}

fn start(setup: Setup<Sensor>) -> TestKernel<Sensor> {
    let setup = setup.device("hall").board(BOARD);
    setup.i2c("i2c/1", 0x48, played).start(CONFIG).unwrap()
}

fn pass(kernel: &mut TestKernel<Sensor>, seconds: u64) {
    kernel.advance(Duration::from_secs(seconds)).unwrap();
}

#[weihe_sdk::test(sandbox)]
fn it_measures_at_once_and_then_each_period(setup: Setup<Sensor>) {
    let mut kernel = start(setup);
    pass(&mut kernel, 0);
    assert_eq!(
        kernel.last("plugin/hall/temperature"),
        Some(ValueBuf::Float(21.5))
    );
    kernel.take_published();
    pass(&mut kernel, 3);
    assert_eq!(kernel.take_published().len(), 3);
}

#[weihe_sdk::test(sandbox)]
fn a_chip_that_is_pulled_out_is_said_once_and_so_is_its_return(setup: Setup<Sensor>) {
    let mut kernel = start(setup);
    pass(&mut kernel, 1);
    kernel.take_published();
    kernel.inject(Fault::i2c(I2cFault::AddressNack).on("i2c/1@0x48"));
    pass(&mut kernel, 3);
    let published = kernel.take_published();
    assert_eq!(published.len(), 1, "{published:?}");
    assert_eq!(published[0].quality, Quality::Bad);
    let refused = kernel.call("read", "{}").unwrap_err();
    assert!(refused.to_string().contains("0x48"), "{refused}");
    kernel.mend();
    pass(&mut kernel, 1);
    assert_eq!(
        kernel.last("plugin/hall/temperature"),
        Some(ValueBuf::Float(21.5))
    );
}

#[weihe_sdk::test(sandbox)]
fn whoever_asks_gets_what_is_so_now(setup: Setup<Sensor>) {
    let mut kernel = start(setup);
    let answer = kernel.call("read", "{}").unwrap();
    assert_eq!(answer.as_deref(), Some("21.5"));
}

#[test]
fn it_says_to_the_chip_what_the_data_sheet_says() {
    let script = I2cScript::new().write_read(&[0x00], &[0xe7, 0x00]);
    let setup = FakeKernel::<Sensor>::setup("hall").i2c("i2c/1", 0x48, script);
    let mut kernel = setup.start(CONFIG).unwrap();
    pass(&mut kernel, 0);
    assert_eq!(
        kernel.last("plugin/hall/temperature"),
        Some(ValueBuf::Float(-25.0))
    );
}
