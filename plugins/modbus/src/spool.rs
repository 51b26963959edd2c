//! What is to be published and has not been. A handler call may publish only so much (the kernel's limit
//! `outbox-events`), and a link that breaks makes every point bad at once: the rest is told in portions,
//! on the ticks of a timer.

use std::collections::VecDeque;

use weihe_sdk::{Context, Duration, Error};

use crate::point::Point;
use crate::stats::Stats;

/// Samples that one handler call publishes at most: a quarter of the kernel's default limit, so that
/// nothing else which it publishes can reach that.
pub const PORTION: usize = 1_024;

/// The timer on which the next portion is told.
pub const TIMER: &str = "tell-the-rest";

/// How soon the next portion follows: subscribers get a breath, and ten thousand points are told in a
/// few hundredths of a second.
const PAUSE: Duration = Duration::from_millis(1);

/// Points whose newest value, or loss, has not been published. Each stands here once and is told as it
/// is then, so the spool never holds more than the device has points.
#[derive(Debug, Default)]
pub struct Spool {
    waiting: VecDeque<usize>,
    room: usize,
}

impl Spool {
    /// Begins a handler call that may publish so many samples.
    pub fn begin(&mut self, room: usize) {
        self.room = room;
    }

    /// Publishes a point, now or after those that wait.
    pub fn tell(
        &mut self,
        index: usize,
        ctx: &mut Context,
        points: &mut [Point],
        stats: &mut Stats,
    ) {
        let Some(point) = points.get_mut(index) else {
            return;
        };
        if self.room > 0 && self.waiting.is_empty() {
            self.room -= 1;
            stats.samples += 1;
            point.publish(ctx);
        } else if !point.spooled {
            point.spooled = true;
            self.waiting.push_back(index);
        }
    }

    /// Ends a handler call: publishes what there is room for, and sees to the rest.
    pub fn end(
        &mut self,
        ctx: &mut Context,
        points: &mut [Point],
        stats: &mut Stats,
    ) -> Result<(), Error> {
        while self.room > 0
            && let Some(index) = self.waiting.pop_front()
        {
            let Some(point) = points.get_mut(index) else {
                continue;
            };
            self.room -= 1;
            stats.samples += 1;
            point.spooled = false;
            point.publish(ctx);
        }
        if !self.waiting.is_empty() {
            ctx.after(TIMER, PAUSE)?;
        }
        Ok(())
    }
}
