//! `weihe:hal/pwm@0.1.0`.

use std::sync::Arc;

use wasmtime::Result;
use wasmtime::component::Resource;

use super::View;
use super::bindings::weihe::hal::pwm::{self as wit, Error};
use crate::error::HalError;
use crate::output::HeldChannel;

/// A channel that a guest has opened.
pub struct OpenPwm(Arc<HeldChannel>);

impl wit::Host for View<'_> {}

impl View<'_> {
    fn pwm(&mut self, channel: &Resource<OpenPwm>) -> Result<Arc<HeldChannel>> {
        Ok(self.table().get(channel)?.0.clone())
    }
}

impl wit::HostChannel for View<'_> {
    async fn open(
        &mut self,
        name: String,
        safe: Option<u64>,
    ) -> Result<std::result::Result<Resource<OpenPwm>, Error>> {
        let (session, _) = self.split()?;
        let opened = session.open_pwm(&name, safe).await;
        match self.told(&name, opened) {
            Ok(held) => Ok(Ok(self.table().push(OpenPwm(held))?)),
            Err(error) => Ok(Err(error)),
        }
    }

    async fn set(
        &mut self,
        channel: Resource<OpenPwm>,
        period: u64,
        width: u64,
    ) -> Result<std::result::Result<(), Error>> {
        let channel = self.pwm(&channel)?;
        if width > period {
            let message =
                format!("a pulse of {width} ns does not fit into a period of {period} ns");
            return Ok(Err(HalError::Invalid(message).into()));
        }
        Ok(channel.set(period, width).await.map_err(Into::into))
    }

    async fn enable(
        &mut self,
        channel: Resource<OpenPwm>,
        on: bool,
    ) -> Result<std::result::Result<(), Error>> {
        Ok(self.pwm(&channel)?.enable(on).await.map_err(Into::into))
    }

    async fn period(
        &mut self,
        channel: Resource<OpenPwm>,
    ) -> Result<std::result::Result<u64, Error>> {
        Ok(self.pwm(&channel)?.period().await.map_err(Into::into))
    }

    async fn width(
        &mut self,
        channel: Resource<OpenPwm>,
    ) -> Result<std::result::Result<u64, Error>> {
        Ok(self.pwm(&channel)?.width().await.map_err(Into::into))
    }

    fn drop(&mut self, channel: Resource<OpenPwm>) -> Result<()> {
        // The device holds the channel on.
        self.table().delete(channel)?;
        Ok(())
    }
}
