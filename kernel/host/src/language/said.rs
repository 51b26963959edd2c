//! Sentences that others say in English, recognised by their words and said again.
//!
//! An error of the kernel, or one that a running host answers with, is a text when it gets here. The
//! texts in `texts/*/said` are those sentences with places for what varies. A sentence that matches as
//! a whole is said in the other language. Errors carry others within them: what stands in some places
//! is looked at in the same way, but names never are, or a device called `memory` would be translated.
//! What matches nothing stays as it is.

use fluent_bundle::FluentArgs;

use super::{Language, SAID, bundle};

/// A sentence that may be said.
#[derive(Debug)]
pub(super) struct Sentence {
    pub(super) key: &'static str,
    pub(super) parts: &'static [Part],
}

/// A piece of a sentence.
#[derive(Debug)]
pub(super) enum Part {
    /// These words.
    Words(&'static str),
    /// What varies, at least one character of it.
    Place(&'static str),
}

/// Places that hold words, and no names: an error within another, a kind, what is expected.
const WORDS: [&str; 15] = [
    "about", "action", "add", "claim", "expected", "how", "is", "kind", "more", "owner", "repair",
    "table", "what", "when", "why",
];

/// What is longer is no sentence, and would take long to look through.
const LONGEST: usize = 4_096;

/// The same in another language; none when it is not known. Below a first line that is known stand
/// further faults with their places, or what a compiler or a stack says, which stays.
pub(super) fn translate(words: &str, language: Language) -> Option<String> {
    let mut lines = words.split('\n');
    let mut text = sentence(lines.next()?, language)?;
    for line in lines {
        text.push('\n');
        match below(line, language) {
            Some(told) => text.push_str(&told),
            None => text.push_str(line),
        }
    }
    Some(text)
}

/// A line below the first, moved in, and maybe behind its place (`weihe.toml:12:5: …`).
fn below(line: &str, language: Language) -> Option<String> {
    let words = line.trim_start();
    let indent = &line[..line.len() - words.len()];
    // A sentence that begins with a place of its own would take this one for it.
    if let Some((place, fault)) = words.split_once(": ")
        && let Some((_, column)) = place.rsplit_once(':')
        && column.parse::<u32>().is_ok()
    {
        let told = sentence(fault, language)?;
        return Some(format!("{indent}{place}: {told}"));
    }
    let told = sentence(words, language)?;
    Some(format!("{indent}{told}"))
}

fn sentence(words: &str, language: Language) -> Option<String> {
    if words.len() > LONGEST {
        return None;
    }
    SAID.iter().find_map(|known| {
        let mut filled = Vec::new();
        if !matches(known.parts, words, false, &mut filled) {
            return None;
        }
        let mut arguments = FluentArgs::new();
        for (name, value) in filled {
            let inner = match WORDS.contains(&name) {
                true => sentence(value, language),
                false => None,
            };
            arguments.set(name, inner.unwrap_or_else(|| value.to_owned()));
        }
        bundle::format(language, known.key, &arguments)
    })
}

/// Whether all of a text is this sentence, and with what in its places. Places take as little as they
/// can. One between grave accents holds none, or a fault of a device would be a device of a long name;
/// `quoted` says that the first of them is just before the text.
fn matches<'t>(
    parts: &'static [Part],
    text: &'t str,
    quoted: bool,
    filled: &mut Vec<(&'static str, &'t str)>,
) -> bool {
    match parts {
        [] => text.is_empty(),
        [Part::Words(words), rest @ ..] => text
            .strip_prefix(words)
            .is_some_and(|text| matches(rest, text, words.ends_with('`'), filled)),
        [Part::Place(name)] => {
            filled.push((name, text));
            !text.is_empty()
        }
        [Part::Place(name), rest @ ..] => {
            let [Part::Words(next), ..] = rest else {
                return false;
            };
            let before = filled.len();
            // Not within the first character: a place is never empty.
            let first = text.chars().next().map_or(0, char::len_utf8);
            let mut from = first;
            while let Some(at) = text.get(from..).and_then(|text| text.find(next)) {
                let (value, text_after) = text.split_at(from + at);
                if quoted && next.starts_with('`') && value.contains('`') {
                    return false;
                }
                filled.push((name, value));
                if matches(rest, text_after, false, filled) {
                    return true;
                }
                filled.truncate(before);
                from += at + 1;
                while from < text.len() && !text.is_char_boundary(from) {
                    from += 1;
                }
            }
            false
        }
    }
}
