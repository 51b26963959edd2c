//! Typed JSON, with errors that name the key.

use serde::de::DeserializeOwned;

/// Reads `text`. The error starts with the path of the culprit (`` `limits.below`: ``), where it
/// is not the document as a whole.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| explain(text, &error))
}

/// What `error` says, with the path of the culprit in `text` before it.
pub(crate) fn explain(text: &str, error: &serde_json::Error) -> String {
    let words = words(error);
    match path(text, offset(text, error)) {
        path if path.is_empty() => words,
        path => format!("`{path}`: {words}"),
    }
}

/// The message without serde_json's line and column, which mean nothing to someone who wrote TOML.
fn words(error: &serde_json::Error) -> String {
    let words = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    words
        .strip_suffix(&place)
        .map_or(words.clone(), str::to_owned)
}

/// The offset just behind the byte that `error` was found at.
fn offset(text: &str, error: &serde_json::Error) -> usize {
    let line = error.line().saturating_sub(1);
    let before: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    (before + error.column()).min(text.len())
}

enum Level {
    Object { key: String },
    Array { index: usize },
}

/// The path of the value that ends or lies at `offset`.
fn path(text: &str, offset: usize) -> String {
    let bytes = text.as_bytes();
    let mut levels: Vec<Level> = Vec::new();
    // Whether a string that begins here is a key.
    let mut key_next = false;
    let mut at = 0;
    while at < offset {
        match bytes[at] {
            b'{' => {
                levels.push(Level::Object { key: String::new() });
                key_next = true;
            }
            b'[' => levels.push(Level::Array { index: 0 }),
            b'}' | b']' => {
                levels.pop();
                key_next = false;
            }
            b',' => match levels.last_mut() {
                Some(Level::Array { index }) => *index += 1,
                Some(Level::Object { .. }) => key_next = true,
                None => {}
            },
            b'"' => {
                let start = at + 1;
                at = start;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                if let (true, Some(Level::Object { key })) = (key_next, levels.last_mut()) {
                    *key = text
                        .get(start..at.min(bytes.len()))
                        .unwrap_or_default()
                        .to_owned();
                    key_next = false;
                }
            }
            _ => {}
        }
        at += 1;
    }
    let mut path = String::new();
    for level in levels {
        match level {
            Level::Object { key } if key.is_empty() => {}
            Level::Object { key } => {
                if !path.is_empty() {
                    path.push('.');
                }
                // A key that would read as several steps is quoted as in TOML, so that whoever
                // reads the path finds it. It stands here as it is in JSON.
                if key.contains(['.', '[', ']', '`', '\\']) {
                    path.push_str(&format!("\"{key}\""));
                } else {
                    path.push_str(&key);
                }
            }
            Level::Array { index } => path.push_str(&format!("[{index}]")),
        }
    }
    path
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Config {
        name: String,
        limits: Option<Limits>,
        #[serde(default)]
        points: Vec<Limits>,
        #[serde(default)]
        groups: std::collections::BTreeMap<String, Limits>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Limits {
        below: f64,
    }

    fn error(text: &str) -> String {
        read::<Config>(text).unwrap_err()
    }

    #[test]
    fn the_key_with_the_wrong_type_is_named() {
        assert_eq!(
            error(r#"{"name": "a", "limits": {"below": "x"}}"#),
            "`limits.below`: invalid type: string \"x\", expected f64"
        );
        assert_eq!(
            error("{\"name\": \"a\",\n \"points\": [{\"below\": 1}, {\"below\": true}]}"),
            "`points[1].below`: invalid type: boolean `true`, expected f64"
        );
    }

    #[test]
    fn a_key_that_would_read_as_several_is_quoted() {
        let text = r#"{"name": "a", "groups": {"a.b": {"below": 1}, "c[0]\"": {"belo": 1}}}"#;
        assert_eq!(
            error(text),
            "`groups.\"c[0]\\\"\".belo`: unknown field `belo`, expected `below`"
        );
    }

    #[test]
    fn an_unknown_key_is_named_with_its_table() {
        let text = error(r#"{"name": "a", "limits": {"belo": 1}}"#);
        assert_eq!(
            text,
            "`limits.belo`: unknown field `belo`, expected `below`"
        );
    }

    #[test]
    fn a_missing_key_is_named() {
        assert_eq!(error("{}"), "missing field `name`");
        let text = error(r#"{"name": "a", "limits": {}}"#);
        assert_eq!(text, "`limits`: missing field `below`");
    }

    proptest! {
        #[test]
        fn any_text_is_explained_without_a_panic(text in "[ {}\\[\\],:\"\\\\a-cé0-9\n]{0,40}") {
            let _ = read::<Config>(&text);
        }
    }
}
