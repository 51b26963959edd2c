//! One output, and all that a device holds: plain data.

use std::sync::Arc;

use crate::connection::Seat;

use super::frame::SafeFrame;
use super::line::SafeLine;
use super::status::{OutputStatus, SafeState};

#[derive(Default)]
pub(super) struct Held {
    pub(super) outputs: Vec<Output>,
    pub(super) next: u64,
    /// Why safe values are set; none while the device works.
    pub(super) cause: Option<Arc<str>>,
    pub(super) applied: u64,
    pub(super) failures: u64,
    /// The device was removed: lines are let go of once their safe values are set.
    pub(super) removed: bool,
}

pub(super) struct Output {
    pub(super) id: u64,
    pub(super) how: How,
    pub(super) state: SafeState,
    pub(super) since: u64,
    pub(super) error: String,
    /// A line that no version of the device has a use for any more: it is forgotten once it is safe.
    pub(super) retires: bool,
}

pub(super) enum How {
    Frame {
        seat: Seat,
        frame: Arc<SafeFrame>,
    },
    Line(Arc<dyn SafeLine>),
    /// A line that was let go of.
    Gone {
        what: String,
        on: String,
    },
}

impl How {
    pub(super) fn is_on(&self, connection: &str) -> bool {
        self.connection().is_some_and(|on| **on == *connection)
    }

    pub(super) fn connection(&self) -> Option<&Arc<str>> {
        match self {
            Self::Frame { seat, .. } => Some(seat.connection()),
            Self::Line(_) | Self::Gone { .. } => None,
        }
    }

    pub(super) fn what(&self) -> String {
        match self {
            Self::Frame { frame, .. } => frame.label.to_string(),
            Self::Line(line) => line.describe(),
            Self::Gone { what, .. } => what.clone(),
        }
    }

    pub(super) fn on(&self) -> String {
        match self {
            Self::Frame { seat, .. } => seat.connection().to_string(),
            Self::Line(line) => line.name().to_owned(),
            Self::Gone { on, .. } => on.clone(),
        }
    }
}

/// Lines with their ids, in order.
pub(super) type Lines = Vec<(u64, Arc<dyn SafeLine>)>;

/// Frames with their ids, in order.
pub(super) type Frames = Vec<(u64, Arc<SafeFrame>)>;

/// What is to be set.
pub(super) struct Due {
    pub(super) lines: Lines,
    /// By connection.
    pub(super) frames: Vec<(Seat, Frames)>,
}

impl Held {
    /// Whether these are the frames of a connection already, at the same place.
    pub(super) fn has(&self, seat: &Seat, frames: &[SafeFrame]) -> bool {
        let known = self.outputs.iter().filter_map(|output| match &output.how {
            How::Frame { seat: held, frame } if held.connection() == seat.connection() => {
                Some((held.is_at(seat), &**frame))
            }
            _ => None,
        });
        known.eq(frames.iter().map(|frame| (true, frame)))
    }

    pub(super) fn forget(&mut self, line: &str) {
        self.outputs.retain(|output| !output.is_line(line));
    }

    /// The output of a line.
    pub(super) fn line(&mut self, line: &str) -> Option<&mut Output> {
        self.outputs.iter_mut().find(|output| output.is_line(line))
    }

    /// Lines that were declared since the others were set.
    pub(super) fn begin_rest(&mut self, now: u64) -> Lines {
        let is_armed_line = |output: &&mut Output| {
            output.state == SafeState::Armed && matches!(output.how, How::Line(_))
        };
        let rest = self.outputs.iter_mut().filter(is_armed_line);
        rest.filter_map(|output| output.begin(now)).collect()
    }

    /// Everything is to be set now: the lines, and the frames of each connection.
    pub(super) fn begin(&mut self, now: u64) -> Due {
        let mut lines = Vec::new();
        let mut frames: Vec<(Seat, Frames)> = Vec::new();
        for output in &mut self.outputs {
            lines.extend(output.begin(now));
            match &output.how {
                How::Line(_) | How::Gone { .. } => {}
                How::Frame { seat, frame } => {
                    let entry = (output.id, frame.clone());
                    let known = frames
                        .iter_mut()
                        .find(|(other, _)| other.connection() == seat.connection());
                    match known {
                        Some((_, list)) => list.push(entry),
                        None => frames.push((seat.clone(), vec![entry])),
                    }
                }
            }
        }
        Due { lines, frames }
    }
}

impl Output {
    pub(super) fn new(id: u64, how: How, since: u64) -> Self {
        Self {
            id,
            how,
            state: SafeState::Armed,
            since,
            error: String::new(),
            retires: false,
        }
    }

    fn is_line(&self, name: &str) -> bool {
        matches!(&self.how, How::Line(held) if held.name() == name)
    }

    /// It is to be set now; returns the line that it is.
    pub(super) fn begin(&mut self, now: u64) -> Option<(u64, Arc<dyn SafeLine>)> {
        self.state = SafeState::Applying;
        self.since = now;
        match &self.how {
            How::Line(line) => Some((self.id, line.clone())),
            How::Frame { .. } | How::Gone { .. } => None,
        }
    }

    /// Lets go of the line that it is, unless that is being set right now.
    pub(super) fn let_go(&mut self) {
        if matches!(self.how, How::Line(_)) && self.state != SafeState::Applying {
            self.how = How::Gone {
                what: self.how.what(),
                on: self.how.on(),
            };
        }
    }

    pub(super) fn status(&self) -> OutputStatus {
        OutputStatus {
            what: self.how.what(),
            on: self.how.on(),
            state: self.state,
            since: self.since,
            error: self.error.clone(),
            held: matches!(self.how, How::Line(_)),
        }
    }
}
