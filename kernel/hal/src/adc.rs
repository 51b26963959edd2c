//! Analogue inputs: what a backend offers.

use crate::error::HalError;

/// What a channel measures, in the unit named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// Volts.
    Voltage,
    /// Amperes.
    Current,
    /// Degrees Celsius.
    Temperature,
    /// Ohms.
    Resistance,
    /// Per cent relative humidity.
    Humidity,
    /// Kilopascals.
    Pressure,
    /// Lux.
    Illuminance,
    /// A number.
    Other,
}

/// An open channel.
pub trait AdcChannel: Send + Sync {
    /// What it measures.
    fn quantity(&self) -> Quantity;

    /// Measures, in the unit of the quantity.
    fn read(&self) -> Result<f64, HalError>;

    /// Whether a measurement may take long.
    fn blocks(&self) -> bool;

    /// Measures, as the converter counts.
    fn read_raw(&self) -> Result<i64, HalError>;
}
