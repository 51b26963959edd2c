//! The tutorial and the chapters that go on with it, done as the rendered pages say.

use weihe_tests::{Block, Book, LANGUAGES, component};

use super::shell::Reader;

/// What a page tells its reader to do, in order.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Save(String, String),
    Change(String, String),
    /// What happens in a terminal.
    Console(char, String),
    /// Code to read.
    Look(String, String),
}

/// A block of code follows the name of its file, or the terminal that it is typed in; it holds until
/// another terminal is named.
fn steps(blocks: &[Block]) -> Vec<Step> {
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
const DONE: [&str; 6] = [
    "tutorial",
    "testing",
    "swap-and-state",
    "grants",
    "connections-and-codecs",
    "errors",
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
                // Rust that is only looked at would rot.
                Step::Look(language, text) => assert_ne!(language, "rust", "{page}: {text}"),
            }
        }
    }
}

#[test]
fn both_languages_tell_their_readers_to_do_the_same() {
    let Some(book) = Book::render() else { return };
    let [english, chinese] = LANGUAGES;
    let names = std::fs::read_dir(book.pages(chinese)).unwrap();
    let names = names.map(|name| name.unwrap().path());
    for name in names.filter(|name| name.extension().is_some_and(|end| end == "html")) {
        let name = name.file_stem().unwrap().to_str().unwrap();
        // Texts that mdBook makes.
        if !["404", "index", "print", "toc"].contains(&name) {
            let of = |language: &str| steps(&book.page(language, name).blocks);
            assert_eq!(of(chinese), of(english), "{name}");
        }
    }
}
