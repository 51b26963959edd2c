//! The board as tests and plugins have it.
#![allow(clippy::unwrap_used, clippy::panic)]

mod bus;
mod faults;
mod file;
mod lines;
mod ports;
mod sensors;

use std::sync::{Arc, Mutex};

use weihe_kernel::VirtualClock;

use super::VirtualBoard;
use crate::gpio::{Bias, Drive, Edge, EdgeSink, Edges, Line, LineConfig, Mode};
use crate::hardware::Hardware;

/// When the wall clock begins, so that it cannot be confused with spans.
pub(super) const EPOCH: u64 = 1_700_000_000_000_000_000;

pub(super) const MILLISECOND: u64 = 1_000_000;

pub(super) fn board(text: &str) -> (Arc<VirtualBoard>, VirtualClock) {
    let clock = VirtualClock::new(EPOCH);
    match VirtualBoard::parse(text, Arc::new(clock.clone())) {
        Ok(board) => (Arc::new(board), clock),
        Err(error) => panic!("{error}"),
    }
}

/// What was heard of a line.
#[derive(Clone, Default)]
pub(super) struct Heard(Arc<Mutex<Vec<Edge>>>);

impl Heard {
    pub fn sink(&self) -> EdgeSink {
        let heard = self.0.clone();
        Arc::new(move |edges| heard.lock().unwrap().extend_from_slice(edges))
    }

    pub fn take(&self) -> Vec<Edge> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// The values, with the nanoseconds since the start.
    pub fn values(&self) -> Vec<(u64, bool)> {
        let edges = self.take().into_iter();
        edges.map(|edge| (edge.time - EPOCH, edge.active)).collect()
    }
}

pub(super) fn input(bias: Bias, edges: Edges, debounce: u64) -> LineConfig {
    LineConfig {
        active_low: false,
        mode: Mode::Input {
            bias,
            edges,
            debounce,
        },
    }
}

pub(super) fn output(initial: Option<bool>) -> LineConfig {
    LineConfig {
        active_low: false,
        mode: Mode::Output {
            drive: Drive::PushPull,
            initial,
        },
    }
}

/// Opens a line of whose edges nobody wants to know.
pub(super) fn open(board: &VirtualBoard, name: &str, config: &LineConfig) -> Arc<dyn Line> {
    board.line(name, config, Arc::new(|_| {})).unwrap()
}

/// Opens a line and listens to all of its edges.
pub(super) fn listen(board: &VirtualBoard, name: &str, bias: Bias) -> (Arc<dyn Line>, Heard) {
    let heard = Heard::default();
    let line = board
        .line(name, &input(bias, Edges::Both, 0), heard.sink())
        .unwrap();
    (line, heard)
}
