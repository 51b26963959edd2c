//! The board itself, which everything that is open on it shares.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use weihe_kernel::Clock;

use super::adc::Adc;
use super::bus::Bus;
use super::echo::Echo;
use super::encoder::Encoder;
use super::net::{Effects, Moment, Net, Pad};
use super::pwm::Pwm;
use super::spi::Spi;
use super::timeline::{Happening, Timeline};
use super::uart::Uart;
use super::wire::{Attached, LineInfo};
use super::world::World;
use crate::error::HalError;
use crate::hardware::Kind;

/// The most reactions that follow from one thing. Circuits that feed themselves stop there.
const REACTIONS: usize = 10_000;

/// The least time for which a contact bounces, in nanoseconds: small ones do so for about a millisecond.
const BOUNCE: u64 = 1_000_000;

/// The board itself.
///
/// Locks are taken in this order: turn of the timeline, a bus, a net. Sinks of edges are called with the
/// net locked, so that edges keep their order; they must not touch the board.
pub struct Core {
    /// What it is called.
    pub name: String,
    pub clock: Arc<dyn Clock>,
    pub timeline: Arc<Timeline>,
    pub world: World,
    pub lines: Vec<LineInfo>,
    /// Lines by name and alias.
    pub names: HashMap<String, usize>,
    pub nets: Vec<Mutex<Net>>,
    pub buses: BTreeMap<String, Arc<Bus>>,
    pub spi: BTreeMap<String, Arc<Spi>>,
    pub uarts: BTreeMap<String, Arc<Uart>>,
    pub pwm: BTreeMap<String, Arc<Pwm>>,
    pub adc: BTreeMap<String, Arc<Adc>>,
    pub echoes: Vec<Echo>,
    pub encoders: BTreeMap<String, Encoder>,
    /// The room of the imitated queues of a kernel; none when edges are brought at once.
    pub queue: Option<usize>,
    reactions: Mutex<VecDeque<(usize, bool)>>,
    reacting: AtomicUsize,
}

/// What a board consists of.
#[derive(Default)]
pub struct Parts {
    pub name: String,
    pub world: World,
    pub lines: Vec<LineInfo>,
    /// Lines that are connected with each other, in pairs.
    pub wires: Vec<(usize, usize)>,
    pub buses: BTreeMap<String, Arc<Bus>>,
    pub spi: BTreeMap<String, Arc<Spi>>,
    pub uarts: BTreeMap<String, Arc<Uart>>,
    pub pwm: BTreeMap<String, Arc<Pwm>>,
    pub adc: BTreeMap<String, Arc<Adc>>,
    pub echoes: Vec<Echo>,
    pub encoders: BTreeMap<String, Encoder>,
    pub queue: Option<usize>,
}

impl Core {
    /// Puts a board together.
    pub fn new(mut parts: Parts, clock: Arc<dyn Clock>) -> Self {
        let nets = nets(&mut parts.lines, &parts.wires);
        let mut names = HashMap::new();
        for (index, line) in parts.lines.iter().enumerate() {
            names.insert(line.name.clone(), index);
            for alias in &line.aliases {
                names.insert(alias.clone(), index);
            }
        }
        let core = Self {
            name: parts.name,
            timeline: Arc::new(Timeline::new(clock.clone())),
            clock,
            world: parts.world,
            lines: parts.lines,
            names,
            nets,
            buses: parts.buses,
            spi: parts.spi,
            uarts: parts.uarts,
            pwm: parts.pwm,
            adc: parts.adc,
            echoes: parts.echoes,
            encoders: parts.encoders,
            queue: parts.queue,
            reactions: Mutex::default(),
            reacting: AtomicUsize::new(0),
        };
        let now = core.clock.monotonic();
        for (index, line) in core.lines.iter().enumerate() {
            core.change(index, None, |_| {});
            if let Attached::Pir { .. } = line.attached {
                core.sense_motion(index, now);
            }
        }
        for bus in core.buses.values() {
            bus.power_on(&core);
        }
        core.react();
        // What the board is like at first is no change of it.
        for net in &core.nets {
            let mut net = net.lock().unwrap_or_else(PoisonError::into_inner);
            for pad in &mut net.pads {
                pad.changes = 0;
            }
        }
        core
    }

    /// Makes happen what is due.
    pub fn catch_up(&self) {
        self.timeline.catch_up(self);
    }

    /// Has something happen later.
    pub fn later(&self, due: u64, happening: Happening) {
        self.timeline.put(due, happening);
    }

    /// The wall clock at a time of the monotonic clock.
    pub fn wall(&self, due: u64) -> u64 {
        let (now, wall) = (self.clock.monotonic(), self.clock.now());
        // Tests may say what is yet to come.
        wall.saturating_sub(now.saturating_sub(due))
            .saturating_add(due.saturating_sub(now))
    }

    /// A line by name or alias.
    pub fn line(&self, name: &str) -> Result<usize, HalError> {
        let known = || self.names.keys().map(String::as_str);
        self.names
            .get(name)
            .copied()
            .ok_or_else(|| unknown(Kind::Gpio.words(), name, known()))
    }

    /// The net of a line, and the line's place in it.
    pub fn net(&self, line: usize) -> Option<(MutexGuard<'_, Net>, usize)> {
        let info = self.lines.get(line)?;
        let net = self.nets.get(info.net)?;
        Some((net.lock().unwrap_or_else(PoisonError::into_inner), info.pad))
    }

    /// Changes something at the pad of a line, now or when it was due; levels follow.
    pub fn change(&self, line: usize, due: Option<u64>, change: impl FnOnce(&mut Pad)) {
        self.with_net(line, due, |net, pad, moment, effects| {
            if let Some(pad) = net.pads.get_mut(pad) {
                change(pad);
            }
            net.settle(moment, effects);
        });
    }

    /// Does something with the net of a line.
    pub fn with_net(
        &self,
        line: usize,
        due: Option<u64>,
        work: impl FnOnce(&mut Net, usize, &Moment<'_>, &mut Effects),
    ) {
        let Some((mut net, pad)) = self.net(line) else {
            return;
        };
        let mut effects = Effects::default();
        let now = || due.unwrap_or_else(|| self.clock.monotonic());
        let wall = || due.map_or_else(|| self.clock.now(), |due| self.wall(due));
        let moment = Moment {
            now: &now,
            wall: &wall,
            queue: self.queue,
        };
        work(&mut net, pad, &moment, &mut effects);
        drop(net);
        for (due, happening) in effects.later {
            self.later(due, happening);
        }
        if !effects.reactions.is_empty() {
            let mut reactions = self.reactions();
            reactions.extend(effects.reactions);
            self.reacting.store(reactions.len(), Ordering::Release);
        }
    }

    /// What is connected to a line from outside takes it to a level or lets go of it, as often as its contact
    /// bounces.
    pub fn touch(&self, line: usize, level: Option<bool>, due: u64) {
        let (bounces, bounce) = match self.lines.get(line).map(|line| &line.attached) {
            Some(Attached::Button(contact) | Attached::Switch(contact)) => {
                (contact.bounces, contact.bounce)
            }
            _ => (0, 0),
        };
        let (mut before, mut more) = (None, 0);
        self.change(line, Some(due), |pad| {
            before = std::mem::replace(&mut pad.outside, level);
            more = pad.bouncing;
        });
        let bounces = u64::from(bounces) + u64::from(more);
        if bounces == 0 || before == level {
            return;
        }
        let spacing = (bounce.max(BOUNCE) / (2 * bounces)).max(1);
        for number in 1..=2 * bounces {
            let level = if number % 2 == 0 { level } else { before };
            let set: Happening = Box::new(move |core, due| {
                core.change(line, Some(due), |pad| pad.outside = level);
            });
            self.later(due.saturating_add(number * spacing), set);
        }
    }

    /// The level of a line has been steady since this change of it.
    pub fn steady(&self, line: usize, change: u64, due: u64) {
        self.with_net(line, Some(due), |net, pad, moment, effects| {
            net.steady(pad, change, moment, effects);
        });
    }

    /// Brings the edges that wait in the queue of a line.
    pub fn drain(&self, line: usize) {
        if let Some((mut net, pad)) = self.net(line)
            && let Some(ear) = net.pads.get_mut(pad).and_then(|pad| pad.ear.as_mut())
        {
            ear.drain();
        }
    }

    fn reactions(&self) -> MutexGuard<'_, VecDeque<(usize, bool)>> {
        self.reactions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets those react who watch lines that have changed. To be called with nothing locked but the turn of
    /// the timeline.
    pub fn react(&self) {
        for _ in 0..REACTIONS {
            if self.reacting.load(Ordering::Acquire) == 0 {
                return;
            }
            let next = {
                let mut reactions = self.reactions();
                let next = reactions.pop_front();
                self.reacting.store(reactions.len(), Ordering::Release);
                next
            };
            if let Some((line, level)) = next {
                self.react_to(line, level);
            }
        }
    }

    fn react_to(&self, line: usize, level: bool) {
        let Some(info) = self.lines.get(line) else {
            return;
        };
        if let Some(pin) = &info.pin_of
            && let Some(bus) = self.buses.get(&pin.bus)
        {
            bus.pin_changed(self, pin.address);
        }
        if let Attached::Trigger(sensor) = info.attached
            && let Some(echo) = self.echoes.get(sensor)
        {
            echo.triggered(self, level);
        }
    }

    /// A motion sensor looks, and again when what it looks at may have changed.
    pub fn sense_motion(&self, line: usize, due: u64) {
        let Some(LineInfo {
            attached: Attached::Pir { motion, hold },
            ..
        }) = self.lines.get(line)
        else {
            return;
        };
        let moves = motion.at(due) > 0.5;
        self.change(line, Some(due), |pad| pad.outside = Some(moves));
        let changes = match motion {
            super::world::Source::World(value) => value.changes_after(due),
            super::world::Source::Fixed(_) => None,
        };
        // Once high, its output stays so for the time that is set at it.
        let next = if moves {
            changes.map(|next| next.max(due.saturating_add(*hold)))
        } else {
            changes
        };
        if let Some(next) = next {
            let look: Happening = Box::new(move |core, due| core.sense_motion(line, due));
            self.later(next.max(due + 1), look);
        }
    }

    /// What watches the world is told that somebody has changed it.
    pub fn world_changed(&self) {
        let now = self.clock.monotonic();
        for (index, line) in self.lines.iter().enumerate() {
            if let Attached::Pir { motion, .. } = &line.attached
                && let super::world::Source::World(value) = motion
                && value.changes_after(now).is_none()
            {
                let moves = motion.at(now) > 0.5;
                self.change(index, None, |pad| pad.outside = Some(moves));
            }
        }
        self.react();
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.timeline.end();
    }
}

/// Finds which lines are one net.
fn nets(lines: &mut [LineInfo], wires: &[(usize, usize)]) -> Vec<Mutex<Net>> {
    let mut root: Vec<usize> = (0..lines.len()).collect();
    for (one, other) in wires {
        let (Some(from), Some(to)) = (root.get(*one).copied(), root.get(*other).copied()) else {
            continue;
        };
        for net in &mut root {
            if *net == from {
                *net = to;
            }
        }
    }
    let mut nets: BTreeMap<usize, Net> = BTreeMap::new();
    for (index, line) in lines.iter_mut().enumerate() {
        let key = root.get(index).copied().unwrap_or(index);
        let net = nets.entry(key).or_default();
        line.pad = net.pads.len();
        line.net = key;
        net.pads.push(Pad {
            line: index,
            pull: line.pull,
            watched: line.pin_of.is_some() || matches!(line.attached, Attached::Trigger(_)),
            ..Pad::default()
        });
    }
    let places: Vec<usize> = nets.keys().copied().collect();
    for line in lines {
        line.net = places.binary_search(&line.net).unwrap_or_default();
    }
    nets.into_values().map(Mutex::new).collect()
}

/// There is no such thing.
pub fn unknown<'n>(
    kind: &'static str,
    name: &str,
    known: impl Iterator<Item = &'n str>,
) -> HalError {
    HalError::Unknown {
        kind,
        name: name.to_owned(),
        similar: similar(name, known),
    }
}

/// The names that are most like one, the best first; three at most.
pub fn similar<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Vec<String> {
    let mut near: Vec<(usize, &str)> = known
        .map(|known| (strsim::damerau_levenshtein(name, known), known))
        // A third of it may be wrong; more is another name.
        .filter(|(distance, known)| *distance * 3 <= name.len().max(known.len()).max(3))
        .collect();
    near.sort_unstable();
    near.truncate(3);
    near.into_iter().map(|(_, name)| name.to_owned()).collect()
}
