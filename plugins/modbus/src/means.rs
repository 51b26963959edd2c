//! What polls and commands work with.

use weihe_modbus::Table;
use weihe_sdk::{Context, Timestamp};

use crate::line::Line;
use crate::plan::Span;
use crate::point::{Content, Point};
use crate::stats::Stats;

/// What polls and commands work with while a handler runs.
#[derive(Debug)]
pub struct Means<'a> {
    /// The kernel.
    pub ctx: &'a mut Context,
    /// The line.
    pub line: &'a mut Line,
    /// The device's points.
    pub points: &'a mut [Point],
    /// The counters.
    pub stats: &'a mut Stats,
}

impl Means<'_> {
    /// Takes what a table holds in `span` for every point that lies within it.
    pub fn take(&mut self, table: Table, span: Span, content: &Content, time: Timestamp) {
        let within = |point: &Point| {
            point.table == table
                && point.span.address >= span.address
                && point.span.end() <= span.end()
        };
        for point in self.points.iter_mut().filter(|point| within(point)) {
            let value = point.decode(span.address, content);
            point.take(self.ctx, value, time, self.stats);
        }
    }
}
