//! The errors that the book explains are worded as the book words them.

use std::path::Path;

use weihe_tests::{book_sources, workspace};

/// All Rust below a folder.
pub fn sources(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|end| end == "rs") {
            text.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn each_message_in_the_chapter_of_errors_is_one_of_the_hosts() {
    let mut host = String::new();
    sources(&workspace().join("kernel"), &mut host);
    let page = std::fs::read_to_string(book_sources("en").join("src/errors.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let mut known = 0;
    for message in rows.filter_map(|row| Some(row.split_once('`')?.0)) {
        // What a message is filled with is left out in the page.
        let parts = message.split('…');
        for part in parts.map(|part| part.trim_matches([' ', ';', ',', '(', ')'])) {
            assert!(host.contains(part), "`{part}` of `{message}`");
            known += usize::from(!part.is_empty());
        }
    }
    assert!(known > 10, "{known}");
}
