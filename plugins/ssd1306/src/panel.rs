//! The display, by its driver.

use std::fmt::Debug;

use embedded_graphics::mono_font::iso_8859_1::{FONT_6X10, FONT_10X20};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::BinaryColor;
use embedded_graphics::prelude::*;
use embedded_graphics::primitives::{PrimitiveStyle, Rectangle};
use embedded_graphics::text::{Baseline, Text};
use embedded_hal::i2c::I2c as _;
use serde::Deserialize;
use ssd1306::mode::BufferedGraphicsMode;
use ssd1306::prelude::*;
use ssd1306::{I2CDisplayInterface, Ssd1306};
use weihe_plugin_kit::Fault;
use weihe_sdk::hal::I2c;

/// Points in a row of the display.
const WIDTH: u32 = 128;

/// Of the status: the display is off (data sheet SSD1306, 8.1.2), as it is after power has come.
const OFF: u8 = 0x40;

/// How large letters are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Font {
    /// 6 by 10 points: 21 in a row, 6 rows on 64 points.
    #[default]
    Small,
    /// 10 by 20 points: 12 in a row, 3 rows on 64 points.
    Large,
}

impl Font {
    fn mono(self) -> &'static MonoFont<'static> {
        match self {
            Font::Small => &FONT_6X10,
            Font::Large => &FONT_10X20,
        }
    }

    /// Points from one row to the next.
    pub fn height(self) -> u32 {
        self.mono().character_size.height
    }
}

/// What a row shows.
#[derive(Debug, Clone, PartialEq)]
pub enum Face {
    /// A text.
    Text(String),
    /// A bar that is filled to this share, behind a text.
    Bar(String, f64),
}

/// Done, or what the driver says.
pub type Painted = Result<(), String>;

/// What the driver says.
fn said(error: impl Debug) -> String {
    format!("{error:?}")
}

/// Displays differ by their size, which drivers have as a type.
pub trait Panel {
    /// Switches it on, with nothing on it.
    fn begin(&mut self) -> Painted;
    /// Paints a row of letters of a size.
    fn paint(&mut self, font: Font, row: u32, face: &Face) -> Painted;
    /// Brings what was painted to the display.
    fn flush(&mut self) -> Painted;
    /// How bright it is, from 0 to 255.
    fn contrast(&mut self, contrast: u8) -> Painted;
}

impl<DI, SIZE> Panel for Ssd1306<DI, SIZE, BufferedGraphicsMode<SIZE>>
where
    DI: WriteOnlyDataCommand,
    SIZE: DisplaySize,
{
    fn begin(&mut self) -> Painted {
        self.init().map_err(said)?;
        // All of its memory, which holds anything after power has come.
        self.clear_buffer();
        Ssd1306::flush(self).map_err(said)
    }

    fn paint(&mut self, font: Font, row: u32, face: &Face) -> Painted {
        let (mono, height) = (font.mono(), font.height());
        let top = Point::new(0, (row * height) as i32);
        let whole = Rectangle::new(top, Size::new(WIDTH, height));
        self.fill_solid(&whole, BinaryColor::Off).map_err(said)?;
        let style = MonoTextStyle::new(mono, BinaryColor::On);
        let text = match face {
            Face::Text(text) | Face::Bar(text, _) => text,
        };
        let end = Text::with_baseline(text, top, style, Baseline::Top)
            .draw(self)
            .map_err(said)?;
        if let Face::Bar(_, share) = face {
            let left = if text.is_empty() { 0 } else { end.x.max(0) + 2 };
            let room = WIDTH.saturating_sub(left.unsigned_abs() + 1);
            let frame = Rectangle::new(
                Point::new(left, top.y + 1),
                Size::new(room, height.saturating_sub(3)),
            );
            let line = PrimitiveStyle::with_stroke(BinaryColor::On, 1);
            frame.into_styled(line).draw(self).map_err(said)?;
            let filled = (f64::from(room) * share.clamp(0.0, 1.0)).round() as u32;
            let bar = Rectangle::new(frame.top_left, Size::new(filled, frame.size.height));
            self.fill_solid(&bar, BinaryColor::On).map_err(said)?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Painted {
        Ssd1306::flush(self).map_err(said)
    }

    fn contrast(&mut self, contrast: u8) -> Painted {
        self.set_brightness(Brightness::custom(2, contrast))
            .map_err(said)
    }
}

/// A driver for a display of 128 by 64 or 32 points.
pub fn panel(bus: I2c, address: u8, height: u32, upside_down: bool) -> Box<dyn Panel> {
    let interface = I2CDisplayInterface::new_custom_address(bus, address);
    let turned = match upside_down {
        true => DisplayRotation::Rotate180,
        false => DisplayRotation::Rotate0,
    };
    match height {
        32 => Box::new(
            Ssd1306::new(interface, DisplaySize128x32, turned).into_buffered_graphics_mode(),
        ),
        _ => Box::new(
            Ssd1306::new(interface, DisplaySize128x64, turned).into_buffered_graphics_mode(),
        ),
    }
}

/// Whether the display is on.
pub fn is_on(bus: &mut I2c, address: u8) -> Result<bool, Fault> {
    let mut status = [0];
    bus.read(address, &mut status)?;
    Ok(status[0] & OFF == 0)
}
