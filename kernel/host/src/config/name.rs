//! Names of hosts, plugins, connections and devices.

use std::ops::Range;

use super::fault::Fault;

/// The longest name: a device's name is a level of topics and stands in every line of the log.
pub const NAME_LIMIT: usize = 64;

/// Whether a text is a name: lower-case letters, digits, `-` and `_`, starting with a letter.
pub fn is_name(text: &str) -> bool {
    text.len() <= NAME_LIMIT
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
}

/// Reports a name that is none, with one that would be.
pub(super) fn check(what: &str, name: &str, span: Range<usize>, faults: &mut Vec<Fault>) {
    if is_name(name) {
        return;
    }
    let message = format!("`{name}` cannot be the name of a {what}");
    let rule = format!(
        "names have lower-case letters, digits, `-` and `_`, start with a letter, and are at most \
         {NAME_LIMIT} bytes long"
    );
    let help = match suggest(name) {
        Some(better) => format!("{rule}: `{better}`"),
        None => rule,
    };
    faults.push(Fault::new(span, message, "not a name").help(help));
}

/// The name that a text could be turned into.
pub(crate) fn suggest(text: &str) -> Option<String> {
    let name: String = text
        .trim_start_matches(|c: char| !c.is_ascii_alphabetic())
        .chars()
        .filter_map(|c| match c {
            'a'..='z' | '0'..='9' | '-' | '_' => Some(c),
            'A'..='Z' => Some(c.to_ascii_lowercase()),
            ' ' | '.' | '/' | ':' => Some('-'),
            _ => None,
        })
        .take(NAME_LIMIT)
        .collect();
    is_name(&name).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_topics_files_and_people_can_carry() {
        for good in ["a", "soil", "bed-1", "m_2"] {
            assert!(is_name(good), "{good}");
        }
        for bad in [
            "",
            "1a",
            "Soil",
            "a b",
            "a/b",
            "-a",
            "温室",
            &"a".repeat(65),
        ] {
            assert!(!is_name(bad), "{bad}");
        }
        assert_eq!(suggest("Soil Bed.1").as_deref(), Some("soil-bed-1"));
        assert_eq!(suggest("温"), None);
    }
}
