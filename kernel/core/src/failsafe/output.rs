//! One output, and all that a device holds: plain data.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::connection::Seat;

use super::frame::SafeFrame;
use super::guard::{Action, Charge, GuardedFrame};
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
}

pub(super) struct Output {
    pub(super) id: u64,
    pub(super) how: How,
    pub(super) state: SafeState,
    pub(super) since: u64,
    pub(super) error: String,
}

pub(super) enum How {
    Frame { seat: Seat, frame: Arc<SafeFrame> },
    Line(Arc<dyn SafeLine>),
}

impl How {
    pub(super) fn is_on(&self, connection: &str) -> bool {
        self.connection().is_some_and(|on| **on == *connection)
    }

    pub(super) fn connection(&self) -> Option<&Arc<str>> {
        match self {
            Self::Frame { seat, .. } => Some(seat.connection()),
            Self::Line(_) => None,
        }
    }

    pub(super) fn what(&self) -> String {
        match self {
            Self::Frame { frame, .. } => frame.label.to_string(),
            Self::Line(line) => line.describe(),
        }
    }

    pub(super) fn on(&self) -> String {
        match self {
            Self::Frame { seat, .. } => seat.connection().to_string(),
            Self::Line(line) => line.name().to_owned(),
        }
    }
}

/// Frames with their ids, in order.
pub(super) type Frames = Vec<(u64, Arc<SafeFrame>)>;

/// What is to be set.
pub(super) struct Due {
    pub(super) lines: Vec<(u64, Arc<dyn SafeLine>)>,
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
        self.outputs
            .retain(|output| !matches!(&output.how, How::Line(held) if held.name() == line));
    }

    /// Everything is to be set now: the lines, and the frames of each connection.
    pub(super) fn begin(&mut self, now: u64) -> Due {
        let mut lines = Vec::new();
        let mut frames: Vec<(Seat, Frames)> = Vec::new();
        for output in &mut self.outputs {
            output.state = SafeState::Applying;
            output.since = now;
            match &output.how {
                How::Line(line) => lines.push((output.id, line.clone())),
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

    /// What the guard has to do for them if the host dies now.
    pub(super) fn charges(&self, device: &Arc<str>, into: &mut Vec<Charge>) {
        let mut seen = BTreeSet::new();
        for output in &self.outputs {
            match &output.how {
                How::Line(line) if output.state != SafeState::Applied => {
                    if let Some(guarded) = line.guarded() {
                        into.push(Charge {
                            device: device.clone(),
                            on: line.name().into(),
                            descriptor: guarded.descriptor,
                            action: Action::Write(guarded.write),
                        });
                    }
                }
                How::Frame { seat, .. } if seen.insert(seat.connection().clone()) => {
                    into.extend(self.charge_of(device, seat));
                }
                _ => {}
            }
        }
    }

    /// All frames over one connection that have not been confirmed, while the link is up.
    fn charge_of(&self, device: &Arc<str>, seat: &Seat) -> Option<Charge> {
        let (descriptor, line) = seat.descriptor()?;
        let frames: Vec<GuardedFrame> = self
            .outputs
            .iter()
            .filter(|output| output.state != SafeState::Applied)
            .filter_map(|output| match &output.how {
                How::Frame { seat: of, frame } if of.connection() == seat.connection() => {
                    Some(frame.guarded())
                }
                _ => None,
            })
            .collect();
        (!frames.is_empty()).then(|| Charge {
            device: device.clone(),
            on: seat.connection().clone(),
            descriptor,
            action: Action::Exchange { line, frames },
        })
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
        }
    }

    pub(super) fn status(&self) -> OutputStatus {
        OutputStatus {
            what: self.how.what(),
            on: self.how.on(),
            state: self.state,
            since: self.since,
            error: self.error.clone(),
        }
    }
}
