//! Screens.

use embedded_graphics::pixelcolor::BinaryColor;
use embedded_graphics::prelude::*;
use embedded_graphics::primitives::{PrimitiveStyle, Rectangle};
use ssd1306::mode::DisplayConfig as _;
use ssd1306::prelude::*;
use ssd1306::{I2CDisplayInterface, Ssd1306};

use super::adapter::device;

#[test]
fn what_is_drawn_on_an_ssd1306_is_seen() {
    let (board, bus, _) =
        device("[i2c.\"i2c/1\".\"0x3c\"]\nmodel = \"ssd1306\"\nname = \"display\"");
    let dark = board.screen("i2c/1", 0x3c).unwrap();
    assert!(
        dark.iter()
            .all(|line| line.chars().all(|point| point == ' '))
    );
    let interface = I2CDisplayInterface::new(bus);
    let mut display = Ssd1306::new(interface, DisplaySize128x64, DisplayRotation::Rotate0)
        .into_buffered_graphics_mode();
    display.init().unwrap();
    let style = PrimitiveStyle::with_stroke(BinaryColor::On, 1);
    let frame = Rectangle::new(Point::new(0, 0), Size::new(10, 5));
    frame.into_styled(style).draw(&mut display).unwrap();
    Pixel(Point::new(127, 63), BinaryColor::On)
        .draw(&mut display)
        .unwrap();
    display.flush().unwrap();
    let lines = board.screen("i2c/1", 0x3c).unwrap();
    assert_eq!((lines.len(), lines[0].chars().count()), (32, 128));
    let start = |line: usize| -> String { lines[line].chars().take(11).collect() };
    assert_eq!(start(0), "█▀▀▀▀▀▀▀▀█ ");
    assert_eq!(start(1), "█        █ ");
    assert_eq!(start(2), "▀▀▀▀▀▀▀▀▀▀ ");
    assert_eq!(lines[31].chars().last(), Some('▄'));
    let lit: usize = lines
        .iter()
        .map(|line| line.chars().filter(|point| *point != ' ').count())
        .sum();
    assert_eq!(lit, 10 + 2 + 10 + 1);
    display.set_display_on(false).unwrap();
    let dark = board.screen("i2c/1", 0x3c).unwrap();
    assert!(dark.iter().all(|line| line.trim().is_empty()));
}

#[test]
fn a_screen_of_32_rows_shows_32() {
    let (board, bus, _) = device("[i2c.\"i2c/1\".\"0x3c\"]\nmodel = \"ssd1306\"\nheight = 32");
    let interface = I2CDisplayInterface::new(bus);
    let mut display = Ssd1306::new(interface, DisplaySize128x32, DisplayRotation::Rotate180)
        .into_buffered_graphics_mode();
    display.init().unwrap();
    Pixel(Point::new(0, 0), BinaryColor::On)
        .draw(&mut display)
        .unwrap();
    display.flush().unwrap();
    let lines = board.screen("i2c/1", 0x3c).unwrap();
    assert_eq!(lines.len(), 16);
    assert_eq!(lines[15].chars().last(), Some('▄'), "turned by half");
}
