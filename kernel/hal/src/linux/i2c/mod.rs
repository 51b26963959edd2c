//! I2C buses, by their character devices.

mod fault;
mod shape;

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::place::Places;
use super::trouble;
use super::uapi::i2c as uapi;
use crate::board::I2cBus as BusPart;
use crate::error::HalError;
use crate::hardware::Kind;
use crate::i2c::{I2cBus, I2cError, I2cFault, I2cOperation};
use fault::{fault, gone, may_be_gone};
use shape::{Part, abilities, carry_out, outline, shape};

/// Why a transaction failed.
enum Failure {
    /// The kernel says so.
    Kernel(io::Error),
    /// It was not even tried.
    Said(String),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Kernel(error)
    }
}

fn said(message: String) -> Failure {
    Failure::Said(message)
}

/// An open bus. Those who use it take turns.
pub(super) struct LinuxBus {
    name: String,
    places: Arc<Places>,
    open: Mutex<Option<Open>>,
}

struct Open {
    device: File,
    /// The number that the kernel has given the bus.
    number: String,
    functions: u64,
    /// Addresses that no driver of the kernel has.
    free: [u64; 2],
}

impl LinuxBus {
    pub(super) fn open(places: Arc<Places>, name: &str) -> Result<Self, HalError> {
        let part = places.find(Kind::I2c, |board| board.i2c(name))?;
        let open = Open::new(&places, &part)
            .map_err(|(path, error)| trouble::cannot_open(&part.name, &path, "i2c-dev", &error))?;
        Ok(Self {
            name: part.name,
            places,
            open: Mutex::new(Some(open)),
        })
    }

    /// The bus where it is now, after it had vanished.
    fn find_again(&self) -> Result<Open, I2cError> {
        let part = self
            .places
            .find_again(Kind::I2c, |board| board.i2c(&self.name))
            .map_err(|_| gone(&self.name, &rustix::io::Errno::NODEV.into()))?;
        Open::new(&self.places, &part).map_err(|(_, error)| gone(&self.name, &error))
    }

    fn carry_out(
        &self,
        open: &mut Open,
        address: u16,
        operations: &mut [I2cOperation],
    ) -> Result<(), Failure> {
        self.check_free(open, address)?;
        if open.functions & uapi::function::I2C != 0 {
            self.transfer(open, address, operations)
        } else {
            self.smbus(open, address, operations)
        }
    }

    /// An address that a driver of the kernel has is not to be disturbed.
    fn check_free(&self, open: &mut Open, address: u16) -> Result<(), Failure> {
        let (word, bit) = (usize::from(address) / 64, address % 64);
        if open.free.get(word).is_some_and(|set| set >> bit & 1 == 1) {
            return Ok(());
        }
        if let Err(error) = uapi::select(&open.device, address) {
            if error.kind() != io::ErrorKind::ResourceBusy {
                return Err(error.into());
            }
            let device = format!("{}-{address:04x}", open.number);
            let holder = Path::new("/sys/bus/i2c/devices").join(&device);
            let driver = self.places.root().link_name(holder.join("driver"));
            let driver = driver.unwrap_or_else(|| "without a name".to_owned());
            return Err(said(format!(
                "address {address:#04x} on {} is taken by the kernel's driver `{driver}`: unbind it with `echo {device} | sudo tee /sys/bus/i2c/drivers/{driver}/unbind`",
                self.name
            )));
        }
        if let Some(set) = open.free.get_mut(word) {
            *set |= 1 << bit;
        }
        Ok(())
    }

    /// All messages in one call.
    fn transfer(
        &self,
        open: &Open,
        address: u16,
        operations: &mut [I2cOperation],
    ) -> Result<(), Failure> {
        if turns(operations) {
            let mut messages: Vec<_> = operations.iter_mut().map(message).collect();
            self.check_count(messages.len())?;
            return Ok(uapi::transfer(&open.device, address, &mut messages)?);
        }
        let mut parts = join(operations);
        let mut messages: Vec<_> = parts.iter_mut().map(part_message).collect();
        self.check_count(messages.len())?;
        uapi::transfer(&open.device, address, &mut messages)?;
        give_back(&parts, operations);
        Ok(())
    }

    fn check_count(&self, count: usize) -> Result<(), Failure> {
        if count <= uapi::MESSAGES {
            return Ok(());
        }
        Err(said(format!(
            "{}: a transaction of {count} changes of direction is more than the {} that Linux carries out at once",
            self.name,
            uapi::MESSAGES
        )))
    }

    /// As an SMBus transfer.
    fn smbus(
        &self,
        open: &Open,
        address: u16,
        operations: &mut [I2cOperation],
    ) -> Result<(), Failure> {
        let mut parts = join(operations);
        let Some(shape) = shape(&parts, open.functions) else {
            return Err(said(format!(
                "{} knows SMBus only, which has no transfer like {} (bytes written and read): it can do {}; use another adapter or another device",
                self.name,
                outline(&parts),
                abilities(open.functions)
            )));
        };
        // The address is that of the descriptor.
        uapi::select(&open.device, address)?;
        carry_out(shape, &mut parts, |transfer| {
            uapi::smbus(&open.device, transfer)
        })?;
        give_back(&parts, operations);
        Ok(())
    }
}

impl Open {
    fn new(places: &Places, part: &BusPart) -> Result<Self, (std::path::PathBuf, io::Error)> {
        let path = places.root().path(&part.path);
        let told = |error| (path.clone(), error);
        let device = File::options().read(true).write(true).open(&path);
        let device = device.map_err(told)?;
        let functions = uapi::functions(&device).map_err(told)?;
        let name = part.path.file_name().unwrap_or_default().to_string_lossy();
        Ok(Self {
            device,
            number: name.trim_start_matches("i2c-").to_owned(),
            functions,
            free: [0; 2],
        })
    }
}

impl I2cBus for LinuxBus {
    fn transaction(&self, address: u16, operations: &mut [I2cOperation]) -> Result<(), I2cError> {
        if operations.is_empty() {
            return Ok(());
        }
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let device = match &mut *open {
            Some(device) => device,
            None => open.insert(self.find_again()?),
        };
        match self.carry_out(device, address, operations) {
            Ok(()) => Ok(()),
            Err(Failure::Said(message)) => Err(I2cError {
                fault: I2cFault::Other,
                message,
            }),
            Err(Failure::Kernel(error)) => {
                let there =
                    Path::new("/sys/bus/i2c/devices").join(format!("i2c-{}", device.number));
                if may_be_gone(&error) && !self.places.root().exists(there) {
                    // A descriptor that is kept holds the kernel up, which waits for it to take the adapter away.
                    *open = None;
                    return Err(gone(&self.name, &error));
                }
                Err(fault(&self.name, address, &error))
            }
        }
    }
}

/// Whether each operation goes the other way than the one before it.
fn turns(operations: &[I2cOperation]) -> bool {
    let reads = |operation: &I2cOperation| matches!(operation, I2cOperation::Read(_));
    operations.windows(2).all(|pair| match pair {
        [first, second] => reads(first) != reads(second),
        _ => true,
    })
}

fn message(operation: &mut I2cOperation) -> uapi::Message<'_> {
    match operation {
        I2cOperation::Read(bytes) => uapi::Message::Read(bytes),
        I2cOperation::Write(bytes) => uapi::Message::Write(bytes),
    }
}

fn part_message(part: &mut Part) -> uapi::Message<'_> {
    match part {
        Part::Read(bytes) => uapi::Message::Read(bytes),
        Part::Write(bytes) => uapi::Message::Write(bytes),
    }
}

/// Neighbours in one direction follow each other on the wire without a start between them: they are one part.
fn join(operations: &[I2cOperation]) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::with_capacity(operations.len());
    for operation in operations {
        match (parts.last_mut(), operation) {
            (Some(Part::Read(room)), I2cOperation::Read(bytes)) => {
                room.resize(room.len() + bytes.len(), 0);
            }
            (Some(Part::Write(all)), I2cOperation::Write(bytes)) => all.extend_from_slice(bytes),
            (_, I2cOperation::Read(bytes)) => parts.push(Part::Read(vec![0; bytes.len()])),
            (_, I2cOperation::Write(bytes)) => parts.push(Part::Write(bytes.clone())),
        }
    }
    parts
}

/// Brings what was read back into the operations.
fn give_back(parts: &[Part], operations: &mut [I2cOperation]) {
    let read = parts.iter().flat_map(|part| match part {
        Part::Read(bytes) => bytes.as_slice(),
        Part::Write(_) => &[],
    });
    let room = operations.iter_mut().flat_map(|operation| match operation {
        I2cOperation::Read(bytes) => bytes.as_mut_slice(),
        I2cOperation::Write(_) => &mut [],
    });
    for (to, from) in room.zip(read) {
        *to = *from;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::fixture::Fixture;
    use super::*;

    fn read(length: usize) -> I2cOperation {
        I2cOperation::Read(vec![0; length])
    }

    fn write(bytes: &[u8]) -> I2cOperation {
        I2cOperation::Write(bytes.to_vec())
    }

    #[test]
    fn neighbours_in_one_direction_are_one_message_and_get_back_what_is_theirs() {
        let mut operations = [
            write(b"\x01"),
            write(b"\x02\x03"),
            read(1),
            read(2),
            write(b"\x04"),
        ];
        assert!(!turns(&operations));
        let mut parts = join(&operations);
        assert_eq!(outline(&parts), "w3 r3 w1");
        parts[1] = Part::Read(vec![7, 8, 9]);
        give_back(&parts, &mut operations);
        assert_eq!(operations[2], I2cOperation::Read(vec![7]));
        assert_eq!(operations[3], I2cOperation::Read(vec![8, 9]));
        assert!(turns(&operations[1..3]));
    }

    #[test]
    fn a_bus_without_its_driver_says_what_to_load() {
        let fixture = Fixture::new();
        fixture.link(
            "/sys/bus/i2c/devices/i2c-1",
            "/sys/devices/platform/f0.i2c/i2c-1",
        );
        let opened = LinuxBus::open(fixture.places(), "i2c/i2c-1").err().unwrap();
        let text = opened.to_string();
        assert!(
            text.contains("/dev/i2c-1 is not there: load i2c-dev"),
            "{text}"
        );
        // What is no bus is found out.
        fixture.file("/dev/i2c-1", "");
        let opened = LinuxBus::open(fixture.places(), "i2c/i2c-1").err().unwrap();
        assert!(opened.to_string().starts_with("i2c/i2c-1: "), "{opened}");
    }
}
