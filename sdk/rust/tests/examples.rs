//! Every public item of the SDK has an example. Read from the source, which rustfmt keeps in one shape;
//! that the examples compile is the doctests' business.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

/// Not for authors. (The kernel that tests play has the same shape as the real one, file by file.)
const LEFT_OUT: [&str; 6] = [
    "bindings",
    "kernel",
    "glue.rs",
    "runtime.rs",
    "seam",
    "seam.rs",
];

/// What a line declares, when it needs an example.
fn declared(line: &str, in_trait: bool) -> Option<String> {
    let indent = line.len() - line.trim_start().len();
    let mut words = line.trim_start();
    // Methods stand one step in; what is deeper is within a function.
    if indent > 4 {
        return None;
    }
    match words.strip_prefix("pub ") {
        Some(rest) => words = rest,
        None if in_trait && indent == 4 && words.starts_with("fn ") => {}
        None => return None,
    }
    for qualifier in ["const ", "unsafe ", "async "] {
        if let Some(rest) = words.strip_prefix(qualifier)
            && rest.starts_with("fn ")
        {
            words = rest;
        }
    }
    let kinds = [
        "fn ",
        "struct ",
        "enum ",
        "trait ",
        "type ",
        "const ",
        "static ",
        "mod ",
        "union ",
        // Generated types get their examples where they are made public.
        "use wit::",
        "use crate::bindings::",
    ];
    let kind = kinds.iter().find(|kind| words.starts_with(**kind))?;
    let name = words[kind.len()..]
        .split(|c: char| !(c.is_alphanumeric() || "_:{}, ".contains(c)))
        .next()?;
    Some(format!("{kind}{}", name.trim_end_matches(['{', ' ', ':'])))
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if LEFT_OUT.contains(&name) || name == "tests.rs" {
            continue;
        }
        if path.is_dir() {
            sources(&path, found);
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
    found.sort();
}

/// The modules whose items are reached under the module's own name, for which `//!` has an example.
fn has_module_example(source: &str) -> bool {
    let docs = source.lines().take_while(|line| line.starts_with("//!"));
    docs.into_iter().any(|line| line.contains("```"))
}

#[test]
fn every_public_item_has_an_example() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut without = Vec::new();
    let mut with = 0;
    for file in files {
        let source = fs::read_to_string(&file).unwrap();
        let shown = file.strip_prefix(&root).unwrap().display().to_string();
        let (mut documented, mut hidden, mut in_trait) = (false, false, false);
        for (index, line) in source.lines().enumerate() {
            let trimmed = line.trim_start();
            if line == "#[cfg(test)]" {
                break;
            } else if trimmed.starts_with("///") {
                documented |= trimmed.contains("```");
            } else if trimmed.starts_with("#[doc(hidden)]") {
                hidden = true;
            } else if !trimmed.starts_with("#[") {
                let item = declared(line, in_trait).filter(|_| !hidden);
                let item = item.filter(|item| {
                    // A module's example stands in its own file.
                    let module = item
                        .strip_prefix("mod ")
                        .map(|name| file.with_file_name(name));
                    let text = module.and_then(|path| {
                        let text = fs::read_to_string(path.with_extension("rs"));
                        text.or_else(|_| fs::read_to_string(path.join("mod.rs")))
                            .ok()
                    });
                    documented |= text.is_some_and(|text| has_module_example(&text));
                    !LEFT_OUT.contains(&item.trim_start_matches("mod ")) && item != "mod prelude"
                });
                match item {
                    Some(_) if documented => with += 1,
                    Some(item) => without.push(format!("{shown}:{}: {item}", index + 1)),
                    None => {}
                }
                if line.starts_with("pub trait ") {
                    in_trait = true;
                } else if line == "}" {
                    in_trait = false;
                }
                (documented, hidden) = (false, false);
            }
        }
    }
    assert!(
        without.is_empty(),
        "{} of {} public items have no example:\n{}",
        without.len(),
        without.len() + with,
        without.join("\n")
    );
    assert!(
        with > 100,
        "only {with} items were found: is the source in another shape?"
    );
}
