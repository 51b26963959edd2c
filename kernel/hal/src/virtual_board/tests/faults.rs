//! Faults: each is an error that says what is wrong, and is over when it is mended.

use super::bus::{read, write};
use super::*;
use crate::error::HalError;
use crate::i2c::I2cFault;

const BOARD: &str = r#"
lines = ["usb/0", "usb/1", "gpio/0"]
[i2c."i2c/1"."0x44"]
name = "soil"
model = "sht4x"
[i2c."i2c/1"."0x50"]
model = "24c02"
"#;

fn put(board: &VirtualBoard, name: &str, fault: &str) {
    board.fault(name, fault.parse().unwrap()).unwrap();
}

#[test]
fn a_device_that_does_not_acknowledge_says_so_once_or_until_it_is_mended() {
    let (board, _) = board(BOARD);
    board
        .fault_times("soil", "nack".parse().unwrap(), 2)
        .unwrap();
    for _ in 0..2 {
        assert_eq!(
            write(&board, 0x44, &[0xfd]).unwrap_err().fault,
            I2cFault::AddressNack
        );
    }
    write(&board, 0x44, &[0x89]).unwrap();
    put(&board, "i2c/1@0x44", "timeout");
    let error = write(&board, 0x44, &[0x89]).unwrap_err();
    assert_eq!(error.fault, I2cFault::Other);
    assert!(error.message.contains("0x44") && error.message.contains("in time"));
    write(&board, 0x50, &[0x00]).unwrap();
    board.mend("soil").unwrap();
    write(&board, 0x44, &[0x89]).unwrap();
}

#[test]
fn every_byte_can_be_the_one_that_is_not_acknowledged() {
    for byte in 1..=4_u32 {
        let (board, clock) = board(BOARD);
        put(&board, "i2c/1@0x50", &format!("nack-at={byte}"));
        let error = write(&board, 0x50, &[0x10, 1, 2, 3]).unwrap_err();
        assert_eq!(error.fault, I2cFault::DataNack);
        assert!(
            error.message.contains(&format!("byte {byte}")),
            "{}",
            error.message
        );
        board.mend_all();
        // What came before it has been taken, as far as the device could.
        clock.advance(10 * MILLISECOND);
        let memory = board.memory("i2c/1", 0x50).unwrap();
        let taken = memory[0x10..0x13]
            .iter()
            .filter(|byte| **byte != 0xff)
            .count();
        assert_eq!(taken, (byte as usize).saturating_sub(2));
    }
}

#[test]
fn a_stuck_bus_is_freed_by_enough_clocks_or_by_hand() {
    let (board, _) = board(BOARD);
    put(&board, "i2c/1", "stuck=18");
    let results: Vec<bool> = (0..3)
        .map(|_| write(&board, 0x44, &[0x89]).is_ok())
        .collect();
    assert_eq!(results, [false, false, true], "nine clocks each");
    put(&board, "i2c/1", "stuck");
    for _ in 0..9 {
        let error = write(&board, 0x44, &[0x89]).unwrap_err();
        assert_eq!(error.fault, I2cFault::Bus);
        assert!(
            error.message.contains("i2c/1 is stuck"),
            "{}",
            error.message
        );
    }
    board.mend("i2c/1").unwrap();
    write(&board, 0x44, &[0x89]).unwrap();
    board
        .fault_times("i2c/1", "arbitration".parse().unwrap(), 1)
        .unwrap();
    assert_eq!(
        write(&board, 0x44, &[0x89]).unwrap_err().fault,
        I2cFault::ArbitrationLoss
    );
    write(&board, 0x44, &[0x89]).unwrap();
}

#[test]
fn a_device_that_is_plugged_in_again_has_forgotten_what_was_not_kept() {
    let (board, clock) = board(BOARD);
    write(&board, 0x50, &[0x00, 0x55]).unwrap();
    write(&board, 0x44, &[0x89]).unwrap();
    clock.advance(10 * MILLISECOND);
    put(&board, "soil", "unplugged");
    put(&board, "i2c/1@0x50", "unplugged");
    assert!(read(&board, 0x44, 6).is_err());
    board.mend_all();
    assert!(read(&board, 0x44, 6).is_err(), "nothing was asked of it");
    write(&board, 0x50, &[0x00]).unwrap();
    assert_eq!(read(&board, 0x50, 1).unwrap(), [0x55]);
}

#[test]
fn a_chip_that_vanishes_takes_its_lines_along() {
    let (board, _) = board(BOARD);
    let usb = open(&board, "usb/0", &output(Some(true)));
    let own = open(&board, "gpio/0", &output(Some(true)));
    put(&board, "usb", "vanished");
    let gone = |result: Result<(), HalError>| match result {
        Err(HalError::Gone(text)) => {
            assert!(text.contains("usb/0") && text.contains("`usb`"), "{text}")
        }
        other => panic!("{other:?}"),
    };
    gone(usb.write(false));
    gone(usb.read().map(drop));
    gone(usb.configure(&output(None)));
    assert!(
        board
            .line("usb/1", &output(None), Arc::new(|_| {}))
            .is_err()
    );
    own.write(false).unwrap();
    let faults = board.look().faults;
    assert_eq!((&*faults[0].on, &*faults[0].fault), ("usb", "vanished"));
    board.mend("usb").unwrap();
    usb.write(false).unwrap();
}

#[test]
fn a_stuck_line_is_what_it_is_whoever_drives_it() {
    let (board, _) = board(BOARD);
    let line = open(&board, "gpio/0", &output(Some(false)));
    put(&board, "gpio/0", "stuck-high");
    line.write(false).unwrap();
    assert!(line.read().unwrap());
    assert_eq!(board.level("gpio/0"), Some(true));
    board.mend("gpio/0").unwrap();
    assert!(!line.read().unwrap());
}

#[test]
fn bouncing_edges_come_in_a_row() {
    let (board, clock) = board(BOARD);
    let (_line, heard) = listen(&board, "gpio/0", Bias::PullDown);
    put(&board, "gpio/0", "bouncing=3");
    board.drive("gpio/0", true);
    clock.advance(10 * MILLISECOND);
    board.catch_up();
    let values: Vec<bool> = heard.values().into_iter().map(|(_, value)| value).collect();
    assert_eq!(values, [true, false, true, false, true, false, true]);
}

#[test]
fn faults_of_a_script_come_and_go_by_themselves() {
    let (board, clock) = board(&format!(
        "{BOARD}\n[[fault]]\non = \"soil\"\nkind = \"nack\"\nat = \"5s\"\nfor = \"2s\""
    ));
    let works = || write(&board, 0x44, &[0x89]).is_ok();
    let second = 1_000 * MILLISECOND;
    assert!(works());
    clock.advance(5 * second);
    assert!(!works());
    assert_eq!(board.look().faults.len(), 1);
    clock.advance(2 * second);
    assert!(works());
    assert_eq!(board.look().faults, []);
}

#[test]
fn a_fault_that_a_part_cannot_have_is_refused_with_those_it_can() {
    let (board, _) = board(BOARD);
    let refusal = |name: &str, fault: &str| {
        let error = board.fault(name, fault.parse().unwrap()).unwrap_err();
        error.to_string()
    };
    let text = refusal("gpio/0", "nack");
    assert!(
        text.contains("gpio/0 is a line") && text.contains("stuck-high"),
        "{text}"
    );
    let text = refusal("soul", "nack");
    assert!(text.contains("did you mean `soil`?"), "{text}");
    let nack = "broken".parse().unwrap();
    assert!(board.fault_times("gpio/0", nack, 3).is_err());
}
