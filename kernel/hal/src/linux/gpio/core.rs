//! What is behind an open line: where it is taken, what brings its edges, and its chip, which may vanish and come back.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::super::place::Places;
use super::super::trouble;
use super::chip::{ChipLine, Generation, Refusal};
use super::edge::{Decoder, Now, Wall};
use super::listen::{Listening, Source};
use super::look::{Look, Looking, PERIOD, Seen};
use super::refusal::refused;
use super::source::{ChipSource, FileSource};
use super::sysfs::FileLine;
use super::{Eyes, Threads};
use crate::board::GpioLine;
use crate::error::HalError;
use crate::gpio::{Edge, EdgeSink, Edges, LineConfig, Mode};
use crate::hardware::Kind;

/// How often a line whose chip has vanished is looked for: who plugs an adapter in again waits for it longer.
const REVIVAL: Duration = Duration::from_secs(1);

pub(super) struct Core {
    pub(super) name: String,
    pub(super) places: Arc<Places>,
    pub(super) threads: Arc<Threads>,
    /// Those that bring its edges.
    pub(super) eyes: Arc<Eyes>,
    pub(super) sink: EdgeSink,
    pub(super) slow: bool,
    /// It has vanished: whatever is done with it looks for it first.
    pub(super) away: AtomicBool,
    /// Rises when it is taken, changed or lost.
    pub(super) renewal: AtomicU64,
    pub(super) state: Mutex<State>,
}

pub(super) struct State {
    pub(super) config: LineConfig,
    /// None while its chip has vanished.
    pub(super) open: Option<Open>,
    /// What an output was set to last.
    pub(super) last: Option<bool>,
    /// Looks for its chip.
    pub(super) revival: Option<Looking>,
}

pub(super) struct Open {
    pub(super) access: Access,
    /// Dropped before the line is changed.
    pub(super) hears: Option<Hears>,
    pub(super) edges: bool,
    /// The device file of its chip.
    pub(super) chip: PathBuf,
    /// Notices that a chip has vanished that can be unplugged.
    pub(super) _pulse: Option<Looking>,
}

/// What brings the edges, until it is dropped.
pub(super) enum Hears {
    Kernel(#[expect(dead_code, reason = "held")] Listening),
    Looks(#[expect(dead_code, reason = "held")] Looking),
}

pub(super) enum Access {
    Chip(ChipLine),
    File(FileLine),
}

impl Access {
    pub(super) fn get(&self) -> io::Result<bool> {
        match self {
            Self::Chip(line) => line.get(),
            Self::File(line) => line.get(),
        }
    }

    pub(super) fn set(&self, active: bool) -> io::Result<()> {
        match self {
            Self::Chip(line) => line.set(active),
            Self::File(line) => line.set(active),
        }
    }
}

pub(super) fn wants_edges(config: &LineConfig) -> Edges {
    match config.mode {
        Mode::Input { edges, .. } => edges,
        Mode::Output { .. } => Edges::None,
    }
}

impl Core {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the line where it is now.
    pub(super) fn take(
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
        self.away.store(false, Ordering::Relaxed);
        self.renewal.fetch_add(1, Ordering::Relaxed);
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
        self.eyes.watchman.watch(REVIVAL, look)
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
    pub(super) fn hear(self: &Arc<Self>, state: &mut State, fresh: bool) -> Result<(), HalError> {
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
            match self.eyes.listener.listen(source) {
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
        let looking = self.eyes.watchman.watch(PERIOD, look).map_err(failed)?;
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
    pub(super) fn vanished(self: &Arc<Self>, error: &io::Error) -> bool {
        self.note(&mut self.state(), error)
    }

    fn note(self: &Arc<Self>, state: &mut State, error: &io::Error) -> bool {
        if !trouble::is_gone(error) {
            return false;
        }
        self.away.store(true, Ordering::Relaxed);
        self.renewal.fetch_add(1, Ordering::Relaxed);
        if let Some(open) = state.open.take() {
            tracing::warn!("{}", trouble::gone(&self.name, error));
            self.threads.sweep(&self.eyes, open.chip);
        }
        if wants_edges(&state.config) != Edges::None && state.revival.is_none() {
            let core = Arc::downgrade(self);
            let look: Look =
                Box::new(move || core.upgrade().is_some_and(|core| core.revive().is_err()));
            // Without a thread it is found when it is used.
            state.revival = self.threads.search.watch(REVIVAL, look).ok();
        }
        true
    }

    pub(super) fn revive(self: &Arc<Self>) -> Result<(), HalError> {
        let mut state = self.state();
        self.awaken(&mut state)
    }

    /// Takes the line again when it had vanished.
    pub(super) fn awaken(self: &Arc<Self>, state: &mut State) -> Result<(), HalError> {
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
    pub(super) fn with<T>(
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
