//! SPI peripherals, by spidev.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::io::Errno;
use spidev::{SpiModeFlags, Spidev, SpidevOptions, SpidevTransfer};

use super::place::Places;
use super::trouble;
use crate::board::SpiDevice as PeripheralPart;
use crate::error::HalError;
use crate::hardware::Kind;
use crate::spi::{SpiConfig, SpiDevice, SpiOperation};

/// The most bytes in either direction while a chip is selected, unless the parameter says otherwise (spidev.c).
const BUFFER: usize = 4_096;

/// Where the parameter is.
const PARAMETER: &str = "/sys/module/spidev/parameters/bufsiz";

/// The longest delay of one transfer: 16 bits of microseconds.
const LONGEST: u32 = u16::MAX as u32;

/// The most transfers of one call: their length is in 14 bits of its number, 32 bytes each.
const TRANSFERS: usize = 511;

/// Nanoseconds of a microsecond, in which spidev counts delays.
const MICROSECOND: u32 = 1_000;

/// An open peripheral.
pub(super) struct LinuxSpi {
    name: String,
    places: Arc<Places>,
    state: Mutex<State>,
}

struct State {
    config: SpiConfig,
    /// None while it has vanished.
    open: Option<Open>,
}

struct Open {
    device: Spidev,
    /// The frequency that the board gives it, in hertz.
    frequency: u32,
    buffer: usize,
}

impl LinuxSpi {
    pub(super) fn open(
        places: Arc<Places>,
        name: &str,
        config: &SpiConfig,
    ) -> Result<Self, HalError> {
        let part = places.find(Kind::Spi, |board| board.spi(name))?;
        let open = open(&places, &part, config)?;
        Ok(Self {
            name: part.name,
            places,
            state: Mutex::new(State {
                config: *config,
                open: Some(open),
            }),
        })
    }

    /// Opens it again when it had vanished.
    fn awaken(&self, state: &mut State) -> Result<(), HalError> {
        if state.open.is_none() {
            let part = self
                .places
                .find_again(Kind::Spi, |board| board.spi(&self.name))
                .map_err(|_| trouble::gone(&self.name, &Errno::NODEV.into()))?;
            state.open = Some(open(&self.places, &part, &state.config)?);
        }
        Ok(())
    }
}

fn open(places: &Places, part: &PeripheralPart, config: &SpiConfig) -> Result<Open, HalError> {
    let name = &part.name;
    if part.chip_select.is_none() {
        return Err(HalError::Unsupported(format!(
            "{name} is a bus without a device for programs: bind one to spidev, by an overlay of the device tree or `driver_override`"
        )));
    }
    let path = places.root().path(&part.path);
    let cannot = |error: io::Error| trouble::cannot_open(name, &path, "spidev", &error);
    let device = Spidev::open(&path).map_err(cannot)?;
    let options = device.query_configuration().map_err(cannot)?;
    let mut open = Open {
        device,
        frequency: options.max_speed_hz.unwrap_or_default(),
        buffer: places
            .root()
            .value(PARAMETER)
            .and_then(|text| text.parse().ok())
            .unwrap_or(BUFFER),
    };
    open.put(name, config)?;
    Ok(open)
}

impl Open {
    fn put(&mut self, name: &str, config: &SpiConfig) -> Result<(), HalError> {
        let failed = |error: io::Error| trouble::failed(name, &error);
        let before = self.device.query_configuration().map_err(failed)?;
        let asked = options(&before, config, self.frequency);
        let done = self.device.configure(&asked);
        let outcome = match done {
            Err(error) if trouble::is_refused(&error) => Err(HalError::Unsupported(format!(
                "{name}: its controller refuses {} ({error}): choose what it can do",
                words(config)
            ))),
            Err(error) => Err(failed(error)),
            Ok(()) => match self.device.query_configuration() {
                Ok(taken) => check(name, config, &asked, &taken),
                Err(error) => Err(failed(error)),
            },
        };
        outcome.inspect_err(|_| {
            // As it was.
            let _ = self.device.configure(&before);
        })
    }

    fn transaction(&self, name: &str, operations: &mut [SpiOperation]) -> Result<(), HalError> {
        let (out, into) = bytes(operations);
        let most = out.max(into);
        if most > self.buffer {
            return Err(too_long(name, most, self.buffer));
        }
        let mut transfers = transfers(operations);
        if transfers.is_empty() {
            return Ok(());
        }
        if transfers.len() > TRANSFERS {
            return Err(HalError::Invalid(format!(
                "{name}: {} transfers and delays are more than the {TRANSFERS} of one transaction; wait between transactions instead",
                transfers.len()
            )));
        }
        let done = self.device.transfer_multiple(&mut transfers);
        done.map_err(|error| match Errno::from_io_error(&error) {
            Some(Errno::MSGSIZE) => too_long(name, most, self.buffer),
            Some(Errno::TIMEDOUT) => HalError::Timeout(format!(
                "{name}: the controller does not end the transfer: check its clock and its driver"
            )),
            _ => trouble::failed(name, &error),
        })
    }
}

fn too_long(name: &str, bytes: usize, buffer: usize) -> HalError {
    HalError::Unsupported(format!(
        "{name}: {bytes} bytes while the chip is selected are more than the {buffer} that spidev takes; raise `spidev.bufsiz` on the kernel's command line, or write less at a time"
    ))
}

fn words(config: &SpiConfig) -> String {
    let first = if config.lsb_first { "least" } else { "most" };
    let frequency = match config.frequency {
        0 => "the board's frequency".to_owned(),
        frequency => format!("{frequency} Hz"),
    };
    format!(
        "mode {} at {frequency} with the {first} significant bit first",
        config.mode
    )
}

/// What the driver is asked for. What the board says of the chip select stays.
fn options(before: &SpidevOptions, config: &SpiConfig, board: u32) -> SpidevOptions {
    let own = SpiModeFlags::SPI_MODE_3 | SpiModeFlags::SPI_LSB_FIRST;
    let mut mode = before.spi_mode.unwrap_or(SpiModeFlags::empty()) - own;
    mode |= SpiModeFlags::from_bits_retain(u32::from(config.mode)) & SpiModeFlags::SPI_MODE_3;
    mode.set(SpiModeFlags::SPI_LSB_FIRST, config.lsb_first);
    let frequency = match config.frequency {
        0 => board,
        frequency => frequency,
    };
    SpidevOptions {
        bits_per_word: Some(8),
        max_speed_hz: (frequency > 0).then_some(frequency),
        // Part of the mode.
        lsb_first: None,
        spi_mode: Some(mode),
    }
}

/// Whether the driver has taken on what it was asked for. A lower frequency is no harm.
fn check(
    name: &str,
    config: &SpiConfig,
    asked: &SpidevOptions,
    taken: &SpidevOptions,
) -> Result<(), HalError> {
    let faster = match (asked.max_speed_hz, taken.max_speed_hz) {
        (Some(asked), Some(taken)) => taken > asked,
        _ => false,
    };
    let own = SpiModeFlags::SPI_MODE_3 | SpiModeFlags::SPI_LSB_FIRST;
    let mode = |options: &SpidevOptions| options.spi_mode.map(|mode| mode & own);
    if mode(asked) == mode(taken) && taken.bits_per_word == Some(8) && !faster {
        return Ok(());
    }
    Err(HalError::Unsupported(format!(
        "{name}: asked for {}, and the driver set {}: choose what it can do",
        words(config),
        words(&SpiConfig {
            mode: mode(taken).map_or(0, |mode| mode.bits() as u8 & 3),
            frequency: taken.max_speed_hz.unwrap_or_default(),
            lsb_first: mode(taken).is_some_and(|mode| mode.contains(SpiModeFlags::SPI_LSB_FIRST)),
        })
    )))
}

/// How many bytes go out of buffers, and into them. Zeros of a read come from nowhere.
fn bytes(operations: &[SpiOperation]) -> (usize, usize) {
    let count = |(out, into): (usize, usize), operation: &SpiOperation| match operation {
        SpiOperation::Read(bytes) => (out, into + bytes.len()),
        SpiOperation::Write(bytes) => (out + bytes.len(), into),
        SpiOperation::Transfer(bytes) => (out + bytes.len(), into + bytes.len()),
        SpiOperation::Delay(_) => (out, into),
    };
    operations.iter().fold((0, 0), count)
}

/// The transfers of one message: the chip stays selected between them. A delay belongs to the transfer before it,
/// and where that has no room for it, or there is none, to one without bytes.
fn transfers(operations: &mut [SpiOperation]) -> Vec<SpidevTransfer<'_, '_>> {
    let mut all: Vec<SpidevTransfer<'_, '_>> = Vec::with_capacity(operations.len());
    for operation in operations {
        match operation {
            SpiOperation::Read(bytes) if !bytes.is_empty() => all.push(SpidevTransfer::read(bytes)),
            SpiOperation::Write(bytes) if !bytes.is_empty() => {
                all.push(SpidevTransfer::write(bytes));
            }
            SpiOperation::Transfer(bytes) if !bytes.is_empty() => {
                all.push(SpidevTransfer::read_write_in_place(bytes));
            }
            SpiOperation::Delay(nanoseconds) => {
                let mut rest = nanoseconds.div_ceil(MICROSECOND);
                if let Some(last) = all.last_mut() {
                    let room = LONGEST - u32::from(last.delay_usecs);
                    let here = rest.min(room);
                    last.delay_usecs += here as u16;
                    rest -= here;
                }
                while rest > 0 {
                    let here = rest.min(LONGEST);
                    all.push(SpidevTransfer::delay(here as u16));
                    rest -= here;
                }
            }
            _ => {}
        }
    }
    all
}

impl SpiDevice for LinuxSpi {
    fn transaction(&self, operations: &mut [SpiOperation]) -> Result<(), HalError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.awaken(&mut state)?;
        let Some(open) = &state.open else {
            return Err(trouble::gone(&self.name, &Errno::NODEV.into()));
        };
        let done = open.transaction(&self.name, operations);
        if matches!(done, Err(HalError::Gone(_))) {
            state.open = None;
        }
        done
    }

    fn configure(&self, config: &SpiConfig) -> Result<(), HalError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.awaken(&mut state)?;
        let done = match &mut state.open {
            Some(open) => open.put(&self.name, config),
            None => Ok(()),
        };
        match &done {
            Ok(()) => state.config = *config,
            Err(HalError::Gone(_)) => state.open = None,
            Err(_) => {}
        }
        done
    }
}

#[cfg(test)]
mod tests;
