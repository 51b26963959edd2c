//! `weihe:hal/i2c-buses@0.1.0` and `wasi:i2c/i2c@0.2.0-draft`.

use wasmtime::Result;
use wasmtime::component::Resource;

use super::View;
use super::bindings::wasi::i2c::i2c::{self as wit, ErrorCode, NoAcknowledgeSource};
use super::bindings::weihe::hal::i2c_buses::{self, Error};
use crate::error::HalError;
use crate::i2c::{I2cFault, I2cOperation};
use crate::session::OpenBus;

impl i2c_buses::Host for View<'_> {
    async fn open(
        &mut self,
        name: String,
    ) -> Result<std::result::Result<Resource<OpenBus>, Error>> {
        let (session, _) = self.split()?;
        let opened = session.open_bus(&name).await;
        match self.told(&name, opened) {
            Ok(bus) => Ok(Ok(self.table().push(bus)?)),
            Err(error) => Ok(Err(error)),
        }
    }

    fn last_error(&mut self, name: String) -> Result<String> {
        let (session, _) = self.split()?;
        Ok(session.last_error(&name))
    }
}

impl From<I2cFault> for ErrorCode {
    fn from(fault: I2cFault) -> Self {
        match fault {
            I2cFault::Bus => Self::Bus,
            I2cFault::ArbitrationLoss => Self::ArbitrationLoss,
            I2cFault::AddressNack => Self::NoAcknowledge(NoAcknowledgeSource::Address),
            I2cFault::DataNack => Self::NoAcknowledge(NoAcknowledgeSource::Data),
            I2cFault::Nack => Self::NoAcknowledge(NoAcknowledgeSource::Unknown),
            I2cFault::Overrun => Self::Overrun,
            I2cFault::Other => Self::Other,
        }
    }
}

/// A buffer of a length that has been checked.
fn buffer(length: u64) -> I2cOperation {
    I2cOperation::Read(vec![0; usize::try_from(length).unwrap_or(0)])
}

/// What was read by the one read among some operations.
fn read_in(operations: Vec<I2cOperation>) -> Vec<u8> {
    let read = operations
        .into_iter()
        .find_map(|operation| match operation {
            I2cOperation::Read(bytes) => Some(bytes),
            I2cOperation::Write(_) => None,
        });
    read.unwrap_or_default()
}

impl View<'_> {
    /// Carries out a transaction whose lengths have been checked.
    async fn transact(
        &mut self,
        bus: &Resource<OpenBus>,
        address: u16,
        checked: std::result::Result<Vec<I2cOperation>, HalError>,
    ) -> Result<std::result::Result<Vec<I2cOperation>, ErrorCode>> {
        let (session, table) = self.split()?;
        let open = table.get_mut(bus)?;
        let operations = checked.and_then(|operations| {
            session.claim_address(open, address)?;
            Ok(operations)
        });
        match operations {
            Ok(operations) => {
                let done = open.transaction(address, operations).await;
                session.note(
                    open,
                    done.as_ref().map(drop).map_err(|error| &*error.message),
                );
                Ok(done.map_err(|error| error.fault.into()))
            }
            Err(error) => {
                let is_new = session.note(open, Err(&error.to_string()));
                let name = open.name().to_owned();
                Ok(Err(self.refusal(&name, error, is_new)))
            }
        }
    }

    /// What a guest is told when it asks for what it may not do: the interface has no case for it.
    /// People are told again only when it is for another reason.
    fn refusal(&self, bus: &str, error: HalError, is_new: bool) -> ErrorCode {
        match error {
            HalError::Denied(_) | HalError::Taken { .. } => {
                self.0.denied("hal", bus, &error.to_string());
                ErrorCode::NoAcknowledge(NoAcknowledgeSource::Address)
            }
            error => {
                if is_new {
                    tracing::warn!(device = self.0.device(), "{bus}: {error}");
                }
                ErrorCode::Other
            }
        }
    }
}

impl wit::Host for View<'_> {}

impl wit::HostI2c for View<'_> {
    async fn transaction(
        &mut self,
        bus: Resource<OpenBus>,
        address: u16,
        operations: Vec<wit::Operation>,
    ) -> Result<std::result::Result<Vec<Vec<u8>>, ErrorCode>> {
        let length = |operation: &wit::Operation| match operation {
            wit::Operation::Read(length) => *length,
            wit::Operation::Write(bytes) => bytes.len() as u64,
        };
        let checked = OpenBus::check(operations.iter().map(length)).map(|()| {
            let convert = |operation| match operation {
                wit::Operation::Read(length) => buffer(length),
                wit::Operation::Write(bytes) => I2cOperation::Write(bytes),
            };
            operations.into_iter().map(convert).collect()
        });
        let done = self.transact(&bus, address, checked).await?;
        Ok(done.map(|operations| {
            let read = |operation| match operation {
                I2cOperation::Read(bytes) => Some(bytes),
                I2cOperation::Write(_) => None,
            };
            operations.into_iter().filter_map(read).collect()
        }))
    }

    async fn read(
        &mut self,
        bus: Resource<OpenBus>,
        address: u16,
        length: u64,
    ) -> Result<std::result::Result<Vec<u8>, ErrorCode>> {
        let checked = OpenBus::check([length].into_iter()).map(|()| vec![buffer(length)]);
        let done = self.transact(&bus, address, checked).await?;
        Ok(done.map(read_in))
    }

    async fn write(
        &mut self,
        bus: Resource<OpenBus>,
        address: u16,
        data: Vec<u8>,
    ) -> Result<std::result::Result<(), ErrorCode>> {
        let checked = OpenBus::check([data.len() as u64].into_iter())
            .map(|()| vec![I2cOperation::Write(data)]);
        let done = self.transact(&bus, address, checked).await?;
        Ok(done.map(drop))
    }

    async fn write_read(
        &mut self,
        bus: Resource<OpenBus>,
        address: u16,
        write: Vec<u8>,
        read_len: u64,
    ) -> Result<std::result::Result<Vec<u8>, ErrorCode>> {
        let checked = OpenBus::check([write.len() as u64, read_len].into_iter())
            .map(|()| vec![I2cOperation::Write(write), buffer(read_len)]);
        let done = self.transact(&bus, address, checked).await?;
        Ok(done.map(read_in))
    }

    fn drop(&mut self, bus: Resource<OpenBus>) -> Result<()> {
        self.table().delete(bus)?;
        Ok(())
    }
}
