//! The book, rendered by mdBook, as its readers have it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::{HtmlPage, workspace};

/// Its languages. A page has the same name in all.
pub const LANGUAGES: [&str; 2] = ["en", "zh"];

/// All languages of the book as HTML, laid out as `mdbook build` lays them out in the clone.
#[derive(Debug)]
pub struct Book {
    folder: TempDir,
}

impl Book {
    /// Renders it. Without mdBook there is none: then the test says so and ends, but where `CI` is
    /// set it fails.
    pub fn render() -> Option<Self> {
        let Some(program) = mdbook() else {
            let reason = "there is no `mdbook` (in PATH, or where WEIHE_MDBOOK says); \
                          `cargo install --locked mdbook` brings it";
            assert!(std::env::var_os("CI").is_none(), "{reason}");
            let thread = std::thread::current();
            let test = thread.name().unwrap_or("a test");
            // Not by a macro: the harness keeps back what those print in a passing test.
            let _ = writeln!(std::io::stderr(), "\nSKIPPED {test}: {reason}\n");
            return None;
        };
        let book = Self {
            folder: tempfile::tempdir().expect("a folder"),
        };
        for language in LANGUAGES {
            let output = Command::new(&program)
                .arg("build")
                .arg(sources(language))
                .arg("--dest-dir")
                .arg(book.pages(language))
                .output()
                .expect("mdbook runs");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            // It warns of pages that are missing, and of snippets that cannot be included.
            let complains =
                !output.status.success() || said.contains("ERROR") || said.contains("WARN");
            assert!(!complains, "{language}: {said}");
        }
        Some(book)
    }

    /// The folder that holds both languages.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of the rendered pages of a language.
    pub fn pages(&self, language: &str) -> PathBuf {
        // As deep as the sources are, so that links between languages hold for both.
        self.folder.path().join(language).join("src")
    }

    /// A rendered page.
    pub fn page(&self, language: &str, name: &str) -> HtmlPage {
        HtmlPage::read(&self.pages(language).join(name).with_extension("html"))
    }
}

/// The folder of a language: `book.toml`, and `src`.
pub fn sources(language: &str) -> PathBuf {
    workspace().join("docs/book").join(language)
}

/// Where mdBook is: as a variable says, in `PATH`, or where `.ci/run` puts it.
fn mdbook() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("WEIHE_MDBOOK") {
        return Some(named.into());
    }
    let cache = match std::env::var_os("XDG_CACHE_HOME") {
        Some(cache) => PathBuf::from(cache),
        None => PathBuf::from(std::env::var_os("HOME")?).join(".cache"),
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([cache.join("weihe/tools/bin")])
        .map(|folder| folder.join("mdbook"))
        .find(|program| program.is_file())
}
