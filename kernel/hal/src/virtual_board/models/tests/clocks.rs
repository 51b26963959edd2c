//! Memory and time.

use ds323x::{DateTimeAccess as _, NaiveDate};
use eeprom24x::{Eeprom24x, SlaveAddr};
use embedded_hal::delay::DelayNs as _;
use embedded_hal::i2c::I2c as _;

use super::adapter::device;

#[test]
fn an_eeprom_is_written_page_by_page_and_is_busy_meanwhile() {
    let (board, bus, mut delay) = device("[i2c.\"i2c/1\".\"0x50\"]\nmodel = \"24c256\"");
    let mut memory = Eeprom24x::new_24x256(bus, SlaveAddr::default());
    memory.write_page(0x1230, &[1, 2, 3]).unwrap();
    assert!(memory.read_byte(0x1230).is_err(), "it writes");
    delay.delay_ms(5);
    let mut read = [0; 4];
    memory.read_data(0x1230, &mut read).unwrap();
    assert_eq!(read, [1, 2, 3, 0xff]);
    assert_eq!(memory.read_current_address().unwrap(), 0xff);
    assert_eq!(board.memory("i2c/1", 0x50).unwrap()[0x1231], 2);
}

#[test]
fn what_goes_beyond_a_page_begins_at_its_start() {
    let (board, mut bus, _) =
        device("[i2c.\"i2c/1\".\"0x50\"]\nmodel = \"24c02\"\nbytes = [7, \"0x08\"]");
    // Pages of eight bytes: four of six fit.
    bus.write(0x50, &[0x0c, 1, 2, 3, 4, 5, 6]).unwrap();
    let memory = board.memory("i2c/1", 0x50).unwrap();
    assert_eq!(memory[0x08..0x10], [5, 6, 0xff, 0xff, 1, 2, 3, 4]);
    assert_eq!(memory[..3], [7, 8, 0xff]);
}

#[test]
fn small_memories_have_several_addresses() {
    let (board, bus, mut delay) = device("[i2c.\"i2c/1\".\"0x50\"]\nmodel = \"24c04\"");
    let mut memory = Eeprom24x::new_24x04(bus, SlaveAddr::default());
    memory.write_byte(0x1ff, 0x42).unwrap();
    delay.delay_ms(5);
    assert_eq!(memory.read_byte(0x1ff).unwrap(), 0x42);
    assert_eq!(board.memory("i2c/1", 0x50).unwrap()[0x1ff], 0x42);
}

#[test]
fn a_clock_runs_from_what_it_was_set_to() {
    let text = "[world]\ntemperature = -5.25\n[i2c.\"i2c/1\".\"0x68\"]\nmodel = \"ds3231\"";
    let (_board, bus, mut delay) = device(text);
    let mut clock = ds323x::Ds323x::new_ds3231(bus);
    assert!(clock.has_been_stopped().unwrap(), "it was never set");
    clock.clear_has_been_stopped_flag().unwrap();
    assert!(!clock.has_been_stopped().unwrap());
    let day = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).unwrap();
    // 2023-11-14, 22:13:20: the kernel's own time.
    assert_eq!(
        clock.datetime().unwrap(),
        day(2023, 11, 14).and_hms_opt(22, 13, 20).unwrap()
    );
    let eve = day(2027, 12, 31).and_hms_opt(23, 59, 58).unwrap();
    clock.set_datetime(&eve).unwrap();
    delay.delay_ms(2_000);
    assert_eq!(
        clock.datetime().unwrap(),
        day(2028, 1, 1).and_hms_opt(0, 0, 0).unwrap()
    );
    assert!((clock.temperature().unwrap() + 5.25).abs() < 0.01);
}

#[test]
fn an_alarm_is_due_at_its_second() {
    use ds323x::{Alarm1Matching, DayAlarm1, Hours};
    let (_board, bus, mut delay) = device("[i2c.\"i2c/1\".\"0x68\"]\nmodel = \"ds3231\"");
    let mut clock = ds323x::Ds323x::new_ds3231(bus);
    let alarm = DayAlarm1 {
        day: 1,
        hour: Hours::H24(0),
        minute: 0,
        second: 30,
    };
    clock
        .set_alarm1_day(alarm, Alarm1Matching::SecondsMatch)
        .unwrap();
    delay.delay_ms(9_000);
    assert!(!clock.has_alarm1_matched().unwrap());
    delay.delay_ms(1_000);
    assert!(clock.has_alarm1_matched().unwrap());
    clock.clear_alarm1_matched_flag().unwrap();
    assert!(!clock.has_alarm1_matched().unwrap());
}
