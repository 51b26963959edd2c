//! Buses: who answers, and what speaks of it.

use super::*;
use crate::i2c::{I2cFault, I2cOperation};
use crate::spi::{SpiConfig, SpiOperation};

pub(super) fn read(
    board: &VirtualBoard,
    address: u16,
    count: usize,
) -> Result<Vec<u8>, crate::i2c::I2cError> {
    let bus = board.i2c("i2c/1").unwrap();
    let mut operations = [I2cOperation::Read(vec![0; count])];
    bus.transaction(address, &mut operations)?;
    match operations {
        [I2cOperation::Read(bytes)] => Ok(bytes),
        _ => panic!("an operation became another one"),
    }
}

pub(super) fn write(
    board: &VirtualBoard,
    address: u16,
    bytes: &[u8],
) -> Result<(), crate::i2c::I2cError> {
    let bus = board.i2c("i2c/1").unwrap();
    bus.transaction(address, &mut [I2cOperation::Write(bytes.to_vec())])
}

#[test]
fn nobody_answers_where_nothing_is() {
    let (board, _) = board("[i2c.\"i2c/1\".\"0x44\"]\nmodel = \"sht4x\"");
    let error = read(&board, 0x45, 1).unwrap_err();
    assert_eq!(error.fault, I2cFault::AddressNack);
    assert_eq!(error.message, "nobody answers at address 0x45 on i2c/1");
    let error = board.i2c("i2c/2").err().unwrap().to_string();
    assert_eq!(error, "there is no I2C bus `i2c/2`; did you mean `i2c/1`?");
}

#[test]
fn sixty_four_devices_answer_each_for_itself() {
    let mut text = String::new();
    for address in 0x10..0x50 {
        text.push_str(&format!(
            "[i2c.\"i2c/1\".\"{address:#04x}\"]\nmodel = \"lm75\"\ntemperature = {address}\n"
        ));
    }
    let (board, _) = board(&text);
    for address in 0x10..0x50_u16 {
        let degrees = read(&board, address, 2).unwrap()[0];
        assert_eq!(u16::from(degrees), address);
    }
}

#[test]
fn registers_that_are_described_are_read_and_written() {
    let (board, _) = board(
        r#"
        [world]
        field = -2.5
        [i2c."i2c/1"."0x1e"]
        name = "compass"
        model = "registers"
        registers = { "0x0f" = 0x33, "0x20" = 0x10 }
        read-only = [0x0f]
        [i2c."i2c/1"."0x1e".values.field]
        register = 0x28
        bytes = 2
        order = "little-endian"
        scale = 100
        "#,
    );
    write(&board, 0x1e, &[0x0f, 0x99]).unwrap();
    write(&board, 0x1e, &[0x20, 0x57]).unwrap();
    write(&board, 0x1e, &[0x0f]).unwrap();
    assert_eq!(read(&board, 0x1e, 1).unwrap(), [0x33]);
    write(&board, 0x1e, &[0x20]).unwrap();
    assert_eq!(read(&board, 0x1e, 1).unwrap(), [0x57]);
    write(&board, 0x1e, &[0x28]).unwrap();
    let octets = read(&board, 0x1e, 2).unwrap();
    assert_eq!(i16::from_le_bytes([octets[0], octets[1]]), -250);
    assert_eq!(board.memory("i2c/1", 0x1e).unwrap()[0x20], 0x57);
}

#[test]
fn spi_peripherals_hear_only_the_modes_they_know() {
    let (board, _) = board(
        "[spi.\"spi/0.0\"]\nmodel = \"mcp3008\"\nch2 = 1.65\n[spi.\"spi/0.1\"]\nmodel = \"loopback\"",
    );
    let transfer = |name: &str, mode: u8, bytes: &[u8]| {
        let config = SpiConfig {
            mode,
            frequency: 1_000_000,
            lsb_first: false,
        };
        let device = board.spi(name, &config).unwrap();
        let mut operations = [SpiOperation::Transfer(bytes.to_vec())];
        device.transaction(&mut operations).unwrap();
        match operations {
            [SpiOperation::Transfer(bytes)] => bytes,
            _ => panic!("an operation became another one"),
        }
    };
    // DS21295, figure 6-1: single-ended, channel 2.
    let read = transfer("spi/0.0", 0, &[0x01, 0xa0, 0x00]);
    assert_eq!(u16::from_be_bytes([read[1] & 3, read[2]]), 512);
    assert_eq!(transfer("spi/0.0", 1, &[0x01, 0xa0, 0x00]), [0xff; 3]);
    assert_eq!(transfer("spi/0.1", 3, b"weihe"), b"weihe");
    assert_eq!(board.bus_of(crate::Kind::Spi, "spi/0.1"), "spi/0");
    board
        .fault("spi/0.1", "unplugged".parse().unwrap())
        .unwrap();
    assert_eq!(transfer("spi/0.1", 3, b"weihe"), [0xff; 5]);
}
