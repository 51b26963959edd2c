//! Hardware in native code: the same calls as a component's imports, answered by the test's board.

use super::super::fault::strike;
use super::super::seam::Kernel;
use super::chip::{Pulse, Serial};
use super::i2c::I2cFault;
use super::{Parts, Source};
use crate::bindings::hal::wasi::i2c::i2c::{ErrorCode, Operation as I2cOperation};
use crate::bindings::hal::weihe::hal::spi::Operation as SpiOperation;
use crate::hal::{
    HalError, I2cError, InputOptions, OutputOptions, Quantity, SpiOptions, UartSettings,
};
use crate::{Duration, Timestamp};
use std::rc::Rc;

/// The most that one call carries, as on a host.
const OPERATIONS: usize = 64;
const I2C_BYTES: u64 = 8192;
const BYTES: u64 = 65_536;

#[cold]
fn unknown(kind: &str, method: &str, name: &str) -> HalError {
    HalError::Unknown(format!(
        "there is no {kind} `{name}` on the test's board: add it with `Setup::{method}`"
    ))
}

fn within(what: &str, asked: u64, limit: u64) -> Result<(), HalError> {
    if asked > limit {
        return Err(HalError::TooLong(format!(
            "{what}: {asked} is more than the {limit} that one call may carry"
        )));
    }
    Ok(())
}

impl Kernel {
    /// What is on the board under a name, unless a fault strikes.
    fn hardware<R>(
        &self,
        name: &str,
        use_it: impl FnOnce(&mut Parts, Timestamp) -> Result<R, HalError>,
    ) -> Result<R, HalError> {
        self.with(|world| {
            if let Some(error) = strike!(world, Hardware, name) {
                return Err(error);
            }
            let now = Timestamp::from_nanos(world.now);
            use_it(&mut world.board, now)
        })
    }

    pub fn bus(&self, name: &str) -> Result<Bus, HalError> {
        self.hardware(name, |board, _| match board.buses.contains_key(name) {
            true => Ok(()),
            false => Err(unknown("I2C bus", "i2c", name)),
        })?;
        Ok(Bus(self.place(name)))
    }

    pub fn input(&self, name: &str, options: InputOptions) -> Result<Line, HalError> {
        let line = Line(self.place(name));
        line.on(|line, now| {
            line.open_input(options, now);
            Ok(())
        })?;
        Ok(line)
    }

    pub fn output(&self, name: &str, options: OutputOptions) -> Result<Line, HalError> {
        let line = Line(self.place(name));
        line.on(|line, now| {
            line.open_output(options, now);
            Ok(())
        })?;
        Ok(line)
    }

    pub fn peripheral(&self, name: &str, _: SpiOptions) -> Result<Peripheral, HalError> {
        self.hardware(name, |board, _| match board.spi.contains_key(name) {
            true => Ok(()),
            false => Err(unknown("SPI peripheral", "spi", name)),
        })?;
        Ok(Peripheral(self.place(name)))
    }

    pub fn port(&self, name: &str, settings: UartSettings) -> Result<Port, HalError> {
        let port = Port(self.place(name));
        port.on(|serial| {
            serial.settings = Some(settings);
            Ok(())
        })?;
        Ok(port)
    }

    pub fn pulses(&self, name: &str, safe: Option<u64>) -> Result<Pulses, HalError> {
        let pulses = Pulses(self.place(name));
        pulses.on(|channel, _| {
            channel.open = true;
            channel.safe = safe.map(Duration::from_nanos);
            Ok(())
        })?;
        Ok(pulses)
    }

    pub fn converter(&self, name: &str) -> Result<Converter, HalError> {
        let converter = Converter(self.place(name));
        converter.read()?;
        Ok(converter)
    }

    pub fn waits(&self) -> Waits {
        Waits(self.clone())
    }

    fn place(&self, name: &str) -> Place {
        Place {
            kernel: self.clone(),
            name: name.to_owned(),
        }
    }

    fn wait(&self, nanoseconds: u64) {
        self.with(|world| world.now = world.now.saturating_add(nanoseconds));
    }
}

/// Something open on the board.
#[derive(Debug)]
struct Place {
    kernel: Kernel,
    name: String,
}

/// Short waits: the fake clock goes on.
#[derive(Debug, Clone)]
pub struct Waits(Kernel);

impl Waits {
    pub fn wait(&self, nanoseconds: u64) {
        self.0.wait(nanoseconds);
    }
}

/// An I2C bus.
#[derive(Debug)]
pub struct Bus(Place);

impl Bus {
    fn error(&self, address: u16, code: ErrorCode, words: String) -> I2cError {
        I2cError::new(code, address, &self.0.name, words)
    }

    /// Speaks with the chip at an address.
    fn exchange(&self, address: u16, written: &[u8], read: &mut [u8]) -> Result<(), I2cError> {
        let name = &self.0.name;
        let (struck, chip) = self.0.kernel.with(|world| {
            let full = format!("{name}@{address:#04x}");
            let struck = strike!(world, I2c, &full);
            let chips = world.board.buses.get(name);
            (struck, chips.and_then(|chips| chips.get(&address)).cloned())
        });
        // The chip is asked while the kernel is free, so that it may be a closure over the test's own state.
        let done = match (struck, chip) {
            (Some(fault), _) => Err(fault),
            (None, Some(chip)) => chip.borrow_mut().exchange(written, read),
            (None, None) => Err(I2cFault::AddressNack),
        };
        done.map_err(|fault| self.error(address, fault.into(), String::new()))
    }

    fn check(&self, address: u16, lengths: &[u64]) -> Result<(), I2cError> {
        let longest = lengths.iter().copied().max().unwrap_or(0);
        within(
            "operations of a transaction",
            lengths.len() as u64,
            OPERATIONS as u64,
        )
        .and_then(|()| within("bytes of an I2C operation", longest, I2C_BYTES))
        .map_err(|error| self.error(address, ErrorCode::Other, error.to_string()))
    }

    pub fn read(&self, address: u16, length: u64) -> Result<Vec<u8>, I2cError> {
        self.write_read(address, &[], length)
    }

    pub fn write(&self, address: u16, bytes: &[u8]) -> Result<(), I2cError> {
        self.check(address, &[bytes.len() as u64])?;
        self.exchange(address, bytes, &mut [])
    }

    pub fn write_read(&self, address: u16, bytes: &[u8], length: u64) -> Result<Vec<u8>, I2cError> {
        self.check(address, &[bytes.len() as u64, length])?;
        let mut read = vec![0; length as usize];
        self.exchange(address, bytes, &mut read)?;
        Ok(read)
    }

    pub fn transaction(
        &self,
        address: u16,
        operations: &[I2cOperation<'_>],
    ) -> Result<Vec<Vec<u8>>, I2cError> {
        let length = |operation: &I2cOperation<'_>| match operation {
            I2cOperation::Read(length) => *length,
            I2cOperation::Write(bytes) => bytes.len() as u64,
        };
        let lengths: Vec<_> = operations.iter().map(length).collect();
        self.check(address, &lengths)?;
        let mut written = None::<Vec<u8>>;
        let mut answers = Vec::new();
        for operation in operations {
            match operation {
                I2cOperation::Write(bytes) => {
                    written.get_or_insert_default().extend_from_slice(bytes);
                }
                I2cOperation::Read(length) => {
                    let mut read = vec![0; *length as usize];
                    let before = written.take().unwrap_or_default();
                    self.exchange(address, &before, &mut read)?;
                    answers.push(read);
                }
            }
        }
        if let Some(rest) = written {
            self.exchange(address, &rest, &mut [])?;
        }
        Ok(answers)
    }
}

/// A line.
#[derive(Debug)]
pub struct Line(Place);

impl Line {
    fn on<R>(
        &self,
        use_it: impl FnOnce(&mut super::line::Line, Timestamp) -> Result<R, HalError>,
    ) -> Result<R, HalError> {
        let name = &self.0.name;
        self.0
            .kernel
            .hardware(name, |board, now| match board.lines.get_mut(name) {
                Some(line) => use_it(line, now),
                None => Err(unknown("line", "line", name)),
            })
    }

    pub fn read(&self) -> Result<bool, HalError> {
        self.on(|line, _| Ok(line.is_active()))
    }

    pub fn write(&self, value: bool) -> Result<(), HalError> {
        self.on(|line, now| line.write(&self.0.name, value, now))
    }

    pub fn toggle(&self) -> Result<bool, HalError> {
        self.on(|line, now| {
            let value = !line.is_active();
            line.write(&self.0.name, value, now)?;
            Ok(value)
        })
    }

    pub fn topic(&self) -> String {
        self.0.kernel.with(|world| {
            Source {
                device: &world.device,
                name: &self.0.name,
            }
            .topic()
        })
    }

    pub fn missed(&self) -> u64 {
        let name = &self.0.name;
        self.0
            .kernel
            .with(|world| world.board.lines.get(name).map_or(0, |line| line.missed))
    }
}

/// A peripheral on an SPI bus.
#[derive(Debug)]
pub struct Peripheral(Place);

impl Peripheral {
    pub fn transaction(&self, operations: &[SpiOperation<'_>]) -> Result<Vec<Vec<u8>>, HalError> {
        let Place { kernel, name } = &self.0;
        let mut out = Vec::new();
        let mut bytes = 0_u64;
        for operation in operations {
            bytes = bytes.saturating_add(match operation {
                SpiOperation::Read(length) => *length,
                SpiOperation::Write(bytes) | SpiOperation::Transfer(bytes) => bytes.len() as u64,
                SpiOperation::Delay(_) => 0,
            });
        }
        let count = operations.len() as u64;
        within("operations of a transaction", count, OPERATIONS as u64)?;
        within("bytes of an SPI transaction", bytes, BYTES)?;
        for operation in operations {
            match operation {
                SpiOperation::Read(length) => out.resize(out.len() + *length as usize, 0),
                SpiOperation::Write(bytes) | SpiOperation::Transfer(bytes) => {
                    out.extend_from_slice(bytes);
                }
                SpiOperation::Delay(nanoseconds) => kernel.wait((*nanoseconds).into()),
            }
        }
        let seam = kernel.hardware(name, |board, _| {
            let seam = board.spi.get(name).cloned();
            seam.ok_or_else(|| unknown("SPI peripheral", "spi", name))
        })?;
        let mut back = vec![0; out.len()];
        seam.borrow_mut()(&out, &mut back)?;
        let mut rest = back.into_iter();
        let mut answer = |operation: &SpiOperation<'_>| match operation {
            SpiOperation::Read(length) => rest.by_ref().take(*length as usize).collect(),
            SpiOperation::Transfer(bytes) => rest.by_ref().take(bytes.len()).collect(),
            SpiOperation::Write(bytes) => {
                rest.by_ref().take(bytes.len()).for_each(drop);
                Vec::new()
            }
            SpiOperation::Delay(_) => Vec::new(),
        };
        Ok(operations.iter().map(&mut answer).collect())
    }
}

/// A serial port.
#[derive(Debug)]
pub struct Port(Place);

impl Port {
    fn on<R>(
        &self,
        use_it: impl FnOnce(&mut Serial) -> Result<R, HalError>,
    ) -> Result<R, HalError> {
        let name = &self.0.name;
        self.0
            .kernel
            .hardware(name, |board, _| match board.uarts.get_mut(name) {
                Some(serial) => use_it(serial),
                None => Err(unknown("serial port", "uart", name)),
            })
    }

    pub fn read(&self, max: u64, timeout: u64, gap: u64) -> Result<Vec<u8>, HalError> {
        within("bytes of a read", max, BYTES)?;
        let read = self.on(|serial| Ok(serial.take(max as usize, gap)))?;
        if read.is_empty() && max > 0 {
            self.0.kernel.wait(timeout);
            let waited = Duration::from_nanos(timeout);
            let name = &self.0.name;
            return Err(HalError::Timeout(format!("{name}: no byte in {waited}")));
        }
        Ok(read)
    }

    pub fn write(&self, bytes: &[u8]) -> Result<(), HalError> {
        within("bytes of a write", bytes.len() as u64, BYTES)?;
        let far_end = self.on(|serial| {
            serial.written.extend_from_slice(bytes);
            Ok(serial.far_end.as_ref().map(Rc::clone))
        })?;
        if let Some(far_end) = far_end {
            let answer = far_end.borrow_mut()(bytes);
            let name = &self.0.name;
            self.0.kernel.with(|world| {
                if let Some(serial) = world.board.uarts.get_mut(name) {
                    serial.feed(&answer);
                }
            });
        }
        Ok(())
    }

    pub fn drain(&self) -> Result<(), HalError> {
        self.on(|_| Ok(()))
    }

    pub fn discard_input(&self) -> Result<(), HalError> {
        self.on(|serial| {
            serial.incoming.clear();
            Ok(())
        })
    }
}

/// A PWM channel.
#[derive(Debug)]
pub struct Pulses(Place);

impl Pulses {
    fn on<R>(
        &self,
        use_it: impl FnOnce(&mut super::chip::Channel, Timestamp) -> Result<R, HalError>,
    ) -> Result<R, HalError> {
        let name = &self.0.name;
        self.0
            .kernel
            .hardware(name, |board, now| match board.pwm.get_mut(name) {
                Some(channel) => use_it(channel, now),
                None => Err(unknown("PWM channel", "pwm", name)),
            })
    }

    pub fn set(&self, period: u64, width: u64) -> Result<(), HalError> {
        if period == 0 || width > period {
            return Err(HalError::Invalid(format!(
                "{}: pulses of {} in a period of {}",
                self.0.name,
                Duration::from_nanos(width),
                Duration::from_nanos(period)
            )));
        }
        self.on(|channel, now| {
            let pulse = Pulse {
                period: Duration::from_nanos(period),
                width: Duration::from_nanos(width),
                ..channel.pulse
            };
            channel.set(pulse, now);
            Ok(())
        })
    }

    pub fn enable(&self, on: bool) -> Result<(), HalError> {
        self.on(|channel, now| {
            let pulse = Pulse {
                enabled: on,
                ..channel.pulse
            };
            channel.set(pulse, now);
            Ok(())
        })
    }

    pub fn period(&self) -> Result<u64, HalError> {
        self.on(|channel, _| Ok(channel.pulse.period.as_nanos()))
    }

    pub fn width(&self) -> Result<u64, HalError> {
        self.on(|channel, _| Ok(channel.pulse.width.as_nanos()))
    }
}

/// An analogue input.
#[derive(Debug)]
pub struct Converter(Place);

impl Converter {
    pub fn quantity(&self) -> Quantity {
        let name = &self.0.name;
        let known = self.0.kernel.with(|world| {
            let input = world.board.adc.get(name);
            input.map(|input| input.quantity)
        });
        known.unwrap_or(Quantity::Other)
    }

    pub fn read(&self) -> Result<f64, HalError> {
        let name = &self.0.name;
        self.0.kernel.hardware(name, |board, _| {
            let input = board.adc.get(name);
            input
                .map(|input| input.value)
                .ok_or_else(|| unknown("analogue input", "adc", name))
        })
    }

    /// A converter that counts thousandths.
    pub fn read_raw(&self) -> Result<i64, HalError> {
        Ok((self.read()? * 1_000.0).round() as i64)
    }
}
