//! An ultrasonic distance sensor (HC-SR04): a pulse on the trigger is answered by one whose width is the
//! way of the sound.

use super::core::Core;
use super::timeline::Happening;
use super::world::Source;

/// From the trigger's falling edge to the rising one of the echo: eight periods of 40 kHz, and what the
/// sensor takes to get ready (HC-SR04 user guide, timing diagram; measured values lie about here).
const BURST: u64 = 450_000;

/// Of the echo for a centimetre, in nanoseconds: there and back with 343 m/s, at 20 degrees.
const CENTIMETRE: f64 = 58_309.0;

/// What is farther away than this gives no echo, in centimetres.
const FARTHEST: f64 = 400.0;

/// The width of the pulse when there is no echo.
const NOTHING: u64 = 38_000_000;

/// An echo sensor.
#[derive(Debug)]
pub struct Echo {
    /// The line of its echo.
    pub echo: usize,
    /// How far away something is, in centimetres.
    pub distance: Source,
}

impl Echo {
    /// Its trigger has another level.
    pub fn triggered(&self, core: &Core, level: bool) {
        if level {
            return;
        }
        let now = core.clock.monotonic();
        let distance = self.distance.at(now);
        let width = if (0.0..=FARTHEST).contains(&distance) {
            (distance * CENTIMETRE) as u64
        } else {
            NOTHING
        };
        let echo = self.echo;
        let set = move |level: bool| -> Happening {
            Box::new(move |core, due| {
                core.change(echo, Some(due), |pad| pad.outside = Some(level));
            })
        };
        core.later(now + BURST, set(true));
        core.later(now + BURST + width, set(false));
    }
}
