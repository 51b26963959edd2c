//! Short waits.

use crate::kernel::Waits;
use embedded_hal::delay::DelayNs;

/// Waits between two operations, from [`Context::delay`](crate::Context::delay), for drivers that ask for a
/// `embedded_hal::delay::DelayNs`.
///
/// The device does nothing else meanwhile, and its limit `call-time` goes on. To do something later, set a timer.
///
/// ```
/// # use weihe_sdk::prelude::*;
/// # fn start(ctx: &mut Context) -> Result<(), Error> {
/// use embedded_hal::delay::DelayNs as _;
///
/// let reset = ctx.output("reset", Default::default())?;
/// reset.set(true)?;
/// ctx.delay().delay_us(10);
/// reset.set(false)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Delay(pub(super) Waits);

impl DelayNs for Delay {
    fn delay_ns(&mut self, nanoseconds: u32) {
        self.0.wait(nanoseconds.into());
    }

    fn delay_us(&mut self, microseconds: u32) {
        self.0.wait(u64::from(microseconds) * 1_000);
    }

    fn delay_ms(&mut self, milliseconds: u32) {
        self.0.wait(u64::from(milliseconds) * 1_000_000);
    }
}
