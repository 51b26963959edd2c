//! What else is on the test's board: SPI peripherals, serial ports, PWM channels, analogue inputs.

use crate::hal::{HalError, Quantity, UartSettings};
use crate::{Duration, Timestamp};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

/// What a peripheral does in a transaction: gets the bytes that went out, fills in those that come back.
pub(in crate::testing) type SpiSeam =
    Rc<RefCell<dyn FnMut(&[u8], &mut [u8]) -> Result<(), HalError>>>;

/// What the far end of a serial line answers to bytes.
pub(in crate::testing) type UartSeam = Rc<RefCell<dyn FnMut(&[u8]) -> Vec<u8>>>;

/// A serial port.
#[derive(Default)]
pub(in crate::testing) struct Serial {
    pub(super) settings: Option<UartSettings>,
    /// Bursts, with silence between them.
    pub(super) incoming: VecDeque<VecDeque<u8>>,
    pub(super) written: Vec<u8>,
    pub(super) far_end: Option<UartSeam>,
}

impl Serial {
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.incoming.push_back(bytes.iter().copied().collect());
        }
    }

    /// What is there, up to a silence that `gap` nanoseconds can be (0: whatever is there).
    pub(super) fn take(&mut self, max: usize, gap: u64) -> Vec<u8> {
        let mut taken = Vec::new();
        while let Some(burst) = self.incoming.front_mut() {
            let count = burst.len().min(max - taken.len());
            taken.extend(burst.drain(..count));
            if !burst.is_empty() {
                break;
            }
            self.incoming.pop_front();
            if gap > 0 || taken.len() == max {
                break;
            }
        }
        taken
    }
}

/// The pulses of a PWM channel.
///
/// ```no_run
/// # use weihe_sdk::{prelude::*, testing::*};
/// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
/// let Pulse { width, enabled, .. } = kernel.board().pulse("servo");
/// assert_eq!((width, enabled), (Duration::from_nanos(1_500_000), true));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pulse {
    /// The period; zero before it was set.
    pub period: Duration,
    /// The width.
    pub width: Duration,
    /// Whether there are any.
    pub enabled: bool,
}

/// A PWM channel.
#[derive(Debug, Default)]
pub(in crate::testing) struct Channel {
    pub(super) pulse: Pulse,
    pub(super) open: bool,
    pub(super) safe: Option<Duration>,
    pub(super) history: Vec<(Timestamp, Pulse)>,
}

impl Channel {
    pub(super) fn set(&mut self, pulse: Pulse, now: Timestamp) {
        if self.pulse != pulse {
            self.pulse = pulse;
            self.history.push((now, pulse));
        }
    }

    /// Nobody minds it any more.
    pub(super) fn end(&mut self, now: Timestamp) {
        if !std::mem::take(&mut self.open) {
            return;
        }
        let mut pulse = self.pulse;
        match self.safe {
            Some(width) => pulse.width = width,
            None => pulse.enabled = false,
        }
        self.set(pulse, now);
    }
}

/// An analogue input.
#[derive(Debug, Clone, Copy)]
pub(in crate::testing) struct Analogue {
    pub(super) quantity: Quantity,
    pub(super) value: f64,
}
