//! I2C buses.

use super::I2cError;
use crate::bindings::hal::wasi::i2c::i2c::Operation as Message;
use crate::kernel::Bus;
use embedded_hal::i2c::{ErrorType, Operation};
use std::borrow::Cow;
use std::rc::Rc;

/// An I2C bus, from [`Context::i2c`](crate::Context::i2c). It implements `embedded_hal::i2c::I2c` for addresses of 7
/// bits, and clones of it share the bus: each driver gets one.
///
/// An address that the grant does not cover is answered like one at which there is nothing. One transaction carries at
/// most 64 operations of 8192 bytes each.
///
/// ```
/// # use weihe_sdk::prelude::*;
/// # fn start(ctx: &mut Context) -> Result<(), Error> {
/// use embedded_hal::i2c::I2c as _;
///
/// let mut bus = ctx.i2c("sensors")?;
/// let outdoors = sht4x::Sht4x::<_, weihe_sdk::hal::Delay>::new(bus.clone());
/// // Without a driver: the temperature of an LM75.
/// let mut raw = [0; 2];
/// bus.write_read(0x48, &[0x00], &mut raw)?;
/// let celsius = f64::from(i16::from_be_bytes(raw)) / 256.0;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct I2c {
    bus: Rc<Bus>,
}

impl I2c {
    pub(super) fn new(bus: Bus) -> Self {
        I2c { bus: Rc::new(bus) }
    }

    /// Operations in one transaction that is none of the usual ones.
    fn carry_out(&self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), I2cError> {
        let parts = joined(operations);
        let asked: Vec<_> = parts.iter().map(Part::as_param).collect();
        let answered = self.bus.transaction(address.into(), &asked)?;
        drop(asked);
        drop(parts);
        // Writes are answered with nothing.
        let read = answered.concat();
        let wanted = operations.iter().map(|operation| match operation {
            Operation::Read(buffer) => buffer.len(),
            Operation::Write(_) => 0,
        });
        let wanted = wanted.sum();
        if read.len() != wanted {
            return Err(I2cError::short(read.len(), wanted));
        }
        let mut rest = read.as_slice();
        for operation in operations {
            if let Operation::Read(buffer) = operation {
                let (bytes, behind) = rest.split_at(buffer.len());
                buffer.copy_from_slice(bytes);
                rest = behind;
            }
        }
        Ok(())
    }
}

/// Operations on the wire: neighbours of one kind are one message, without a repeated start between them, as
/// `embedded_hal::i2c` has it.
enum Part<'a> {
    Read(u64),
    Write(Cow<'a, [u8]>),
}

impl Part<'_> {
    fn as_param(&self) -> Message<'_> {
        match self {
            Part::Read(length) => Message::Read(*length),
            Part::Write(bytes) => Message::Write(bytes),
        }
    }
}

fn joined<'a>(operations: &'a [Operation<'_>]) -> Vec<Part<'a>> {
    let mut parts = Vec::with_capacity(operations.len());
    for operation in operations {
        match (operation, parts.last_mut()) {
            (Operation::Read(buffer), Some(Part::Read(length))) => *length += buffer.len() as u64,
            (Operation::Read(buffer), _) => parts.push(Part::Read(buffer.len() as u64)),
            (Operation::Write(bytes), Some(Part::Write(before))) => {
                before.to_mut().extend_from_slice(bytes);
            }
            (Operation::Write(bytes), _) => parts.push(Part::Write(Cow::Borrowed(bytes))),
        }
    }
    parts
}

fn fill(buffer: &mut [u8], bytes: &[u8]) -> Result<(), I2cError> {
    if bytes.len() != buffer.len() {
        return Err(I2cError::short(bytes.len(), buffer.len()));
    }
    buffer.copy_from_slice(bytes);
    Ok(())
}

impl ErrorType for I2c {
    type Error = I2cError;
}

impl embedded_hal::i2c::I2c for I2c {
    fn read(&mut self, address: u8, read: &mut [u8]) -> Result<(), I2cError> {
        let bytes = self.bus.read(address.into(), read.len() as u64)?;
        fill(read, &bytes)
    }

    fn write(&mut self, address: u8, write: &[u8]) -> Result<(), I2cError> {
        self.bus.write(address.into(), write)
    }

    fn write_read(&mut self, address: u8, write: &[u8], read: &mut [u8]) -> Result<(), I2cError> {
        let wanted = read.len() as u64;
        let bytes = self.bus.write_read(address.into(), write, wanted)?;
        fill(read, &bytes)
    }

    fn transaction(
        &mut self,
        address: u8,
        operations: &mut [Operation<'_>],
    ) -> Result<(), I2cError> {
        // The usual ones need no list of lists.
        match operations {
            [] => Ok(()),
            [Operation::Read(read)] => self.read(address, read),
            [Operation::Write(write)] => self.write(address, write),
            [Operation::Write(write), Operation::Read(read)] => {
                self.write_read(address, write, read)
            }
            operations => self.carry_out(address, operations),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_of_one_kind_are_one_message() {
        let (mut first, mut second) = ([0; 2], [0; 3]);
        let operations = [
            Operation::Write(&[0x40]),
            Operation::Write(&[1, 2]),
            Operation::Read(&mut first),
            Operation::Read(&mut second),
            Operation::Write(&[9]),
        ];
        let parts = joined(&operations);
        assert!(matches!(
            &parts[..],
            [Part::Write(register), Part::Read(5), Part::Write(_)] if **register == [0x40, 1, 2]
        ));
    }
}
