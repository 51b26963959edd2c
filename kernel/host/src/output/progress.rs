//! Long work, shown while it goes on: a spinner on terminals, plain lines elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::Style;
use crate::language::{Language, Text, current, say};

/// How often the spinner turns. Slower looks stuck; faster costs a serial console its bandwidth.
const TICK: Duration = Duration::from_millis(120);

/// One piece of long work.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    title: String,
    started: Instant,
    quiet: bool,
}

impl Progress {
    /// Begins to show work on standard error; nothing is shown where `quiet`.
    pub fn start(title: impl Into<Text>, quiet: bool) -> Self {
        let title = title.into().to_string();
        let terminal = std::io::stderr().is_terminal();
        let bar = (terminal && !quiet).then(|| {
            let bar = ProgressBar::new_spinner();
            let template = match Style::stderr().colour() {
                true => "{spinner} {prefix} {wide_msg:.dim}",
                false => "{spinner} {prefix} {wide_msg}",
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.set_prefix(title.clone());
            bar.enable_steady_tick(TICK);
            bar
        });
        if bar.is_none() && !quiet {
            eprintln!("{}", say::progress_begun(&title));
        }
        Self {
            bar,
            title,
            started: Instant::now(),
            quiet,
        }
    }

    /// Says what is going on within it.
    pub fn say(&self, line: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(line.trim().to_owned());
        }
    }

    /// Ends it with a word on how it went.
    pub fn done(self, word: impl Into<Text>) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        if !self.quiet {
            let style = Style::stderr();
            let seconds = self.started.elapsed().as_secs_f64();
            let took = say::progress_seconds(format!("{seconds:.1}"));
            let done = say::progress_done(&self.title, word.into());
            // Chinese parentheses bring their blank along.
            let gap = if current() == Language::English {
                " "
            } else {
                ""
            };
            eprintln!("{done}{gap}{}", style.dim(took));
        }
    }

    /// Ends it without a word: what went wrong is told elsewhere.
    pub fn fail(self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
