//! `weihe:hal/adc@0.1.0`.

use wasmtime::Result;
use wasmtime::component::Resource;

use super::View;
use super::bindings::weihe::hal::adc::{self as wit, Error};
use crate::adc::Quantity;
use crate::session::OpenAdc;

impl wit::Host for View<'_> {}

impl wit::HostChannel for View<'_> {
    async fn open(
        &mut self,
        name: String,
    ) -> Result<std::result::Result<Resource<OpenAdc>, Error>> {
        let (session, _) = self.split()?;
        let opened = session.open_adc(&name).await;
        match self.told(&name, opened) {
            Ok(channel) => Ok(Ok(self.table().push(channel)?)),
            Err(error) => Ok(Err(error)),
        }
    }

    fn quantity(&mut self, channel: Resource<OpenAdc>) -> Result<wit::Quantity> {
        Ok(match self.table().get(&channel)?.channel.quantity() {
            Quantity::Voltage => wit::Quantity::Voltage,
            Quantity::Current => wit::Quantity::Current,
            Quantity::Temperature => wit::Quantity::Temperature,
            Quantity::Resistance => wit::Quantity::Resistance,
            Quantity::Humidity => wit::Quantity::Humidity,
            Quantity::Pressure => wit::Quantity::Pressure,
            Quantity::Illuminance => wit::Quantity::Illuminance,
            Quantity::Other => wit::Quantity::Other,
        })
    }

    async fn read(
        &mut self,
        channel: Resource<OpenAdc>,
    ) -> Result<std::result::Result<f64, Error>> {
        let channel = self.table().get(&channel)?.clone();
        Ok(channel
            .measure(|channel| channel.read())
            .await
            .map_err(Into::into))
    }

    async fn read_raw(
        &mut self,
        channel: Resource<OpenAdc>,
    ) -> Result<std::result::Result<i64, Error>> {
        let channel = self.table().get(&channel)?.clone();
        Ok(channel
            .measure(|channel| channel.read_raw())
            .await
            .map_err(Into::into))
    }

    fn drop(&mut self, channel: Resource<OpenAdc>) -> Result<()> {
        self.table().delete(channel)?;
        Ok(())
    }
}
