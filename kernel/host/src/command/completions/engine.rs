//! What may stand at the cursor, by the command line's own description.

use std::fmt;
use std::path::PathBuf;

use clap::{Arg, ArgAction, Command};

/// What is known of the system that a command is about.
pub(super) trait Live {
    /// Its devices, each with a word on it.
    fn devices(&self) -> Vec<(String, String)>;
    /// Its plugins.
    fn plugins(&self) -> Vec<(String, String)>;
    /// Topics that have a value.
    fn topics(&self) -> Vec<(String, String)>;
    /// What there is on the board: lines, devices, values of the world.
    fn parts(&self) -> Vec<(String, String)>;
    /// The commands of a device.
    fn commands(&self, device: &str) -> Vec<(String, String)>;
    /// The arguments of a command of a device.
    fn arguments(&self, device: &str, command: &str) -> Vec<(String, String)>;
}

/// What the word at the cursor may become.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// Words, each with what it means.
    pub(super) words: Vec<(String, String)>,
    /// Whether it may be a path, besides.
    pub(super) paths: Paths,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paths {
    #[default]
    None,
    Files,
    Folders,
}

/// One word a line, its meaning behind a tab; `:files` and `:folders` ask the shell for paths.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (word, meaning) in &self.words {
            let meaning = crate::output::one_line(meaning);
            writeln!(f, "{}\t{meaning}", crate::output::one_line(word))?;
        }
        match self.paths {
            Paths::None => Ok(()),
            Paths::Files => writeln!(f, ":files"),
            Paths::Folders => writeln!(f, ":folders"),
        }
    }
}

/// What has been typed before the cursor.
#[derive(Debug, Default)]
pub(super) struct Typed {
    /// `-C DIR`.
    pub(super) directory: Option<PathBuf>,
    /// Words that are no options, after the command.
    positional: Vec<String>,
    /// Whether all that follows is no option.
    plain: bool,
}

/// Completes the last of some words; `live` looks at the system, only when that is needed.
pub(super) fn complete<L: Live>(
    root: &mut Command,
    words: &[String],
    live: impl FnOnce(&Typed) -> L,
) -> Answer {
    root.build();
    let (last, before) = match words.split_last() {
        Some((last, before)) => (last.as_str(), before),
        None => ("", &[][..]),
    };
    let mut command: &Command = root;
    let mut typed = Typed::default();
    let mut wants: Option<&Arg> = None;
    for word in before {
        if let Some(arg) = wants.take() {
            typed.note(arg, word);
        } else if typed.plain || !word.starts_with('-') || word == "-" {
            match command
                .find_subcommand(word)
                .filter(|_| typed.positional.is_empty())
            {
                Some(sub) => command = sub,
                None => typed.positional.push(word.clone()),
            }
        } else if word == "--" {
            typed.plain = true;
        } else if let Some((arg, value)) = option(command, word) {
            match value {
                Some(value) => typed.note(arg, value),
                None if takes_value(arg) => wants = Some(arg),
                None => {}
            }
        }
    }
    let mut answer = Answer::default();
    if let Some(arg) = wants {
        answer = values(arg, &typed, live);
    } else if let Some((name, _)) = last.split_once('=').filter(|_| last.starts_with("--")) {
        if let Some((arg, _)) = option(command, name) {
            answer = values(arg, &typed, live);
            for (word, _) in &mut answer.words {
                *word = format!("{name}={word}");
            }
        }
    } else if last.starts_with('-') && !typed.plain {
        answer.words = options(command);
    } else {
        if typed.positional.is_empty() {
            answer.words = subcommands(command);
        }
        if let Some(arg) = nth(command, typed.positional.len()) {
            let of_arg = values(arg, &typed, live);
            answer.words.extend(of_arg.words);
            answer.paths = of_arg.paths;
        }
    }
    answer.words.retain(|(word, _)| word.starts_with(last));
    answer
}

impl Typed {
    fn note(&mut self, arg: &Arg, value: &str) {
        if arg.get_id() == "system" {
            self.directory = Some(PathBuf::from(value));
        }
    }
}

/// The option that a word names, and the value that stands in it.
fn option<'c, 'w>(command: &'c Command, word: &'w str) -> Option<(&'c Arg, Option<&'w str>)> {
    let find = |is_it: &dyn Fn(&Arg) -> bool| command.get_arguments().find(|arg| is_it(arg));
    if let Some(long) = word.strip_prefix("--") {
        let (name, value) = match long.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (long, None),
        };
        return Some((find(&|arg| arg.get_long() == Some(name))?, value));
    }
    // Of several letters, the first that takes a value has the rest.
    let letters = word.strip_prefix('-')?;
    for (at, letter) in letters.char_indices() {
        let arg = find(&|arg| arg.get_short() == Some(letter))?;
        let rest = &letters[at + letter.len_utf8()..];
        if takes_value(arg) || rest.is_empty() {
            return Some((arg, Some(rest).filter(|rest| !rest.is_empty())));
        }
    }
    None
}

fn takes_value(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Set | ArgAction::Append)
}

/// The positional argument at a place; the last one, when it takes several.
fn nth(command: &Command, place: usize) -> Option<&Arg> {
    let all: Vec<&Arg> = command.get_positionals().collect();
    all.get(place).copied().or_else(|| {
        let last = all.last()?;
        let many = last
            .get_num_args()
            .is_some_and(|range| range.max_values() > 1)
            || matches!(last.get_action(), ArgAction::Append);
        many.then_some(*last)
    })
}

fn subcommands(command: &Command) -> Vec<(String, String)> {
    let shown = command.get_subcommands().filter(|sub| !sub.is_hide_set());
    shown
        .map(|sub| (sub.get_name().to_owned(), about(sub.get_about())))
        .collect()
}

fn options(command: &Command) -> Vec<(String, String)> {
    let shown = command.get_arguments().filter(|arg| !arg.is_hide_set());
    shown
        .filter_map(|arg| Some((format!("--{}", arg.get_long()?), about(arg.get_help()))))
        .collect()
}

fn about(text: Option<&clap::builder::StyledStr>) -> String {
    text.map(ToString::to_string).unwrap_or_default()
}

/// The values of an argument: those that it lists, or what its name says.
fn values<L: Live>(arg: &Arg, typed: &Typed, live: impl FnOnce(&Typed) -> L) -> Answer {
    let mut answer = Answer::default();
    for value in arg.get_possible_values() {
        if !value.is_hide_set() {
            answer
                .words
                .push((value.get_name().to_owned(), about(value.get_help())));
        }
    }
    if !answer.words.is_empty() {
        return answer;
    }
    let name = arg.get_value_names().and_then(|names| names.first());
    let before = |place: usize| typed.positional.get(place).map_or("", String::as_str);
    match name.map(|name| name.as_str()) {
        Some("DEVICE") => answer.words = live(typed).devices(),
        Some("PLUGIN") => answer.words = live(typed).plugins(),
        Some("TOPIC" | "FILTER" | "TOPIC|FILTER") => answer.words = live(typed).topics(),
        Some("COMMAND") => answer.words = live(typed).commands(before(0)),
        Some("ARGS") => answer.words = live(typed).arguments(before(0), before(1)),
        Some("PART") => answer.words = live(typed).parts(),
        Some("FAULT") => {
            let kinds = weihe_hal::virtual_board::Fault::KINDS.iter();
            answer.words = kinds
                .map(|kind| (kind.trim_end_matches('N').to_owned(), String::new()))
                .collect();
        }
        Some("DIR") => answer.paths = Paths::Folders,
        Some("FILE" | "PATH") => answer.paths = Paths::Files,
        _ => {}
    }
    answer
}

#[cfg(test)]
mod tests;
