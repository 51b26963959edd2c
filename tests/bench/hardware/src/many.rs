//! Many lines and devices at once.

use embedded_hal::i2c::I2c as _;
use weihe_sdk::hal::{I2c, Output};
use weihe_sdk::prelude::*;

use crate::failed;

/// The first address of a bus that is not reserved (UM10204, 3.1.12).
const FIRST: u8 = 0x08;

/// What was opened.
#[derive(Default)]
pub struct Many {
    lines: Vec<Output>,
    buses: Vec<I2c>,
    devices: u8,
}

impl Many {
    /// Opens so many lines and buses with so many devices each.
    pub fn open(ctx: &mut Context, lines: u32, buses: u32, devices: u8) -> Result<Self, CallError> {
        let line = |ctx: &mut Context, number| {
            ctx.output(&format!("line{number}"), Default::default())
                .map_err(failed)
        };
        Ok(Self {
            lines: (0..lines)
                .map(|number| line(ctx, number))
                .collect::<Result<_, _>>()?,
            buses: (0..buses)
                .map(|number| ctx.i2c(&format!("bus{number}")).map_err(failed))
                .collect::<Result<_, _>>()?,
            devices,
        })
    }

    /// Uses each of them once.
    pub fn round(&mut self) -> Result<(), CallError> {
        for line in &self.lines {
            line.toggle().map_err(failed)?;
        }
        let mut raw = [0; 2];
        for bus in &mut self.buses {
            for address in (FIRST..).take(self.devices.into()) {
                bus.write_read(address, &[0], &mut raw)
                    .map_err(|error| CallError::failed(error.to_string()))?;
            }
        }
        Ok(())
    }
}
