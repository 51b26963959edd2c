//! The Chinese documents are kept in step with the English ones, as far as that can be counted.

use std::collections::BTreeSet;

use weihe_tests::{LANGUAGES, book_sources, workspace};

/// What a document and its translation have in common.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outline {
    /// The level of each heading.
    headings: Vec<usize>,
    /// The bars in each row of a table.
    rows: Vec<usize>,
    /// How many blocks of code there are.
    blocks: usize,
    /// Commands, keys, files and states that the text names.
    names: BTreeSet<String>,
}

fn outline(document: &str) -> Outline {
    let mut outline = Outline::default();
    let (mut text, mut code) = (String::new(), false);
    for line in document.lines() {
        if line.starts_with("```") {
            code = !code;
            outline.blocks += usize::from(code);
            continue;
        }
        if code {
            continue;
        }
        if line.starts_with('#') {
            let level = line.chars().take_while(|letter| *letter == '#').count();
            outline.headings.push(level);
        }
        if line.starts_with('|') {
            outline.rows.push(line.matches('|').count());
        }
        text.push_str(line);
        text.push('\n');
    }
    // Every second piece is one between backticks, and may be broken at the end of a line.
    for name in text.split('`').skip(1).step_by(2) {
        let words: Vec<&str> = name.split_whitespace().collect();
        outline.names.insert(words.join(" "));
    }
    outline
}

#[test]
fn a_document_and_its_translation_link_each_other_and_have_the_same_outline() {
    let mut pairs = 0;
    for folder in [
        "",
        "docs",
        "docs/plugins",
        "examples/c-flow-meter",
        "examples/sealed-reading",
        "examples/workbench",
    ]
    .map(|name| workspace().join(name))
    {
        let files = std::fs::read_dir(&folder).unwrap();
        let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let names: BTreeSet<String> = files
            .filter_map(|file| {
                let name = file.strip_suffix(".md")?;
                Some(name.strip_suffix(".zh-CN").unwrap_or(name).to_owned())
            })
            .collect();
        for name in names {
            let english = std::fs::read_to_string(folder.join(format!("{name}.md"))).unwrap();
            let chinese = std::fs::read_to_string(folder.join(format!("{name}.zh-CN.md")));
            let link = format!("[中文]({name}.zh-CN.md)");
            let is_linked = english.lines().nth(2) == Some(link.as_str());
            assert_eq!(is_linked, chinese.is_ok(), "{name}.md and `{link}`");
            let Ok(chinese) = chinese else { continue };
            let back = format!("[English]({name}.md)");
            assert_eq!(chinese.lines().nth(2), Some(back.as_str()), "{name}");
            assert_eq!(outline(&chinese), outline(&english), "{name}.zh-CN.md");
            pairs += 1;
        }
    }
    assert!(pairs > 0);
}

/// A page of the book, and what else `SUMMARY.md` names of its language.
fn page(language: &str, name: &str) -> String {
    let file = book_sources(language).join("src").join(name);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

#[test]
fn the_books_have_the_same_pages_which_link_each_other_and_have_the_same_outline() {
    let [english, chinese] = LANGUAGES;
    let listed = |language: &str| -> Vec<String> {
        let summary = page(language, "SUMMARY.md");
        let rest = summary.split("](").skip(1);
        let links = rest.map(|rest| rest.split_once(')').unwrap().0.to_owned());
        // Comments of interfaces are English, and so is what is made of them.
        let (reference, pages): (Vec<_>, Vec<_>) =
            links.partition(|link| link.starts_with("reference/"));
        assert!(reference.is_empty() || language == english);
        pages
    };
    assert_eq!(listed(chinese), listed(english));
    for name in listed(english) {
        let (here, there) = (page(english, &name), page(chinese, &name));
        let up = "../".repeat(2 + name.matches('/').count());
        let onward = format!("[中文]({up}{chinese}/src/{name})");
        assert_eq!(here.lines().nth(2), Some(onward.as_str()), "{name}");
        let back = format!("[English]({up}{english}/src/{name})");
        assert_eq!(there.lines().nth(2), Some(back.as_str()), "{name}");
        assert_eq!(outline(&there), outline(&here), "{name}");
    }
}
