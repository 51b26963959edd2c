//! A line that is open: by a character device or by sysfs, with edges that the kernel tells of or that are looked for.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use rustix::event::epoll::EventFlags;
use weihe_kernel::failsafe::GuardedLine;

use super::super::place::Places;
use super::super::trouble;
use super::Threads;
use super::chip::{ChipLine, Generation, Refusal};
use super::edge::{Decoder, Now, Wall};
use super::listen::{Listening, Source, read};
use super::look::{Look, Looking, PERIOD, Seen};
use super::refusal::refused;
use super::sysfs::{FileLine, read_value};
use crate::board::GpioLine;
use crate::error::HalError;
use crate::gpio::{Edge, EdgeSink, Edges, Line, LineConfig, Mode};
use crate::guarded::Setting;
use crate::hardware::Kind;

/// How often a line whose chip has vanished is looked for: who plugs an adapter in again waits for it longer.
const REVIVAL: Duration = Duration::from_secs(1);

/// An open line.
pub(in crate::linux) struct LinuxLine(Arc<Core>);

pub(super) struct Core {
    name: String,
    places: Arc<Places>,
    threads: Arc<Threads>,
    sink: EdgeSink,
    slow: bool,
    state: Mutex<State>,
}

struct State {
    config: LineConfig,
    /// None while its chip has vanished.
    open: Option<Open>,
    /// What an output was set to last.
    last: Option<bool>,
    /// Looks for its chip.
    revival: Option<Looking>,
}

struct Open {
    access: Access,
    /// Dropped before the line is changed.
    hears: Option<Hears>,
    edges: bool,
    /// The device file of its chip.
    chip: PathBuf,
    /// Notices that a chip has vanished that can be unplugged.
    _pulse: Option<Looking>,
}

/// What brings the edges, until it is dropped.
enum Hears {
    Kernel(#[expect(dead_code, reason = "held")] Listening),
    Looks(#[expect(dead_code, reason = "held")] Looking),
}

enum Access {
    Chip(ChipLine),
    File(FileLine),
}

impl Access {
    fn get(&self) -> io::Result<bool> {
        match self {
            Self::Chip(line) => line.get(),
            Self::File(line) => line.get(),
        }
    }

    fn set(&self, active: bool) -> io::Result<()> {
        match self {
            Self::Chip(line) => line.set(active),
            Self::File(line) => line.set(active),
        }
    }
}

fn wants_edges(config: &LineConfig) -> Edges {
    match config.mode {
        Mode::Input { edges, .. } => edges,
        Mode::Output { .. } => Edges::None,
    }
}

impl LinuxLine {
    /// Opens a line of the board.
    pub(in crate::linux) fn open(
        places: Arc<Places>,
        threads: Arc<Threads>,
        name: &str,
        config: &LineConfig,
        sink: EdgeSink,
    ) -> Result<Self, HalError> {
        let part = places.find(Kind::Gpio, |board| board.line(name))?;
        let chip = part.chip.file_name().unwrap_or_default();
        let device = Path::new("/sys/bus/gpio/devices").join(chip);
        let core = Arc::new(Core {
            name: part.name.clone(),
            slow: places.is_slow(device),
            places,
            threads,
            sink,
            state: Mutex::new(State {
                config: *config,
                open: None,
                last: None,
                revival: None,
            }),
        });
        let mut state = core.state();
        core.take(&mut state, &part, config)?;
        drop(state);
        core.threads.lines().push(Arc::downgrade(&core));
        Ok(Self(core))
    }
}

#[cfg(test)]
impl LinuxLine {
    /// What happens when the kernel says that the chip is not there any more.
    pub(super) fn vanish(&self) {
        assert!(self.0.vanished(&rustix::io::Errno::NODEV.into()));
    }
}

impl Core {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the line where it is now.
    fn take(
        self: &Arc<Self>,
        state: &mut State,
        part: &GpioLine,
        config: &LineConfig,
    ) -> Result<(), HalError> {
        let root = self.places.root();
        let wants = wants_edges(config) != Edges::None;
        let mut edges = wants && part.edges;
        let access = if root.exists(&part.chip) {
            let chip = root.path(&part.chip);
            let mut taken = ChipLine::take(&chip, part.offset, config, wants && !edges);
            if edges && matches!(taken, Err(Refusal::Refused(Some(_), _))) {
                // Without an interrupt behind it. If it was for something else, that is said again.
                edges = false;
                taken = ChipLine::take(&chip, part.offset, config, true);
            }
            let taken = taken.map_err(|refusal| refused(&self.name, &chip, config, refusal));
            Access::Chip(taken?)
        } else if let (Some(number), false) = (part.sysfs, self.places.has_device(part)) {
            let line = FileLine::take(root, &self.name, number, config)?;
            edges &= line.tells;
            Access::File(line)
        } else {
            return Err(HalError::Gone(format!(
                "{}: {} is not there: load the driver of its chip, plug the adapter in, or use a kernel with CONFIG_GPIO_CDEV",
                self.name,
                part.chip.display()
            )));
        };
        let chip = root.path(&part.chip);
        let pulse = match access {
            Access::Chip(_) if self.slow => self.pulse(chip.clone()).ok(),
            _ => None,
        };
        state.config = *config;
        state.open = Some(Open {
            access,
            hears: None,
            edges,
            chip,
            _pulse: pulse,
        });
        self.hear(state, true)
    }

    /// Looks whether a chip is there that can be unplugged.
    fn pulse(self: &Arc<Self>, chip: PathBuf) -> io::Result<Looking> {
        let core = Arc::downgrade(self);
        let look: Look = Box::new(move || {
            let there = chip.exists();
            if let (false, Some(core)) = (there, core.upgrade()) {
                core.vanished(&rustix::io::Errno::NODEV.into());
            }
            there
        });
        self.threads.watchman.watch(REVIVAL, look)
    }

    /// Lets go of the line when its chip has vanished.
    pub(super) fn check(self: &Arc<Self>, chip: &Path) {
        let mut state = self.state();
        let read = match &state.open {
            Some(open) if open.chip == chip => open.access.get(),
            _ => return,
        };
        if let Err(error) = read {
            self.note(&mut state, &error);
        }
    }

    /// Has the edges of a line brought that was taken, or used in another way, just now.
    fn hear(self: &Arc<Self>, state: &mut State, fresh: bool) -> Result<(), HalError> {
        let wanted = wants_edges(&state.config);
        let config = state.config;
        let Some(open) = &mut state.open else {
            return Ok(());
        };
        open.hears = None;
        if wanted == Edges::None {
            return Ok(());
        }
        let failed = |error: io::Error| trouble::failed(&self.name, &error);
        if open.edges {
            let source = self.source(&open.access, &config, fresh).map_err(failed)?;
            match self.threads.listener.listen(source) {
                Ok(listening) => {
                    open.hears = Some(Hears::Kernel(listening));
                    return Ok(());
                }
                // A file that nobody tells anything of.
                Err(error) if matches!(open.access, Access::File(_)) => {
                    tracing::debug!("{} is polled: {error}", self.name);
                }
                Err(error) => return Err(failed(error)),
            }
        }
        let seen = Seen::new(open.access.get().map_err(failed)?);
        let look = self.look(seen);
        let looking = self.threads.watchman.watch(PERIOD, look).map_err(failed)?;
        open.hears = Some(Hears::Looks(looking));
        Ok(())
    }

    fn source(
        self: &Arc<Self>,
        access: &Access,
        config: &LineConfig,
        fresh: bool,
    ) -> io::Result<Arc<dyn Source>> {
        let core = Arc::downgrade(self);
        Ok(match access {
            Access::Chip(line) => {
                let decoder = match line.generation {
                    Generation::V1 => Decoder::V1 {
                        both: wants_edges(config) == Edges::Both,
                        last: None,
                    },
                    // The kernel counts the edges of a line from the first since it was taken.
                    Generation::V2 => Decoder::V2 {
                        next: fresh.then_some(1),
                    },
                };
                Arc::new(ChipSource {
                    core,
                    line: line.descriptor().clone(),
                    decoder: Mutex::new((decoder, Wall::default())),
                })
            }
            Access::File(line) => Arc::new(FileSource {
                core,
                value: line.value().clone(),
                config: *config,
                seen: Mutex::new((line.get()?, 0)),
            }),
        })
    }

    /// Looks at a line whose edges nobody tells of.
    fn look(self: &Arc<Self>, mut seen: Seen) -> Look {
        let core = Arc::downgrade(self);
        Box::new(move || {
            let Some(core) = core.upgrade() else {
                return false;
            };
            let state = core.state();
            let (Some(open), config) = (&state.open, state.config) else {
                return false;
            };
            let value = match open.access.get() {
                Ok(value) => value,
                Err(error) => {
                    drop(state);
                    return !core.vanished(&error);
                }
            };
            drop(state);
            let Mode::Input {
                edges, debounce, ..
            } = config.mode
            else {
                return false;
            };
            let now = Now::read();
            if let Some(active) = seen.look(value, now.monotonic, debounce)
                && edges.has(active)
            {
                (core.sink)(&[Edge {
                    time: now.real,
                    active,
                    missed: 0,
                }]);
            }
            true
        })
    }

    /// Notes an error; true when it says that the line is not there any more. From then on it is looked for.
    fn vanished(self: &Arc<Self>, error: &io::Error) -> bool {
        self.note(&mut self.state(), error)
    }

    fn note(self: &Arc<Self>, state: &mut State, error: &io::Error) -> bool {
        if !trouble::is_gone(error) {
            return false;
        }
        if let Some(open) = state.open.take() {
            tracing::warn!("{}", trouble::gone(&self.name, error));
            self.threads.sweep(open.chip);
        }
        if wants_edges(&state.config) != Edges::None && state.revival.is_none() {
            let core = Arc::downgrade(self);
            let look: Look =
                Box::new(move || core.upgrade().is_some_and(|core| core.revive().is_err()));
            // Without a thread it is found when it is used.
            state.revival = self.threads.watchman.watch(REVIVAL, look).ok();
        }
        true
    }

    fn revive(self: &Arc<Self>) -> Result<(), HalError> {
        let mut state = self.state();
        self.awaken(&mut state)
    }

    /// Takes the line again when it had vanished.
    fn awaken(self: &Arc<Self>, state: &mut State) -> Result<(), HalError> {
        if state.open.is_some() {
            return Ok(());
        }
        let found = self
            .places
            .find_again(Kind::Gpio, |board| board.line(&self.name));
        let part = found.map_err(|_| {
            HalError::Gone(format!(
                "{} has vanished: plug it in again or load its driver; it is found by its name when it is back",
                self.name
            ))
        })?;
        let mut config = state.config;
        if let Mode::Output { initial, .. } = &mut config.mode {
            *initial = state.last.or(*initial);
        }
        self.take(state, &part, &config)?;
        state.revival = None;
        tracing::info!("{} is back", self.name);
        Ok(())
    }

    /// Does something with the line, which is looked for when it had vanished.
    fn with<T>(
        self: &Arc<Self>,
        operation: impl Fn(&Access) -> io::Result<T>,
        then: impl FnOnce(&mut State),
    ) -> Result<T, HalError> {
        let mut state = self.state();
        self.awaken(&mut state)?;
        let Some(open) = &state.open else {
            return Err(trouble::gone(&self.name, &io::ErrorKind::NotFound.into()));
        };
        match operation(&open.access) {
            Ok(value) => {
                then(&mut state);
                Ok(value)
            }
            Err(error) => {
                self.note(&mut state, &error);
                Err(trouble::failed(&self.name, &error))
            }
        }
    }
}

impl Line for LinuxLine {
    fn read(&self) -> Result<bool, HalError> {
        self.0.with(Access::get, |_| {})
    }

    fn write(&self, active: bool) -> Result<(), HalError> {
        if matches!(self.0.state().config.mode, Mode::Input { .. }) {
            return Err(HalError::Invalid(format!(
                "{} is an input: open it as an output to set it",
                self.0.name
            )));
        }
        let noted = |state: &mut State| state.last = Some(active);
        self.0.with(|access| access.set(active), noted)
    }

    fn configure(&self, config: &LineConfig) -> Result<(), HalError> {
        let core = &self.0;
        let mut state = core.state();
        let Some(open) = state.open.take() else {
            // What it is to be when it is back.
            let former = std::mem::replace(&mut state.config, *config);
            return core
                .awaken(&mut state)
                .inspect_err(|_| state.config = former);
        };
        let part = core.places.find(Kind::Gpio, |board| board.line(&core.name));
        let wants = wants_edges(config) != Edges::None;
        let Open {
            access,
            hears,
            chip,
            _pulse,
            ..
        } = open;
        // The kernel is asked for edges only while somebody hears them.
        drop(hears);
        let mut edges = wants && part.is_ok_and(|part| part.edges);
        let (access, outcome) = match access {
            Access::Chip(line) => {
                let mut done = line.configure(config, wants && !edges);
                if edges {
                    done = match done {
                        Err((Some(line), Refusal::Refused(..))) => {
                            edges = false;
                            line.configure(config, true)
                        }
                        done => done,
                    };
                }
                match done {
                    Ok(line) => (Some(Access::Chip(line)), Ok(())),
                    Err((line, refusal)) => {
                        let error = refused(&core.name, &chip, config, refusal);
                        (line.map(Access::Chip), Err(error))
                    }
                }
            }
            Access::File(mut line) => {
                let done = line.configure(config);
                edges &= line.tells;
                (Some(Access::File(line)), done)
            }
        };
        if outcome.is_ok() {
            state.config = *config;
            if let Mode::Output { initial, .. } = config.mode {
                state.last = initial.or(state.last);
            }
        } else {
            // As it was before.
            edges = match &access {
                Some(Access::Chip(line)) => line.has_edges(),
                Some(Access::File(line)) => line.tells,
                None => false,
            };
        }
        state.open = access.map(|access| Open {
            access,
            hears: None,
            edges,
            chip,
            _pulse,
        });
        let heard = core.hear(&mut state, false);
        outcome.and(heard)
    }

    fn blocks(&self) -> bool {
        self.0.slow
    }

    fn guarded(&self, active: bool) -> Option<GuardedLine> {
        let state = self.0.state();
        if matches!(state.config.mode, Mode::Input { .. }) {
            return None;
        }
        let (descriptor, setting) = match &state.open.as_ref()?.access {
            Access::Chip(line) => {
                let descriptor = line.descriptor().try_clone().ok()?;
                match line.generation {
                    Generation::V1 => (descriptor, Setting::LineV1(active)),
                    Generation::V2 => (descriptor, Setting::LineV2(active)),
                }
            }
            Access::File(line) => line.guarded(active)?,
        };
        Some(setting.on(Arc::new(descriptor)))
    }

    fn revive(&self) -> Result<(), HalError> {
        self.0.revive()
    }
}

/// Edges of a character device.
struct ChipSource {
    core: Weak<Core>,
    line: Arc<OwnedFd>,
    decoder: Mutex<(Decoder, Wall)>,
}

impl Source for ChipSource {
    fn descriptor(&self) -> BorrowedFd<'_> {
        self.line.as_fd()
    }

    fn waits_for(&self) -> EventFlags {
        EventFlags::IN
    }

    fn ready(&self, state: EventFlags) -> bool {
        let Some(core) = self.core.upgrade() else {
            return false;
        };
        if state.contains(EventFlags::IN) {
            let mut buffer = [std::mem::MaybeUninit::uninit(); Decoder::BYTES];
            match read(self.line.as_fd(), &mut buffer) {
                Ok(bytes) => {
                    let mut edges = Vec::with_capacity(16);
                    let mut state = self.decoder.lock().unwrap_or_else(PoisonError::into_inner);
                    let (decoder, wall) = &mut *state;
                    decoder.decode(bytes, wall, Now::read(), &mut edges);
                    drop(state);
                    (core.sink)(&edges);
                    return true;
                }
                Err(error) if is_passing(&error) => return true,
                Err(error) => {
                    core.vanished(&error);
                    return false;
                }
            }
        }
        // The chip is gone, and nothing is left to read.
        core.vanished(&rustix::io::Errno::NODEV.into());
        false
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

/// Edges of sysfs: the kernel says only that there was one.
struct FileSource {
    core: Weak<Core>,
    value: Arc<std::fs::File>,
    config: LineConfig,
    /// What it was, and how many edges were missed since the last that was told of.
    seen: Mutex<(bool, u64)>,
}

impl Source for FileSource {
    fn descriptor(&self) -> BorrowedFd<'_> {
        self.value.as_fd()
    }

    fn waits_for(&self) -> EventFlags {
        EventFlags::PRI
    }

    fn ready(&self, _: EventFlags) -> bool {
        let Some(core) = self.core.upgrade() else {
            return false;
        };
        let active = match read_value(&self.value, self.config.active_low) {
            Ok(active) => active,
            Err(error) => {
                core.vanished(&error);
                return false;
            }
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, missed) = &mut *seen;
        if *last == active {
            // There and back before it was looked at: of those edges that were asked for.
            *missed += match wants_edges(&self.config) {
                Edges::Both => 2,
                _ => 1,
            };
            return true;
        }
        *last = active;
        if wants_edges(&self.config).has(active) {
            let edge = Edge {
                time: Now::read().real,
                active,
                missed: std::mem::take(missed),
            };
            drop(seen);
            (core.sink)(&[edge]);
        }
        true
    }
}
