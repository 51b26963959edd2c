//! Lines of character devices, by either generation of the interface.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::ask::{Asks, configure, take};
use crate::board::{ChipInfo, ChipReader};
use crate::gpio::{LineConfig, Mode};
use crate::linux::trouble::is_refused;
use crate::linux::uapi::{LineInfo, gpio_v1, gpio_v2};

/// How long, and how often, a line is waited for that this process has just let go of: reading its edges takes
/// microseconds.
const MOMENT: Duration = Duration::from_millis(1);
const MOMENTS: usize = 20;

/// Which generation of the interface a kernel has. Where it has both, the second is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Generation {
    /// Linux 4.8.
    V1,
    /// Linux 5.10.
    V2,
}

/// Why a line could not be taken.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Somebody has it, who may have a name.
    Taken(String),
    /// The kernel or the driver cannot do what was asked for.
    Refused(Option<Generation>, io::Error),
    /// The first generation knows no debouncing.
    NoDebounce,
    /// More than can be asked for.
    LongDebounce,
    /// Anything else.
    Failed(io::Error),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

/// A line that was taken.
pub(super) struct ChipLine {
    pub(super) generation: Generation,
    line: Arc<OwnedFd>,
    /// Where it can be taken again.
    chip: PathBuf,
    offset: u32,
    config: LineConfig,
    /// Its edges are found by looking: the kernel is not asked for them.
    polled: bool,
}

impl ChipLine {
    /// Takes a line.
    pub(super) fn take(
        chip: &Path,
        offset: u32,
        config: &LineConfig,
        polled: bool,
    ) -> Result<Self, Refusal> {
        let device = open(chip)?;
        let (generation, info) = info(&device, offset)?;
        let taken = |error: io::Error| match error.kind() {
            io::ErrorKind::ResourceBusy => {
                Refusal::Taken(info.consumer.clone().unwrap_or_default())
            }
            _ if is_refused(&error) => Refusal::Refused(Some(generation), error),
            _ => Refusal::Failed(error),
        };
        let asks = Asks::new(generation, config, polled)?;
        let keeps = matches!(config.mode, Mode::Output { initial: None, .. }) && info.output;
        let line = if keeps {
            // As it is; what it shows then is what it is set to.
            let line = take(&device, offset, &asks.as_it_is()).map_err(&taken)?;
            let asks = asks.with_value(get(generation, &line)?);
            match configure(&line, &asks) {
                Ok(()) => line,
                Err(error) if generation == Generation::V1 && is_refused(&error) => {
                    // Before Linux 5.5 there was no way to change a line that was taken. Nobody drives it
                    // in between, so it stays what it is.
                    drop(line);
                    take(&device, offset, &asks).map_err(&taken)?
                }
                Err(error) => return Err(taken(error)),
            }
        } else {
            take(&device, offset, &asks).map_err(&taken)?
        };
        Ok(Self {
            generation,
            line: Arc::new(line),
            chip: chip.to_path_buf(),
            offset,
            config: *config,
            polled,
        })
    }

    /// Changes how it is used; without letting go of it where the kernel can. When it cannot be, it is given back as it
    /// was, unless it could not be taken again.
    pub(super) fn configure(
        mut self,
        config: &LineConfig,
        polled: bool,
    ) -> Result<Self, (Option<Self>, Refusal)> {
        let (before, asks) = match self.change(config, polled) {
            Ok(change) => change,
            Err(refusal) => return Err((Some(self), refusal)),
        };
        let in_place = match (&before, &asks) {
            (Asks::V1 { edges: 0, .. }, Asks::V1 { edges: 0, .. }) | (Asks::V2(_), Asks::V2(_)) => {
                configure(&self.line, &asks)
            }
            // Lines with edges are of another make in the first generation.
            _ => Err(io::ErrorKind::Unsupported.into()),
        };
        let again = match in_place {
            Ok(()) => None,
            Err(error) if self.generation == Generation::V2 => {
                // Half of it may have been done.
                let _ = configure(&self.line, &before);
                return Err((Some(self), refusal(Generation::V2, error)));
            }
            Err(error) => Some(error),
        };
        match again {
            None => {
                self.config = *config;
                self.polled = polled;
                Ok(self)
            }
            // Before Linux 5.5 there was no way to change a line that was taken.
            Some(error) if is_refused(&error) || error.kind() == io::ErrorKind::Unsupported => {
                self.take_again((&before, &asks), config, polled)
            }
            Some(error) => Err((Some(self), refusal(Generation::V1, error))),
        }
    }

    /// What the kernel was asked for before a change, and what is asked for after it. An output keeps its value.
    fn change(&self, config: &LineConfig, polled: bool) -> Result<(Asks, Asks), Refusal> {
        let value = match self.config.mode {
            Mode::Output { .. } => self.get()?,
            Mode::Input { .. } => false,
        };
        let initial = match config.mode {
            Mode::Output { initial, .. } => initial.unwrap_or(value),
            Mode::Input { .. } => false,
        };
        let before = Asks::new(self.generation, &self.config, self.polled)?;
        let after = Asks::new(self.generation, config, polled)?;
        Ok((before.with_value(value), after.with_value(initial)))
    }

    /// Lets go of it and takes it anew: an output goes on showing its value meanwhile, with most drivers.
    fn take_again(
        self,
        (before, after): (&Asks, &Asks),
        config: &LineConfig,
        polled: bool,
    ) -> Result<Self, (Option<Self>, Refusal)> {
        let device = match open(&self.chip) {
            Ok(device) => device,
            Err(error) => return Err((Some(self), error.into())),
        };
        let former = (self.config, self.polled);
        let own = |line, (config, polled)| Self {
            generation: self.generation,
            line: Arc::new(line),
            chip: self.chip,
            offset: self.offset,
            config,
            polled,
        };
        drop(self.line);
        match take_free(&device, self.offset, after) {
            Ok(line) => Ok(own(line, (*config, polled))),
            Err(error) => {
                let line = take_free(&device, self.offset, before).ok();
                let former = line.map(|line| own(line, former));
                Err((former, refusal(self.generation, error)))
            }
        }
    }

    pub(super) fn get(&self) -> io::Result<bool> {
        get(self.generation, &self.line)
    }

    pub(super) fn set(&self, active: bool) -> io::Result<()> {
        match self.generation {
            Generation::V1 => gpio_v1::set(&self.line, active),
            Generation::V2 => gpio_v2::set(&self.line, active),
        }
    }

    /// Whether the kernel tells of its edges.
    pub(super) fn has_edges(&self) -> bool {
        !self.polled
    }

    /// The line's descriptor, from which its edges are read.
    pub(super) fn descriptor(&self) -> &Arc<OwnedFd> {
        &self.line
    }
}

fn refusal(generation: Generation, error: io::Error) -> Refusal {
    if is_refused(&error) {
        Refusal::Refused(Some(generation), error)
    } else {
        Refusal::Failed(error)
    }
}

fn open(chip: &Path) -> io::Result<File> {
    File::options().read(true).write(true).open(chip)
}

fn get(generation: Generation, line: &OwnedFd) -> io::Result<bool> {
    match generation {
        Generation::V1 => gpio_v1::get(line),
        Generation::V2 => gpio_v2::get(line),
    }
}

/// How it stands with a line, and by which generation.
fn info(device: &File, offset: u32) -> Result<(Generation, LineInfo), Refusal> {
    match gpio_v2::info(device, offset) {
        Ok(info) => return Ok((Generation::V2, info)),
        // What kernels before 5.10 say of calls that they do not know; also of an offset beyond the last.
        Err(error) if is_refused(&error) => {}
        Err(error) => return Err(error.into()),
    }
    match gpio_v1::info(device, offset) {
        Ok(info) => Ok((Generation::V1, info)),
        Err(error) if is_refused(&error) => Err(Refusal::Refused(None, error)),
        Err(error) => Err(error.into()),
    }
}

/// Takes a line of which this process has let go: the thread that hears edges may still hold it for a moment.
fn take_free(chip: &File, offset: u32, asks: &Asks) -> io::Result<OwnedFd> {
    for _ in 0..MOMENTS {
        match take(chip, offset, asks) {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => std::thread::sleep(MOMENT),
            done => return done,
        }
    }
    take(chip, offset, asks)
}

/// Asks character devices for what is not in files.
pub struct CharacterDevices;

impl ChipReader for CharacterDevices {
    fn read(&self, device: &Path) -> io::Result<ChipInfo> {
        let chip = open(device)?;
        let (label, count) = gpio_v1::chip(&chip)?;
        let name = |offset| match info(&chip, offset) {
            Ok((_, info)) => info.name,
            Err(_) => String::new(),
        };
        Ok(ChipInfo {
            label,
            lines: (0..count).map(name).collect(),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::gpio::{Bias, Edges};

    #[test]
    fn what_is_no_chip_is_no_chip() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let config = LineConfig {
            active_low: false,
            mode: Mode::Input {
                bias: Bias::AsIs,
                edges: Edges::None,
                debounce: 0,
            },
        };
        let taken = ChipLine::take(file.path(), 0, &config, false);
        assert!(matches!(taken, Err(Refusal::Refused(None, _))));
        assert!(CharacterDevices.read(file.path()).is_err());
    }
}
