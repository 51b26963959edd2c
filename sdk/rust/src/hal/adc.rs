//! Analogue inputs.

use super::HalError;
use crate::bindings::hal::weihe::hal::adc as wit;
use crate::kernel::Converter;
use std::rc::Rc;

/// What an analogue input measures, and in which unit: volts, amperes, degrees Celsius, ohms, per cent, kilopascals,
/// lux.
///
/// ```
/// # use weihe_sdk::hal::{Adc, Quantity};
/// fn is_thermometer(channel: &Adc) -> bool {
///     channel.quantity() == Quantity::Temperature
/// }
/// ```
pub use wit::Quantity;

/// An analogue input, from [`Context::adc`](crate::Context::adc). Several devices may read one. (`embedded-hal` 1.0 has
/// no trait for it.)
///
/// ```
/// # use weihe_sdk::prelude::*;
/// # fn start(ctx: &mut Context) -> Result<(), Error> {
/// let battery = ctx.adc("battery")?;
/// let volts = battery.read()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Adc {
    converter: Rc<Converter>,
}

impl Adc {
    pub(super) fn new(converter: Converter) -> Self {
        Adc {
            converter: Rc::new(converter),
        }
    }

    /// Measures, in the unit of the [`Quantity`].
    ///
    /// ```
    /// # use weihe_sdk::hal::{Adc, HalError};
    /// fn mean(channel: &Adc) -> Result<f64, HalError> {
    ///     Ok((channel.read()? + channel.read()?) / 2.0)
    /// }
    /// ```
    pub fn read(&self) -> Result<f64, HalError> {
        self.converter.read()
    }

    /// Measures; the number as the converter gives it.
    ///
    /// ```
    /// # use weihe_sdk::hal::{Adc, HalError};
    /// fn is_cut_off(channel: &Adc) -> Result<bool, HalError> {
    ///     Ok(channel.read_raw()? >= 4095)
    /// }
    /// ```
    pub fn read_raw(&self) -> Result<i64, HalError> {
        self.converter.read_raw()
    }

    /// What it measures.
    ///
    /// ```
    /// # use weihe_sdk::hal::{Adc, Quantity};
    /// fn unit(channel: &Adc) -> &'static str {
    ///     match channel.quantity() {
    ///         Quantity::Voltage => "V",
    ///         Quantity::Temperature => "°C",
    ///         _ => "",
    ///     }
    /// }
    /// ```
    pub fn quantity(&self) -> Quantity {
        self.converter.quantity()
    }
}
