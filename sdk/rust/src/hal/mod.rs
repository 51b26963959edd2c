//! Hardware: digital lines, I2C and SPI buses, serial ports, PWM, analogue inputs.
//!
//! All is opened by a name from the [`Context`](crate::Context), and needs a grant in `weihe.toml`. What is opened
//! implements the traits of [`embedded-hal`](https://docs.rs/embedded-hal/1) 1.0, so that any driver written for them
//! runs as a plugin:
//!
//! ```
//! use weihe_sdk::prelude::*;
//!
//! /// Publishes what an SHT40 on the bus measures.
//! struct Climate {
//!     sensor: sht4x::Sht4x<weihe_sdk::hal::I2c, weihe_sdk::hal::Delay>,
//!     delay: weihe_sdk::hal::Delay,
//! }
//!
//! impl Plugin for Climate {
//!     # type Config = NoConfig;
//!     # type Command = NoCommand;
//!     # type State = NoState;
//!     # fn describe() -> Description { Description::new("climate", "0.1.0", "Temperature by an SHT40") }
//!     fn start(ctx: &mut Context, _: NoConfig, _: Option<NoState>) -> Result<Self, Error> {
//!         ctx.every("measure", Duration::from_secs(10))?;
//!         let sensor = sht4x::Sht4x::new(ctx.i2c("sensors")?);
//!         Ok(Climate { sensor, delay: ctx.delay() })
//!     }
//!
//!     fn on_timer(&mut self, ctx: &mut Context, _: &str, _: u64) -> Result<(), Error> {
//!         let measured = self.sensor.measure(sht4x::Precision::High, &mut self.delay);
//!         let measured = measured.map_err(|error| Error::retry(format!("SHT40: {error:?}")))?;
//!         let topic = ctx.own_topic("temperature")?;
//!         ctx.publish_on(topic, measured.temperature_celsius().to_num::<f64>());
//!         Ok(())
//!     }
//! }
//! ```
//!
//! | trait | by |
//! |---|---|
//! | `embedded_hal::i2c::I2c` (7-bit addresses), `embedded_hal_async::i2c::I2c` | [`I2c`] |
//! | `digital::InputPin` | [`Input`], [`Output`] |
//! | `digital::OutputPin`, `StatefulOutputPin` | [`Output`] |
//! | `spi::SpiDevice`, also async | [`Spi`] |
//! | `pwm::SetDutyCycle` | [`Pwm`] |
//! | `delay::DelayNs`, also async | [`Delay`] |
//! | `embedded_io::{Read, ReadReady, Write}`, `embedded_io_async::{Read, Write}` | [`Uart`] |
//!
//! **High is active.** `InputPin::is_high` and `OutputPin::set_high` speak of the logical value: `true` is active,
//! whatever that is in volts. How a line is wired is the integrator's business (`active = "low"` in the grant), or the
//! plugin's, by [`Active`].
//!
//! The values are cheap to clone, and clones speak to the same thing: two drivers on one bus get a clone each, where
//! a microcontroller needs `embedded-hal-bus` (whose types work, too).
//!
//! **Async drivers.** The traits of `embedded-hal-async` are there, and their futures are ready when they are first
//! polled: the host waits, the component does not. [`block_on`] runs a driver that is written so.
//! `embedded_hal_async::digital::Wait` is not implemented: a component has no executor beyond one call of the host, and
//! a wait for an edge would hold up all other events of its device. Edges come as events ([`Edge`]).

mod adc;
mod awaited;
mod delay;
mod edge;
mod error;
mod i2c;
mod input;
mod open;
mod output;
mod pwm;
mod spi;
mod uart;

pub use adc::{Adc, Quantity};
pub use awaited::block_on;
pub use delay::Delay;
pub use edge::Edge;
pub use error::{HalError, I2cError};
pub use i2c::I2c;
pub use input::{Active, Bias, Edges, Input, InputOptions};
pub use output::{Drive, Output, OutputOptions, SafeValue};
pub use pwm::Pwm;
pub use spi::{Spi, SpiOptions};
pub use uart::{FlowControl, Parity, Rs485, Uart, UartSettings};
