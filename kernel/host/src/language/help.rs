//! The help and the usage errors of the command line in other languages than English.
//!
//! Clap has the English ones from the comments on the commands and their arguments. `texts/zh/help.ftl`
//! has their translation under the path of each: `help-dead-retry` is a command, `help-dead-retry--all`
//! its argument, `help-new--template--rule` a value of an argument; `-long` and `-after` are what comes
//! with `--help` only and at the end. What clap itself says around them is replaced when it is printed.

use clap::builder::PossibleValue;
use clap::error::ErrorKind;
use clap::{Arg, Command};
use fluent_bundle::FluentArgs;

use super::{Language, Text, bundle, current, label, say};
use crate::output::Style;

/// The words of clap around our own, in the order in which they are replaced: one is within another.
const FRAME: [(&str, &str); 18] = [
    (
        "Print this message or the help of the given subcommand(s)",
        "help-frame-help-command",
    ),
    (
        "Print help (see more with '--help')",
        "help-frame-help-more",
    ),
    (
        "Print help (see a summary with '-h')",
        "help-frame-help-less",
    ),
    ("Print help", "help-frame-help"),
    ("Print version", "help-frame-version"),
    // Colours may come between the colon and the blank.
    ("Usage: ", "help-frame-usage"),
    ("Usage:", "help-frame-usage"),
    ("Commands:", "help-frame-commands"),
    ("Arguments:", "help-frame-arguments"),
    ("Options:", "help-frame-options"),
    ("Possible values:", "help-frame-values"),
    // A line may end after the colon.
    ("[default: ", "help-frame-default"),
    ("[default:", "help-frame-default"),
    ("[env: ", "help-frame-env"),
    ("[env:", "help-frame-env"),
    ("[possible values: ", "help-frame-possible"),
    ("[possible values:", "help-frame-possible"),
    ("For more information, try '--help'.", "help-frame-more"),
];

/// A heading above examples, in English and its text.
const EXAMPLES: [&str; 2] = ["Examples:", "Example:"];

/// A command with all it takes in the language of this process.
pub(crate) fn translate(command: Command) -> Command {
    match current() {
        Language::English => command,
        language => command_in(language, command, "help"),
    }
}

fn command_in(language: Language, mut command: Command, path: &str) -> Command {
    let text = |key: String| own(language, &key);
    if let Some(about) = text(path.to_owned()) {
        // The longer one, which has the shorter within it, is replaced with it.
        if let Some(more) = text(format!("{path}-long")) {
            command = command.long_about(format!("{about}\n\n{more}"));
        }
        command = command.about(about);
    }
    let after = command
        .get_after_help()
        .map(|after| heading(language, &after.to_string()));
    if let Some(after) = text(format!("{path}-after")).or(after) {
        command = command.after_help(after);
    }
    command = command.mut_args(|argument| argument_in(language, argument, path));
    command.mut_subcommands(|sub| {
        let path = format!("{path}-{}", sub.get_name());
        command_in(language, sub, &path)
    })
}

fn argument_in(language: Language, argument: Arg, path: &str) -> Arg {
    let key = format!("{path}--{}", argument.get_id());
    let Some(help) = own(language, &key) else {
        return argument;
    };
    let values = argument.get_possible_values().into_iter().map(|value| {
        match own(language, &format!("{key}--{}", value.get_name())) {
            Some(help) => value.help(help),
            None => value,
        }
    });
    let values: Vec<_> = values.collect();
    if argument.get_long_help().is_some() {
        return argument.long_help(help.clone()).help(help);
    }
    let hidden = argument.is_hide_possible_values_set();
    match !hidden && values.iter().any(|value| value.get_help().is_some()) {
        true => described(language, argument, &help, &values),
        false => argument.help(help),
    }
}

/// The values with their meaning below the help, in place of clap's list, which is in English.
fn described(language: Language, argument: Arg, help: &str, values: &[PossibleValue]) -> Arg {
    let names: Vec<&str> = values.iter().map(|value| value.get_name()).collect();
    let widest = names.iter().map(|name| name.len()).max();
    let possible = frame_word(language, "possible");
    let short = format!("{help} {possible}{}]", names.join(", "));
    let mut text = format!("{help}\n\n{}", frame_word(language, "values"));
    for value in values {
        let meaning = value.get_help().map(ToString::to_string);
        let name = format!("{}:", value.get_name());
        let width = widest.unwrap_or(0) + 1;
        text.push_str(&format!(
            "\n- {name:width$} {}",
            meaning.unwrap_or_default()
        ));
    }
    argument
        .hide_possible_values(true)
        .long_help(text)
        .help(short)
}

/// The heading above examples; examples are the same in each language.
fn heading(language: Language, after: &str) -> String {
    let heading = frame_word(language, "examples");
    EXAMPLES.iter().fold(after.to_owned(), |text, english| {
        text.replace(english, &heading)
    })
}

/// A word around the help.
fn frame_word(language: Language, name: &str) -> String {
    own(language, &format!("help-frame-{name}")).unwrap_or_default()
}

fn own(language: Language, key: &str) -> Option<String> {
    bundle::format(language, key, &FluentArgs::new())
}

/// Prints help, the version, or what is wrong with a command line.
pub(crate) fn print_error(error: &clap::Error) {
    if current() == Language::English {
        // Nothing is left to do when it can't be printed.
        let _ = error.print();
        return;
    }
    let style = match error.use_stderr() {
        true => Style::stderr(),
        false => Style::stdout(),
    };
    let rendered = error.render();
    let text = match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => match style.colour() {
            true => frame(&rendered.ansi().to_string()),
            false => frame(&rendered.to_string()),
        },
        _ => refusal(&rendered.to_string(), style),
    };
    match error.use_stderr() {
        true => eprint!("{text}"),
        false => crate::output::print(&text),
    }
}

/// Clap's own words replaced.
pub(crate) fn frame(text: &str) -> String {
    let language = current();
    FRAME.iter().fold(text.to_owned(), |text, (english, key)| {
        match own(language, key) {
            Some(own) => text.replace(english, &own),
            None => text,
        }
    })
}

/// What is wrong with a command line, line by line.
pub(super) fn refusal(text: &str, style: Style) -> String {
    let mut told = String::new();
    for line in text.lines() {
        let line = if let Some(message) = line.strip_prefix("error: ") {
            let heading = say::label_error();
            label(style.bad(&heading), &heading, Text::told(message))
        } else if let Some(tip) = line.trim_start().strip_prefix("tip: ") {
            let heading = frame_word(current(), "tip");
            format!("  {}{}", style.code(heading), Text::told(tip))
        } else if let Some(values) = line.trim_start().strip_prefix("[possible values: ") {
            format!("  {}{values}", frame_word(current(), "possible"))
        } else {
            frame(line)
        };
        told.push_str(&line);
        told.push('\n');
    }
    told
}
