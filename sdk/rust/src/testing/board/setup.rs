//! What a test puts on the board before the plugin starts.

use super::super::setup::Setup;
use super::I2cDevice;
use super::chip::{Analogue, Channel, Serial};
use super::line::Line;
use crate::Plugin;
use crate::hal::{HalError, Quantity};
use std::cell::RefCell;
use std::rc::Rc;

impl<P: Plugin> Setup<P> {
    /// Gives the sandbox this virtual board, as docs/virtual-board.md describes it, and grants the device all of it.
    /// Natively it is not looked at: the test plays the chips there.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # fn f<P: Plugin>(setup: Setup<P>, played: I2cScript) -> Result<(), Error> {
    /// let kernel = setup
    ///     .board("[i2c.sensors.0x44]\nmodel = \"sht4x\"\ntemperature = 21.5\nhumidity = 40")
    ///     .i2c("sensors", 0x44, played)
    ///     .start("{}")?;
    /// # drop(kernel);
    /// # Ok(()) }
    /// ```
    pub fn board(mut self, toml: &str) -> Self {
        self.settings.board = Some(toml.to_owned());
        self
    }

    /// Puts a line on the board, which nobody drives: as an input it is where its resistor pulls it, or inactive. In
    /// the sandbox it is that of [`Setup::board`], as are all others.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # fn f<P: Plugin>(setup: Setup<P>) -> Result<(), Error> {
    /// let mut kernel = setup.line("button").line("lamp").start("{}")?;
    /// kernel.board().press("button")?;
    /// # Ok(()) }
    /// ```
    pub fn line(self, name: &str) -> Self {
        self.kernel
            .with(|world| world.board.lines.insert(name.to_owned(), Line::default()));
        self
    }

    /// Puts a line on the board that has this level at the start: `true` is the higher voltage. Only natively: the
    /// sandbox's board says it itself, see [`Setup::board`].
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # fn f<P: Plugin>(setup: Setup<P>) -> Result<(), Error> {
    /// // The door is open when the plugin starts.
    /// let kernel = setup.level("door", true).start("{}")?;
    /// # drop(kernel);
    /// # Ok(()) }
    /// ```
    pub fn level(mut self, name: &str, high: bool) -> Self {
        self.settings
            .only_natively("`Setup::level`", "`Setup::board`");
        self.kernel.with(|world| {
            let line = Line::at(high);
            world.board.lines.insert(name.to_owned(), line)
        });
        self
    }

    /// Puts a chip on an I2C bus, which the test plays. In the sandbox the chip is that of [`Setup::board`], and this
    /// one is not asked.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # fn f<P: Plugin>(setup: Setup<P>) -> Result<(), Error> {
    /// // An LM75 at 21.5 °C.
    /// let setup = setup.i2c("sensors", 0x48, |written: &[u8], read: &mut [u8]| match written {
    ///     [0x00] => Ok(read.copy_from_slice(&[0x15, 0x80])),
    ///     _ => Err(I2cFault::DataNack),
    /// });
    /// # drop(setup);
    /// # Ok(()) }
    /// ```
    pub fn i2c(self, bus: &str, address: u16, chip: impl I2cDevice + 'static) -> Self {
        self.kernel.with(|world| {
            let chips = world.board.buses.entry(bus.to_owned()).or_default();
            chips.insert(address, Rc::new(RefCell::new(chip)));
        });
        self
    }

    /// Puts a peripheral on an SPI bus, which the test plays: called with the bytes that go out in a transaction and
    /// those, as many, that come back. In the sandbox it is that of [`Setup::board`].
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # fn f<P: Plugin>(setup: Setup<P>) -> Result<(), Error> {
    /// // An MCP3008 with half of its reference voltage at each input.
    /// let setup = setup.spi("converter", |out: &[u8], back: &mut [u8]| {
    ///     assert_eq!(out[0], 1, "start bit");
    ///     back[1..].copy_from_slice(&512_u16.to_be_bytes());
    ///     Ok(())
    /// });
    /// # drop(setup);
    /// # Ok(()) }
    /// ```
    pub fn spi(
        self,
        name: &str,
        peripheral: impl FnMut(&[u8], &mut [u8]) -> Result<(), HalError> + 'static,
    ) -> Self {
        self.kernel.with(|world| {
            let seam = Rc::new(RefCell::new(peripheral));
            world.board.spi.insert(name.to_owned(), seam);
        });
        self
    }

    /// Gives the board a serial port; the closure is the far end, and says what it answers to what is written.
    /// [`Board::feed`](super::Board::feed) lets bytes come unasked. In the sandbox it is that of [`Setup::board`].
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # fn f<P: Plugin>(setup: Setup<P>) -> Result<(), Error> {
    /// let setup = setup.uart("scale", |written| match written {
    ///     b"W\r\n" => b"  12.5 kg\r\n".to_vec(),
    ///     _ => Vec::new(),
    /// });
    /// # drop(setup);
    /// # Ok(()) }
    /// ```
    pub fn uart(self, name: &str, far_end: impl FnMut(&[u8]) -> Vec<u8> + 'static) -> Self {
        self.kernel.with(|world| {
            let serial = Serial {
                far_end: Some(Rc::new(RefCell::new(far_end))),
                ..Serial::default()
            };
            world.board.uarts.insert(name.to_owned(), serial);
        });
        self
    }

    /// Gives the board a PWM channel. In the sandbox it is that of [`Setup::board`].
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # fn f<P: Plugin>(setup: Setup<P>) -> Result<(), Error> {
    /// let mut kernel = setup.pwm("servo").start("{}")?;
    /// assert!(!kernel.board().pulse("servo").enabled);
    /// # Ok(()) }
    /// ```
    pub fn pwm(self, name: &str) -> Self {
        self.kernel
            .with(|world| world.board.pwm.insert(name.to_owned(), Channel::default()));
        self
    }

    /// Gives the board an analogue input that measures this. In the sandbox it is that of [`Setup::board`].
    ///
    /// ```no_run
    /// # use weihe_sdk::{hal::Quantity, prelude::*, testing::*};
    /// # fn f<P: Plugin>(setup: Setup<P>) -> Result<(), Error> {
    /// let mut kernel = setup.adc("battery", Quantity::Voltage, 12.6).start("{}")?;
    /// kernel.board().measure("battery", 10.8);
    /// # Ok(()) }
    /// ```
    pub fn adc(self, name: &str, quantity: Quantity, value: f64) -> Self {
        self.kernel.with(|world| {
            let input = Analogue { quantity, value };
            world.board.adc.insert(name.to_owned(), input);
        });
        self
    }
}
