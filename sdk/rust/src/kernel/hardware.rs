//! Hardware for a component: its imports.

use super::Kernel;
use crate::bindings::hal::wasi::i2c::i2c;
use crate::bindings::hal::weihe::hal::{adc, delay, gpio, i2c_buses, pwm, spi, uart};
use crate::hal::{
    HalError, I2cError, InputOptions, OutputOptions, Quantity, SpiOptions, UartSettings,
};

impl Kernel {
    pub fn bus(&self, name: &str) -> Result<Bus, HalError> {
        Ok(Bus {
            bus: i2c_buses::open(name)?,
            name: name.into(),
        })
    }

    pub fn input(&self, name: &str, options: InputOptions) -> Result<Line, HalError> {
        Ok(Line(gpio::Line::open_input(name, options.into())?))
    }

    pub fn output(&self, name: &str, options: OutputOptions) -> Result<Line, HalError> {
        Ok(Line(gpio::Line::open_output(name, options.into())?))
    }

    pub fn peripheral(&self, name: &str, options: SpiOptions) -> Result<Peripheral, HalError> {
        Ok(Peripheral(spi::Device::open(name, options.into())?))
    }

    pub fn port(&self, name: &str, settings: UartSettings) -> Result<Port, HalError> {
        Ok(Port(uart::Port::open(name, settings.into())?))
    }

    pub fn pulses(&self, name: &str, safe: Option<u64>) -> Result<Pulses, HalError> {
        Ok(Pulses(pwm::Channel::open(name, safe)?))
    }

    pub fn converter(&self, name: &str) -> Result<Converter, HalError> {
        Ok(Converter(adc::Channel::open(name)?))
    }

    pub fn waits(&self) -> Waits {
        Waits
    }
}

/// An I2C bus.
#[derive(Debug)]
pub struct Bus {
    bus: i2c::I2c,
    name: Box<str>,
}

impl Bus {
    /// With the host's words, asked for at once: they are those of the last operation.
    #[cold]
    fn error(&self, address: u16, code: i2c::ErrorCode) -> I2cError {
        I2cError::new(code, address, &self.name, i2c_buses::last_error(&self.name))
    }

    pub fn read(&self, address: u16, length: u64) -> Result<Vec<u8>, I2cError> {
        let read = self.bus.read(address, length);
        read.map_err(|code| self.error(address, code))
    }

    pub fn write(&self, address: u16, bytes: &[u8]) -> Result<(), I2cError> {
        let written = self.bus.write(address, bytes);
        written.map_err(|code| self.error(address, code))
    }

    pub fn write_read(&self, address: u16, bytes: &[u8], length: u64) -> Result<Vec<u8>, I2cError> {
        let read = self.bus.write_read(address, bytes, length);
        read.map_err(|code| self.error(address, code))
    }

    pub fn transaction(
        &self,
        address: u16,
        operations: &[i2c::Operation<'_>],
    ) -> Result<Vec<Vec<u8>>, I2cError> {
        let read = self.bus.transaction(address, operations);
        read.map_err(|code| self.error(address, code))
    }
}

/// A line.
#[derive(Debug)]
pub struct Line(gpio::Line);

impl Line {
    pub fn read(&self) -> Result<bool, HalError> {
        Ok(self.0.read()?)
    }

    pub fn write(&self, value: bool) -> Result<(), HalError> {
        Ok(self.0.write(value)?)
    }

    pub fn toggle(&self) -> Result<bool, HalError> {
        Ok(self.0.toggle()?)
    }

    pub fn topic(&self) -> String {
        self.0.topic()
    }

    pub fn missed(&self) -> u64 {
        self.0.missed()
    }
}

/// A peripheral on an SPI bus.
#[derive(Debug)]
pub struct Peripheral(spi::Device);

impl Peripheral {
    pub fn transaction(&self, operations: &[spi::Operation<'_>]) -> Result<Vec<Vec<u8>>, HalError> {
        Ok(self.0.transaction(operations)?)
    }
}

/// A serial port.
#[derive(Debug)]
pub struct Port(uart::Port);

impl Port {
    pub fn read(&self, max: u64, timeout: u64, gap: u64) -> Result<Vec<u8>, HalError> {
        Ok(self.0.read(max, timeout, gap)?)
    }

    pub fn write(&self, bytes: &[u8]) -> Result<(), HalError> {
        Ok(self.0.write(bytes)?)
    }

    pub fn drain(&self) -> Result<(), HalError> {
        Ok(self.0.drain()?)
    }

    pub fn discard_input(&self) -> Result<(), HalError> {
        Ok(self.0.discard_input()?)
    }
}

/// A PWM channel.
#[derive(Debug)]
pub struct Pulses(pwm::Channel);

impl Pulses {
    pub fn set(&self, period: u64, width: u64) -> Result<(), HalError> {
        Ok(self.0.set(period, width)?)
    }

    pub fn enable(&self, on: bool) -> Result<(), HalError> {
        Ok(self.0.enable(on)?)
    }

    pub fn period(&self) -> Result<u64, HalError> {
        Ok(self.0.period()?)
    }

    pub fn width(&self) -> Result<u64, HalError> {
        Ok(self.0.width()?)
    }
}

/// An analogue input.
#[derive(Debug)]
pub struct Converter(adc::Channel);

impl Converter {
    pub fn quantity(&self) -> Quantity {
        self.0.quantity()
    }

    pub fn read(&self) -> Result<f64, HalError> {
        Ok(self.0.read()?)
    }

    pub fn read_raw(&self) -> Result<i64, HalError> {
        Ok(self.0.read_raw()?)
    }
}

/// Short waits.
#[derive(Debug, Clone)]
pub struct Waits;

impl Waits {
    pub fn wait(&self, nanoseconds: u64) {
        delay::wait(nanoseconds);
    }
}
