//! Colour, where someone sees it.

use std::fmt::Display;
use std::io::IsTerminal;
use std::sync::OnceLock;

/// When colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Colour {
    /// On a terminal that can, unless NO_COLOR says no
    #[default]
    Auto,
    /// Everywhere
    Always,
    /// Nowhere
    Never,
}

/// What this process was told.
static TOLD: OnceLock<Colour> = OnceLock::new();

impl Colour {
    /// Makes it hold for all that this process prints from now on; the first word holds.
    pub fn hold(self) {
        let _ = TOLD.set(self);
    }
}

/// Whether colours are used on a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    colour: bool,
}

impl Style {
    /// Without colours.
    pub const PLAIN: Self = Self { colour: false };

    /// For standard output.
    pub fn stdout() -> Self {
        Self::of(&std::io::stdout())
    }

    /// For standard error.
    pub fn stderr() -> Self {
        Self::of(&std::io::stderr())
    }

    fn of(stream: &impl IsTerminal) -> Self {
        match TOLD.get() {
            Some(Colour::Always) => return Self { colour: true },
            Some(Colour::Never) => return Self::PLAIN,
            Some(Colour::Auto) | None => {}
        }
        // https://no-color.org: set and not empty means no colours.
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            colour: stream.is_terminal() && !refused && !dumb,
        }
    }

    /// Whether colours are used.
    pub fn colour(self) -> bool {
        self.colour
    }

    fn wrap(self, code: &str, text: impl Display) -> String {
        if self.colour {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_string()
        }
    }

    /// What went wrong.
    pub fn bad(self, text: impl Display) -> String {
        self.wrap("1;31", text)
    }

    /// What may go wrong.
    pub fn warn(self, text: impl Display) -> String {
        self.wrap("33", text)
    }

    /// What is in order.
    pub fn good(self, text: impl Display) -> String {
        self.wrap("32", text)
    }

    /// What matters least.
    pub fn dim(self, text: impl Display) -> String {
        self.wrap("2", text)
    }

    /// Titles.
    pub fn bold(self, text: impl Display) -> String {
        self.wrap("1", text)
    }

    /// What can be typed.
    pub fn code(self, text: impl Display) -> String {
        self.wrap("36", text)
    }
}
