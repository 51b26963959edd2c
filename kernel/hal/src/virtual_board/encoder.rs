//! A rotary encoder: two contacts that close a quarter of a step apart.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use super::core::Core;
use super::timeline::Happening;

/// The most steps of one turn.
pub const STEPS: i64 = 10_000;

/// A rotary encoder, whose contacts connect to ground.
#[derive(Debug)]
pub struct Encoder {
    /// The line of the contact that closes first when it is turned clockwise.
    pub a: usize,
    /// The line of the other one.
    pub b: usize,
    /// Of a quarter of a step, in nanoseconds.
    pub quarter: u64,
    /// Where it will be, in quarters.
    phase: AtomicI64,
    /// Until when it is being turned.
    busy: AtomicU64,
}

impl Encoder {
    /// One in its place of rest.
    pub fn new(a: usize, b: usize, quarter: u64) -> Self {
        Self {
            a,
            b,
            quarter: quarter.max(1),
            phase: AtomicI64::new(0),
            busy: AtomicU64::new(0),
        }
    }

    /// Where it is, in steps.
    pub fn position(&self) -> i64 {
        self.phase.load(Ordering::Relaxed).div_euclid(4)
    }

    /// Turns it by so many steps, clockwise when the number is positive.
    pub fn turn(&self, core: &Core, steps: i64) {
        let steps = steps.clamp(-STEPS, STEPS);
        let mut due = self
            .busy
            .load(Ordering::Relaxed)
            .max(core.clock.monotonic());
        for _ in 0..steps.unsigned_abs() * 4 {
            let phase = self.phase.fetch_add(steps.signum(), Ordering::Relaxed) + steps.signum();
            due += self.quarter;
            let closed = match phase.rem_euclid(4) {
                0 => (false, false),
                1 => (true, false),
                2 => (true, true),
                _ => (false, true),
            };
            let (a, b) = (self.a, self.b);
            let set: Happening = Box::new(move |core, due| {
                core.change(a, Some(due), |pad| pad.outside = closed.0.then_some(false));
                core.change(b, Some(due), |pad| pad.outside = closed.1.then_some(false));
            });
            core.later(due, set);
        }
        self.busy.store(due, Ordering::Relaxed);
    }
}
