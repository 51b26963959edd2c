//! One page: what the command line knows of a command, and what holds for all.

use std::fmt::Write as _;
use std::io;

use clap::Command;
use clap_mangen::Man;

/// A page of the manual.
pub(super) struct Page {
    /// `weihe-run.1`.
    pub(super) file: String,
    /// In the language of man pages.
    pub(super) text: io::Result<String>,
}

/// What a process of weihe ends with.
const EXIT_STATUS: [(&str, &str); 3] = [
    ("0", "done."),
    (
        "1",
        "failed, or what was asked about is not in order; the reason is on standard error.",
    ),
    (
        "2",
        "called wrongly: an unknown option, a value that is none.",
    ),
];

/// Where a system is.
const FILES: [(&str, &str); 8] = [
    (
        "weihe.toml",
        "what a system consists of; the nearest one upwards is taken where no system is named.",
    ),
    (
        "weihe.schema.json",
        "what may stand in it, for editors (weihe schema --write).",
    ),
    ("plugins/NAME.wasm", "components."),
    (
        "data/weihe.db",
        "rows, keys, state and dead letters of devices (SQLite).",
    ),
    ("data/audit/", "who did what."),
    (
        "data/cache/",
        "compiled components; may be deleted at any time.",
    ),
    (
        "data/weihe.sock",
        "the socket by which commands reach a running host.",
    ),
    ("$XDG_DATA_HOME/weihe/", "the SDK, as weihe new writes it."),
];

/// What the environment says, beside options that have a variable.
const ENVIRONMENT: [(&str, &str); 3] = [
    (
        "NO_COLOR",
        "set and not empty: no colours (https://no-color.org).",
    ),
    ("TERM", "dumb: no colours."),
    (
        "XDG_DATA_HOME, XDG_CACHE_HOME",
        "where a user's data and caches are; otherwise ~/.local/share and ~/.cache.",
    ),
];

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
    section(&mut text, "NAME");
    let _ = writeln!(text, "{} \\- {}", escaped(name), escaped(&about));
    let mut bytes = Vec::new();
    man.render_synopsis_section(&mut bytes)?;
    man.render_description_section(&mut bytes)?;
    if command.get_arguments().any(|arg| !arg.is_hide_set()) {
        man.render_options_section(&mut bytes)?;
    }
    text.push_str(&String::from_utf8_lossy(&bytes));
    if !below.is_empty() {
        section(&mut text, "COMMANDS");
        for sub in below {
            let about = sub.get_about().map(ToString::to_string).unwrap_or_default();
            item(&mut text, &format!("{name}-{}(1)", sub.get_name()), &about);
        }
    }
    if let Some(more) = command.get_after_long_help().or(command.get_after_help()) {
        notes(&mut text, &more.to_string());
    }
    items(&mut text, "EXIT STATUS", &EXIT_STATUS);
    items(&mut text, "FILES", &FILES);
    section(&mut text, "ENVIRONMENT");
    for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
        if let Some(variable) = arg.get_env() {
            let option = arg
                .get_long()
                .map_or_else(|| format!("<{}>", arg.get_id()), |long| format!("--{long}"));
            let about = format!("what {option} says, where it is not given.");
            item(&mut text, &variable.to_string_lossy(), &about);
        }
    }
    for (variable, about) in ENVIRONMENT {
        item(&mut text, variable, about);
    }
    section(&mut text, "SEE ALSO");
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
    let mut within = "";
    for paragraph in notes.split("\n\n") {
        let (title, lines) = match paragraph.split_once('\n') {
            Some((first, lines)) if first.ends_with(':') => (first.trim_end_matches(':'), lines),
            _ => ("", paragraph),
        };
        let heading = match title {
            "Example" | "Examples" => "EXAMPLES",
            "" => "NOTES",
            other => other,
        };
        if heading != within {
            section(text, &heading.to_uppercase());
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

fn section(text: &mut String, title: &str) {
    let _ = writeln!(text, ".SH \"{}\"", escaped(title));
}

fn items(text: &mut String, title: &str, items: &[(&str, &str)]) {
    section(text, title);
    for (word, about) in items {
        item(text, word, about);
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
