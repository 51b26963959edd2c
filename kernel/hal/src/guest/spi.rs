//! `weihe:hal/spi@0.1.0`.

use wasmtime::Result;
use wasmtime::component::Resource;

use super::View;
use super::bindings::weihe::hal::spi::{self as wit, Error};
use crate::session::OpenSpi;
use crate::spi::{SpiConfig, SpiOperation};

impl wit::Host for View<'_> {}

impl wit::HostDevice for View<'_> {
    async fn open(
        &mut self,
        name: String,
        options: wit::Options,
    ) -> Result<std::result::Result<Resource<OpenSpi>, Error>> {
        let config = SpiConfig {
            mode: match options.mode {
                wit::Mode::Mode0 => 0,
                wit::Mode::Mode1 => 1,
                wit::Mode::Mode2 => 2,
                wit::Mode::Mode3 => 3,
            },
            frequency: options.frequency,
            lsb_first: options.lsb_first,
        };
        let (session, _) = self.split()?;
        let opened = session.open_spi(&name, &config).await;
        match self.told(&name, opened) {
            Ok(device) => Ok(Ok(self.table().push(device)?)),
            Err(error) => Ok(Err(error)),
        }
    }

    async fn transaction(
        &mut self,
        device: Resource<OpenSpi>,
        operations: Vec<wit::Operation>,
    ) -> Result<std::result::Result<Vec<Vec<u8>>, Error>> {
        let length = |operation: &wit::Operation| match operation {
            wit::Operation::Read(length) => *length,
            wit::Operation::Write(bytes) | wit::Operation::Transfer(bytes) => bytes.len() as u64,
            wit::Operation::Delay(_) => 0,
        };
        if let Err(error) = OpenSpi::check(operations.iter().map(length)) {
            return Ok(Err(error.into()));
        }
        let convert = |operation| match operation {
            wit::Operation::Read(length) => {
                SpiOperation::Read(vec![0; usize::try_from(length).unwrap_or(0)])
            }
            wit::Operation::Write(bytes) => SpiOperation::Write(bytes),
            wit::Operation::Transfer(bytes) => SpiOperation::Transfer(bytes),
            wit::Operation::Delay(nanoseconds) => SpiOperation::Delay(nanoseconds),
        };
        let operations = operations.into_iter().map(convert).collect();
        let open = self.table().get(&device)?.clone();
        let done = open.transaction(operations).await;
        let read = |operation| match operation {
            SpiOperation::Read(bytes) | SpiOperation::Transfer(bytes) => bytes,
            SpiOperation::Write(_) | SpiOperation::Delay(_) => Vec::new(),
        };
        Ok(done
            .map(|operations| operations.into_iter().map(read).collect())
            .map_err(Into::into))
    }

    fn drop(&mut self, device: Resource<OpenSpi>) -> Result<()> {
        self.table().delete(device)?;
        Ok(())
    }
}
