//! The async traits. Their futures are ready when they are first polled: the host waits, not the component.

use super::{Delay, HalError, I2c, I2cError, Spi, Uart};
use embedded_hal::{i2c, spi};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Runs a future of an async driver to its end, in this call: what drivers on [`I2c`], [`Spi`], [`Uart`] and [`Delay`]
/// await is ready at once.
///
/// One that awaits something else (a pin's edge, a timer of another executor) would never end, since nothing wakes it;
/// the limit `call-time` of the device ends it then.
///
/// ```
/// # use weihe_sdk::prelude::*;
/// # fn start(ctx: &mut Context) -> Result<(), Error> {
/// use embedded_hal_async::i2c::I2c;
///
/// /// A driver that is written for async.
/// async fn temperature<B: I2c>(mut bus: B) -> Result<f64, B::Error> {
///     let mut raw = [0; 2];
///     bus.write_read(0x48, &[0x00], &mut raw).await?;
///     Ok(f64::from(i16::from_be_bytes(raw)) / 256.0)
/// }
///
/// let celsius = weihe_sdk::hal::block_on(temperature(ctx.i2c("sensors")?))?;
/// # Ok(())
/// # }
/// ```
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        // It yielded, to be polled again; there is nobody else to run.
        std::hint::spin_loop();
    }
}

impl embedded_hal_async::i2c::I2c for I2c {
    async fn transaction(
        &mut self,
        address: u8,
        operations: &mut [i2c::Operation<'_>],
    ) -> Result<(), I2cError> {
        i2c::I2c::transaction(self, address, operations)
    }
}

impl embedded_hal_async::spi::SpiDevice for Spi {
    async fn transaction(
        &mut self,
        operations: &mut [spi::Operation<'_, u8>],
    ) -> Result<(), HalError> {
        spi::SpiDevice::transaction(self, operations)
    }
}

impl embedded_hal_async::delay::DelayNs for Delay {
    async fn delay_ns(&mut self, nanoseconds: u32) {
        embedded_hal::delay::DelayNs::delay_ns(self, nanoseconds);
    }

    async fn delay_us(&mut self, microseconds: u32) {
        embedded_hal::delay::DelayNs::delay_us(self, microseconds);
    }

    async fn delay_ms(&mut self, milliseconds: u32) {
        embedded_hal::delay::DelayNs::delay_ms(self, milliseconds);
    }
}

impl embedded_io_async::Read for Uart {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, HalError> {
        embedded_io::Read::read(self, buffer)
    }
}

impl embedded_io_async::Write for Uart {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, HalError> {
        embedded_io::Write::write(self, bytes)
    }

    async fn flush(&mut self) -> Result<(), HalError> {
        embedded_io::Write::flush(self)
    }
}
