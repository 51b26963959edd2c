//! Lines of the test's board.

use super::Source;
use crate::hal::{Active, Bias, Edges, HalError, InputOptions, OutputOptions, SafeValue};
use crate::{EventBuf, IdentityBuf, Quality, Timestamp, ValueBuf};

/// A line, as it is now and as it was.
///
/// ```no_run
/// # use weihe_sdk::{prelude::*, testing::*};
/// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
/// let lamp: LineView = kernel.board().line("lamp");
/// assert!(lamp.is_active());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineView {
    pub(super) level: bool,
    pub(super) active: bool,
    pub(super) output: bool,
    pub(super) history: Vec<(Timestamp, bool)>,
}

impl LineView {
    /// Whether the voltage is the higher one.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// // Its relay is switched by ground.
    /// assert!(!kernel.board().line("relay").level());
    /// # Ok(()) }
    /// ```
    pub fn level(&self) -> bool {
        self.level
    }

    /// Whether it is active, as the plugin that holds it sees it.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// kernel.stop();
    /// assert!(!kernel.board().line("relay").is_active(), "its safe value");
    /// # Ok(()) }
    /// ```
    pub fn is_active(&self) -> bool {
        self.active
    }

    /// Whether the plugin holds it as an output.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// assert!(kernel.board().line("relay").is_output());
    /// # Ok(()) }
    /// ```
    pub fn is_output(&self) -> bool {
        self.output
    }

    /// What it became and when, since the test began: `true` is active. In the sandbox only what it is now.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// kernel.advance(Duration::from_secs(2))?;
    /// let blinked: Vec<bool> = kernel.board().line("led").history().iter().map(|(_, on)| *on).collect();
    /// assert_eq!(blinked, [false, true, false, true]);
    /// # Ok(()) }
    /// ```
    pub fn history(&self) -> &[(Timestamp, bool)] {
        &self.history
    }
}

/// Who holds a line, and how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Mode {
    #[default]
    Free,
    Input {
        edges: Edges,
        pull: Bias,
    },
    Output {
        level: bool,
        safe: SafeValue,
    },
}

/// A line of the board.
#[derive(Debug, Default)]
pub(in crate::testing) struct Line {
    mode: Mode,
    active_low: bool,
    /// What the test does to it; none for nothing.
    driven: Option<bool>,
    sequence: u64,
    pub(super) missed: u64,
    /// Missed just before the next edge.
    gap: u64,
    history: Vec<(Timestamp, bool)>,
}

impl Line {
    /// With a level from outside.
    pub(super) fn at(high: bool) -> Self {
        Line {
            driven: Some(high),
            ..Line::default()
        }
    }

    fn level(&self) -> bool {
        match (self.mode, self.driven) {
            (Mode::Output { level, .. }, _) | (_, Some(level)) => level,
            (
                Mode::Input {
                    pull: Bias::PullUp, ..
                },
                None,
            ) => true,
            (
                Mode::Input {
                    pull: Bias::PullDown,
                    ..
                },
                None,
            ) => false,
            // Nobody touches it: a button that is not pressed.
            _ => self.active_low,
        }
    }

    pub(super) fn is_active(&self) -> bool {
        self.level() != self.active_low
    }

    pub(super) fn view(&self) -> LineView {
        LineView {
            level: self.level(),
            active: self.is_active(),
            output: matches!(self.mode, Mode::Output { .. }),
            history: self.history.clone(),
        }
    }

    /// Notes what it is, when that is news.
    fn note(&mut self, now: Timestamp) {
        let active = self.is_active();
        if self.history.last().is_none_or(|(_, last)| *last != active) {
            self.history.push((now, active));
        }
    }

    fn wire(&mut self, active: Active) {
        match active {
            Active::High => self.active_low = false,
            Active::Low => self.active_low = true,
            Active::AsWired => {}
        }
    }

    pub(super) fn open_input(&mut self, options: InputOptions, now: Timestamp) {
        self.wire(options.active);
        self.mode = Mode::Input {
            edges: options.edges,
            pull: options.bias,
        };
        self.note(now);
    }

    pub(super) fn open_output(&mut self, options: OutputOptions, now: Timestamp) {
        self.wire(options.active);
        let level = match self.mode {
            // It is held already, and goes on.
            Mode::Output { level, .. } => level,
            _ => options.initial.unwrap_or(false) != self.active_low,
        };
        self.mode = Mode::Output {
            level,
            safe: options.safe,
        };
        self.note(now);
    }

    pub(super) fn write(
        &mut self,
        name: &str,
        active: bool,
        now: Timestamp,
    ) -> Result<(), HalError> {
        let inverted = self.active_low;
        let Mode::Output { level, .. } = &mut self.mode else {
            return Err(HalError::Unsupported(format!("{name} is an input")));
        };
        *level = active != inverted;
        self.note(now);
        Ok(())
    }

    /// Nobody minds it any more.
    pub(super) fn end(&mut self, now: Timestamp) {
        let inverted = self.active_low;
        if let Mode::Output { level, safe } = &mut self.mode {
            match safe {
                SafeValue::Keep => {}
                SafeValue::Inactive => *level = inverted,
                SafeValue::Active => *level = !inverted,
            }
            self.note(now);
        }
        // The next to open it does so anew.
        if let Mode::Output { level, .. } = self.mode {
            self.driven = Some(level);
            self.mode = Mode::Free;
        }
    }

    /// Edges come and go that nobody fetches in time.
    pub(super) fn miss(&mut self, edges: u64) {
        self.gap += edges;
        self.missed += edges;
    }

    /// Sets its level from outside: an edge, when the plugin wants to know of it.
    pub(super) fn drive(
        &mut self,
        source: &Source<'_>,
        to: Drive,
        now: Timestamp,
    ) -> Result<Option<EventBuf>, String> {
        let name = source.name;
        if matches!(self.mode, Mode::Output { .. }) {
            return Err(format!(
                "line `{name}` is an output of the plugin: nothing else drives it"
            ));
        }
        let before = self.is_active();
        self.driven = Some(match to {
            Drive::Level(level) => level,
            Drive::Active(active) => active != self.active_low,
        });
        let active = self.is_active();
        self.note(now);
        let wanted = match self.mode {
            Mode::Input { edges, .. } => match edges {
                Edges::None => false,
                Edges::Rising => active,
                Edges::Falling => !active,
                Edges::Both => true,
            },
            _ => false,
        };
        if before == active || !wanted {
            return Ok(None);
        }
        let gap = std::mem::take(&mut self.gap);
        self.sequence += 1 + gap;
        Ok(Some(EventBuf {
            topic: source.topic(),
            time: now,
            id: IdentityBuf {
                source: name.to_owned(),
                sequence: self.sequence,
            },
            attempt: 1,
            cause: None,
            quality: match gap {
                0 => Quality::Good,
                _ => Quality::Uncertain,
            },
            value: ValueBuf::Boolean(active),
        }))
    }
}

/// What a test sets a line to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Drive {
    /// The voltage.
    Level(bool),
    /// What the plugin sees.
    Active(bool),
}
