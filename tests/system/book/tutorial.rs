//! The tutorial and the chapters that go on with it, done as the rendered pages say.

use std::collections::BTreeSet;

use weihe_tests::{Block, Book, LANGUAGES, component, workspace};

use super::shell::Reader;
use super::words::sources;

/// What a page tells its reader to do, in order.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    Save(String, String),
    Change(String, String),
    /// What happens in a terminal.
    Console(char, String),
    /// Code to read.
    Look(String, String),
}

/// A block of code follows the name of its file, or the terminal that it is typed in; it holds until
/// another terminal is named.
pub fn steps(blocks: &[Block]) -> Vec<Step> {
    let (mut steps, mut terminal, mut file) = (Vec::new(), 'A', None);
    for block in blocks {
        match block {
            Block::Caption(text) if text.starts_with("Terminal ") || text.starts_with("终端 ") => {
                terminal = text.chars().last().unwrap();
            }
            Block::File(name) => file = Some(name.clone()),
            Block::Code { language, text } => {
                let text = text.clone();
                steps.push(match (language.as_str(), file.take()) {
                    ("console", None) => Step::Console(terminal, text),
                    ("diff", Some(file)) => Step::Change(file, text),
                    (_, Some(file)) => Step::Save(file, text),
                    (language, None) => Step::Look(language.to_owned(), text),
                });
            }
            _ => {}
        }
    }
    steps
}

/// The pages that tell their reader to do something, in the order in which they are read: each goes on
/// where the one before has ended.
const DONE: [&str; 8] = [
    "tutorial",
    "editor-and-shell",
    "testing",
    "swap-and-state",
    "grants",
    "connections-and-codecs",
    "errors",
    "other-languages",
];

#[test]
fn the_book_does_what_its_rendered_pages_say() {
    let Some(book) = Book::render() else { return };
    // Dependencies are built along with the components under test.
    component("weihe-plugin-modbus");
    let mut reader = Reader::new(&["127.0.0.1:4001"]);
    for page in DONE {
        for step in steps(&book.page("en", page).blocks) {
            match step {
                Step::Save(file, text) => reader.save(&file, &text),
                Step::Change(file, diff) => reader.change(&file, &diff),
                Step::Console(terminal, block) => reader.console(terminal, &block),
                Step::Look(..) => {}
            }
        }
    }
}

/// The pages of a language that somebody has written, as `SUMMARY.md` lists them.
fn written(book: &Book, language: &str) -> Vec<String> {
    let index = book.page(language, "toc").references;
    let pages = index.iter().filter_map(|link| link.strip_suffix(".html"));
    let pages: BTreeSet<&str> = pages
        .filter(|page| !page.starts_with("reference/"))
        .collect();
    assert!(pages.len() > DONE.len(), "{pages:?}");
    pages.into_iter().map(str::to_owned).collect()
}

#[test]
fn both_languages_tell_their_readers_to_do_the_same() {
    let Some(book) = Book::render() else { return };
    let [english, chinese] = LANGUAGES;
    for name in written(&book, chinese) {
        let of = |language: &str| steps(&book.page(language, &name).blocks);
        assert_eq!(of(chinese), of(english), "{name}");
    }
}

#[test]
fn rust_that_is_only_shown_is_included_from_an_example_that_is_built() {
    let Some(book) = Book::render() else { return };
    let mut examples = String::new();
    sources(&workspace().join("examples"), &mut examples);
    for name in written(&book, "en") {
        for step in steps(&book.page("en", &name).blocks) {
            if let Step::Look(language, text) = step {
                let is_known = language != "rust" || examples.contains(text.trim());
                assert!(is_known, "{name}: it is of no file:\n{text}");
            }
        }
    }
}
