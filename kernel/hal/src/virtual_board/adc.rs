//! Analogue inputs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::core::Core;
use super::fault::{Fault, Forces};
use super::world::Source;
use crate::adc::{AdcChannel, Quantity};
use crate::error::HalError;

/// An analogue input.
#[derive(Debug)]
pub struct Adc {
    /// What the board calls it.
    pub name: String,
    /// What it measures.
    pub quantity: Quantity,
    /// From where.
    pub value: Source,
    /// What a value is multiplied with.
    pub scale: f64,
    /// What is added then.
    pub offset: f64,
    /// What it can tell: least and most.
    pub range: (f64, f64),
    /// How finely.
    pub bits: u32,
    /// What is wrong with it.
    pub faults: Mutex<Forces>,
}

impl Adc {
    /// What is wrong with it.
    pub fn faults(&self) -> MutexGuard<'_, Forces> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the converter counts at a time of the monotonic clock.
    pub fn raw(&self, now: u64) -> i64 {
        let (least, most) = self.range;
        let value = self.value.at(now) * self.scale + self.offset;
        let share = ((value - least) / (most - least)).clamp(0.0, 1.0);
        // Not a number, where the range is none.
        let share = if share.is_finite() { share } else { 0.0 };
        (share * self.full()).round() as i64
    }

    /// What it tells then.
    pub fn reading(&self, now: u64) -> f64 {
        let (least, most) = self.range;
        least + (most - least) * self.raw(now) as f64 / self.full()
    }

    fn full(&self) -> f64 {
        ((1_u64 << self.bits.clamp(1, 32)) - 1) as f64
    }
}

/// An open channel.
pub struct OpenAdc {
    /// The board.
    pub core: Arc<Core>,
    /// The channel.
    pub adc: Arc<Adc>,
}

impl OpenAdc {
    fn now(&self) -> Result<u64, HalError> {
        self.core.catch_up();
        let failed = self.adc.faults().show(|fault| match fault {
            Fault::Unplugged => Some(HalError::Gone(format!("{} has vanished", self.adc.name))),
            Fault::Timeout => Some(HalError::Timeout(format!(
                "{}: the converter does not end",
                self.adc.name
            ))),
            _ => None,
        });
        failed.map_or_else(|| Ok(self.core.clock.monotonic()), Err)
    }
}

impl AdcChannel for OpenAdc {
    fn quantity(&self) -> Quantity {
        self.adc.quantity
    }

    fn read(&self) -> Result<f64, HalError> {
        Ok(self.adc.reading(self.now()?))
    }

    fn blocks(&self) -> bool {
        false
    }

    fn read_raw(&self) -> Result<i64, HalError> {
        Ok(self.adc.raw(self.now()?))
    }
}
