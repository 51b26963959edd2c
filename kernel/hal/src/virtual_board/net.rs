//! What is connected with what, and the levels that follow.
//!
//! A net is one node of the circuit: the pads of one or several lines, what is connected to them from
//! outside, and resistors. Whoever drives it wins over resistors; where two drive against each other the
//! lower level wins and the net is shorted; where nobody does, it keeps the level that it had.

use std::collections::VecDeque;

use super::timeline::Happening;
use crate::gpio::{Edge, EdgeSink, LineConfig, Mode};

/// The pad of a line: where the processor and the circuit meet.
#[derive(Default)]
pub struct Pad {
    /// Its line.
    pub line: usize,
    /// What the processor drives it to.
    pub drive: Option<bool>,
    /// The processor's resistor.
    pub bias: Option<bool>,
    /// Whether the processor has it as an output.
    pub output: bool,
    /// What is connected to it from outside drives it to this.
    pub outside: Option<bool>,
    /// The resistor on the board.
    pub pull: Option<bool>,
    /// Connected to the supply or to ground by mistake.
    pub stuck: Option<bool>,
    /// Whether the wire between the pad and the rest is broken.
    pub broken: bool,
    /// How many more changes come with each change from outside.
    pub bouncing: u32,
    /// Whether its chip has vanished.
    pub gone: bool,
    /// Whether somebody wants to know about its net's changes.
    pub watched: bool,
    /// What the processor reads.
    pub level: bool,
    /// How often that changed.
    pub changes: u64,
    /// Which opening of the line it is, so that an earlier one takes nothing from it when it ends.
    pub serial: u64,
    /// Whether somebody has the line open.
    pub open: bool,
    /// Who listens.
    pub ear: Option<Ear>,
}

/// Who listens to a line.
pub struct Ear {
    /// How the line is used.
    pub config: LineConfig,
    /// Where edges go.
    pub sink: EdgeSink,
    /// The level that was told last.
    pub told: bool,
    /// Grows with each change while a level has to be steady before it is told.
    pub unsettled: u64,
    /// What waits in the imitated queue of a kernel.
    pub queue: VecDeque<Edge>,
    /// How many fell out of it since the last that came.
    pub missed: u64,
}

impl Ear {
    /// One that has heard nothing.
    pub fn new(config: LineConfig, sink: EdgeSink, level: bool) -> Self {
        Self {
            config,
            sink,
            told: level,
            unsettled: 0,
            queue: VecDeque::new(),
            missed: 0,
        }
    }

    fn debounce(&self) -> u64 {
        match self.config.mode {
            Mode::Input { debounce, .. } => debounce,
            Mode::Output { .. } => 0,
        }
    }

    /// Tells a level, if it is asked for; returns whether something waits in the queue because of it.
    fn tell(&mut self, level: bool, wall: u64, queue: Option<usize>) -> bool {
        self.told = level;
        let active = level != self.config.active_low;
        let wanted = match self.config.mode {
            Mode::Input { edges, .. } => edges.has(active),
            Mode::Output { .. } => false,
        };
        if !wanted {
            return false;
        }
        let edge = Edge {
            time: wall,
            active,
            missed: 0,
        };
        let Some(room) = queue else {
            (self.sink)(&[edge]);
            return false;
        };
        // As in the kernel since 5.10: the oldest one makes room (gpiolib-cdev.c, linereq_put_event).
        if self.queue.len() >= room {
            self.queue.pop_front();
            self.missed += 1;
        }
        self.queue.push_back(edge);
        true
    }

    /// Brings what waits in the queue.
    pub fn drain(&mut self) {
        let mut edges: Vec<Edge> = self.queue.drain(..).collect();
        if let Some(first) = edges.first_mut() {
            first.missed = std::mem::take(&mut self.missed);
            (self.sink)(&edges);
        }
    }
}

/// What follows from a change, to be done when the net is free again.
#[derive(Default)]
pub struct Effects {
    /// What is to happen later.
    pub later: Vec<(u64, Happening)>,
    /// Lines whose net changed and that somebody watches, with its level.
    pub reactions: Vec<(usize, bool)>,
}

/// When something changes.
pub struct Moment<'c> {
    /// On the monotonic clock.
    pub now: &'c dyn Fn() -> u64,
    /// On the wall clock.
    pub wall: &'c dyn Fn() -> u64,
    /// The room of the imitated queues.
    pub queue: Option<usize>,
}

/// A node of the circuit.
#[derive(Default)]
pub struct Net {
    /// The pads on it.
    pub pads: Vec<Pad>,
    /// Its level, outside of broken wires.
    pub node: bool,
    /// Whether somebody drives against somebody else.
    pub shorted: bool,
}

impl Net {
    /// Works out the levels anew after something changed, and tells who listens.
    pub fn settle(&mut self, moment: &Moment<'_>, effects: &mut Effects) {
        let (mut low, mut high, mut pulled) = (false, false, None::<bool>);
        let mut stuck = None;
        for pad in &self.pads {
            let inner = (!pad.broken).then_some(pad.drive).flatten();
            for driven in [inner, pad.outside].into_iter().flatten() {
                low |= !driven;
                high |= driven;
            }
            let inner = (!pad.broken).then_some(pad.bias).flatten();
            for pull in [inner, pad.pull].into_iter().flatten() {
                pulled = Some(pulled.unwrap_or(false) || pull);
            }
            stuck = stuck.or(pad.stuck);
        }
        self.shorted = low && high;
        let node = match (low, high) {
            (true, _) => false,
            (false, true) => true,
            (false, false) => pulled.unwrap_or(self.node),
        };
        let node = stuck.unwrap_or(node);
        let changed = std::mem::replace(&mut self.node, node) != node;
        for pad in &mut self.pads {
            if changed && pad.watched {
                effects.reactions.push((pad.line, node));
            }
            let level = if pad.broken {
                pad.drive.or(pad.bias).unwrap_or(pad.level)
            } else {
                node
            };
            if std::mem::replace(&mut pad.level, level) != level {
                pad.changes += 1;
                if !pad.gone {
                    pad.hear(level, moment, effects);
                }
            }
        }
    }

    /// A level has been steady for long enough.
    pub fn steady(&mut self, pad: usize, change: u64, moment: &Moment<'_>, effects: &mut Effects) {
        let Some(pad) = self.pads.get_mut(pad) else {
            return;
        };
        let (line, level) = (pad.line, pad.level);
        if let Some(ear) = &mut pad.ear
            && ear.unsettled == change
            && ear.told != level
        {
            pad_tell(ear, line, level, moment, effects);
        }
    }
}

impl Pad {
    fn hear(&mut self, level: bool, moment: &Moment<'_>, effects: &mut Effects) {
        let Some(ear) = &mut self.ear else {
            return;
        };
        let line = self.line;
        match ear.debounce() {
            0 => pad_tell(ear, line, level, moment, effects),
            steady => {
                ear.unsettled += 1;
                let change = ear.unsettled;
                let due = (moment.now)().saturating_add(steady);
                let happening: Happening =
                    Box::new(move |core, due| core.steady(line, change, due));
                effects.later.push((due, happening));
            }
        }
    }
}

fn pad_tell(ear: &mut Ear, line: usize, level: bool, moment: &Moment<'_>, effects: &mut Effects) {
    let first = ear.queue.is_empty();
    if ear.tell(level, (moment.wall)(), moment.queue) && first {
        let happening: Happening = Box::new(move |core, _| core.drain(line));
        // As soon as anybody has time for it.
        effects.later.push((0, happening));
    }
}
