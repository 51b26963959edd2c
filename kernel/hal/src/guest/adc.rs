//! `weihe:hal/adc@0.1.0`.

use std::sync::Arc;

use wasmtime::Result;
use wasmtime::component::Resource;

use super::View;
use super::bindings::weihe::hal::adc::{self as wit, Error};
use crate::adc::{AdcChannel, Quantity};
use crate::error::HalError;

/// A channel that a guest has opened.
pub struct OpenAdc(Arc<dyn AdcChannel>);

impl wit::Host for View<'_> {}

impl View<'_> {
    fn adc(&mut self, channel: &Resource<OpenAdc>) -> Result<Arc<dyn AdcChannel>> {
        Ok(self.table().get(channel)?.0.clone())
    }
}

/// Carries out a measurement: converters behind slow buses take milliseconds.
async fn carry_out<T: Send + 'static>(
    channel: Arc<dyn AdcChannel>,
    measure: impl FnOnce(&dyn AdcChannel) -> std::result::Result<T, HalError> + Send + 'static,
) -> std::result::Result<T, Error> {
    let measured = if channel.blocks() {
        let done = tokio::task::spawn_blocking(move || measure(&*channel)).await;
        done.unwrap_or_else(|error| Err(HalError::Failed(error.to_string())))
    } else {
        measure(&*channel)
    };
    Ok(measured?)
}

impl wit::HostChannel for View<'_> {
    fn open(&mut self, name: String) -> Result<std::result::Result<Resource<OpenAdc>, Error>> {
        let (session, _) = self.split()?;
        let opened = session.open_adc(&name);
        match self.told(&name, opened) {
            Ok(channel) => Ok(Ok(self.table().push(OpenAdc(channel))?)),
            Err(error) => Ok(Err(error)),
        }
    }

    fn quantity(&mut self, channel: Resource<OpenAdc>) -> Result<wit::Quantity> {
        Ok(match self.adc(&channel)?.quantity() {
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
        let channel = self.adc(&channel)?;
        Ok(carry_out(channel, |channel| channel.read()).await)
    }

    async fn read_raw(
        &mut self,
        channel: Resource<OpenAdc>,
    ) -> Result<std::result::Result<i64, Error>> {
        let channel = self.adc(&channel)?;
        Ok(carry_out(channel, |channel| channel.read_raw()).await)
    }

    fn drop(&mut self, channel: Resource<OpenAdc>) -> Result<()> {
        self.table().delete(channel)?;
        Ok(())
    }
}
