#![allow(clippy::unwrap_used)]

use super::super::fixture::Fixture;
use super::*;

const CONFIG: SpiConfig = SpiConfig {
    mode: 3,
    frequency: 1_000_000,
    lsb_first: false,
};

#[test]
fn what_the_board_says_of_the_chip_select_stays() {
    let before = SpidevOptions {
        bits_per_word: Some(8),
        max_speed_hz: Some(500_000),
        lsb_first: Some(true),
        spi_mode: Some(SpiModeFlags::SPI_CS_HIGH | SpiModeFlags::SPI_LSB_FIRST),
    };
    let asked = options(&before, &CONFIG, 500_000);
    let wanted = SpiModeFlags::SPI_CS_HIGH | SpiModeFlags::SPI_MODE_3;
    assert_eq!(asked.spi_mode, Some(wanted));
    let board = SpiConfig {
        frequency: 0,
        ..CONFIG
    };
    assert_eq!(
        options(&before, &board, 500_000).max_speed_hz,
        Some(500_000)
    );
}

#[test]
fn a_driver_that_sets_something_else_is_found_out_but_may_be_slower() {
    let asked = options(&SpidevOptions::default(), &CONFIG, 0);
    let slower = SpidevOptions {
        max_speed_hz: Some(800_000),
        ..asked
    };
    assert_eq!(check("spi/0.0", &CONFIG, &asked, &slower), Ok(()));
    let faster = SpidevOptions {
        max_speed_hz: Some(2_000_000),
        ..asked
    };
    let text = check("spi/0.0", &CONFIG, &asked, &faster)
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("spi/0.0") && text.contains("2000000 Hz"),
        "{text}"
    );
    let other = SpidevOptions {
        spi_mode: Some(SpiModeFlags::SPI_MODE_0),
        ..asked
    };
    let text = check("spi/0.0", &CONFIG, &asked, &other)
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("mode 3") && text.contains("set mode 0"),
        "{text}"
    );
}

#[test]
fn delays_are_kept_while_the_chip_is_selected() {
    let mut operations = [
        SpiOperation::Delay(1),
        SpiOperation::Write(vec![1, 2]),
        SpiOperation::Delay(10_001),
        SpiOperation::Delay(65_534_000),
        SpiOperation::Read(vec![0; 3]),
        SpiOperation::Write(vec![]),
    ];
    assert_eq!(bytes(&operations), (2, 3));
    let transfers = transfers(&mut operations);
    let delays: Vec<_> = transfers
        .iter()
        .map(|transfer| transfer.delay_usecs)
        .collect();
    // 1 ns is rounded up; 11 µs and 65534 µs do not fit into one transfer.
    assert_eq!(delays, [1, u16::MAX, 10, 0]);
    assert!(transfers.iter().all(|transfer| transfer.cs_change == 0));
}

#[test]
fn more_than_the_buffer_takes_is_not_split_but_refused_by_name() {
    let text = too_long("spi/0.0", 6_000, 4_096).to_string();
    assert!(
        text.contains("6000") && text.contains("spidev.bufsiz"),
        "{text}"
    );
}

#[test]
fn a_bus_without_a_device_says_so() {
    let fixture = Fixture::new();
    fixture.link(
        "/sys/class/spi_master/spi1",
        "/sys/devices/platform/f1.spi/spi_master/spi1",
    );
    let places = fixture.places();
    let name = places.resolve(Kind::Spi, "spi1").unwrap();
    let text = LinuxSpi::open(places, &name, &CONFIG)
        .err()
        .unwrap()
        .to_string();
    assert!(text.contains("bind one to spidev"), "{text}");
}
