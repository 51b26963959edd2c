//! What polls and commands work with.

use weihe_modbus::Table;
use weihe_sdk::{Context, Timestamp};

use crate::line::Line;
use crate::plan::Span;
use crate::point::{Content, Point};
use crate::spool::Spool;
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
    /// What is to be published.
    pub spool: &'a mut Spool,
    /// The counters.
    pub stats: &'a mut Stats,
}

impl Means<'_> {
    /// Takes what a table holds in `span` for every point that lies within it.
    pub fn take(&mut self, table: Table, span: Span, content: &Content, time: Timestamp) {
        for index in 0..self.points.len() {
            let point = &self.points[index];
            let within = point.table == table
                && point.span.address >= span.address
                && point.span.end() <= span.end();
            if within {
                self.take_point(index, span.address, content, time);
            }
        }
    }

    /// Takes a point's value out of what a table holds from `first` on.
    pub fn take_point(&mut self, index: usize, first: u16, content: &Content, time: Timestamp) {
        let point = &mut self.points[index];
        let value = point.decode(first, content);
        if point.take(value, time) {
            self.spool.tell(index, self.ctx, self.points, self.stats);
        }
    }

    /// A point has no value now.
    pub fn lose_point(&mut self, index: usize, reason: &str, time: Timestamp) {
        if self.points[index].lose(reason, time) {
            self.spool.tell(index, self.ctx, self.points, self.stats);
        }
    }
}
