//! The sentences that stand in the sources, so that none is forgotten.

use std::fs;
use std::path::{Path, PathBuf};

/// A text in quotation marks.
#[derive(Debug, Clone)]
pub struct Literal {
    pub file: String,
    pub line: usize,
    /// With what is filled in as [`PLACE`].
    pub text: String,
}

/// What stands for something that is filled in.
pub const PLACE: char = '§';

/// What comes before a text that nobody reads on the command line: logs, documentation, assertions,
/// and what clap takes (which is translated by its path).
const NOT_SHOWN: [&str; 15] = [
    "info!(",
    "warn!(",
    "debug!(",
    "trace!(",
    "error!(",
    "assert!(",
    "expect(",
    "doc = ",
    "after_help = ",
    "long_about = ",
    "must_use = ",
    "value_name = ",
    "include_str!(",
    "concat!(",
    "env!(",
];

/// The texts of the sources below a folder of this repository.
pub fn literals(folder: &str) -> Vec<Literal> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    sources(&root.join(folder), &mut files);
    files.sort();
    let mut all = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.strip_prefix(&root).unwrap().display().to_string();
        of_source(&name, &text, &mut all);
    }
    assert!(!all.is_empty(), "there are no texts in {folder}");
    all
}

fn sources(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_file() {
        files.push(path.to_path_buf());
        return;
    }
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            // Templates of plugins speak for those who take them.
            if !["tests", "language", "templates"].contains(&name.as_str()) {
                sources(&path, files);
            }
        } else if name.ends_with(".rs") && name != "tests.rs" {
            files.push(path);
        }
    }
}

fn of_source(file: &str, text: &str, all: &mut Vec<Literal>) {
    // Tests come last in a file.
    let end = text.find("#[cfg(test)]\n#[allow").unwrap_or(text.len());
    let end = end.min(text.find("#[cfg(test)]\nmod tests").unwrap_or(end));
    let text = &text[..end];
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let next = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if c == '\'' {
            character(rest)
        } else if let Some(raw) = raw(rest) {
            add(file, text, at, raw.1.to_owned(), all);
            raw.0
        } else if c == '"' {
            let (length, quoted) = quoted(rest);
            add(file, text, at, quoted, all);
            length
        } else {
            c.len_utf8()
        };
        at += next;
    }
}

/// A character in quotation marks, or the mark of a lifetime.
fn character(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => rest[2..].find('\'').map_or(1, |end| end + 3),
        Some((at, c)) if rest[at + c.len_utf8()..].starts_with('\'') => at + c.len_utf8() + 1,
        _ => 1,
    }
}

/// `r"…"` or `r#"…"#`: its whole length, and what is in it.
fn raw(rest: &str) -> Option<(usize, &str)> {
    let after = rest.strip_prefix('r')?;
    let marks = after.len() - after.trim_start_matches('#').len();
    let inside = after[marks..].strip_prefix('"')?;
    let end = inside.find(&format!("\"{}", "#".repeat(marks)))?;
    Some((1 + marks + 1 + end + 1 + marks, &inside[..end]))
}

fn quoted(rest: &str) -> (usize, String) {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (at + 1, text),
            '\\' => match chars.next() {
                Some((_, '\n')) => while chars.next_if(|(_, c)| c.is_whitespace()).is_some() {},
                Some((_, 'n')) => text.push('\n'),
                Some((_, c)) => text.push(c),
                None => {}
            },
            c => text.push(c),
        }
    }
    (rest.len(), text)
}

fn add(file: &str, source: &str, at: usize, text: String, all: &mut Vec<Literal>) {
    let from = (0..=at)
        .rev()
        .take(160)
        .filter(|from| source.is_char_boundary(*from));
    let before = &source[from.last().unwrap_or(0)..at];
    let line = before.rsplit(['\n', ';']).next().unwrap_or_default();
    let near = before.trim_end();
    let shown = !NOT_SHOWN
        .iter()
        .any(|what| near.ends_with(what.trim_end()) || line.contains(what));
    if shown {
        all.push(Literal {
            file: file.to_owned(),
            line: source[..at].matches('\n').count() + 1,
            text: places(&text),
        });
    }
}

/// `{name}` and the like as [`PLACE`].
fn places(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        shown.push_str(&rest[..at]);
        let braces = &rest[at..];
        rest = if braces.starts_with("{{") || braces.starts_with("}}") {
            shown.push_str(&braces[..1]);
            &braces[2..]
        } else if let (true, Some(end)) = (braces.starts_with('{'), braces.find('}')) {
            shown.push(PLACE);
            &braces[end + 1..]
        } else {
            shown.push_str(&braces[..1]);
            &braces[1..]
        };
    }
    shown + rest
}

impl Literal {
    /// Whether these are words for people: two of them in a row.
    pub fn is_sentence(&self) -> bool {
        // Statements, interfaces, and files that are written.
        const CODE: [&str; 7] = [
            "SELECT ",
            "INSERT ",
            "CREATE ",
            "package ",
            "[package]",
            "# ",
            "/target/",
        ];
        if CODE
            .iter()
            .any(|code| self.text.trim_start().starts_with(code))
        {
            return false;
        }
        let words = self.text.split([' ', '\n']).map(|word| {
            let word = word.trim_matches(|c: char| !c.is_alphanumeric());
            word.len() > 1 && word.chars().all(|c| c.is_ascii_lowercase() || c == '\'')
        });
        let words: Vec<bool> = words.collect();
        words.windows(2).any(|two| two[0] && two[1])
    }
}
