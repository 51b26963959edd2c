//! Makes one function of each text in `src/language/texts`, with an argument for each of its places.
//! A text that one language lacks, or a place that a translation forgets, does not compile; one that
//! nothing uses is dead code.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The folder with one folder a language.
const TEXTS: &str = "src/language/texts";

/// The language that is written first, and the translation.
const LANGUAGES: [&str; 2] = ["en", "zh"];

/// Texts that come from the kernel's crates in English, and are recognised: no functions.
const SAID: &str = "said";

/// Texts whose English stands in the code already, as comments: the help.
const TRANSLATED_ONLY: &str = "help.ftl";

/// The words around places by which a sentence is recognised must have so many bytes: fewer are found
/// in anything.
const FEWEST: usize = 4;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// One piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Words(String),
    Place(String),
}

/// Writes `texts.rs` for `crate::language`.
pub fn generate() -> Result<()> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join(TEXTS);
    println!("cargo::rerun-if-changed={}", root.display());
    println!("cargo::rerun-if-changed=build/texts.rs");
    let mut code = String::new();
    let mut all = Vec::new();
    for language in LANGUAGES {
        let mut files = Vec::new();
        files_in(&root.join(language), &mut files)?;
        files.sort();
        let name = language.to_uppercase();
        let (mut own, mut recognised) = (String::new(), String::new());
        let mut texts = BTreeMap::new();
        for file in files {
            let said = file.parent().is_some_and(|folder| folder.ends_with(SAID));
            let list = match said {
                true => &mut recognised,
                false => &mut own,
            };
            writeln!(list, "    include_str!({file:?}),")?;
            let only = file.file_name().is_some_and(|name| name == TRANSLATED_ONLY);
            for (key, text) in entries(&file)? {
                let place = format!("{}: `{key}`", file.display());
                let parts = parts(&text).map_err(|error| format!("{place}: {error}"))?;
                let of_help = key == "help" || key.starts_with("help-");
                if key.starts_with("said-") != said || of_help != only {
                    return Err(format!("{place} belongs into another file").into());
                }
                if !only && texts.insert(key, (said, parts)).is_some() {
                    return Err(format!("{place} is there twice").into());
                }
            }
        }
        writeln!(code, "const {name}: &[&str] = &[\n{own}];")?;
        // In English they are as they were said.
        if language == LANGUAGES[0] {
            writeln!(code, "#[cfg(test)]")?;
        }
        writeln!(code, "const {name}_SAID: &[&str] = &[\n{recognised}];")?;
        all.push(texts);
    }
    let [english, translated] = all.as_slice() else {
        return Err("two languages are compared".into());
    };
    compare(english, translated)?;
    functions(english, &mut code)?;
    said(english, &mut code)?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?).join("texts.rs");
    std::fs::write(out, code)?;
    Ok(())
}

fn files_in(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files_in(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "ftl") {
            files.push(path);
        }
    }
    Ok(())
}

/// Keys and texts of a file. Texts that go on in further lines are indented there.
fn entries(file: &Path) -> Result<Vec<(String, String)>> {
    let mut entries: Vec<(String, String)> = Vec::new();
    for line in std::fs::read_to_string(file)?.lines() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match (line.split_once(" ="), entries.last_mut()) {
            (_, Some((_, text))) if line.starts_with(' ') => {
                text.push('\n');
                text.push_str(line.trim_start());
            }
            (Some((key, text)), _) => entries.push((key.to_owned(), text.trim().to_owned())),
            _ => return Err(format!("{}: `{line}` is no text", file.display()).into()),
        }
    }
    Ok(entries)
}

/// A text in words and places.
fn parts(text: &str) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    let mut words = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        words.push_str(before);
        let (inside, after) = match after.strip_prefix("\"{\"}") {
            Some(after) => ("\"{\"", after),
            None => after.split_once('}').ok_or("a brace is not closed")?,
        };
        // `{"}"}`
        let after = match inside {
            "\"" => after
                .strip_prefix("\"}")
                .ok_or("a quotation is not closed")?,
            _ => after,
        };
        rest = after;
        match inside.trim() {
            "\"" => words.push('}'),
            quoted if quoted.starts_with('"') => words.push_str(quoted.trim_matches('"')),
            place => {
                let name = place.strip_prefix('$').ok_or("only `{ $name }` is taken")?;
                if !words.is_empty() {
                    parts.push(Part::Words(std::mem::take(&mut words)));
                }
                parts.push(Part::Place(name.to_owned()));
            }
        }
    }
    words.push_str(rest);
    if !words.is_empty() {
        parts.push(Part::Words(words));
    }
    Ok(parts)
}

/// The names of a text's places, in their order, each once.
fn places(parts: &[Part]) -> Vec<&str> {
    let mut names = Vec::new();
    for part in parts {
        if let Part::Place(name) = part
            && !names.contains(&name.as_str())
        {
            names.push(name);
        }
    }
    names
}

type Texts = BTreeMap<String, (bool, Vec<Part>)>;

fn compare(english: &Texts, translated: &Texts) -> Result<()> {
    if let Some(key) = translated.keys().find(|key| !english.contains_key(*key)) {
        return Err(format!("`{key}` is translated from nothing").into());
    }
    for (key, (_, parts)) in english {
        let Some((_, other)) = translated.get(key) else {
            return Err(format!("`{key}` is not translated").into());
        };
        let (mut one, mut two) = (places(parts), places(other));
        one.sort_unstable();
        two.sort_unstable();
        if one != two {
            return Err(format!("`{key}` has places {one:?}, its translation {two:?}").into());
        }
    }
    Ok(())
}

/// `ps-title` becomes `ps_title(name, version, …) -> Text`.
fn functions(texts: &Texts, code: &mut String) -> Result<()> {
    writeln!(code, "/// A function for each text.")?;
    writeln!(code, "#[allow(clippy::too_many_arguments)]")?;
    writeln!(code, "pub(crate) mod say {{")?;
    writeln!(code, "    use super::{{Argument, Text}};")?;
    for (key, (said, parts)) in texts {
        if *said {
            continue;
        }
        let places = places(parts);
        let rust = |name: &str| name.replace('-', "_");
        let list = |form: &dyn Fn(&str) -> String| {
            let places: Vec<String> = places.iter().map(|name| form(name)).collect();
            places.join(", ")
        };
        let parameters = list(&|name| format!("{}: impl Into<Argument>", rust(name)));
        let arguments = list(&|name| format!("({name:?}, {}.into())", rust(name)));
        let name = rust(key);
        writeln!(code, "    /// `{key}`")?;
        writeln!(code, "    pub(crate) fn {name}({parameters}) -> Text {{")?;
        writeln!(code, "        Text::of({key:?}, vec![{arguments}])")?;
        writeln!(code, "    }}")?;
    }
    writeln!(code, "}}")?;
    Ok(())
}

/// What the kernel's crates say, the most special first: it begins with words of its own, and has many.
fn said(texts: &Texts, code: &mut String) -> Result<()> {
    let length = |parts: &[Part]| -> usize {
        let words = parts.iter().map(|part| match part {
            Part::Words(words) => words.len(),
            Part::Place(_) => 0,
        });
        words.sum()
    };
    let mut said: Vec<(&String, &Vec<Part>)> = Vec::new();
    let mut shapes = BTreeMap::new();
    for (key, (_, parts)) in texts.iter().filter(|(_, (said, _))| *said) {
        let adjoining = parts
            .windows(2)
            .any(|two| matches!(two, [Part::Place(_), Part::Place(_)]));
        let firm = places(parts).is_empty() || length(parts) >= FEWEST;
        if adjoining || !firm {
            return Err(format!("`{key}` cannot be recognised by its words").into());
        }
        let shape: Vec<Option<&str>> = parts
            .iter()
            .map(|part| match part {
                Part::Words(words) => Some(words.as_str()),
                Part::Place(_) => None,
            })
            .collect();
        if let Some(other) = shapes.insert(shape, key) {
            return Err(format!("`{key}` is the same sentence as `{other}`").into());
        }
        said.push((key, parts));
    }
    said.sort_by_key(|(key, parts)| {
        let open = matches!(parts.first(), Some(Part::Place(_)));
        (open, std::cmp::Reverse(length(parts)), *key)
    });
    writeln!(code, "const SAID: &[said::Sentence] = &[")?;
    for (key, parts) in said {
        write!(code, "    said::Sentence {{ key: {key:?}, parts: &[")?;
        for part in parts {
            match part {
                Part::Words(words) => write!(code, "said::Part::Words({words:?}), ")?,
                Part::Place(name) => write!(code, "said::Part::Place({name:?}), ")?,
            }
        }
        writeln!(code, "] }},")?;
    }
    writeln!(code, "];")?;
    Ok(())
}
