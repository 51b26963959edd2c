//! No link of the rendered book leads nowhere.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use weihe_tests::{Block, Book, HtmlPage, LANGUAGES, workspace};

/// All rendered pages of a folder.
fn pages(folder: &Path, found: &mut BTreeMap<PathBuf, HtmlPage>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            pages(&path, found);
        // (404.html is for web servers: it links from the root of a site.)
        } else if path.extension().is_some_and(|end| end == "html") && !path.ends_with("404.html") {
            let page = HtmlPage::read(&path);
            found.insert(path, page);
        }
    }
}

/// What is wrong with a reference, if anything is.
fn fault(from: &Path, reference: &str, pages: &BTreeMap<PathBuf, HtmlPage>) -> Option<String> {
    if let Some(rest) = reference.strip_prefix("https://") {
        // Nothing here goes to a network: the form is looked at.
        let host = rest.split('/').next().unwrap_or_default();
        let sound = host.contains('.') && !rest.contains(char::is_whitespace);
        return (!sound).then(|| "not an address".to_owned());
    }
    if reference.contains("://") {
        return Some("neither a page nor https".to_owned());
    }
    let (path, anchor) = reference.split_once('#').unwrap_or((reference, ""));
    let target = match path {
        "" => from.to_owned(),
        path => std::fs::canonicalize(from.parent().unwrap().join(path)).unwrap_or_default(),
    };
    if !target.is_file() {
        return Some("no such file".to_owned());
    }
    let known = pages
        .get(&target)
        .is_none_or(|page| anchor.is_empty() || page.anchors.contains(anchor));
    (!known).then(|| format!("no anchor `{anchor}` there"))
}

#[test]
fn every_link_of_the_rendered_book_leads_somewhere() {
    let Some(book) = Book::render() else { return };
    let mut all = BTreeMap::new();
    pages(&std::fs::canonicalize(book.folder()).unwrap(), &mut all);
    let mut links = 0;
    let mut faults = Vec::new();
    for (file, page) in &all {
        for reference in &page.references {
            links += 1;
            if let Some(fault) = fault(file, reference, &all) {
                faults.push(format!("{}: `{reference}`: {fault}", file.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(links > 100, "{links}");
}

/// Folders at the root, by which a text names a file of the repository.
const ROOMS: [&str; 6] = ["docs/", "examples/", "plugins/", "sdk/", "tests/", "wit/"];

#[test]
fn every_file_of_the_repository_that_the_book_names_exists() {
    let Some(book) = Book::render() else { return };
    let mut named = 0;
    for language in LANGUAGES {
        let mut all = BTreeMap::new();
        pages(&book.pages(language), &mut all);
        // Those that its reader makes, in a crate of his own.
        let blocks = all.values().flat_map(|page| &page.blocks);
        let made: Vec<&String> = blocks
            .filter_map(|block| match block {
                Block::File(name) => Some(name),
                _ => None,
            })
            .collect();
        for (file, page) in &all {
            for name in page.names.iter().filter(|name| !made.contains(name)) {
                // Not patterns, nor names with a part to fill in.
                let is_one = !name.contains(['*', ' ', '{', '…']) && !name.contains("NAME");
                if is_one && ROOMS.iter().any(|room| name.starts_with(room)) {
                    assert!(
                        workspace().join(name).exists(),
                        "{}: `{name}`",
                        file.display()
                    );
                    named += 1;
                }
            }
        }
    }
    assert!(named > 0);
}
