//! Hardware in native code: the same calls as a component's imports, answered by the test's board.

use super::super::seam::Kernel;
use crate::bindings::hal::wasi::i2c::i2c::{
    ErrorCode, NoAcknowledgeSource, Operation as I2cOperation,
};
use crate::bindings::hal::weihe::hal::spi::Operation as SpiOperation;
use crate::hal::{
    HalError, I2cError, InputOptions, OutputOptions, Quantity, SpiOptions, UartSettings,
};

fn unknown(kind: &str, name: &str) -> HalError {
    HalError::Unknown(format!("the test's board has no {kind} `{name}`"))
}

impl Kernel {
    pub fn bus(&self, name: &str) -> Result<Bus, HalError> {
        Ok(Bus(name.into()))
    }

    pub fn input(&self, name: &str, _: InputOptions) -> Result<Line, HalError> {
        Err(unknown("line", name))
    }

    pub fn output(&self, name: &str, _: OutputOptions) -> Result<Line, HalError> {
        Err(unknown("line", name))
    }

    pub fn peripheral(&self, name: &str, _: SpiOptions) -> Result<Peripheral, HalError> {
        Err(unknown("SPI peripheral", name))
    }

    pub fn port(&self, name: &str, _: UartSettings) -> Result<Port, HalError> {
        Err(unknown("serial port", name))
    }

    pub fn pulses(&self, name: &str, _: Option<u64>) -> Result<Pulses, HalError> {
        Err(unknown("PWM channel", name))
    }

    pub fn converter(&self, name: &str) -> Result<Converter, HalError> {
        Err(unknown("analogue input", name))
    }

    pub fn waits(&self) -> Waits {
        Waits(self.clone())
    }
}

/// Short waits: the fake clock goes on.
#[derive(Debug, Clone)]
pub struct Waits(Kernel);

impl Waits {
    pub fn wait(&self, nanoseconds: u64) {
        self.0
            .with(|world| world.now = world.now.saturating_add(nanoseconds));
    }
}

/// An I2C bus with nothing on it.
#[derive(Debug)]
pub struct Bus(Box<str>);

impl Bus {
    fn nobody(&self, address: u16) -> I2cError {
        let code = ErrorCode::NoAcknowledge(NoAcknowledgeSource::Address);
        I2cError::new(code, address, &self.0, String::new())
    }

    pub fn read(&self, address: u16, _: u64) -> Result<Vec<u8>, I2cError> {
        Err(self.nobody(address))
    }

    pub fn write(&self, address: u16, _: &[u8]) -> Result<(), I2cError> {
        Err(self.nobody(address))
    }

    pub fn write_read(&self, address: u16, _: &[u8], _: u64) -> Result<Vec<u8>, I2cError> {
        Err(self.nobody(address))
    }

    pub fn transaction(
        &self,
        address: u16,
        _: &[I2cOperation<'_>],
    ) -> Result<Vec<Vec<u8>>, I2cError> {
        Err(self.nobody(address))
    }
}

/// None yet.
#[derive(Debug)]
pub struct Line(std::convert::Infallible);

impl Line {
    pub fn read(&self) -> Result<bool, HalError> {
        match self.0 {}
    }

    pub fn write(&self, _: bool) -> Result<(), HalError> {
        match self.0 {}
    }

    pub fn toggle(&self) -> Result<bool, HalError> {
        match self.0 {}
    }

    pub fn topic(&self) -> String {
        match self.0 {}
    }

    pub fn missed(&self) -> u64 {
        match self.0 {}
    }
}

/// None yet.
#[derive(Debug)]
pub struct Peripheral(std::convert::Infallible);

impl Peripheral {
    pub fn transaction(&self, _: &[SpiOperation<'_>]) -> Result<Vec<Vec<u8>>, HalError> {
        match self.0 {}
    }
}

/// None yet.
#[derive(Debug)]
pub struct Port(std::convert::Infallible);

impl Port {
    pub fn read(&self, _: u64, _: u64, _: u64) -> Result<Vec<u8>, HalError> {
        match self.0 {}
    }

    pub fn write(&self, _: &[u8]) -> Result<(), HalError> {
        match self.0 {}
    }

    pub fn drain(&self) -> Result<(), HalError> {
        match self.0 {}
    }

    pub fn discard_input(&self) -> Result<(), HalError> {
        match self.0 {}
    }
}

/// None yet.
#[derive(Debug)]
pub struct Pulses(std::convert::Infallible);

impl Pulses {
    pub fn set(&self, _: u64, _: u64) -> Result<(), HalError> {
        match self.0 {}
    }

    pub fn enable(&self, _: bool) -> Result<(), HalError> {
        match self.0 {}
    }

    pub fn period(&self) -> Result<u64, HalError> {
        match self.0 {}
    }

    pub fn width(&self) -> Result<u64, HalError> {
        match self.0 {}
    }
}

/// None yet.
#[derive(Debug)]
pub struct Converter(std::convert::Infallible);

impl Converter {
    pub fn quantity(&self) -> Quantity {
        match self.0 {}
    }

    pub fn read(&self) -> Result<f64, HalError> {
        match self.0 {}
    }

    pub fn read_raw(&self) -> Result<i64, HalError> {
        match self.0 {}
    }
}
