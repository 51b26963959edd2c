//! A line that is open: by a character device or by sysfs, with edges that the kernel tells of or that are looked for.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use weihe_kernel::failsafe::GuardedLine;

use super::super::place::Places;
use super::Threads;
use super::chip::{Generation, Refusal};
use super::core::{Access, Core, Open, State, wants_edges};
use super::refusal::refused;
use crate::error::HalError;
use crate::gpio::{EdgeSink, Edges, Line, LineConfig, Mode};
use crate::guarded::Setting;
use crate::hardware::Kind;

/// An open line.
pub(in crate::linux) struct LinuxLine(Arc<Core>);

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
        // Kernels without character devices have the class alone.
        let mut folders = ["/sys/bus/gpio/devices", "/sys/class/gpio"].into_iter();
        let slow = folders.any(|folder| places.is_slow(Path::new(folder).join(chip)));
        let core = Arc::new(Core {
            name: part.name.clone(),
            slow,
            eyes: threads.eyes(&part.chip, slow),
            places,
            threads,
            sink,
            away: AtomicBool::new(false),
            renewal: AtomicU64::new(0),
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
#[allow(clippy::unwrap_used)]
impl LinuxLine {
    /// What happens when the kernel says that the chip is not there any more.
    pub(super) fn vanish(&self) {
        assert!(self.0.vanished(&rustix::io::Errno::NODEV.into()));
    }

    /// What happens when a look at it does not end.
    pub(super) fn hang(&self, look: impl FnMut() + Send + 'static) {
        self.0.eyes.watchman.soon(look).unwrap();
    }
}

impl Line for LinuxLine {
    fn read(&self) -> Result<bool, HalError> {
        self.0.with(Access::get, |_| {})
    }

    fn write(&self, active: bool) -> Result<(), HalError> {
        let before = {
            let mut state = self.0.state();
            if matches!(state.config.mode, Mode::Input { .. }) {
                return Err(HalError::Invalid(format!(
                    "{} is an input: open it as an output to set it",
                    self.0.name
                )));
            }
            let before = state.last;
            if state.open.is_none() {
                // It comes back as this, and not for a moment as what it was.
                state.last = Some(active);
            }
            before
        };
        let noted = |state: &mut State| state.last = Some(active);
        let outcome = self.0.with(|access| access.set(active), noted);
        if outcome.is_err() {
            self.0.state().last = before;
        }
        outcome
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
        core.away.store(state.open.is_none(), Ordering::Relaxed);
        core.renewal.fetch_add(1, Ordering::Relaxed);
        let heard = core.hear(&mut state, false);
        outcome.and(heard)
    }

    fn blocks(&self) -> bool {
        self.0.slow || self.0.away.load(Ordering::Relaxed)
    }

    fn renewal(&self) -> u64 {
        self.0.renewal.load(Ordering::Relaxed)
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
