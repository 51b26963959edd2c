//! One page: what the command line knows of a command, and what holds for all.

use std::fmt::{Display, Write as _};
use std::io;

use clap::Command;
use clap_mangen::Man;

use crate::language::{Language, Text, current, help, say};

/// What stands behind a title: Chinese has a colon of its own.
const COLONS: [char; 2] = [':', '：'];

/// Behind the help of `--help`, as clap's pages have it: they are no shorter with `-h`.
const SUMMARY: &str = r" (see a summary with \*(Aq\-h\*(Aq)";

/// A page of the manual.
pub(super) struct Page {
    /// `weihe-run.1`.
    pub(super) file: String,
    /// In the language of man pages.
    pub(super) text: io::Result<String>,
}

/// What a process of weihe ends with.
fn exit_status() -> [(&'static str, Text); 3] {
    [
        ("0", say::man_exit_done()),
        ("1", say::man_exit_failed()),
        ("2", say::man_exit_usage()),
    ]
}

/// Where a system is.
fn files() -> [(&'static str, Text); 8] {
    [
        ("weihe.toml", say::man_file_system()),
        ("weihe.schema.json", say::man_file_schema()),
        ("plugins/NAME.wasm", say::man_file_components()),
        ("data/weihe.db", say::man_file_database()),
        ("data/audit/", say::man_file_audit()),
        ("data/cache/", say::man_file_cache()),
        ("data/weihe.sock", say::man_file_socket()),
        ("$XDG_DATA_HOME/weihe/", say::man_file_sdk()),
    ]
}

/// What the environment says, beside options that have a variable.
fn environment() -> [(&'static str, Text); 3] {
    [
        ("NO_COLOR", say::man_no_color()),
        ("TERM", say::man_term()),
        ("XDG_DATA_HOME, XDG_CACHE_HOME", say::man_xdg()),
    ]
}

/// The pages of a command and of all below it that are not hidden.
pub(super) fn pages(mut root: Command) -> Vec<Page> {
    root.build();
    let mut pages = Vec::new();
    collect(&root, None, &mut pages);
    pages
}

fn collect(command: &Command, above: Option<&str>, pages: &mut Vec<Page>) {
    let name = match above {
        Some(above) => format!("{above}-{}", command.get_name()),
        None => command.get_name().to_owned(),
    };
    let below: Vec<&Command> = command
        .get_subcommands()
        .filter(|sub| !sub.is_hide_set() && sub.get_name() != "help")
        .collect();
    pages.push(Page {
        file: format!("{name}.1"),
        text: page(command, &name, above, &below),
    });
    for sub in below {
        collect(sub, Some(&name), pages);
    }
}

fn page(
    command: &Command,
    name: &str,
    above: Option<&str>,
    below: &[&Command],
) -> io::Result<String> {
    let version = env!("CARGO_PKG_VERSION");
    let man = Man::new(command.clone())
        .title(name.to_uppercase())
        .source(format!("weihe {version}"))
        .manual("Weihe");
    let mut bytes = Vec::new();
    man.render_title(&mut bytes)?;
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    // `man -k` and `whatis` read this line: the name of the page, one dash, one line.
    let about = command
        .get_about()
        .map(ToString::to_string)
        .unwrap_or_default();
    section(&mut text, say::man_name());
    let _ = writeln!(text, "{} \\- {}", escaped(name), escaped(&about));
    let mut bytes = Vec::new();
    man.render_synopsis_section(&mut bytes)?;
    man.render_description_section(&mut bytes)?;
    if command.get_arguments().any(|arg| !arg.is_hide_set()) {
        man.render_options_section(&mut bytes)?;
    }
    text.push_str(&translated(&String::from_utf8_lossy(&bytes)));
    if !below.is_empty() {
        section(&mut text, say::man_commands());
        for sub in below {
            let about = sub.get_about().map(ToString::to_string).unwrap_or_default();
            item(&mut text, &format!("{name}-{}(1)", sub.get_name()), &about);
        }
    }
    if let Some(more) = command.get_after_long_help().or(command.get_after_help()) {
        notes(&mut text, &more.to_string());
    }
    items(&mut text, say::man_exit(), &exit_status());
    items(&mut text, say::man_files(), &files());
    section(&mut text, say::man_environment());
    for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
        if let Some(variable) = arg.get_env() {
            let option = arg
                .get_long()
                .map_or_else(|| format!("<{}>", arg.get_id()), |long| format!("--{long}"));
            let about = say::man_variable(option).to_string();
            item(&mut text, &variable.to_string_lossy(), &about);
        }
    }
    for (variable, about) in environment() {
        item(&mut text, variable, &about.to_string());
    }
    section(&mut text, say::man_see());
    let see = match (above, below) {
        (Some(above), _) => format!("{above}(1)"),
        (None, [first, ..]) => format!("{name}-{}(1)", first.get_name()),
        (None, []) => "man(1)".to_owned(),
    };
    let _ = writeln!(text, "{}", escaped(&see));
    Ok(text)
}

/// What stands below a command's help: paragraphs, and lists with a title.
fn notes(text: &mut String, notes: &str) {
    let mut within = String::new();
    for paragraph in notes.split("\n\n") {
        let (title, lines) = match paragraph.split_once('\n') {
            Some((first, lines)) if first.ends_with(COLONS) => {
                (first.trim_end_matches(COLONS), lines)
            }
            _ => ("", paragraph),
        };
        let heading = match title {
            "Example" | "Examples" => say::man_examples().to_string(),
            "" => say::man_notes().to_string(),
            other => other.to_uppercase(),
        };
        if heading != within {
            section(text, &heading);
            within = heading;
        }
        let verbatim = lines.starts_with("  ");
        text.push_str(if verbatim { ".nf\n" } else { ".PP\n" });
        for line in lines.lines() {
            let _ = writeln!(text, "{}", escaped(line.strip_prefix("  ").unwrap_or(line)));
        }
        text.push_str(if verbatim { ".fi\n" } else { "" });
    }
}

/// What clap's pages say in English themselves: headings, and words around options.
fn translated(text: &str) -> String {
    if current() == Language::English {
        return text.to_owned();
    }
    let headings = [
        ("SYNOPSIS", say::man_synopsis()),
        ("DESCRIPTION", say::man_description()),
        ("OPTIONS", say::man_options()),
    ];
    let text = headings
        .iter()
        .fold(text.to_owned(), |text, (english, own)| {
            text.replace(&format!(".SH {english}\n"), &format!(".SH {own}\n"))
        });
    let text = help::frame(&text).replace(SUMMARY, "");
    // What the values of an option mean: a line each, where clap makes a list of the English ones.
    text.replace("\n\\- ", "\n.br\n\\- ")
}

fn section(text: &mut String, title: impl Display) {
    let _ = writeln!(text, ".SH \"{}\"", escaped(&title.to_string()));
}

fn items(text: &mut String, title: impl Display, items: &[(&str, Text)]) {
    section(text, title);
    for (word, about) in items {
        item(text, word, &about.to_string());
    }
}

fn item(text: &mut String, word: &str, about: &str) {
    let _ = writeln!(text, ".TP\n\\fB{}\\fR\n{}", escaped(word), escaped(about));
}

/// A line that man takes as text and nothing else.
fn escaped(line: &str) -> String {
    let mut escaped = line.replace('\\', "\\e").replace('-', "\\-");
    escaped = escaped.replace('"', "\\(dq").replace('\n', " ");
    if escaped.starts_with(['.', '\'']) {
        escaped.insert_str(0, "\\&");
    }
    escaped
}
