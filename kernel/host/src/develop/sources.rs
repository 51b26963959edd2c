//! The files that a plugin is built from, and whether they have changed.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::component::{Built, Cargo, Packages};

/// Folders of a package that belong to its source.
const FOLDERS: [&str; 2] = ["src", "wit"];

/// Files of a package that do, besides.
const FILES: [&str; 2] = ["Cargo.toml", "build.rs"];

/// How deep folders are looked into: beyond what people make, and an end to links in circles.
const DEPTH: usize = 16;

/// What tells one content of a file from the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    modified: Option<SystemTime>,
    size: u64,
    inode: u64,
}

impl Stamp {
    fn of(file: &Path) -> Option<Self> {
        let data = std::fs::metadata(file).ok().filter(|data| data.is_file())?;
        Some(Self {
            modified: data.modified().ok(),
            size: data.size(),
            inode: data.ino(),
        })
    }
}

/// All files of a plugin as they are at one time.
pub(super) type Stamps = BTreeMap<PathBuf, Stamp>;

/// Where the source of a plugin is.
#[derive(Debug)]
pub(super) struct Sources {
    packages: Packages,
    /// Files elsewhere that the compiler has read: `include_str!`, headers and the like.
    read: BTreeSet<PathBuf>,
}

impl Sources {
    /// The source of the crate in a directory, as cargo says; of a crate that cargo cannot read, its
    /// directory. So it is for one of C.
    pub(super) fn find(cargo: &Cargo, directory: &Path) -> Self {
        let packages = cargo.packages(directory).unwrap_or_else(|_| Packages {
            // As the compiler names the files in it.
            directories: vec![std::fs::canonicalize(directory).unwrap_or(directory.to_path_buf())],
            ..Packages::default()
        });
        Self {
            packages,
            read: BTreeSet::new(),
        }
    }

    /// Whether cargo has said which packages there are.
    pub(super) fn is_known(&self) -> bool {
        self.packages.target_directory.is_some()
    }

    /// Asks cargo again, after a manifest has changed. What it said before holds if it cannot say.
    pub(super) fn find_again(&mut self, cargo: &Cargo, directory: &Path) {
        if let Ok(packages) = cargo.packages(directory) {
            self.packages = packages;
        }
    }

    /// Notes what the compiler has read for a component. Returns the files that were not
    /// among the source before.
    pub(super) fn note(&mut self, built: &Built) -> Stamps {
        let list = std::fs::read_to_string(built.read_files());
        let read = read_by_compiler(&list.unwrap_or_default());
        // What builds have made changes with each of them.
        let target = self.packages.target_directory.clone();
        let is_made = |file: &Path| {
            target
                .as_ref()
                .is_some_and(|target| file.starts_with(target))
        };
        let known = self.stamps();
        self.read = read.into_iter().filter(|file| !is_made(file)).collect();
        let mut new = self.stamps();
        new.retain(|file, _| self.read.contains(file) && !known.contains_key(file));
        new
    }

    /// The files as they are.
    pub(super) fn stamps(&self) -> Stamps {
        let mut files = self.read.clone();
        self.walk(&mut |_| {}, &mut |file| {
            files.insert(file);
        });
        let stamped = files.into_iter();
        stamped
            .filter_map(|file| Some((file.clone(), Stamp::of(&file)?)))
            .collect()
    }

    /// The folders in which they are.
    pub(super) fn folders(&self) -> BTreeSet<PathBuf> {
        let parents = self.read.iter().filter_map(|file| file.parent());
        let mut folders: BTreeSet<PathBuf> = parents.map(Path::to_path_buf).collect();
        self.walk(
            &mut |folder| {
                folders.insert(folder.to_path_buf());
            },
            &mut |_| {},
        );
        folders
    }

    fn walk(&self, folder: &mut impl FnMut(&Path), file: &mut impl FnMut(PathBuf)) {
        for package in &self.packages.directories {
            folder(package);
            for name in FILES {
                file(package.join(name));
            }
            for name in FOLDERS {
                walk(&package.join(name), DEPTH, folder, file);
            }
        }
        if let Some(root) = &self.packages.workspace {
            file(root.join("Cargo.toml"));
        }
    }
}

fn walk(
    directory: &Path,
    depth: usize,
    folder: &mut impl FnMut(&Path),
    file: &mut impl FnMut(PathBuf),
) {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return;
    };
    folder(directory);
    for entry in entries.flatten() {
        if is_passing(&entry.file_name().to_string_lossy()) {
            continue;
        }
        let path = entry.path();
        if !path.is_dir() {
            file(path);
        } else if depth > 0 {
            walk(&path, depth - 1, folder, file);
        }
    }
}

/// Whether a name is one of the files that editors make while they save, or of builds.
fn is_passing(name: &str) -> bool {
    const ENDS: [&str; 6] = ["~", ".swp", ".swx", ".swo", ".tmp", ".bak"];
    name.starts_with(['.', '#'])
        || ENDS.iter().any(|end| name.ends_with(end))
        // Vim asks with this one whether it may write.
        || name == "4913"
        || name == "target"
}

/// The files in what the compiler says it has read: `artifact: file file …`, with blanks in names
/// behind a backslash.
fn read_by_compiler(list: &str) -> BTreeSet<PathBuf> {
    let mut files = BTreeSet::new();
    let Some((_, list)) = list.lines().next().and_then(|line| line.split_once(": ")) else {
        return files;
    };
    let mut name = String::new();
    let mut letters = list.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if letters.peek() == Some(&' ') => name.extend(letters.next()),
            ' ' => {
                files.insert(PathBuf::from(std::mem::take(&mut name)));
            }
            letter => name.push(letter),
        }
    }
    files.insert(PathBuf::from(name));
    files.retain(|file| file.is_absolute());
    files
}

/// The files that are other than they were, or gone.
pub(super) fn changed<'a>(before: &'a Stamps, after: &'a Stamps) -> Vec<&'a Path> {
    let differs = after
        .iter()
        .filter(|(file, stamp)| before.get(*file) != Some(stamp));
    let gone = before.keys().filter(|file| !after.contains_key(*file));
    differs
        .map(|(file, _)| file)
        .chain(gone)
        .map(PathBuf::as_path)
        .collect()
}

#[cfg(test)]
mod tests;
