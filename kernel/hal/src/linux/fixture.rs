//! A folder with files like those of a board, for tests.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;

use super::place::Places;
use crate::root::Root;

/// Files of a board.
pub(super) struct Fixture(tempfile::TempDir);

impl Fixture {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path.trim_start_matches('/'))
    }

    /// A file. Where a link leads somewhere else, it is there.
    pub(super) fn file(&self, path: &str, text: &str) -> &Self {
        let path = self.root().path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    pub(super) fn link(&self, path: &str, target: &str) -> &Self {
        fs::create_dir_all(self.at(target)).unwrap();
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
        self
    }

    pub(super) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root().path(path)).unwrap()
    }

    pub(super) fn root(&self) -> Root {
        Root::new(self.0.path())
    }

    pub(super) fn places(&self) -> Arc<Places> {
        Arc::new(Places::watchful(self.root()))
    }
}
