//! The tutorial, done as the rendered page says.

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

#[test]
fn the_tutorial_does_what_its_rendered_page_says() {
    let Some(book) = Book::render() else { return };
    let [english, chinese] =
        LANGUAGES.map(|language| steps(&book.page(language, "tutorial").blocks));
    assert_eq!(chinese, english, "the same steps in both languages");
    // Dependencies are built along with the components under test.
    component("weihe-plugin-modbus");
    let mut reader = Reader::new(&["127.0.0.1:4001"]);
    let crate_in = 'A'.to_string();
    for step in english {
        match step {
            Step::Save(file, text) => reader.save(&crate_in, &file, &text),
            Step::Change(file, diff) => reader.change(&crate_in, &file, &diff),
            Step::Console(terminal, block) => reader.console(&terminal.to_string(), &block),
            Step::Look(..) => {}
        }
    }
}
