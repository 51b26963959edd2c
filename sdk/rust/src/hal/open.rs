//! Opening hardware from a context.

use super::{
    Adc, Delay, HalError, I2c, Input, InputOptions, Output, OutputOptions, Pwm, Spi, SpiOptions,
    Uart, UartSettings,
};
use crate::{Context, Duration};

/// Hardware, by the names that the grants in `weihe.toml` give it or by those of the board. All of it belongs to the
/// device: a new instance opens it again and finds it as it was.
impl Context {
    /// An I2C bus.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// let bus = ctx.i2c("sensors")?;
    /// let sensor = sht4x::Sht4x::<_, weihe_sdk::hal::Delay>::new(bus);
    /// # Ok(())
    /// # }
    /// ```
    pub fn i2c(&mut self, name: &str) -> Result<I2c, HalError> {
        self.kernel().bus(name).map(I2c::new)
    }

    /// A line as an input.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// use weihe_sdk::hal::{Edges, InputOptions};
    ///
    /// let button = ctx.input("button", InputOptions::new().edges(Edges::Both))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn input(&mut self, name: &str, options: InputOptions) -> Result<Input, HalError> {
        self.kernel().input(name, options).map(Input::new)
    }

    /// A line as an output.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// // Inactive at the end, unless the options or the grant say otherwise.
    /// let relay = ctx.output("relay", Default::default())?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn output(&mut self, name: &str, options: OutputOptions) -> Result<Output, HalError> {
        self.kernel().output(name, options).map(Output::new)
    }

    /// A peripheral on an SPI bus.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// use weihe_sdk::hal::SpiOptions;
    ///
    /// let display = ctx.spi("display", SpiOptions::new().hertz(8_000_000))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn spi(&mut self, name: &str, options: SpiOptions) -> Result<Spi, HalError> {
        self.kernel().peripheral(name, options).map(Spi::new)
    }

    /// A serial port. One that the device holds already is set anew, and keeps what it has received.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// use weihe_sdk::hal::{Parity, UartSettings};
    ///
    /// let meter = ctx.uart("meter", UartSettings::new(2400).parity(Parity::Even))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn uart(&mut self, name: &str, settings: UartSettings) -> Result<Uart, HalError> {
        self.kernel().port(name, settings).map(Uart::new)
    }

    /// A PWM channel. With `safe`, that is the width of its pulses when nobody minds it any more; without, it is switched
    /// off then.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// let heater = ctx.pwm("heater", Some(Duration::ZERO))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn pwm(&mut self, name: &str, safe: Option<Duration>) -> Result<Pwm, HalError> {
        let safe = safe.map(Duration::as_nanos);
        self.kernel().pulses(name, safe).map(Pwm::new)
    }

    /// An analogue input.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// let battery = ctx.adc("battery")?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn adc(&mut self, name: &str) -> Result<Adc, HalError> {
        self.kernel().converter(name).map(Adc::new)
    }

    /// Short waits, for drivers that want a `DelayNs`.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// let mut sensor = sht4x::Sht4x::new(ctx.i2c("sensors")?);
    /// let measured = sensor.measure(sht4x::Precision::Low, &mut ctx.delay());
    /// # Ok(())
    /// # }
    /// ```
    pub fn delay(&self) -> Delay {
        Delay(self.kernel().waits())
    }
}
