//! `weihe:hal/uart@0.1.0`.

use std::sync::Arc;

use wasmtime::Result;
use wasmtime::component::Resource;

use super::View;
use super::bindings::weihe::hal::uart::{self as wit, Error};
use crate::limits::UART_BYTES;
use crate::serial::{FlowControl, Parity, Port, PortSettings, Rs485};
use crate::session::{OpenPort, within};

impl wit::Host for View<'_> {}

impl View<'_> {
    fn port(&mut self, port: &Resource<OpenPort>) -> Result<Arc<dyn Port>> {
        Ok(self.table().get(port)?.port.clone())
    }
}

impl From<wit::Settings> for PortSettings {
    fn from(settings: wit::Settings) -> Self {
        Self {
            baud: settings.baud,
            data_bits: settings.data_bits,
            parity: match settings.parity {
                wit::Parity::None => Parity::None,
                wit::Parity::Even => Parity::Even,
                wit::Parity::Odd => Parity::Odd,
            },
            stop_bits: settings.stop_bits,
            flow: match settings.flow {
                wit::FlowControl::None => FlowControl::None,
                wit::FlowControl::Hardware => FlowControl::Hardware,
                wit::FlowControl::Software => FlowControl::Software,
            },
            rs485: settings.rs485.map(|rs485| Rs485 {
                rts_on_send: rs485.rts_on_send,
                delay_before_send: rs485.delay_before_send,
                delay_after_send: rs485.delay_after_send,
                receives_own: rs485.receives_own,
            }),
        }
    }
}

impl wit::HostPort for View<'_> {
    async fn open(
        &mut self,
        name: String,
        settings: wit::Settings,
    ) -> Result<std::result::Result<Resource<OpenPort>, Error>> {
        let (session, _) = self.split()?;
        let opened = session.open_uart(&name, &settings.into()).await;
        match self.told(&name, opened) {
            Ok(port) => Ok(Ok(self.table().push(port)?)),
            Err(error) => Ok(Err(error)),
        }
    }

    async fn read(
        &mut self,
        port: Resource<OpenPort>,
        max: u64,
        timeout: u64,
        gap: u64,
    ) -> Result<std::result::Result<Vec<u8>, Error>> {
        if let Err(error) = within("bytes of a read", max, UART_BYTES) {
            return Ok(Err(error.into()));
        }
        let port = self.port(&port)?;
        let read = port.read(usize::try_from(max).unwrap_or(0), timeout, gap);
        Ok(read.await.map_err(Into::into))
    }

    async fn write(
        &mut self,
        port: Resource<OpenPort>,
        bytes: Vec<u8>,
    ) -> Result<std::result::Result<(), Error>> {
        if let Err(error) = within("bytes of a write", bytes.len() as u64, UART_BYTES) {
            return Ok(Err(error.into()));
        }
        let port = self.port(&port)?;
        Ok(port.write(&bytes).await.map_err(Into::into))
    }

    async fn drain(&mut self, port: Resource<OpenPort>) -> Result<std::result::Result<(), Error>> {
        let port = self.port(&port)?;
        Ok(port.drain().await.map_err(Into::into))
    }

    async fn discard_input(
        &mut self,
        port: Resource<OpenPort>,
    ) -> Result<std::result::Result<(), Error>> {
        let open = self.table().get(&port)?.clone();
        Ok(open.discard_input().await.map_err(Into::into))
    }

    fn drop(&mut self, port: Resource<OpenPort>) -> Result<()> {
        // The device holds the port on.
        self.table().delete(port)?;
        Ok(())
    }
}
